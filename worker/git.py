"""git, run by us: within the child's walls or outside of them, with bounds in time, in bytes, and in what it obeys.

``Inside`` is how a repository of the child's is read: there its configuration may say what it likes, for what it could
start has no more rights than the child. ``Outside`` is git as the user, with the user's own configuration, keys and
credential helpers, in a bare repository of ours; the child's repository is no argument of it, ever.
"""

import asyncio
import contextlib
import os
import re
import resource
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from bridge.protocol.errors import RemoteError, UserError
from bridge.protocol.remote import protocols, without_secrets
from worker import landlock, rank
from worker.cgroup import Cgroup
from worker.walls.held import held

LOCAL_DEADLINE_S = 20.0
COPY_DEADLINE_S = 120.0
MOST_PACK_BYTES = 1024**3
"""Of the whole history of a branch, packed. It is on the disk while the card is open."""
AFTER_END_S = 1.0
READ_BYTES = 64 * 1024
MEMORY_BYTES = 4 * 1024**3
"""Address space of what reads the child's objects: a few bytes of a pack may say that they are gigabytes."""
OUTPUT_BYTES = 4 * 1024 * 1024
WORDS_CHARS = 500
KEPT = re.compile(r"GIT_(SSH.*|SSL_.*|CONFIG_GLOBAL|ASKPASS)")
"""Of git's own variables in our environment, those by which the user says how to reach a remote."""
NOT_TO_ASK = ("SSH_ASKPASS", "DISPLAY", "WAYLAND_DISPLAY")
_NOTHING_STARTED = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_OPTIONAL_LOCKS": "0",
}
_SPEAKING = ("push", "ls-remote")
_NO_HOOKS = (
    "-c",
    f"core.hooksPath={os.devnull}",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "gc.auto=0",
    "-c",
    "core.bigFileThreshold=64m",
)


class Done(msgspec.Struct, frozen=True):
    """``code``: as of Popen. ``output`` and ``said`` (stderr) are cut to OUTPUT_BYTES."""

    code: int
    output: str
    said: str

    def in_words(self) -> str:
        """What git said of what went wrong."""
        lines = [line.strip() for line in f"{self.said}\n{self.output}".splitlines()]
        told = [line for line in lines if line and not line.startswith(("hint:", "To ", "Done", "remote: \n"))]
        return without_secrets(" · ".join(told[:6]))[:WORDS_CHARS] or f"git ended with {self.code}"


class Inside(msgspec.Struct, frozen=True):
    """The child's walls (``prefix``: bubblewrap's argv), and where in them the project is."""

    prefix: tuple[str, ...]
    directory: str
    environment: Mapping[str, str]
    cgroup: Cgroup | None = None
    scoped: str = ""
    """As of the child's own start (``landlock.scopes``)."""

    @property
    def variables(self) -> dict[str, str]:
        """No login of Claude's is in them."""
        kept = {name: value for name in ("PATH", "HOME") if (value := self.environment.get(name))}
        return {**kept, "LC_ALL": "C", **_NOTHING_STARTED}

    async def run(self, *words: str, given: str = "", deadline_s: float = LOCAL_DEADLINE_S) -> Done:
        """Raises RemoteError past the deadline, and UserError when the walls cannot be put up again."""
        return await _finished(await self._begun(words), given, deadline_s)

    async def pour(self, *words: str, given: str, into: int) -> Done:
        """As ``run``, with the output going to a descriptor, which is closed here."""
        try:
            process = await self._begun(words, into)
        finally:
            os.close(into)
        return await _finished(process, given, COPY_DEADLINE_S)

    async def _begun(self, words: Sequence[str], stdout: int | None = None) -> "_Running":
        with held(self.prefix) as (prefix, fds), landlock.scopes(self.scoped) as scopes:
            argv = [*prefix, "git", "-c", "safe.directory=*", *_NO_HOOKS, *words]
            with rank.entered(self.cgroup, scopes) as begin:
                return await _spawn(argv, self.directory, self.variables, begin, fds, stdout=stdout)


