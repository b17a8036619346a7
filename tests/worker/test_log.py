import errno
import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol.errors import LocalError
from bridge.protocol.records import MOST_RECORD_BYTES
from worker.log import EventLog

CREATED = e.SessionCreated("5c0ffee5-0000-4000-8000-000000000001", 1, 2, 3, "/srv/app", 4)
EVENTS: list[e.AnyEvent] = [
    CREATED,
    e.PromptAccepted(5, "u5", "go ❤\nnew line", 42, "ada"),
    e.TextWritten("m1:0", "text with \\n and \u2028"),
    e.TurnEnded("completed", (5,), total_cost_usd=0.5),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def written(path: Path, events: list[e.AnyEvent] | None = None) -> list[e.Record]:
    log = EventLog(path, clock=lambda: 1000.0)
    records = [log.append(event) for event in events or EVENTS]
    log.close()
    return records


def test_what_was_appended_is_read_again_in_order(path: Path) -> None:
    records = written(path)
    log = EventLog(path)
    assert [record.seq for record in records] == [1, 2, 3, 4]
    assert list(log.read()) == records
    assert list(log.read(after=2)) == records[2:]
    assert list(log.read(after=1, limit=2)) == records[1:3]
    assert list(log.read(after=4)) == list(log.read(after=99)) == []
    assert (log.first, log.last, log.damage) == (1, 4, "")


def test_the_log_goes_on_in_its_generation_and_another_log_has_another_one(path: Path, tmp_path: Path) -> None:
    (first, *_) = written(path)
    log = EventLog(path)
    assert log.append(e.PromptTaken(5)).generation == first.generation == log.generation
    assert written(tmp_path / "other.jsonl")[0].generation != first.generation
    assert EventLog(tmp_path / "empty.jsonl").generation == ""


def test_a_log_is_nobody_elses_to_read(path: Path) -> None:
    written(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_last_line_that_is_torn_anywhere_is_cut_off_and_the_log_goes_on(path: Path) -> None:
    records = written(path)
    data = path.read_bytes()
    last_line = data.rindex(b"\n", 0, len(data) - 1) + 1
    for torn in range(last_line + 1, len(data)):
        path.write_bytes(data[:torn])
        log = EventLog(path)
        assert list(log.read()) == records[:3] and log.damage
        assert path.read_bytes() == data[:last_line]
        assert log.append(e.PromptDone(5)).seq == 4
        log.close()
        assert [r.event for r in EventLog(path).read()][-1] == e.PromptDone(5)


def test_a_log_torn_in_its_first_line_begins_anew_with_another_generation(path: Path) -> None:
    (first, *_) = written(path)
    path.write_bytes(path.read_bytes()[:40])
    log = EventLog(path)
    assert (log.last, log.generation) == (0, "")
    assert log.append(CREATED).generation != first.generation


GARBAGE = [
    b"\x00" * 512 + b"\n",
    b"not json\n",
    b"\n",
    b"{}\n",
    b'{"generation":"0000000000000000","seq":3,"at":1.0,"event":{"kind":"PromptDone","prompt_id":5}}\n',
    b'{"generation":"GENERATION","seq":2,"at":1.0,"event":{"kind":"PromptDone","prompt_id":5}}\n',
    b'{"generation":"GENERATION","seq":3,"at":1.0,"event":{"of":"no kind"}}\n',
    b"\xff\xfe\n",
    b"[" * 100_000 + b"\n",
    b'{"x":' * 100_000 + b"\n",
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_in_the_middle_cuts_there_and_keeps_the_rest_beside(path: Path, garbage: bytes) -> None:
    records = written(path)
    lines = path.read_bytes().splitlines(keepends=True)
    garbage = garbage.replace(b"GENERATION", records[0].generation.encode())
    path.write_bytes(b"".join([*lines[:2], garbage, *lines[2:]]))
    log = EventLog(path, clock=lambda: 1234.0)
    assert list(log.read()) == records[:2]
    assert (log.last, bool(log.damage)) == (2, True)
    assert path.with_suffix(".damaged-1234").read_bytes() == b"".join([garbage, *lines[2:]])


def test_a_second_damage_in_the_same_second_keeps_both_rests(path: Path) -> None:
    for _ in range(2):
        with path.open("ab") as file:
            file.write(b"garbage\nmore garbage\n")
        EventLog(path, clock=lambda: 1234.0).close()
    assert path.with_suffix(".damaged-1234").read_bytes() == b"garbage\nmore garbage\n" * 2


def test_a_gap_is_skipped_and_told_and_read_over(path: Path) -> None:
    records = written(path)
    log = EventLog(path)
    gap = log.skip_to(50)
    after = log.append(e.PromptTaken(5))
    assert (gap.seq, gap.event, after.seq) == (51, e.LogGap(50), 52)
    for reader in (log, EventLog(path)):
        assert reader.last == 52 and not reader.damage
        assert list(reader.read()) == [*records, gap, after]
        assert list(reader.read(after=4)) == list(reader.read(after=30)) == list(reader.read(after=50)) == [gap, after]
        assert list(reader.read(after=51)) == [after]


def test_an_empty_log_can_begin_above_what_is_known(path: Path) -> None:
    log = EventLog(path)
    gap = log.skip_to(9)
    assert (log.first, gap.seq) == (10, 10)
    again = EventLog(path)
    assert (again.first, again.last, list(again.read(after=9))) == (10, 10, [gap])


def test_there_is_no_gap_below_what_the_log_holds(path: Path) -> None:
    written(path)
    with pytest.raises(LocalError):
        EventLog(path).skip_to(4)


def full_disk(taken: int) -> Callable[[int, bytes], int]:
    """An os.write that has room for some bytes only, and none when ``taken`` is negative."""
    real = os.write

    def write(fd: int, data: bytes) -> int:
        if taken < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(fd, data[:taken])

    return write


@pytest.mark.parametrize("taken", [-1, 0, 1, 30])
def test_a_full_disk_leaves_the_log_whole(path: Path, monkeypatch: pytest.MonkeyPatch, taken: int) -> None:
    records = written(path)
    before = path.read_bytes()
    log = EventLog(path)
    monkeypatch.setattr(os, "write", full_disk(taken))
    for _ in range(3):
        with pytest.raises(OSError, match=r"No space|only \d+ of"):
            log.append(e.PromptTaken(5))
    assert path.read_bytes() == before and log.last == 4
    monkeypatch.undo()
    assert log.append(e.PromptTaken(5)).seq == 5
    assert [r.seq for r in EventLog(path).read()] == [*(r.seq for r in records), 5]


def test_a_record_that_the_disk_did_not_confirm_is_taken_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(path)
    log = EventLog(path)

    def fail(fd: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(OSError, match="Input/output"):
        log.append(e.PromptAccepted(6, "u6", "x", 42, "ada"))
    assert log.append(e.PromptTaken(5)).seq == 5
    assert EventLog(path).last == 5


@pytest.mark.parametrize("event", EVENTS)
def test_only_what_must_survive_a_power_cut_waits_for_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch, event: e.AnyEvent
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    written(path, [event])
    assert bool(synced) is not isinstance(event, e.TextWritten)


@pytest.mark.slow
def test_a_record_of_a_version_that_had_no_limit_is_cut_when_it_is_told(path: Path) -> None:
    written(path)
    huge = e.Record("0" * 16, 5, 1.0, e.ToolFinished("t1", False, "x" * (21 * 1024 * 1024)))
    generation = next(iter(EventLog(path).read())).generation
    with path.open("ab") as file:
        file.write(msgspec.json.encode(msgspec.structs.replace(huge, generation=generation)) + b"\n")
    log = EventLog(path)
    assert log.damage == ""
    (told,) = log.read(after=4)
    assert len(msgspec.json.encode(told)) <= MOST_RECORD_BYTES
    assert isinstance(told.event, e.ToolFinished)
    log.close()


def test_a_reading_ends_after_so_many_bytes_but_never_without_a_record(path: Path) -> None:
    written(path)
    log = EventLog(path)
    assert [record.seq for record in log.read(after=0, most_bytes=1)] == [1]
    assert [record.seq for record in log.read(after=3, most_bytes=1)] == [4]
    assert len(list(log.read(most_bytes=1_000_000))) == 4
    log.close()


def test_a_log_is_read_after_its_folder_was_moved(path: Path) -> None:
    records = written(path)
    log = EventLog(path)
    path.rename(path.with_name("elsewhere"))
    assert list(log.read()) == records
    log.close()
