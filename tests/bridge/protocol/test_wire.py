from typing import Any, get_args

import msgspec
import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.errors import RemoteError

SESSION = "5c0ffee5-0000-4000-8000-000000000001"
COMMANDS: list[c.AnyCommand] = [
    c.Prompt(5, "go ❤\n\u2028", 42, "ada"),
    c.Decide("f" * 16, 7, "d", "allowed", True, 42, "ada", "why"),
    c.Interrupt("c1", 42, keep_queued=True),
    c.Configure("c2", "model", ""),
    c.Stop("c3", "bye"),
]


def example(kind: Any) -> e.AnyEvent:
    """An event of this kind with something in every field."""
    values: dict[object, object] = {int: 3, str: "text", bool: True, float: 1.5, tuple[int, ...]: (1, 2)}
    values |= {tuple[str, ...]: ("a",), tuple[e.SuggestedRule, ...]: (e.SuggestedRule("Bash", "ls"),)}
    values |= {e.Outcome: "failed", e.Verdict: "denied", int | None: 4, float | None: 0.5}
    values |= {e.When: "later", dict[str, str]: {"Which?": "This"}, tuple[e.Offer, ...]: (e.Offer("opus", "big"),)}
    values |= {tuple[e.Attachment, ...]: (e.Attachment(5, "a.png", 9, stored="files/5-a.png"),)}
    values[tuple[e.Part, ...]] = (e.Part(3, 4, "a"),)
    values[e.FileChange | None] = e.FileChange("a", (e.Hunk(2, ("-b\n",)),), True, True)
    values[tuple[e.Place, ...]] = (e.Place(3, "a", "b\n", 2),)
    event: e.AnyEvent = kind(**{field.name: values[field.type] for field in msgspec.structs.fields(kind)})
    return event


def test_every_event_goes_round_trip() -> None:
    events = [example(kind) for kind in get_args(e.AnyEvent)]
    records = tuple(e.Record("a" * 16, seq, 1.5, event) for seq, event in enumerate(events, 1))
    message = wire.Records(SESSION, records)
    assert wire.decode_up(wire.encode(message)) == message
    assert len({type(event).__name__ for event in events}) == len(events)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_goes_round_trip(command: c.AnyCommand) -> None:
    message = wire.Order(SESSION, command)
    assert wire.decode_down(memoryview(wire.encode(message))) == message


@pytest.mark.parametrize(
    "message", [wire.Hello(SESSION, 1, "a" * 16, 1, 9, 123, (4, 7)), wire.Delta(SESSION, "m1:0", 3, "é\n")]
)
def test_what_a_worker_says_goes_round_trip(message: wire.Up) -> None:
    assert wire.decode_up(wire.encode(message)) == message


@pytest.mark.parametrize("message", [wire.Welcome(SESSION, 1, "", 0), wire.Ack(SESSION, 9)])
def test_what_the_supervisor_says_goes_round_trip(message: wire.Down) -> None:
    assert wire.decode_down(wire.encode(message)) == message


@pytest.mark.parametrize(
    ("worker", "supervisor", "common"),
    [
        ((1, 0), (1, 1), 1),  # a worker of the first version names one protocol
        ((1, 1), (1, 1), 1),
        ((1, 2), (1, 1), 1),
        ((1, 1), (1, 2), 1),
        ((1, 3), (2, 4), 3),
        ((2, 3), (1, 1), None),
        ((1, 1), (2, 3), None),
        ((99, 0), (1, 2), None),
        ((-1, 0), (1, 1), None),
    ],
)
def test_both_sides_go_on_with_the_newest_protocol_that_both_know(
    worker: tuple[int, int], supervisor: tuple[int, int], common: int | None
) -> None:
    hello = wire.Hello(SESSION, worker[0], "a" * 16, 1, 9, 123, newest=worker[1])
    assert wire.common_protocol(hello, *supervisor) == common


GARBAGE = [
    b"",
    b"null",
    b"[]",
    b"{}",
    b"\xff\x00",
    b'{"type":"Hello"}',
    b'{"type":"Nothing","session_id":"x"}',
    b'{"type":"Hello","session_id":"x","protocol":"1","generation":"","first":1,"last":1,"pid":1}',
    b'{"type":"Records","session_id":"x","records":[{"generation":"","seq":1,"at":0,"event":{"kind":5}}]}',
    b'{"type":"Order","session_id":"x","command":{"kind":"Odd"}}',
    b'{"type":"Order","session_id":"x","command":{"kind":"Decide","generation":"","seq":1,"digest":"","verdict":"maybe"}}',
    b'{"type":"Ack","session_id":"x","applied":1e999}',
    b'{"type":"Ack","session_id":"x","odd":' + b"[" * 100_000 + b"]" * 100_000 + b',"applied":1}',
    b'{"type":"Hello","session_id":"x","odd":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"type":"Ack","session_id":"\xff","applied":1}',
    b'{"type":"Delta","session_id":"\xff","block":"","offset":0,"text":""}',
]


@pytest.mark.parametrize("data", GARBAGE)
def test_garbage_is_the_peers_fault_and_nothing_worse(data: bytes) -> None:
    for decode in (wire.decode_up, wire.decode_down):
        with pytest.raises(RemoteError):
            decode(data)


def test_neither_side_takes_the_others_messages() -> None:
    with pytest.raises(RemoteError):
        wire.decode_up(wire.encode(wire.Ack(SESSION, 1)))
    with pytest.raises(RemoteError):
        wire.decode_down(wire.encode(wire.Delta(SESSION, "b", 0, "x")))


def test_fields_of_a_newer_version_are_skipped() -> None:
    assert wire.decode_down(b'{"type":"Ack","session_id":"x","applied":4,"new":{"a":1}}') == wire.Ack("x", 4)


def test_our_own_protocol_is_among_those_we_speak() -> None:
    assert wire.PROTOCOL in wire.PROTOCOLS_SPOKEN
