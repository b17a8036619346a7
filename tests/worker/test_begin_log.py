"""How a worker begins: a log that is new, whole, shorter than what is known of it, or that cannot be written."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol.layout import SessionLayout
from bridge.protocol.start import WorkerStart
from worker.log import Acked, EventLog, LogWriteError
from worker.process import begin_log

CREATED = e.SessionCreated("5c0ffee5-0000-4000-8000-000000000001", 1, 2, 3, "/srv/app", 4)


def start(generation: str = "", applied: int = 0) -> WorkerStart:
    names = ("start", "endpoint", "server_key", "public_key", "secret_key", "permission_mode", "model")
    empty = dict.fromkeys(names, "")
    fields = {"created": CREATED, "state_directory": "", "command": [], "environment": {}, "containment": "none"}
    flags = {"bypass_permissions": False, "protected_paths": [], "wake": True}
    return msgspec.convert({**empty, **fields, **flags, "generation": generation, "applied": applied}, WorkerStart)


def written(folder: Path, prompts: int = 3) -> EventLog:
    log, _ = begin_log(start(), SessionLayout(folder))
    for number in range(prompts):
        log.append(e.PromptTaken(number))
    return log


def test_a_new_log_begins_with_its_session_and_nothing_acknowledged(tmp_path: Path) -> None:
    log, acked = begin_log(start(), SessionLayout(tmp_path))
    assert [record.event for record in log.read()] == [CREATED]
    assert acked.seq == 0 and SessionLayout(tmp_path).acked.read_text().split() == [log.generation, "0" * 20]


def test_a_whole_log_goes_on_where_it_ends(tmp_path: Path) -> None:
    generation = written(tmp_path).generation
    log, _ = begin_log(start(generation, applied=4), SessionLayout(tmp_path))
    assert log.last == 4


def test_a_log_shorter_than_what_the_supervisor_folded_tells_the_gap_first(tmp_path: Path) -> None:
    generation = written(tmp_path).generation
    log, _ = begin_log(start(generation, applied=9), SessionLayout(tmp_path))
    assert [r.seq for r in log.read()] == [1, 2, 3, 4, 10] and list(log.read())[-1].event == e.LogGap(9)


def test_what_was_ever_acknowledged_counts_though_the_supervisor_forgot_it(tmp_path: Path) -> None:
    written(tmp_path)
    _, acked = begin_log(start(), SessionLayout(tmp_path))
    acked.raise_to(7)
    log, acked = begin_log(start(applied=2), SessionLayout(tmp_path))
    assert (log.last, acked.seq) == (8, 7)


def test_a_lost_log_has_another_generation_and_nothing_of_the_old_one_counts(tmp_path: Path) -> None:
    generation = written(tmp_path).generation
    begin_log(start(), SessionLayout(tmp_path))[1].raise_to(4)
    SessionLayout(tmp_path).log.unlink()
    log, acked = begin_log(start(generation, applied=4), SessionLayout(tmp_path))
    assert log.generation != generation and (log.last, acked.seq) == (1, 0)


def test_the_highest_acknowledgement_is_kept_for_its_own_log_only(tmp_path: Path) -> None:
    path = tmp_path / "acked"
    acked = Acked(path, "a" * 16)
    for seq in (5, 1000, 7):
        acked.raise_to(seq)
    assert Acked(path, "a" * 16).seq == 1000 and Acked(path, "b" * 16).seq == 0
    for broken in (b"", b"x", b"\xff\xfe y", b"a b c", b"a" * 16 + b" many\n"):
        path.write_bytes(broken)
        assert Acked(path, "a" * 16).seq == 0


def test_an_acknowledgement_that_cannot_be_noted_stops_nobody(tmp_path: Path) -> None:
    acked = Acked(tmp_path / "missing" / "acked", "a" * 16)
    acked.raise_to(5)
    assert acked.seq == 5


# --- a disk that takes no more -----------------------------------------------------------------------


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB of its own."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    if os.geteuid() or not shutil.which("mount"):
        pytest.skip("only root can mount a small disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("a small disk cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_full_is_said_in_words_and_the_log_stays_whole(tiny_disk: Path) -> None:
    log = written(tiny_disk)
    with pytest.raises(LogWriteError) as failed:
        for _ in range(1000):
            log.append(e.Noticed("x" * 1000))
    assert failed.value.is_full and failed.value.in_words().startswith("the disk is full: ")
    log.close()
    again = EventLog(SessionLayout(tiny_disk).log)
    assert again.last == log.last and not again.damage
    again.close()


def test_a_disk_that_is_read_only_is_another_thing_than_a_full_one(tiny_disk: Path) -> None:
    written(tiny_disk).close()
    subprocess.run(["mount", "-o", "remount,ro", str(tiny_disk)], check=True)
    with pytest.raises(LogWriteError) as failed:
        EventLog(SessionLayout(tiny_disk).log)
    assert not failed.value.is_full
    assert failed.value.in_words().startswith("the log cannot be written: ") and "Read-only" in str(failed.value)