class Outside(msgspec.Struct, frozen=True):
    """A bare repository of ours, and to which URL it may speak."""

    program: str
    bare: Path
    remote: str
    environment: Mapping[str, str]

    @property
    def variables(self) -> dict[str, str]:
        own = {
            name: value
            for name, value in self.environment.items()
            if name not in NOT_TO_ASK and (not name.startswith("GIT_") or KEPT.fullmatch(name))
        }
        return {
            **own,
            "LC_ALL": "C",
            "GIT_DIR": str(self.bare),
            "GIT_TERMINAL_PROMPT": "0",
            "SSH_ASKPASS_REQUIRE": "never",
            "GIT_ALLOW_PROTOCOL": protocols(self.remote),
        }

    async def run(
        self, *words: str, given: str = "", deadline_s: float = LOCAL_DEADLINE_S, source: int | None = None
    ) -> Done:
        """``source``: a descriptor to read instead of ``given``, which is closed here.

        Raises RemoteError past the deadline.
        """
        argv = [self.program, *_NO_HOOKS, *words]
        try:
            with rank.entered(None) as die_with_us:
                # Not of what speaks to the remote: some credential helpers reserve far more than they use.
                begin = die_with_us if words[0] in _SPEAKING else _with_little_memory(die_with_us)
                process = await _spawn(argv, str(self.bare), self.variables, begin, stdin=source)
        finally:
            if source is not None:
                os.close(source)
        return await _finished(process, given, deadline_s)


def checked(done: Done, what: str) -> Done:
    """Raises UserError, in words, for what did not go well."""
    if done.code < 0:
        raise UserError(f"{what}: git was ended by a signal")
    if done.code:
        raise UserError(f"{what}: {done.in_words()}")
    return done


def _with_little_memory(begin: Callable[[], None]) -> Callable[[], None]:
    def limited() -> None:
        begin()
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))

    return limited


class _Running(msgspec.Struct, frozen=True):
    """A process, and our ends of what it reads and says; None where it has a descriptor of its own for that."""

    process: asyncio.subprocess.Process
    given: socket.socket | None
    output: socket.socket | None
    said: socket.socket

    @property
    def ends(self) -> list[socket.socket]:
        return [end for end in (self.given, self.output, self.said) if end]


async def _spawn(
    argv: Sequence[str],
    directory: str,
    environment: Mapping[str, str],
    begin: Callable[[], None],
    fds: Sequence[int] = (),
    *,
    stdin: int | None = None,
    stdout: int | None = None,
) -> _Running:
    """In a process session of its own: there is no terminal that anything could ask on. It dies with us."""
    ours, theirs = _socket_pairs()
    given, output, said = ours
    try:
        stdio = (
            theirs[0].fileno() if stdin is None else stdin,
            theirs[1].fileno() if stdout is None else stdout,
            theirs[2].fileno(),
        )
        process = await rank.spawn(argv, directory, environment, begin, stdio, fds)
    except OSError as error:
        _close(ours)
        raise UserError(f"{argv[0]} could not be started: {error.strerror or error}") from error
    finally:
        _close(theirs)
    return _Running(process, given if stdin is None else None, output if stdout is None else None, said)


def _socket_pairs() -> tuple[tuple[socket.socket, ...], tuple[socket.socket, ...]]:
    """Our ends, which do not block, and the process's, of what is given, of the output and of what is said."""
    ours, theirs = zip(*(socket.socketpair() for _ in range(3)), strict=True)
    for end in ours:
        end.setblocking(False)
    return ours, theirs


async def _finished(running: _Running, given: str, deadline_s: float) -> Done:
    """Whatever happens, nothing of it runs on."""
    process, output, said = running.process, bytearray(), bytearray()
    talking = asyncio.gather(_give(running.given, given), _read(running.output, output), _read(running.said, said))
    try:
        async with asyncio.timeout(deadline_s):
            code = await process.wait()
        await asyncio.wait({talking}, timeout=AFTER_END_S)  # a master of ssh's may hold the other ends for hours
    except TimeoutError:
        raise RemoteError(f"git did not finish within {deadline_s:.0f} seconds") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        talking.cancel()
        await asyncio.gather(talking, return_exceptions=True)
        _close(running.ends)
    return Done(code, output.decode(errors="replace"), said.decode(errors="replace"))


async def _give(end: socket.socket | None, text: str) -> None:
    if end is None:
        return
    with contextlib.suppress(OSError):
        await asyncio.get_running_loop().sock_sendall(end, text.encode(errors="replace"))
        end.shutdown(socket.SHUT_WR)


async def _read(end: socket.socket | None, kept: bytearray) -> None:
    """What is above OUTPUT_BYTES is read and forgotten, so that nobody waits for us."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        while end and (data := await loop.sock_recv(end, READ_BYTES)):
            kept += data[: OUTPUT_BYTES - len(kept)]


def _close(ends: Sequence[socket.socket]) -> None:
    for end in ends:
        end.close()
