"""What a Discord client lets a person fill in, and the interaction data that it makes of it.

Everything that a client would not offer raises CannotError: a test that clicks what is not there has found a
mistake.
"""

from collections.abc import Mapping, Sequence

from twins.discord.checks.commands import GROUP, SUBCOMMAND
from twins.discord.checks.components import (
    BUTTON,
    CHECKBOX,
    ENTITY_SELECTS,
    LABEL,
    LINK_STYLE,
    SELECTS,
    STRING_SELECT,
    TEXT_INPUT,
)
from twins.discord.model import Channel, Json, Message, Role, Upload, User, walk
from twins.discord.wire import member_json, role_json, user_json
from twins.discord.world import World

STRING, INTEGER, BOOLEAN, NUMBER = 3, 4, 5, 10
_PLAIN_TYPES: dict[int, tuple[type, ...]] = {
    STRING: (str,),
    INTEGER: (int,),
    BOOLEAN: (bool,),
    NUMBER: (int, float),
}

type Filled = str | bool | Sequence[str]
"""What a person puts into one component of a modal."""


class CannotError(AssertionError):
    """A client would not let a person do this."""


# --- components of a message


def found_component(message: Message, custom_id: str) -> Json:
    """The component of what the message shows *now*; it must not be disabled."""
    if message.deleted:
        raise CannotError(f"message {message.id} is deleted")
    known = [component for component in walk(message.components) if component.get("custom_id")]
    for component in known:
        if component["custom_id"] == custom_id:
            if component.get("disabled"):
                raise CannotError(f"{custom_id!r} is disabled")
            return component
    raise CannotError(f"no {custom_id!r} on the message; there are {[c['custom_id'] for c in known]}")


def pressed(component: Json, values: Sequence[str] | None, guild: World) -> Json:
    """The data of a click on a button, or of picking `values` in a select."""
    data: Json = {
        "custom_id": component["custom_id"],
        "component_type": component["type"],
        "id": component["id"],
    }
    if component["type"] == BUTTON:
        if values is not None or component.get("style") == LINK_STYLE:
            raise CannotError("a button takes no values, and a link no clicks")
        return data
    chosen = picked(component, [str(value) for value in values or []])
    data["values"] = chosen
    if component["type"] in ENTITY_SELECTS:
        data["resolved"] = _resolved(guild, [int(value) for value in chosen])
    return data


def picked(component: Json, values: list[str]) -> list[str]:
    """`values` if a client offers them and their number is allowed."""
    offered = [option["value"] for option in component.get("options") or []]
    if component["type"] == STRING_SELECT and not set(values) <= set(offered):
        raise CannotError(f"{values} are not all among {offered}")
    least, most = component.get("min_values", 1), component.get("max_values", 1)
    if not least <= len(values) <= most:
        raise CannotError(f"{least} to {most} values are to be picked, not {len(values)}")
    return values


# --- modals


def filled_modal(modal: Json, values: Mapping[str, Filled]) -> Json:
    """The data of submitting `modal`; `values` by custom id. What it leaves out stays as the modal came."""
    inputs = [component for component in walk(modal["components"]) if component.get("custom_id")]
    unknown = set(values) - {component["custom_id"] for component in inputs}
    if unknown:
        raise CannotError(f"the modal has no {sorted(unknown)}")
    parts = [_submitted(part, values) for part in modal["components"]]
    return {"custom_id": modal["custom_id"], "components": parts}


def _submitted(part: Json, values: Mapping[str, Filled]) -> Json:
    shell: Json = {"type": part["type"], "id": part.get("id", 0)}
    if part["type"] == LABEL:
        return {**shell, "component": _entered(part["component"], values)}
    if "components" in part:
        return {**shell, "components": [_entered(inside, values) for inside in part["components"]]}
    return shell


def _entered(component: Json, values: Mapping[str, Filled]) -> Json:
    custom_id = component["custom_id"]
    entered: Json = {"type": component["type"], "id": component.get("id", 0), "custom_id": custom_id}
    value = values.get(custom_id)
    if component["type"] == TEXT_INPUT:
        text = component.get("value") or "" if value is None else str(value)
        return {**entered, "value": _typed(component, text)}
    if component["type"] == CHECKBOX:
        return {**entered, "value": bool(value)}
    return {**entered, "values": _chosen(component, value)}


def _typed(component: Json, text: str) -> str:
    if not text and component.get("required", True):
        raise CannotError(f"{component['custom_id']!r} is required")
    least, most = component.get("min_length") or 0, component.get("max_length") or 4000
    if text and not least <= len(text) <= most:
        raise CannotError(f"{component['custom_id']!r} takes {least} to {most} characters, not {len(text)}")
    return text


def _chosen(component: Json, value: Filled | None) -> list[str]:
    defaults = [option["value"] for option in component.get("options") or [] if option.get("default")]
    chosen = defaults if value is None else [value] if isinstance(value, str) else list(_listed(value))
    if not chosen and not component.get("required", True):
        return []
    return picked(component, chosen) if component["type"] in SELECTS else chosen


def _listed(value: Filled) -> Sequence[str]:
    if isinstance(value, bool):
        raise CannotError("only a checkbox is on or off")
    return value


# --- commands


