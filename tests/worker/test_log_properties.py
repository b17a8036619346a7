"""What holds of a log that was damaged, wherever and however: it opens, says so, keeps what was whole, and goes on."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol import events as e
from bridge.protocol.records import encode_record
from stages.made_up import EVENTS
from worker.log import EventLog

LOGS = st.lists(EVENTS, max_size=8).map(
    lambda events: [
        encode_record(e.Record("a" * 16, seq, 1000.0, event))
        for seq, event in enumerate([e.SessionCreated("5c0ffee5", 1, 2, 3, "/srv/app", 4), *events], 1)
    ]
)
GARBAGE = st.binary(min_size=1, max_size=40) | st.sampled_from([b"\n", b"\0" * 30, b"{}\n", b"null\n", b'{"seq":2}\n'])


@contextmanager
def log_of(data: bytes) -> Iterator[Path]:
    with TemporaryDirectory() as folder:
        path = Path(folder, "log.jsonl")
        path.write_bytes(data)
        yield path


def opened_twice(path: Path) -> list[e.Record]:
    """What a log with this file tells; after its recovery it is whole, takes a record and tells it."""
    first = EventLog(path, clock=lambda: 1234.0)
    found = list(first.read())
    first.close()
    again = EventLog(path)
    assert not again.damage and list(again.read()) == found
    appended = again.append(e.PromptTaken(5))
    assert list(again.read()) == [*found, appended]
    again.close()
    return found


@given(LOGS, st.data())
def test_of_a_log_that_ends_anywhere_all_whole_records_are_there(
    log: list[tuple[e.Record, bytes]], data: st.DataObject
) -> None:
    whole = b"".join(line for _, line in log)
    end = data.draw(st.integers(0, len(whole)))
    lines = whole[:end].count(b"\n")
    with log_of(whole[:end]) as path:
        assert opened_twice(path) == [record for record, _ in log[:lines]]


@given(LOGS, GARBAGE, st.data())
def test_what_stands_before_the_damage_is_kept_and_what_stands_behind_it_is_not_lost(
    log: list[tuple[e.Record, bytes]], garbage: bytes, data: st.DataObject
) -> None:
    """The damage stands in the place of some of the bytes, anywhere."""
    whole = b"".join(line for _, line in log)
    begin = data.draw(st.integers(0, len(whole)))
    damaged = whole[:begin] + garbage + whole[data.draw(st.integers(begin, len(whole))) :]
    with log_of(damaged) as path:
        found = opened_twice(path)
        kept = whole[:begin].count(b"\n")
        assert found[:kept] == [record for record, _ in log[:kept]]
        assert [record.seq for record in found] == sorted({record.seq for record in found})
        cut_off = b"".join(beside.read_bytes() for beside in path.parent.glob("log.damaged-*"))
        behind = damaged.split(b"\n", len(found))[-1]
        assert cut_off == (behind if b"\n" in behind[:-1] else b""), "half a line was never acted upon"


@given(LOGS, st.data())
def test_a_log_that_begins_again_somewhere_goes_on_from_there(
    log: list[tuple[e.Record, bytes]], data: st.DataObject
) -> None:
    """As a copy that was put together from two has it."""
    lines = [line for _, line in log]
    again = data.draw(st.integers(0, len(lines) - 1))
    with log_of(b"".join([*lines, *lines[again:]])) as path:
        assert opened_twice(path) == [record for record, _ in log]
