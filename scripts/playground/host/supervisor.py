"""The real supervisor as a subprocess of the playground, and the `threadbridge` command beside it.

That it is ready, it says as it does to systemd: READY=1 and STATUS= on $NOTIFY_SOCKET.
"""

import asyncio
import functools
import os
import shlex
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol, Self

import msgspec

from bridge.protocol.errors import UserError
from playground.host.place import INSTALLATION
from worker.prctl import die_with_parent

THREADBRIDGE = (sys.executable, "-m", "supervisor.operator.cli")
READY_DEADLINE_S = 30.0
STOP_DEADLINE_S = 10.0
ANSWER_DEADLINE_S = 60.0
LOG_LINES = 30


class CommandOutput(msgspec.Struct, frozen=True):
    """What a command of `threadbridge` printed and returned."""

    code: int
    out: str
    err: str


class Running(Protocol):
    """A supervisor's process, which ends when we do."""

    @property
    def pid(self) -> int: ...

    @property
    def returncode(self) -> int | None: ...

    def send_signal(self, signal: int, /) -> None:
        """Raises ProcessLookupError when it is gone."""

    def kill(self) -> None: ...

    async def wait(self) -> int: ...


class Starts(Protocol):
    """How `threadbridge` is started: an argv, in an environment that is all it has."""

    async def begin(self, argv: Sequence[str], environment: Mapping[str, str], log: Path) -> Running:
        """Its output is appended to ``log``. It ends when we do, also by kill -9; a Ctrl-C here is not for it."""

    async def ask(self, argv: Sequence[str], environment: Mapping[str, str], said: bytes) -> CommandOutput:
        """Run it to its end, with ``said`` on its stdin. Raises UserError after ANSWER_DEADLINE_S seconds."""


class Executed:
    """By the kernel, as anybody starts it."""

    async def begin(self, argv: Sequence[str], environment: Mapping[str, str], log: Path) -> Running:
        with log.open("ab") as output:
            return await asyncio.create_subprocess_exec(
                *argv,
                cwd=INSTALLATION,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=functools.partial(die_with_parent, os.getpid()),
            )

    async def ask(self, argv: Sequence[str], environment: Mapping[str, str], said: bytes) -> CommandOutput:
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=INSTALLATION, env=environment, stdin=pipe, stdout=pipe, stderr=pipe
        )
        try:
            out, err = await asyncio.wait_for(process.communicate(said), ANSWER_DEADLINE_S)
        except TimeoutError:
            raise UserError(f"{shlex.join(argv)} took too long") from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert process.returncode is not None
        return CommandOutput(process.returncode, out.decode(), err.decode())


EXECUTED = Executed()


class Threadbridge:
    """The command on one configuration. `command` is its argv; `environment` is the whole of it."""

    def __init__(
        self,
        config: Path,
        environment: Mapping[str, str],
        command: Sequence[str] = THREADBRIDGE,
        starts: Starts = EXECUTED,
    ) -> None:
        self._argv = (*command, "--config", str(config))
        self._environment = dict(environment)
        self._starts = starts

    async def ask(self, *arguments: str, said: bytes = b"") -> CommandOutput:
        """Run it to its end, with ``said`` on its stdin. Raises UserError when that takes too long."""
        return await self._starts.ask((*self._argv, *arguments), self._environment, said)

    async def start(self, log: Path, notify_socket: Path) -> Running:
        """`threadbridge run`, its output appended to `log`."""
        return await self._starts.begin(
            (*self._argv, "run"), {**self._environment, "NOTIFY_SOCKET": str(notify_socket)}, log
        )


class Supervisor(asyncio.DatagramProtocol):
    """`threadbridge run` from `start` to `stop`; in between it may be killed, and started again."""

    def __init__(self, threadbridge: Threadbridge, log: Path, notify_socket: Path) -> None:
        self.status = ""
        self._threadbridge = threadbridge
        self._log = log
        self._notify_socket = notify_socket
        self._ready = asyncio.Event()
        self._notices: asyncio.DatagramTransport | None = None
        self._process: Running | None = None
        self._begun = asyncio.Event()

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.returncode if self._process else None

    @property
    def ending(self) -> str:
        """In words; empty while it runs."""
        if self.exit_code == -signal.SIGKILL:
            return "the supervisor was killed"
        return "" if self.exit_code is None else f"the supervisor ended with exit code {self.exit_code}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        address = str(self._notify_socket)
        self._notices, _ = await loop.create_datagram_endpoint(lambda: self, address, family=socket.AF_UNIX)
        await self.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    def datagram_received(self, data: bytes, addr: object) -> None:
        """Words of sd_notify(3)."""
        words = dict(line.split("=", 1) for line in data.decode(errors="replace").splitlines() if "=" in line)
        self.status = words.get("STATUS", self.status)
        if words.get("READY") == "1":
            self._ready.set()

    async def until_ready(self, deadline_s: float = READY_DEADLINE_S) -> None:
        """Raises UserError when it ends before, or is not ready in time; `log_tail` may tell why."""
        assert self._process is not None
        waits = [asyncio.ensure_future(self._ready.wait()), asyncio.ensure_future(self._process.wait())]
        try:
            await asyncio.wait(waits, timeout=deadline_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        if not self.is_ready:
            raise UserError(self.ending or f"the supervisor is not ready after {deadline_s:g} s")

    async def start(self) -> None:
        """Also again, once it has ended; one that runs is left alone."""
        if self._process is None or self._process.returncode is not None:
            self._ready.clear()
            self.status = ""
            self._process = await self._threadbridge.start(self._log, self._notify_socket)
            self._begun.set()

    async def kill(self) -> None:
        """SIGKILL, as the machine's worst moment would. Its workers run on."""
        if self._process is not None and self._process.returncode is None:
            self._begun.clear()
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    async def started_again(self) -> None:
        """Once it has ended: wait until somebody starts it."""
        self._begun.clear()
        while self.exit_code is not None:
            await self._begun.wait()
            self._begun.clear()

    async def ended(self) -> int:
        """Wait for it."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM and, when it does not end in time, SIGKILL. Its workers run on."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)
            try:
                await asyncio.wait_for(self._process.wait(), STOP_DEADLINE_S)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._notices is not None:
            self._notices.close()

    def log_tail(self, lines: int = LOG_LINES) -> str:
        try:
            told = self._log.read_text(errors="replace").splitlines()
        except OSError as error:
            told = [f"({error.strerror})"]
        shown = "\n".join(f"    {line}" for line in told[-lines:])
        return f"the end of {self._log}:\n{shown}"
