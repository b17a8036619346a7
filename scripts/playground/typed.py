"""A slash command as somebody types it at a terminal: its subcommands, its options by name, and the rest.

/new Fix the login                  the rest goes to the first option that takes a text
/mode plan                          also where it is the only one that there is
/invite person:Mallory              a person, a channel (#playground), yes or no, a number
/project add channel:playground directory:"/srv/my app"
"""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from twins.discord.forms import CannotError
from twins.discord.model import Channel, Json, User

SUBCOMMANDS = (1, 2)
TEXT, WHOLE, YES_OR_NO, PERSON, CHANNEL, NUMBER = 3, 4, 5, 6, 7, 10
_YES = {"yes": True, "true": True, "no": False, "false": False}


def options_of(
    command: Json, typed: str, people: Sequence[User], channels: Sequence[Channel]
) -> tuple[list[str], dict[str, object]]:
    """(the subcommands, the options by name). Raises CannotError in words."""
    path, rest = _subcommands(command, typed.strip())
    known = {str(option["name"]): option for option in _leaf(command, path).get("options") or []}
    named, left = _named(rest, known)
    values: dict[str, object] = {name: _value(known[name], given, people, channels) for name, given in named.items()}
    if left:
        first = next((name for name, option in known.items() if option["type"] == TEXT and name not in values), None)
        if first is None:
            raise CannotError(f"/{command['name']} takes {_listed(known)}; {left!r} is none of that")
        values[first] = left
    return path, values


def _subcommands(command: Json, typed: str) -> tuple[list[str], str]:
    path: list[str] = []
    node = command
    while inside := {str(one["name"]): one for one in node.get("options") or [] if one["type"] in SUBCOMMANDS}:
        word, _, rest = typed.partition(" ")
        if word not in inside:
            raise CannotError(f"/{' '.join([str(command['name']), *path])} is followed by one of {', '.join(inside)}")
        path, node, typed = [*path, word], inside[word], rest.strip()
    return path, typed


def _leaf(command: Json, path: Sequence[str]) -> Json:
    node = command
    for name in path:
        node = next(one for one in node["options"] if one["name"] == name)
    return node


def _named(typed: str, known: Mapping[str, Json]) -> tuple[dict[str, str], str]:
    """What stands at the beginning as `name:value`, and what is left."""
    named: dict[str, str] = {}
    while (name := typed.partition(":")[0]) in known and name not in named:
        value = typed[len(name) + 1 :]
        if not value.startswith(('"', "'")):
            named[name], _, typed = value.partition(" ")
        else:
            named[name], typed = _quoted(value)
        typed = typed.strip()
    return named, typed


def _quoted(value: str) -> tuple[str, str]:
    end = value.find(value[0], 1)
    if end < 0:
        raise CannotError(f"the quote before {value[1:20]!r} has no end")
    return shlex.split(value[: end + 1])[0] if end > 1 else "", value[end + 1 :]


def _value(option: Json, given: str, people: Sequence[User], channels: Sequence[Channel]) -> object:
    name, kind = option["name"], option["type"]
    if kind in (PERSON, CHANNEL):
        every: dict[str, Any] = {one.name.casefold(): one for one in (people if kind == PERSON else channels)}
        if (found := every.get(given.lstrip("@#").casefold())) is None:
            raise CannotError(f"{name} is one of {', '.join(every)}")
        return found
    if kind == YES_OR_NO:
        if given.casefold() not in _YES:
            raise CannotError(f"{name} is yes or no")
        return _YES[given.casefold()]
    if kind in (WHOLE, NUMBER):
        try:
            return int(given) if kind == WHOLE else float(given)
        except ValueError:
            raise CannotError(f"{name} is a number") from None
    return given


def _listed(known: Mapping[str, Json]) -> str:
    return " ".join(f"{name}:…" for name in known) or "no options"
