"""What Discord refuses in components, old and V2, and in modals (documentation, "Component Reference")."""

from twins.discord.errors import Problems
from twins.discord.model import Json, texts_of, walk

ROW, BUTTON, STRING_SELECT, TEXT_INPUT = 1, 2, 3, 4
ENTITY_SELECTS = (5, 6, 7, 8)
SELECTS = (STRING_SELECT, *ENTITY_SELECTS)
SECTION, TEXT, THUMBNAIL, GALLERY, FILE, SEPARATOR, CONTAINER, LABEL = 9, 10, 11, 12, 13, 14, 17, 18
FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX = 19, 21, 22, 23
LINK_STYLE, PREMIUM_STYLE = 5, 6
MOST_NESTED = 40
MOST_V2_TEXT = 4000

_TOP_LEVEL_V2 = (ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR, CONTAINER)
_IN_CONTAINER = (ROW, SECTION, TEXT, GALLERY, FILE, SEPARATOR)
_IN_LABEL = (TEXT_INPUT, *SELECTS, FILE_UPLOAD, RADIO_GROUP, CHECKBOX_GROUP, CHECKBOX)


def check_components(problems: Problems, components: object) -> None:
    """Components of a message without the V2 flag: up to five action rows."""
    rows = _list_of_objects(problems, "components", components)
    problems.length("components", len(rows), 5)
    for index, row in enumerate(rows):
        if problems.choice(f"components.{index}.type", row.get("type"), (ROW,)):
            _check_row(problems, f"components.{index}", row)
    _check_unique(problems, rows)


def check_components_v2(problems: Problems, components: object, filenames: set[str]) -> None:
    """Components of a message with the V2 flag; `filenames` are those an `attachment://` may name."""
    found = _list_of_objects(problems, "components", components)
    _check_children(problems, "components", found, _TOP_LEVEL_V2)
    everything = walk(found)
    if len(everything) > MOST_NESTED:
        problems.add(
            "components",
            "COMPONENT_MAX_TOTAL_COMPONENTS_EXCEEDED",
            f"The total number of components cannot exceed {MOST_NESTED}",
        )
    if sum(map(len, texts_of(found))) > MOST_V2_TEXT:
        problems.add(
            "components",
            "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
            f"The total displayable text size cannot exceed {MOST_V2_TEXT}",
        )
    _check_unique(problems, found)
    _check_references(problems, everything, filenames)


def check_modal(modal: Json) -> None:
    """Raise ApiError if this is not a modal that Discord would show."""
    problems = Problems()
    problems.text("data.title", modal.get("title"), 45, least=1)
    problems.text("data.custom_id", modal.get("custom_id"), 100, least=1)
    components = _list_of_objects(problems, "data.components", modal.get("components"))
    problems.length("data.components", len(components), 5, 1)
    for index, component in enumerate(components):
        _check_modal_part(problems, f"data.components.{index}", component)
    _check_unique(problems, components, "data.components")
    problems.raise_if_any()


