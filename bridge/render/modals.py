"""The forms that a click opens: their JSON. What is submitted comes back under the same ``custom_id``s."""

from bridge.discord_numbers import FIELD_HINT_CHARS, FIELD_LABEL_CHARS, MODAL_TITLE_CHARS, Component, TextStyle
from bridge.text import one_line

type Part = dict[str, object]


def text_field(custom_id: str, most_chars: int, *, required: bool, placeholder: str = "", value: str = "") -> Part:
    """Where a person types, in several lines. ``value``: what stands in it already."""
    field: Part = {
        "type": Component.TEXT_INPUT,
        "custom_id": custom_id,
        "style": TextStyle.PARAGRAPH,
        "required": required,
        "max_length": most_chars,
    }
    if placeholder:
        field["placeholder"] = placeholder
    if value:
        field["value"] = value
    return field


def labelled(label: str, field: Part, hint: str = "") -> Part:
    body: Part = {"type": Component.LABEL, "label": one_line(label, FIELD_LABEL_CHARS), "component": field}
    return body | ({"description": one_line(hint, FIELD_HINT_CHARS)} if hint else {})


def modal(title: str, custom_id: str, *parts: Part) -> Part:
    return {"title": one_line(title, MODAL_TITLE_CHARS), "custom_id": custom_id, "components": list(parts)}
