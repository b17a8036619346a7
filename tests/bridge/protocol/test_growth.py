"""What both sides say to each other and keep only grows, so that every version reads every other's.

``tests/data/protocol-fields.json`` notes every field that there ever was. What is new is noted by
``PYTHONPATH=.:scripts:tests .venv/bin/python tests/bridge/protocol/test_growth.py --write``, which takes nothing out.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import msgspec
import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.start import WorkerStart
from stages.support import ROOT

type Fields = dict[str, list[str]]
"""``needs``: those without a default, which every version has to give; ``may``: the others."""

FIRST: dict[str, list[str]] = json.loads((ROOT / "tests/data/protocol-1.json").read_text())
"""Of version 0.1: the fields without a default of each message, command and event, which it needs to read one."""
NOTED = ROOT / "tests/data/protocol-fields.json"


def structs_in(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """The struct, or those that an annotation names."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for part in get_args(kind):
        yield from structs_in(part)


def with_their_parts(roots: Any) -> dict[str, type[msgspec.Struct]]:
    """By its name each struct that is said or kept, and those that stand in its fields."""
    found: dict[str, type[msgspec.Struct]] = {}
    left = list(structs_in(roots))
    while left:
        kind = left.pop()
        if kind.__name__ not in found:
            found[kind.__name__] = kind
            left += (part for field in msgspec.structs.fields(kind) for part in structs_in(field.type))
    return found


KINDS = with_their_parts(tuple[wire.Up | wire.Down, c.AnyCommand, e.AnyEvent, e.Record | WorkerStart])


def fields_of(kind: type[msgspec.Struct]) -> Fields:
    fields = msgspec.structs.fields(kind)
    return {
        "needs": [field.encode_name for field in fields if field.required],
        "may": [field.encode_name for field in fields if not field.required],
    }


def broken(noted: Mapping[str, Fields], now: Mapping[str, Fields]) -> list[str]:
    """What some version that wrote, or reads, what is noted could not understand."""
    wrong = []
    for kind, before in noted.items():
        fields = now.get(kind, {"needs": [], "may": []})
        gone = {*before["needs"], *before["may"]} - {*fields["needs"], *fields["may"]}
        wrong += [f"{kind}.{name} is gone" for name in sorted(gone)]
        wrong += [f"{kind}.{name} needs a default" for name in sorted({*fields["needs"]} - {*before["needs"]})]
        wrong += [f"{kind}.{name} was always given" for name in sorted({*before["needs"]} & {*fields["may"]})]
    return wrong


def noted() -> dict[str, Fields]:
    read: dict[str, Fields] = json.loads(NOTED.read_text())
    return read


@pytest.mark.parametrize("name", FIRST)
def test_what_a_version_always_needs_is_what_the_first_one_needed(name: str) -> None:
    """A new field without a default could not be read of an older version, and one that is gone not by it."""
    assert fields_of(KINDS[name])["needs"] == FIRST[name]


def test_no_field_goes_and_a_new_one_has_a_default() -> None:
    assert broken(noted(), {name: fields_of(kind) for name, kind in KINDS.items()}) == []


def test_every_field_is_noted() -> None:
    """So that the next change is held to it."""
    assert noted() == with_what_is_new(), f"note what is new: {__doc__}"


@pytest.mark.parametrize(
    ("now", "why"),
    [
        ({}, ["Told.a is gone", "Told.b is gone"]),
        ({"Told": {"needs": ["a"], "may": []}}, ["Told.b is gone"]),
        ({"Told": {"needs": ["a", "c"], "may": ["b"]}}, ["Told.c needs a default"]),
        ({"Told": {"needs": ["a", "b"], "may": []}}, ["Told.b needs a default"]),
        ({"Told": {"needs": [], "may": ["a", "b"]}}, ["Told.a was always given"]),
        ({"Told": {"needs": ["a"], "may": ["b", "c"]}, "New": {"needs": ["d"], "may": []}}, []),
    ],
)
def test_each_way_to_break_what_is_noted_is_seen(now: dict[str, Fields], why: list[str]) -> None:
    assert broken({"Told": {"needs": ["a"], "may": ["b"]}}, now) == why


def with_what_is_new() -> dict[str, Fields]:
    known = noted() if NOTED.exists() else {}
    for name, kind in KINDS.items():
        now, before = fields_of(kind), known.get(name, {"needs": [], "may": []})
        is_new = name not in known
        known[name] = {
            "needs": now["needs"] if is_new else before["needs"],
            "may": [*before["may"], *(field for field in now["may"] if field not in before["may"])],
        }
    return dict(sorted(known.items()))


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    lines = [f"  {json.dumps(name)}: {json.dumps(fields)}" for name, fields in with_what_is_new().items()]
    NOTED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
