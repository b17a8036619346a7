"""How something comes from one file to another, and whether the code says so.

Calls       a function of the other file is called, as far as annotations tell who that is
Given       who is called is known as a Protocol or a callable: a third file joins the two
Taken       the other way round: who goes on takes it, by a call or from what it was given
Heard       an event of Discord's: ``supervisor.assembly`` has the table of who hears which
Hint        only that there is something, through ``supervisor.changes``: who hears of it comes and looks
Sent        a message between the processes: one side makes it, the other reads it (docs/wire.md)
Begun       a process is started, and told through a pipe what for
Outside     Discord, or Claude: the library that speaks with it
"""

import ast
from collections.abc import Iterator
from itertools import pairwise

import msgspec

from lab.walks.inference import (
    Scope,
    Thing,
    bound,
    called,
    calls,
    functions,
    imported,
    inferred,
    is_protocol,
    places,
)

ASSEMBLY = "supervisor/assembly.py"
CHANGES = "supervisor/changes.py"
WIRE = "bridge/protocol/wire.py"
START = "bridge/protocol/start.py"


class Calls(msgspec.Struct, frozen=True):
    """``function``: its name, or a method's, or a class's."""

    function: str

    def objection(self, start: str, to: str) -> str:
        """Why it is not so, in words; empty where it is. So of each kind."""
        is_so = any(_is_of(thing, to, self.function) for thing in called(start))
        return "" if is_so else f"{start} does not call {self.function} of {to}"


class Given(msgspec.Struct, frozen=True):
    """In the file ``where`` the other one is given to ``start``, or to a neighbour ``by_way_of`` that hands it on."""

    where: str
    by_way_of: str = ""

    def objection(self, start: str, to: str) -> str:
        taker = self.by_way_of or start
        if taker != start and not _knows(start, taker) and not _knows(taker, start):
            return f"{start} and {taker} do not know each other"
        if not any(_may_be_of(call, place, to) for call, place in calls(start)):
            return f"{start} calls nobody who could be {to}"
        is_so = any(_takes(call, place, taker) and _gets(call, place, to) for call, place in calls(self.where))
        return "" if is_so else f"{self.where} gives nothing of {to} to {taker}"


class Taken(msgspec.Struct, frozen=True):
    how: Calls | Given

    def objection(self, start: str, to: str) -> str:
        return self.how.objection(to, start)


class Heard(msgspec.Struct, frozen=True):
    """``event``: the name under which the table in ``supervisor.assembly`` says who hears it."""

    event: str

    def objection(self, start: str, to: str) -> str:
        tables = [(row, at) for call, at in calls(ASSEMBLY) if _takes(call, at, start) for row in _tables(call, at)]
        ears = [inferred(ear, at) for row, at in tables for event, ear in _items(row) if event == self.event]
        if not ears:
            return f"{start} is not told who hears {self.event}"
        is_so = any(thing.file == to for things in ears for thing in things)
        return "" if is_so else f"{to} does not hear {self.event}"


class Hint(msgspec.Struct, frozen=True):
    """``what``: the method of ``Changes`` by which it is told."""

    what: str

    def objection(self, start: str, to: str) -> str:
        if self.what not in _told_by(start):
            return f"{start} does not tell {self.what!r}"
        heard = {ear for name in _told_by(to) if name.startswith("hear_") for ear in _ears(name)}
        return "" if heard & _ears(self.what) else f"{to} does not hear {self.what!r}"


class Sent(msgspec.Struct, frozen=True):
    """``made_in``, ``read_in``: the neighbour that makes it for who sends it, or reads it for who receives it."""

    message: str
    made_in: str = ""
    read_in: str = ""

    def objection(self, start: str, to: str) -> str:
        message, maker, reader = Thing(WIRE, self.message), self.made_in or start, self.read_in or to
        if message not in called(maker):
            return f"{maker} makes no {self.message}"
        if message not in _matched(reader):
            return f"{reader} reads no {self.message}"
        neighbours = [(one, helper) for one, helper in ((start, maker), (to, reader)) if one != helper]
        return next((f"{one} calls nothing of {helper}" for one, helper in neighbours if not _calls(one, helper)), "")


class Begun(msgspec.Struct, frozen=True):
    def objection(self, start: str, to: str) -> str:
        package = to.partition("/")[0]
        texts = [_texts(node) for node, _ in places(start) if isinstance(node, ast.List)]
        if not any(("-m", package) in pairwise(line) for line in texts):
            return f"{start} starts no {package}"
        if Thing(START, "encode_start") not in called(start) or Thing(START, "decode_start") not in called(to):
            return f"{start} tells {to} nothing"
        return ""


