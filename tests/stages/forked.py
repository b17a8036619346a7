"""Supervisors, workers and commands that are forked from a process which has imported them.

Their imports take more time than most tests that play on them; so they are made once, and each begins behind them. The
trial of the walls is made each time, but not in a process of its own, which is mostly imports, too. What `python -m`
does before all this is tried by the tests that start an installed command, and by those of what a start imports.
"""

import asyncio
import atexit
import functools
import os
import random
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, ClassVar

import msgspec

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from playground.host.place import INSTALLATION
from playground.host.supervisor import ANSWER_DEADLINE_S, THREADBRIDGE, CommandOutput, Running
from stages import forked_worker, only_loopback
from supervisor.workers import this_machine
from supervisor.workers.this_machine import ThisMachine
from worker.prctl import die_with_parent
from worker.shutting_in import refusal_in_words

LONGEST_REQUEST = 1 << 17
STAGE = Path(__file__).resolve().parents[1]
SERVE = f"import sys; sys.path.insert(0, {str(STAGE)!r}); from stages import forked; forked.serve({{fd}})"


class _Asked(msgspec.Struct):
    """One is to begin, with these descriptors for its three; or a session's worker; or, with ``pid``, how one ended."""

    arguments: list[str] = []
    environment: dict[str, str] = {}
    directory: str = ""
    umask: int = 0
    worker: str = ""
    pid: int = 0


async def begin(argv: Sequence[str], environment: Mapping[str, str], log: Path) -> Running:
    """`threadbridge` with this argv's arguments; see ``playground.host.supervisor``."""
    with log.open("ab") as output, Path(os.devnull).open("rb") as nothing:
        return _forked(_arguments(argv), environment, INSTALLATION, (nothing, output, output))


async def ask(argv: Sequence[str], environment: Mapping[str, str], said: bytes) -> CommandOutput:
    """The same to its end; see there."""
    done = await asyncio.to_thread(run, _arguments(argv), environment, INSTALLATION, said)
    return CommandOutput(done.returncode, done.stdout, done.stderr)


def run(
    arguments: Sequence[str], environment: Mapping[str, str], directory: Path, said: bytes = b""
) -> subprocess.CompletedProcess[str]:
    """`threadbridge` with these arguments, to its end; see ``subprocess.run``. It has ANSWER_DEADLINE_S seconds."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(said)
        given.seek(0)
        process = _forked(arguments, environment, directory, (given, out, err))
        code = process.ended(ANSWER_DEADLINE_S)
        for told in (out, err):
            told.seek(0)
        return subprocess.CompletedProcess([*arguments], code, out.read().decode(), err.read().decode())


def _arguments(argv: Sequence[str]) -> Sequence[str]:
    head = len(THREADBRIDGE)
    assert tuple(argv[:head]) == THREADBRIDGE
    return argv[head:]


def _forked(
    arguments: Sequence[str], environment: Mapping[str, str], directory: Path, files: Sequence[IO[bytes]]
) -> "Forked":
    asked = _Asked([*arguments], {**environment}, str(directory), _umask())
    return Forked(_ask(asked, *(file.fileno() for file in files)))


def _umask() -> int:
    """Ours, which who is started by ``exec`` inherits."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


