"""What both sides say to each other and keep only grows, so that every version reads every other's."""

import json
from typing import get_args

import msgspec
import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.start import WorkerStart
from stages.support import ROOT

FIRST: dict[str, list[str]] = json.loads((ROOT / "tests/data/protocol-1.json").read_text())
"""Of version 0.1: the fields without a default of each message, command and event, which it needs to read one."""
KINDS: dict[str, type[msgspec.Struct]] = {
    kind.__name__: kind
    for union in (wire.Up | wire.Down, c.AnyCommand, e.AnyEvent, e.Record | WorkerStart)
    for kind in get_args(union)
}


@pytest.mark.parametrize("name", FIRST)
def test_what_a_version_always_needs_is_what_the_first_one_needed(name: str) -> None:
    """A new field without a default could not be read of an older version, and one that is gone not by it."""
    fields = msgspec.structs.fields(KINDS[name])
    assert [field.encode_name for field in fields if field.required] == FIRST[name]
