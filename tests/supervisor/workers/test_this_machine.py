"""What this machine tells of workers, from files alone; with real processes it is played in tests/processes."""

import asyncio
import os
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.protocol.errors import LocalError
from bridge.protocol.layout import Layout
from bridge.protocol.start import encode_start
from stages.scripted_worker import worker_start
from stages.support import DEADLINE_S, awaited
from supervisor.sessions.starts_table import StartRow
from supervisor.workers import this_machine
from supervisor.workers.this_machine import ThisMachine

ID = "01234567-89ab-cdef-0123-456789abcdef"
START = StartRow(ID, "0a1b2c3d", "its key", 5.0)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


@pytest.fixture
def machine(layout: Layout) -> ThisMachine:
    made = ThisMachine(layout, {})
    made.make_folder(ID)
    return made


def test_the_holders_start_is_known_by_its_name_in_the_lock_and_our_note(machine: ThisMachine, layout: Layout) -> None:
    machine.note(START)
    layout.session(ID).lock.write_bytes(START.start.encode())
    assert machine.start_of_holder(ID) == START
    machine.forget(ID, START.start)
    machine.forget(ID, START.start)
    assert machine.start_of_holder(ID) is None


@pytest.mark.parametrize("lock", [b"", b"\xff\xfe", b"../../x", b"00000000", b"x" * 5000])
def test_a_lock_that_names_no_start_of_ours_tells_nothing(machine: ThisMachine, layout: Layout, lock: bytes) -> None:
    machine.note(START)
    layout.session(ID).lock.write_bytes(lock)
    assert machine.start_of_holder(ID) is None


@pytest.mark.parametrize("changes", [{"session_id": "another"}, {"start": "99999999"}])
def test_a_note_of_something_else_in_its_place_tells_nothing(
    machine: ThisMachine, layout: Layout, changes: dict[str, str]
) -> None:
    paths = layout.session(ID)
    paths.lock.write_bytes(START.start.encode())
    paths.start(START.start).write_bytes(msgspec.json.encode(msgspec.structs.replace(START, **changes)))
    assert machine.start_of_holder(ID) is None


def test_a_note_that_cannot_be_removed_hinders_nobody(machine: ThisMachine, layout: Layout) -> None:
    layout.session(ID).start(START.start).mkdir()
    machine.forget(ID, START.start)


def test_the_last_line_on_stderr_is_kept_for_the_words(machine: ThisMachine, layout: Layout) -> None:
    assert machine.last_words(ID) == ""
    layout.session(ID).stderr.write_bytes(b"x" * 9000 + b"\nTraceback\nMemoryError: \xff\n\n")
    assert machine.last_words(ID) == "MemoryError: �"


def test_an_operators_mark_is_seen_and_taken_away(machine: ThisMachine, layout: Layout) -> None:
    layout.session(ID).stop_mark.touch()
    assert machine.is_stopped(ID)
    machine.unmark(ID)
    machine.unmark(ID)
    assert not machine.is_stopped(ID)


def test_another_directory_in_the_states_place_is_noticed(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    machine = ThisMachine(Layout(state), {})
    machine.check()
    state.rename(tmp_path / "aside")
    with pytest.raises(LocalError, match="moved"):
        machine.check()
    state.mkdir()
    with pytest.raises(LocalError, match="moved"):
        machine.check()


@awaited
async def test_a_start_that_is_cancelled_while_it_is_written_is_written_whole_and_nowhere_else(
    machine: ThisMachine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, begun, goes_on = list[int](), threading.Event(), threading.Event()

    def spawned(_: str, reading: int, *__: object) -> int:
        kept.append(os.dup(reading))
        return 1

    def slow_open(fd: int, *given: Any, **named: Any) -> Any:
        begun.set()
        assert goes_on.wait(DEADLINE_S)
        return fdopen(fd, *given, **named)

    fdopen = os.fdopen
    monkeypatch.setattr(this_machine, "_spawn", spawned)
    monkeypatch.setattr(os, "fdopen", slow_open)
    starting = asyncio.create_task(machine.spawn(worker_start(tmp_path, wake=True)))
    assert await asyncio.to_thread(begun.wait, DEADLINE_S)
    starting.cancel()
    assert isinstance((await asyncio.gather(starting, return_exceptions=True))[0], asyncio.CancelledError)
    others = [os.open(tmp_path / f"other{i}", os.O_WRONLY | os.O_CREAT) for i in range(8)]
    goes_on.set()
    with fdopen(kept[0], "rb") as reading:
        assert await asyncio.to_thread(reading.read) == encode_start(worker_start(tmp_path, wake=True))
    for fd in others:
        assert os.fstat(fd).st_size == 0
        os.close(fd)


def waiting_child() -> tuple[int, int]:
    """The pid of one that ends by itself when the descriptor is closed."""
    reading, writing = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, reading, 0)]
    pid = os.posix_spawn("/bin/cat", ["cat"], {}, file_actions=actions, setsid=True)
    os.close(reading)
    return pid, writing


@awaited
async def test_a_process_is_heard_once_when_it_ends_and_one_that_is_gone_is_not_watched(machine: ThisMachine) -> None:
    pid, writing = waiting_child()
    heard, over = list[int](), asyncio.Event()

    def on_end() -> None:
        heard.append(pid)
        over.set()

    watch = machine.watch(pid, on_end)
    assert watch and not watch.has_ended() and machine.exit_code(pid) is None
    assert machine.end_child(pid) == -9
    os.close(writing)
    await asyncio.wait_for(over.wait(), 5.0)
    assert watch.has_ended() and heard == [pid]
    watch.close()
    assert machine.exit_code(pid) == 0, "it was told before"
    assert machine.watch(pid, over.set) is None


SAYS_ITS_SESSION = """\
#!/bin/sh
cat <&3 >/dev/null
cut -d' ' -f6 /proc/$$/stat >&2
"""


@awaited
async def test_a_worker_is_spawned_bare_in_a_process_session_of_its_own(
    machine: ThisMachine, layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reads what it is told to its end, and then says in which session it is (``proc(5)``, stat)."""
    python = tmp_path / "python"
    python.write_text(SAYS_ITS_SESSION)
    python.chmod(0o700)
    monkeypatch.setattr(this_machine, "WORKER_PYTHON", str(python))
    start = worker_start(tmp_path, wake=True)
    machine.make_folder(start.created.session_id)
    pid = await machine.spawn(start)
    ended = await asyncio.to_thread(os.waitpid, pid, 0)
    assert ended == (pid, 0), "it is ours to wait for, and nobody of asyncio's did"
    assert machine.last_words(start.created.session_id) == str(pid)