class Forked:
    """A process that is a child of the one that forks."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._pidfd = os.pidfd_open(pid)
        self._code: int | None = None

    @property
    def returncode(self) -> int | None:
        if self._code is None and _is_readable(self._pidfd):
            os.close(self._pidfd)
            self._code = _ask(_Asked(pid=self.pid))
        return self._code

    def send_signal(self, number: int, /) -> None:
        if self.returncode is not None:
            raise ProcessLookupError
        signal.pidfd_send_signal(self._pidfd, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def ended(self, within_s: float) -> int:
        """How it ended. Raises UserError, and ends it, when it takes longer."""
        if not _is_readable(self._pidfd, within_s):
            self.kill()
            raise UserError(f"threadbridge took longer than {within_s:g} s")
        code = self.returncode
        assert code is not None
        return code

    async def wait(self) -> int:
        loop, gone = asyncio.get_running_loop(), asyncio.Event()
        while (code := self.returncode) is None:
            pidfd = os.dup(self._pidfd)  # each who waits has one of his own
            loop.add_reader(pidfd, gone.set)
            try:
                await gone.wait()
            finally:
                loop.remove_reader(pidfd)
                os.close(pidfd)
        return code


class ForkedMachine(ThisMachine):
    """Its workers are children of the process that forks."""

    workers: ClassVar[dict[int, Forked]] = {}
    """Of all machines of this process, as those that the kernel knows are."""

    def _begin(self, session_id: str, reading: int) -> int:
        if sys.executable != this_machine.WORKER_PYTHON:
            return super()._begin(session_id, reading)
        with forked_worker.said_to(self._layout.session(session_id).stderr) as stderr:
            pid = _ask(_Asked(environment={**self._environment}, worker=session_id), reading, stderr)
        self.workers[pid] = Forked(pid)
        return pid

    def exit_code(self, pid: int) -> int | None:
        return self.workers[pid].returncode if pid in self.workers else super().exit_code(pid)

    def end_child(self, pid: int) -> int:
        if pid not in self.workers:
            return super().end_child(pid)
        if (code := self.exit_code(pid)) is None:
            self.workers[pid].kill()
            code = self.workers[pid].ended(ANSWER_DEADLINE_S)
        return code


def _is_readable(fd: int, within_s: float = 0) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(within_s * 1000))


# --- the process that forks --------------------------------------------------------------------------


@functools.cache
def _server() -> socket.socket:
    """Our end; the process is there from the first supervisor to the end of the tests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    argv = [sys.executable, "-c", SERVE.format(fd=theirs.fileno()), forked_worker.ROOM_FOR_ARGUMENTS]
    process = subprocess.Popen(argv, cwd=INSTALLATION, pass_fds=[theirs.fileno()], start_new_session=True)
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


_one_at_a_time = threading.Lock()


def _ask(asked: _Asked, *fds: int) -> int:
    with _one_at_a_time:
        socket.send_fds(_server(), [msgspec.json.encode(asked)], fds)
        answer: int = msgspec.json.decode(_server().recv(LONGEST_REQUEST), type=int)
    return answer


def serve(fd: int) -> None:
    """A fork for each that is asked for, until the asker is gone; in the fork it runs."""
    from supervisor import main  # noqa: F401, PLC0415 - what `run` needs, which is the point of it all
    from supervisor.operator import cli, preflight  # noqa: F401, PLC0415 - and `check`
    from supervisor.workers import walls  # noqa: PLC0415
    from worker import arguments  # noqa: F401, PLC0415

    only_loopback.hold()
    vars(walls)["refusal"] = _refusal
    forked_worker.hold()
    asker = socket.socket(fileno=fd)
    while True:
        request, fds, _, _ = socket.recv_fds(asker, LONGEST_REQUEST, 3)
        if not request:
            return
        asked = msgspec.json.decode(request, type=_Asked)
        if asked.pid:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked.pid, 0)[1])
        elif not (answer := os.fork()):
            if asked.worker:
                reading, stderr = fds
                forked_worker.work(asked.worker, reading, stderr, asked.environment)
            asker.close()
            _become(asked, fds)
            cli.main()
            return
        for one in fds:
            os.close(one)
        asker.send(msgspec.json.encode(answer))


def _refusal(layout: Layout) -> str:
    """What ``supervisor.workers.walls`` is told by a process that has this imported, too."""
    return refusal_in_words(layout.state)


def _become(asked: _Asked, files: Sequence[int]) -> None:
    """As ``exec`` would leave us. The parent is not looked at: it lives as long as the tests."""
    os.setsid()
    os.umask(asked.umask)
    os.chdir(asked.directory)
    die_with_parent()
    for ours, theirs in zip(files, (0, 1, 2), strict=True):
        os.dup2(ours, theirs)
        os.close(ours)
    os.environ.clear()
    os.environ.update(asked.environment)
    sys.argv[:] = [THREADBRIDGE[-1], *asked.arguments]
    forked_worker.show_arguments([sys.executable, "-m", *sys.argv])
    random.seed()
