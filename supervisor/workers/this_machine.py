"""Workers on this machine: spawned bare, found by the kernel's lock, heard by their pidfd.

A worker is no child that asyncio minds: it outlives us, and nobody may end it for tidiness.
"""

import asyncio
import os
import select
import signal
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.protocol.layout import START_NAME_BYTES, Layout
from bridge.protocol.start import WorkerStart, encode_start
from supervisor import locks, state_directory
from supervisor.private_files import write_private
from supervisor.sessions.starts_table import StartRow
from supervisor.workers import trees
from supervisor.workers.host import Watch

WORKER_PYTHON = sys.executable
STDERR_KEPT_BYTES = 2000
START_FD = 3


class ThisMachine:
    """``environment`` is what a worker may have of ours (``supervisor.workers.starts``)."""

    def __init__(self, layout: Layout, environment: Mapping[str, str]) -> None:
        self._layout = layout
        self._environment = environment
        self._place = state_directory.place(layout)

    def check(self) -> None:
        state_directory.check_place(self._layout, self._place)

    def bell(self) -> int:
        return state_directory.rung(self._layout)

    # --- who runs ------------------------------------------------------------------------------------

    def holder(self, session_id: str) -> int:
        return locks.holder(self._layout.session(session_id).lock)

    def start_of_holder(self, session_id: str) -> StartRow | None:
        paths = self._layout.session(session_id)
        with suppress(OSError):
            name = paths.lock.read_bytes()[:START_NAME_BYTES].decode(errors="replace")
            noted = _read_start(paths.start(name)) if name.isalnum() else None
            if noted and (noted.session_id, noted.start) == (session_id, name):
                return noted
        return None

    def watch(self, pid: int, on_end: Callable[[], None]) -> Watch | None:
        try:
            return PidWatch(os.pidfd_open(pid), on_end)
        except ProcessLookupError:
            return None

    # --- a start -------------------------------------------------------------------------------------

    def make_folder(self, session_id: str) -> None:
        self._layout.session(session_id).folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def note(self, start: StartRow) -> None:
        write_private(self._layout.session(start.session_id).start(start.start), msgspec.json.encode(start))

    def forget(self, session_id: str, start: str) -> None:
        """What cannot be removed opens nothing: nobody listens for its key any more."""
        with suppress(OSError):
            self._layout.session(session_id).start(start).unlink(missing_ok=True)

    async def spawn(self, start: WorkerStart) -> int:
        session_id = start.created.session_id
        reading, writing = os.pipe()
        try:
            pid = self._begin(session_id, reading)
        except OSError:
            os.close(writing)
            raise
        finally:
            os.close(reading)
        told = asyncio.get_running_loop().run_in_executor(None, _write_and_close, writing, encode_start(start))
        await asyncio.shield(told)  # who is cancelled takes no descriptor from the thread that uses it
        return pid

    def _begin(self, session_id: str, reading: int) -> int:
        return _spawn(session_id, reading, self._layout.session(session_id).stderr, self._environment)

    # --- an end --------------------------------------------------------------------------------------

    def is_stopped(self, session_id: str) -> bool:
        return self._layout.session(session_id).stop_mark.exists()

    def unmark(self, session_id: str) -> None:
        self._layout.session(session_id).stop_mark.unlink(missing_ok=True)

    def exit_code(self, pid: int) -> int | None:
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return 0
        return os.waitstatus_to_exitcode(status) if ended else None

    def end_child(self, pid: int) -> int:
        """It gave up its lock, or never took it."""
        if (code := self.exit_code(pid)) is None:
            os.kill(pid, signal.SIGKILL)
            code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        return code

    async def end(self, session_id: str, pid: int) -> None:
        await asyncio.to_thread(trees.end, session_id, pid)

    def last_words(self, session_id: str) -> str:
        with suppress(OSError):
            said = self._layout.session(session_id).stderr.read_bytes()[-STDERR_KEPT_BYTES:]
            lines = said.decode(errors="replace").strip().splitlines()
            return lines[-1] if lines else ""
        return ""


class PidWatch:
    """pidfd_open(2): it becomes readable when the process ends. Needs a running loop."""

    def __init__(self, pidfd: int, on_end: Callable[[], None]) -> None:
        self._pidfd = pidfd
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(pidfd, self._ended)

    def _ended(self) -> None:
        self._loop.remove_reader(self._pidfd)  # it stays readable
        self._on_end()

    def has_ended(self) -> bool:
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)


def argv_of(session_id: str) -> list[str]:
    """A worker's. ``-I``: nothing in a project's directory is ever imported."""
    return [WORKER_PYTHON, "-I", "-m", "worker", "--session", session_id, "--start-fd", str(START_FD)]


def _spawn(session_id: str, reading: int, stderr: Path, environment: Mapping[str, str]) -> int:
    """A worker in a process session of its own, with the pipe to its start message as descriptor 3."""
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, str(stderr), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, reading, START_FD),
    ]
    return os.posix_spawn(WORKER_PYTHON, argv_of(session_id), environment, file_actions=actions, setsid=True)


def _read_start(path: Path) -> StartRow | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=StartRow)
    except (OSError, *UNREADABLE):
        return None


def _write_and_close(fd: int, data: bytes) -> None:
    with suppress(BrokenPipeError), os.fdopen(fd, "wb") as pipe:
        pipe.write(data)