class Outside(msgspec.Struct, frozen=True):
    library: str

    def objection(self, start: str, to: str) -> str:
        ours = [file for file in (start, to) if "/" in file]
        if len(ours) != 1:
            return f"one of {start} and {to} is to be outside"
        names = (alias.name for node, _ in places(ours[0]) if isinstance(node, ast.Import) for alias in node.names)
        return "" if self.library in names else f"{ours[0]} does not import {self.library}"


How = Calls | Given | Taken | Heard | Hint | Sent | Begun | Outside


def _is_of(thing: Thing, file: str, name: str) -> bool:
    return thing.file == file and thing.name.rpartition(".")[2] == name


def _calls(one: str, other: str) -> bool:
    return any(thing.file == other for thing in called(one))


def _knows(one: str, other: str) -> bool:
    return any(thing.file == other for thing in imported(one).values())


def _may_be_of(call: ast.Call, place: Scope, file: str) -> bool:
    """Whether a call is of somebody unknown: by a method that the file has, or of a callable that was handed over."""
    known = inferred(call.func, place)
    match call.func:
        case ast.Attribute(attr=attr) if known:
            return all(is_protocol(thing) for thing in known) and not functions(file).isdisjoint((attr, "__call__"))
        case ast.Attribute(value=ast.Name(id="self")):
            return True
        case ast.Name(id=name):
            return not known and place.function is not None and bool(bound(name, place.function))
        case _:
            return False


def _takes(call: ast.Call, place: Scope, taker: str) -> bool:
    return any(thing.file == taker for thing in inferred(call.func, place))


def _gets(call: ast.Call, place: Scope, file: str) -> bool:
    return any(thing.file == file for one in _arguments(call) for thing in _handed_on(one, place))


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _handed_on(given: ast.expr, place: Scope) -> set[Thing]:
    """What is given; of what the function itself got, also what it is given by its callers in the same file."""
    found = inferred(given, place)
    if not (isinstance(given, ast.Name) and place.function and not place.owner):
        return found
    names = [arg.arg for arg in place.function.args.args]
    if given.id not in names:
        return found
    own, index = Thing(place.file, place.function.name), names.index(given.id)
    to_it = [(call, at) for call, at in calls(place.file) if own in inferred(call.func, at) and len(call.args) > index]
    return found | {thing for call, at in to_it for thing in inferred(call.args[index], at)}


def _tables(call: ast.Call, place: Scope) -> Iterator[ast.Dict]:
    """The tables that are given under a name."""
    for given in _arguments(call):
        if isinstance(given, ast.Name) and place.function:
            yield from (value for value in bound(given.id, place.function) if isinstance(value, ast.Dict))


def _items(row: ast.Dict) -> Iterator[tuple[object, ast.expr]]:
    for key, value in zip(row.keys, row.values, strict=True):
        if isinstance(key, ast.Constant):
            yield key.value, value


def _told_by(file: str) -> set[str]:
    return {name for thing in called(file) for name in _of_changes(thing)}


def _of_changes(thing: Thing) -> set[str]:
    """The methods of ``Changes`` that a call comes to; ``changed`` is passed on by others under the same name."""
    owner, _, method = thing.name.partition(".")
    own = {method} if thing.file == CHANGES else set()
    if method != "changed":
        return own
    inside = [(call, at) for call, at in calls(thing.file) if at.owner and at.owner.name == owner]
    passed_on = (on for call, at in inside if _stands_in(at, method) for on in inferred(call.func, at))
    return own | {name for on in passed_on if on != thing for name in _of_changes(on)}


def _stands_in(place: Scope, method: str) -> bool:
    return place.function is not None and place.function.name == method


def _ears(method: str) -> set[str]:
    """The lists of ears that a method of ``Changes`` reads or adds to."""
    nodes = [node for node, place in places(CHANGES) if _stands_in(place, method)]
    return {node.attr for node in nodes if isinstance(node, ast.Attribute) and node.attr.startswith("_hear_")}


def _matched(file: str) -> set[Thing]:
    patterns = ((node, place) for node, place in places(file) if isinstance(node, ast.MatchClass))
    return {thing for node, place in patterns for thing in inferred(node.cls, place)}


def _texts(line: ast.List) -> list[str]:
    return [one.value if isinstance(one, ast.Constant) and isinstance(one.value, str) else "" for one in line.elts]