def filled_command(command: Json, path: list[str], values: Mapping[str, object], guild: World, channel_id: int) -> Json:
    """The data of running `command`; `path` are its subcommand's names, `values` its options by name."""
    data: Json = {"id": command["id"], "name": command["name"], "type": command["type"]}
    if "guild_id" in command:
        data["guild_id"] = command["guild_id"]
    leaf = _leaf(command, path)
    options, resolved = _options(leaf, values, guild, channel_id)
    data["options"] = _nested(command, path, options)
    return {**data, "resolved": resolved} if resolved else data


def focused_command(command: Json, path: list[str], values: Mapping[str, object], focused: str) -> Json:
    """The data of typing in the option `focused`, for autocomplete."""
    leaf = _leaf(command, path)
    by_name = {option["name"]: option for option in leaf.get("options") or []}
    if not by_name.get(focused, {}).get("autocomplete"):
        raise CannotError(f"{focused!r} has no autocomplete")
    options: list[Json] = [
        {"name": name, "type": by_name[name]["type"], "value": value} for name, value in values.items()
    ]
    for option in options:
        if option["name"] == focused:
            option["focused"] = True
    return {
        "id": command["id"],
        "name": command["name"],
        "type": command["type"],
        "options": _nested(command, path, options),
    }


def _leaf(command: Json, path: list[str]) -> Json:
    node = command
    for name in path:
        inside = [option for option in node.get("options") or [] if option["type"] in (SUBCOMMAND, GROUP)]
        node = next((option for option in inside if option["name"] == name), {})
        if not node:
            raise CannotError(f"/{command['name']} has no {name!r}")
    if any(option["type"] in (SUBCOMMAND, GROUP) for option in node.get("options") or []):
        raise CannotError(f"/{command['name']} {' '.join(path)} needs a subcommand")
    return node


def _nested(command: Json, path: list[str], options: list[Json]) -> list[Json]:
    """The options wrapped into the subcommand (and group) they belong to."""
    node, kinds = command, []
    for name in path:
        node = next(option for option in node["options"] if option["name"] == name)
        kinds.append(node["type"])
    for name, kind in zip(reversed(path), reversed(kinds), strict=True):
        options = [{"name": name, "type": kind, "options": options}]
    return options


def _options(leaf: Json, values: Mapping[str, object], guild: World, channel_id: int) -> tuple[list[Json], Json]:
    known = leaf.get("options") or []
    unknown = set(values) - {option["name"] for option in known}
    missing = {option["name"] for option in known if option.get("required")} - set(values)
    if unknown or missing:
        raise CannotError(f"options unknown: {sorted(unknown)}, missing: {sorted(missing)}")
    given: list[Json] = []
    resolved: Json = {}
    for option in known:
        if option["name"] in values:
            wire = _wire_value(option, values[option["name"]], guild, channel_id, resolved)
            given.append({"name": option["name"], "type": option["type"], "value": wire})
    return given, resolved


def _wire_value(option: Json, value: object, guild: World, channel_id: int, resolved: Json) -> object:
    match option["type"]:
        case 6 | 7 | 8 | 9:
            identity = int(str(getattr(value, "id", value)))
            for kind, entries in _resolved(guild, [identity]).items():
                resolved.setdefault(kind, {}).update(entries)
            return str(identity)
        case 11:
            return _uploaded(option, value, guild, channel_id, resolved)
        case _:
            return _plain(option, value)


def _plain(option: Json, value: object) -> object:
    wanted = _PLAIN_TYPES[option["type"]]
    if not isinstance(value, wanted) or isinstance(value, bool) != (wanted == (bool,)):
        raise CannotError(f"{option['name']!r} cannot be {value!r}")
    choices = [choice["value"] for choice in option.get("choices") or []]
    if choices and value not in choices:
        raise CannotError(f"{value!r} is none of the choices {choices}")
    least, most = option.get("min_length", 0), option.get("max_length", 6000)
    if isinstance(value, str) and not least <= len(value) <= most:
        raise CannotError(f"{option['name']!r} has the wrong length: {len(value)}")
    return value


def _uploaded(option: Json, value: object, guild: World, channel_id: int, resolved: Json) -> str:
    if not isinstance(value, Upload):
        raise CannotError(f"{option['name']!r} takes an Upload")
    found = guild.upload_json(channel_id, value)
    resolved.setdefault("attachments", {})[found["id"]] = found
    return str(found["id"])


def _resolved(guild: World, ids: list[int]) -> Json:
    resolved: Json = {}
    for identity in ids:
        entity = guild.members.get(identity) or guild.roles.get(identity) or guild.channels.get(identity)
        match entity:
            case User():
                resolved.setdefault("users", {})[str(identity)] = user_json(entity)
                member = member_json(entity, with_user=False)
                member["permissions"] = str(guild.permissions_of(entity))
                resolved.setdefault("members", {})[str(identity)] = member
            case Role():
                resolved.setdefault("roles", {})[str(identity)] = role_json(entity)
            case Channel():
                partial = {**guild.channel_json(entity), "permissions": "0"}
                resolved.setdefault("channels", {})[str(identity)] = partial
            case None:
                raise CannotError(f"there is no {identity} in the guild")
    return resolved
