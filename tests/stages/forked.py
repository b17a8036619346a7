"""A supervisor that is forked from a process which has imported it.

The imports of a supervisor take more time than most tests that play on one; so they are made once, and each supervisor
begins behind them. What `python -m` does before them is tried by the tests of the command.
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
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from playground.host.place import INSTALLATION
from playground.host.supervisor import THREADBRIDGE, Running
from stages import only_loopback
from worker.prctl import die_with_parent

LONGEST_REQUEST = 1 << 17
STAGE = Path(__file__).resolve().parents[1]
SERVE = f"import sys; sys.path.insert(0, {str(STAGE)!r}); from stages import forked; forked.serve({{fd}})"


class _Asked(msgspec.Struct):
    """A supervisor is to begin; or, with ``pid``, how one ended."""

    arguments: list[str] = []
    environment: dict[str, str] = {}
    umask: int = 0
    pid: int = 0


async def begin(argv: Sequence[str], environment: Mapping[str, str], log: Path) -> Running:
    """`threadbridge` with this argv's arguments; see ``playground.host.supervisor.begin``."""
    head = len(THREADBRIDGE)
    assert tuple(argv[:head]) == THREADBRIDGE
    with log.open("ab") as output:
        return Forked(_ask(_Asked([*argv[head:]], {**environment}, _umask()), output.fileno()))


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


def _is_readable(fd: int) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(0))


# --- the process that forks --------------------------------------------------------------------------


@functools.cache
def _server() -> socket.socket:
    """Our end; the process is there from the first supervisor to the end of the tests."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    argv = [sys.executable, "-c", SERVE.format(fd=theirs.fileno())]
    process = subprocess.Popen(argv, cwd=INSTALLATION, pass_fds=[theirs.fileno()], start_new_session=True)
    theirs.close()

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


def _ask(asked: _Asked, *fds: int) -> int:
    socket.send_fds(_server(), [msgspec.json.encode(asked)], fds)
    answer: int = msgspec.json.decode(_server().recv(LONGEST_REQUEST), type=int)
    return answer


def serve(fd: int) -> None:
    """A fork for each that is asked for, until the asker is gone; in the fork it runs."""
    from supervisor import main  # noqa: F401, PLC0415 - what `run` needs, which is the point of it all
    from supervisor.operator import cli  # noqa: PLC0415

    only_loopback.hold()
    asker = socket.socket(fileno=fd)
    while True:
        request, fds, _, _ = socket.recv_fds(asker, LONGEST_REQUEST, 1)
        if not request:
            return
        asked = msgspec.json.decode(request, type=_Asked)
        if asked.pid:
            answer = os.waitstatus_to_exitcode(os.waitpid(asked.pid, 0)[1])
        elif not (answer := os.fork()):
            asker.close()
            _become(asked, fds[0])
            cli.main()
            return
        for one in fds:
            os.close(one)
        asker.send(msgspec.json.encode(answer))


def _become(asked: _Asked, output: int) -> None:
    """As ``exec`` would leave us. The parent is not looked at: it lives as long as the tests."""
    os.setsid()
    os.umask(asked.umask)
    die_with_parent()
    null = os.open(os.devnull, os.O_RDONLY)
    for ours, theirs in ((null, 0), (output, 1), (output, 2)):
        os.dup2(ours, theirs)
    os.close(null)
    os.close(output)
    os.environ.clear()
    os.environ.update(asked.environment)
    sys.argv[:] = [THREADBRIDGE[-1], *asked.arguments]
    random.seed()