def _list_of_objects(problems: Problems, path: str, value: object) -> list[Json]:
    if value is None:
        return []
    if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        return value
    problems.add(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    return []


def _check_row(problems: Problems, path: str, row: Json) -> None:
    inside = _list_of_objects(problems, f"{path}.components", row.get("components"))
    selects = [component for component in inside if component.get("type") in SELECTS]
    problems.length(f"{path}.components", len(inside), 1 if selects else 5, 1)
    for index, component in enumerate(inside):
        _check_interactive(problems, f"{path}.components.{index}", component)


def _check_interactive(problems: Problems, path: str, component: Json) -> None:
    kind = component.get("type")
    if not problems.choice(f"{path}.type", kind, (BUTTON, *SELECTS)):
        return
    if kind == BUTTON:
        _check_button(problems, path, component)
    else:
        _check_select(problems, path, component)


def _check_button(problems: Problems, path: str, button: Json) -> None:
    style = button.get("style")
    if not problems.choice(f"{path}.style", style, (1, 2, 3, 4, LINK_STYLE, PREMIUM_STYLE)):
        return
    if style == PREMIUM_STYLE:
        return
    if button.get("label") is not None:
        problems.text(f"{path}.label", button["label"], 80)
    if not button.get("label") and not button.get("emoji"):
        problems.add(path, "BUTTON_COMPONENT_INVALID_CONTENT", "A button must have either a label or an emoji")
    _check_button_target(problems, path, button, link=style == LINK_STYLE)


def _check_button_target(problems: Problems, path: str, button: Json, *, link: bool) -> None:
    """A link has a URL, any other button a custom id, none has both."""
    wanted, unwanted = ("url", "custom_id") if link else ("custom_id", "url")
    if button.get(unwanted) is not None:
        problems.add(path, "BUTTON_COMPONENT_CUSTOM_ID_URL_EXCLUSIVE", "A custom id and url cannot both be specified")
    problems.text(f"{path}.{wanted}", button.get(wanted), 512 if link else 100, least=1)


def _check_select(problems: Problems, path: str, select: Json) -> None:
    problems.text(f"{path}.custom_id", select.get("custom_id"), 100, least=1)
    if select.get("placeholder") is not None:
        problems.text(f"{path}.placeholder", select["placeholder"], 150)
    least, most = select.get("min_values", 1), select.get("max_values", 1)
    if not (0 <= least <= 25 and 1 <= most <= 25 and least <= most):
        problems.add(
            f"{path}.max_values",
            "BASE_TYPE_BAD_LENGTH",
            "min_values 0-25, max_values 1-25, not below min_values",
        )
    if select.get("required") is True and least == 0:  # discord-api-docs#7800: in messages too
        problems.add(
            f"{path}.min_values",
            "SELECT_COMPONENT_REQUIRED_ZERO_MIN_VALUES",
            "Select menus marked as required cannot have a min_values of 0",
        )
    if select.get("type") == STRING_SELECT:
        _check_options(problems, f"{path}.options", select.get("options"))
        _check_bounds(problems, path, select, most)


def _check_bounds(problems: Problems, path: str, select: Json, most: int) -> None:
    """There are as many options as may be picked (discord.py#6984), and no more of them are picked already."""
    options = _list_of_objects(problems, f"{path}.options", select.get("options"))
    if len(options) < most:
        problems.add(f"{path}.options", "BASE_TYPE_BAD_LENGTH", f"Must be {most} or more in length.")
    if sum(bool(option.get("default")) for option in options) > most:
        problems.add(f"{path}.options", "SELECT_COMPONENT_TOO_MANY_DEFAULTS", f"At most {most} may be default")


def _check_options(problems: Problems, path: str, value: object) -> None:
    options = _list_of_objects(problems, path, value)
    problems.length(path, len(options), 25, 1)
    seen: set[object] = set()
    for index, option in enumerate(options):
        for key in ("label", "value"):
            problems.text(f"{path}.{index}.{key}", option.get(key), 100, least=1)
        if option.get("description") is not None:
            problems.text(f"{path}.{index}.description", option["description"], 100)
        if option.get("value") in seen:
            problems.add(
                f"{path}.{index}.value",
                "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
                "The specified option value is already used",
            )
        seen.add(option.get("value"))


def _check_children(problems: Problems, path: str, components: list[Json], allowed: tuple[object, ...]) -> None:
    for index, component in enumerate(components):
        here = f"{path}.{index}"
        if problems.choice(f"{here}.type", component.get("type"), allowed):
            _check_v2(problems, here, component)


def _check_v2(problems: Problems, path: str, component: Json) -> None:
    match component["type"]:
        case 1:  # ROW
            _check_row(problems, path, component)
        case 9:  # SECTION
            _check_section(problems, path, component)
        case 10:  # TEXT
            problems.text(f"{path}.content", component.get("content"), MOST_V2_TEXT, least=1)
        case 12:  # GALLERY
            problems.length(f"{path}.items", len(component.get("items") or []), 10, 1)
        case 17:  # CONTAINER
            inside = _list_of_objects(problems, f"{path}.components", component.get("components"))
            problems.length(f"{path}.components", len(inside), MOST_NESTED, 1)
            _check_children(problems, f"{path}.components", inside, _IN_CONTAINER)
        case _:
            pass


def _check_section(problems: Problems, path: str, section: Json) -> None:
    texts = _list_of_objects(problems, f"{path}.components", section.get("components"))
    problems.length(f"{path}.components", len(texts), 3, 1)
    _check_children(problems, f"{path}.components", texts, (TEXT,))
    accessory = section.get("accessory")
    if not isinstance(accessory, dict):
        problems.required(f"{path}.accessory")
        return
    allowed = problems.choice(f"{path}.accessory.type", accessory.get("type"), (BUTTON, THUMBNAIL))
    if allowed and accessory["type"] == BUTTON:
        _check_button(problems, f"{path}.accessory", accessory)


def _check_unique(problems: Problems, components: list[Json], path: str = "components") -> None:
    seen: set[object] = set()
    for component in walk(components):
        custom_id = component.get("custom_id")
        if custom_id is not None and custom_id in seen:
            problems.add(path, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
        seen.add(custom_id)


def _check_references(problems: Problems, everything: list[Json], filenames: set[str]) -> None:
    for url in _urls(everything):
        scheme, _, name = url.partition("://")
        if scheme == "attachment" and name not in filenames:
            problems.add("components", "UNFURLED_MEDIA_ITEM_REFERENCED_ATTACHMENT_NOT_FOUND", name)


def _urls(everything: list[Json]) -> list[str]:
    media = [component.get(key) for component in everything for key in ("file", "media")]
    media += [item.get("media") for component in everything for item in component.get("items") or []]
    return [str(entry.get("url")) for entry in media if isinstance(entry, dict)]


def _check_modal_part(problems: Problems, path: str, component: Json) -> None:
    kind = component.get("type")
    if not problems.choice(f"{path}.type", kind, (ROW, TEXT, LABEL)):
        return
    if kind == TEXT:
        problems.text(f"{path}.content", component.get("content"), MOST_V2_TEXT, least=1)
    elif kind == LABEL:
        _check_label(problems, path, component)
    else:
        _check_modal_row(problems, path, component)


def _check_modal_row(problems: Problems, path: str, row: Json) -> None:
    inside = _list_of_objects(problems, f"{path}.components", row.get("components"))
    problems.length(f"{path}.components", len(inside), 1, 1)
    for index, component in enumerate(inside):
        here = f"{path}.components.{index}"
        if problems.choice(f"{here}.type", component.get("type"), (TEXT_INPUT,)):
            problems.text(f"{here}.label", component.get("label"), 45, least=1)
            _check_text_input(problems, here, component)


def _check_label(problems: Problems, path: str, label: Json) -> None:
    problems.text(f"{path}.label", label.get("label"), 45, least=1)
    if label.get("description") is not None:
        problems.text(f"{path}.description", label["description"], 100)
    inside = label.get("component")
    here = f"{path}.component"
    if not isinstance(inside, dict):
        problems.required(here)
    elif problems.choice(f"{here}.type", inside.get("type"), _IN_LABEL):
        _check_labelled(problems, here, inside)


def _check_labelled(problems: Problems, path: str, component: Json) -> None:
    kind = component["type"]
    if kind == TEXT_INPUT:
        if component.get("label") is not None:
            problems.add(f"{path}.label", "TEXT_INPUT_LABEL_NOT_ALLOWED", "Labels are given by the label component")
        _check_text_input(problems, path, component)
    elif kind in SELECTS:
        _check_select(problems, path, component)
    else:
        problems.text(f"{path}.custom_id", component.get("custom_id"), 100, least=1)
    if kind in (RADIO_GROUP, CHECKBOX_GROUP):
        problems.length(f"{path}.options", len(component.get("options") or []), 10, 2 if kind == RADIO_GROUP else 1)


def _check_text_input(problems: Problems, path: str, component: Json) -> None:
    problems.text(f"{path}.custom_id", component.get("custom_id"), 100, least=1)
    problems.choice(f"{path}.style", component.get("style"), (1, 2))
    if component.get("placeholder") is not None:
        problems.text(f"{path}.placeholder", component["placeholder"], 100)
    if component.get("value") is not None:
        problems.text(f"{path}.value", component["value"], 4000)
    for key, least in (("min_length", 0), ("max_length", 1)):
        bound = component.get(key)
        if bound is not None and not least <= bound <= 4000:
            problems.add(f"{path}.{key}", "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and 4000.")
