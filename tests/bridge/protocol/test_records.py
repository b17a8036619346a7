"""Records of another version are kept and counted, and none is longer than it may be."""

import json
from typing import Any

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.errors import RemoteError
from bridge.protocol.records import (
    MOST_INPUT_BYTES,
    MOST_RECORD_BYTES,
    decode_record,
    encode_record,
    is_too_long_to_ask,
)
from bridge.session.managed import session_from

CREATED = e.SessionCreated("5c0ffee5-0000-4000-8000-000000000001", 700, 500, 600, "/srv/app", 1)
NEWER: list[dict[str, Any]] = [
    {"kind": "FromTheFuture", "deep": {"list": [1, "ä"]}},
    {"kind": "TurnEnded", "outcome": "postponed"},
    {"kind": "PromptDone", "prompt_id": "now a text"},
]


def line(event: dict[str, Any], seq: int = 1) -> bytes:
    return json.dumps({"generation": "a" * 16, "seq": seq, "at": 1.0, "event": event, "more": "fields"}).encode()


@pytest.mark.parametrize("event", NEWER)
def test_what_is_newer_than_we_are_is_kept_whole(event: dict[str, Any]) -> None:
    record = decode_record(line(event))
    assert isinstance(record.event, e.UnknownEvent)
    assert json.loads(record.event.told) == event


def test_who_knows_it_reads_it_again_from_what_another_version_kept() -> None:
    told = '{"kind":"PromptDone","prompt_id":5,"since":"tomorrow"}'
    record = e.Record("a" * 16, 1, 1.0, e.UnknownEvent(told))
    assert decode_record(encode_record(record)[1]).event == e.PromptDone(5)
    sent = wire.decode_up(wire.encode(wire.Records("x", (record,))))
    assert isinstance(sent, wire.Records) and sent.records[0].event == e.PromptDone(5)


def test_a_message_with_records_of_a_newer_worker_loses_none_of_them() -> None:
    events = [{"kind": "PromptDone", "prompt_id": 5}, *NEWER, {"kind": "PromptDone", "prompt_id": 6}]
    raw = [msgspec.Raw(line(event, seq)) for seq, event in enumerate(events, 1)]
    message = wire.decode_up(msgspec.json.encode({"type": "Records", "session_id": "x", "records": raw}))
    assert isinstance(message, wire.Records)
    assert [record.seq for record in message.records] == [1, 2, 3, 4, 5]
    assert (message.records[0].event, message.records[4].event) == (e.PromptDone(5), e.PromptDone(6))


def test_it_changes_nothing_of_a_session_and_does_not_block_what_follows() -> None:
    session = session_from(CREATED, 1.0)
    session.apply(e.Record("a" * 16, 1, 1.0, e.WorkerStarted(5, contained=True, containment="")))
    before = msgspec.structs.asdict(session)
    session.apply(decode_record(line(NEWER[0], 2)))
    assert session.applied == 2
    assert {**msgspec.structs.asdict(session), "applied": 1} == before


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"generation":"a","seq":1,"at":1,"event":"x"}'])
def test_what_is_no_record_is_not_taken_for_a_newer_one(data: bytes) -> None:
    with pytest.raises(RemoteError):
        decode_record(data)


HUGE = "ä\0\\" * (MOST_RECORD_BYTES // 2)
TOO_LONG: list[e.AnyEvent] = [
    e.TextWritten("m:0", HUGE),
    e.TurnEnded("failed", (5,), HUGE, result=HUGE),
    e.Noticed(HUGE),
    e.ToolStarted(HUGE, HUGE, HUGE),
    e.TaskEnded("k", "completed", HUGE),
    e.FileSent("a.txt", "sent/a.txt", 1, HUGE),
    e.ChildOffered(commands=tuple(e.Offer(HUGE[:50_000]) for _ in range(200))),
    e.TextWithdrawn(tuple("block" for _ in range(MOST_RECORD_BYTES // 4))),
]


@pytest.mark.parametrize("event", TOO_LONG, ids=lambda event: type(event).__name__)
def test_no_record_is_longer_than_it_may_be_and_says_what_was_cut(event: e.AnyEvent) -> None:
    record, line_of_it = encode_record(e.Record("a" * 16, 1, 1.0, event))
    assert len(line_of_it) <= MOST_RECORD_BYTES
    assert decode_record(line_of_it) == record
    assert type(record.event) is type(event)
    assert isinstance(event, e.TextWithdrawn) or "more characters)" in line_of_it.decode()


def test_what_fits_is_not_touched() -> None:
    record = e.Record("a" * 16, 1, 1.0, e.TextWritten("m:0", "x" * (MOST_RECORD_BYTES - 200)))
    assert encode_record(record)[0] is record


def test_a_request_that_fits_is_whole_however_it_is_quoted() -> None:
    request = e.PermissionRequested("r", "Write", '"\\' * (MOST_INPUT_BYTES // 2), "digest")
    assert not is_too_long_to_ask(request)
    record, _ = encode_record(e.Record("a" * 16, 1, 1.0, request))
    assert record.event == request
    longer = msgspec.structs.replace(request, tool_input=request.tool_input + "x")
    assert is_too_long_to_ask(longer)
    assert is_too_long_to_ask(msgspec.structs.replace(request, description=HUGE))
