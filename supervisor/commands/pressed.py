"""What was pressed, or filled in, as the fact that the router knows."""

from collections.abc import Iterator

from bridge.discord_numbers import InteractionType
from bridge.routing.seen import Clicked
from bridge.session import custom_ids
from supervisor.discord.shapes import Interaction


def clicked(asked: Interaction) -> Clicked:
    fields = dict(_fields(asked.data)) if asked.type == InteractionType.MODAL_SUBMIT else {}
    values = asked.data.get("values")
    return Clicked(
        custom_id=str(asked.data.get("custom_id", "")),
        channel_id=asked.channel_id,
        guild_id=asked.guild_id,
        person=asked.person,
        reason=fields.get(custom_ids.REASON_FIELD, "") if asked.type == InteractionType.MODAL_SUBMIT else None,
        values=tuple(str(value) for value in values) if isinstance(values, list) else (),
        texts={place: text for name, text in fields.items() if (place := custom_ids.place_of_field(name)) is not None},
    )


def _fields(node: object) -> Iterator[tuple[str, str]]:
    """(custom_id, value) of a modal's text fields, wherever in the modal they stand."""
    match node:
        case {"custom_id": str(name), "value": str(value)}:
            yield name, value
        case {"components": list(inside)}:
            for part in inside:
                yield from _fields(part)
        case {"component": dict(part)}:
            yield from _fields(part)
        case _:
            pass
