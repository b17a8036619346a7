"""The ``claude`` child: argv, spawn, lines in, lines out, the stop ladder.

Its stdio is a socketpair: a process of the same user writes into another's *pipe* through
``/proc/PID/fd/0``, which would be a forged approval; a socket refuses to be opened that way.

Stopping is a ladder, each rung with a deadline: interrupt (with what is queued), end_session, SIGTERM, then
SIGKILL of everything below us. EOF is no rung: the CLI goes on working with nobody attached
(docs/claude-protocol.md, "Ending").
"""

import asyncio
import contextlib
import signal
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import msgspec

from bridge.protocol.errors import RemoteError
from bridge.protocol.modes import BYPASS, DEFAULT, known_as
from bridge.protocol.start import may_be_argument
from worker import mcp, rank
from worker.processes_below import kill_descendants

READ_BYTES = 256 * 1024
LINE_LIMIT_BYTES = 64 * 1024 * 1024
HEAD_BYTES = 4096
SOCKET_BUFFER_BYTES = 1024 * 1024
WRITE_DEADLINE_S = 30.0
TERM_DEADLINE_S = 5.0
KILL_DEADLINE_S = 5.0
STDERR_LINES_KEPT = 10
"""Of its beginning, and as many of its end."""
STDERR_LINE_BYTES = 2000


def arguments(
    command: Sequence[str],
    *,
    claude_id: str,
    resume: bool,
    permission_mode: str,
    model: str,
    effort: str = "",
    bypass: bool = False,
) -> list[str]:
    """The CLI's argv (docs/claude-protocol.md, "Command line"). What may be no value (``may_be_argument``) is left out.

    ``bypass`` lets a person choose bypassPermissions later.
    """
    return [
        *command,
        "-p",
        *("--input-format", "stream-json"),
        *("--output-format", "stream-json"),
        "--verbose",
        "--include-partial-messages",
        *("--permission-prompt-tool", "stdio"),
        *(("--resume", claude_id) if resume else ("--session-id", claude_id)),
        *_mode(known_as(permission_mode), bypass=bypass),
        *_chosen("--model", model),
        *_chosen("--effort", effort),
    ]


def _mode(mode: str, *, bypass: bool) -> Iterator[str]:
    """It is always told: without it the CLI's own default decides, the user's settings, or the project's.

    ``--dangerously-skip-permissions`` beside another mode would override it.
    """
    if bypass:
        yield "--dangerously-skip-permissions" if mode == BYPASS else "--allow-dangerously-skip-permissions"
    yield from ("--permission-mode", mode if may_be_argument(mode) else DEFAULT)


def _chosen(option: str, value: str) -> tuple[str, ...]:
    return (option, value) if may_be_argument(value) else ()


def project_arguments(instructions: str) -> list[str]:
    """Nothing of the project's own acts (hooks, servers, settings, commands); its ``instructions`` are only read.

    In a directory that nobody trusted, the project's settings run programs without asking (docs/claude-protocol.md,
    "Project files").
    """
    return ["--setting-sources", "user", *(("--append-system-prompt", instructions) if instructions else ())]


def file_arguments(folders: Sequence[str], servers: Sequence[str] = (), *, may_push: bool = False) -> list[str]:
    """``send_file`` asks nobody; and besides the project, Claude may read in ``folders`` without asking.

    ``servers``: files that name other MCP servers. ``may_push``: of ``git_push`` the CLI asks nobody, because we do.
    """
    added = [word for folder in folders for word in ("--add-dir", folder)]
    named = [word for file in (mcp.CONFIG, *servers) for word in ("--mcp-config", file)]
    pushes = ["--allowedTools", mcp.PUSH_ALLOWED] if may_push else []
    return [*named, "--allowedTools", mcp.ALLOWED, *pushes, *added]


class Dropped(msgspec.Struct, frozen=True):
    """A line above the limit: how it begins, and its whole length in bytes."""

    head: bytes
    size: int


class LineFramer:
    """Bytes in, whole lines out. Of a line above the limit only the head is kept, for it may ask for something."""

    def __init__(self, limit_bytes: int = LINE_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._parts: list[bytes] = []
        self._held = 0
        self._dropped_head: bytes | None = None
        self._dropped_bytes = 0

    def feed(self, data: bytes) -> list[bytes | Dropped]:
        *whole, rest = data.split(b"\n")
        lines = [self._finish(piece) for piece in whole]
        self._hold(rest)
        return lines

    def _hold(self, piece: bytes) -> None:
        if self._dropped_head is not None:
            self._dropped_bytes += len(piece)
            return
        if piece:
            self._parts.append(piece)
            self._held += len(piece)
        if self._held > self._limit:
            self._dropped_head, self._dropped_bytes = b"".join(self._parts)[:HEAD_BYTES], self._held
            self._parts.clear()
            self._held = 0

    def _finish(self, piece: bytes) -> bytes | Dropped:
        self._hold(piece)
        if self._dropped_head is not None:
            dropped = Dropped(self._dropped_head, self._dropped_bytes)
            self._dropped_head = None
            return dropped
        line = b"".join(self._parts)
        self._parts.clear()
        self._held = 0
        return line


class Claude:
    """A running child. All waits have deadlines; ``lines`` ends when the child closes its stdout."""

    def __init__(self, process: asyncio.subprocess.Process, stdio: socket.socket, stderr: socket.socket) -> None:
        self._process = process
        self._stdio = stdio
        self._stderr = stderr
        self._stderr_head: list[str] = []
        self._stderr_tail: deque[str] = deque(maxlen=STDERR_LINES_KEPT)
        self._writing = asyncio.Lock()
        self.framer = LineFramer()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def stderr_tail(self) -> str:
        """What stderr began and ended with."""
        return "\n".join([*self._stderr_head, *self._stderr_tail])

    async def lines(self) -> AsyncIterator[list[bytes | Dropped]]:
        """Batches of lines, as they come."""
        loop = asyncio.get_running_loop()
        while data := await _receive(loop, self._stdio):
            if batch := self.framer.feed(data):
                yield batch

    async def drain_stderr(self) -> None:
        """Keep the tail of stderr for error reports. Undrained, it would block the child."""
        loop = asyncio.get_running_loop()
        framer = LineFramer(STDERR_LINE_BYTES * 4)
        while data := await _receive(loop, self._stderr):
            for line in framer.feed(data):
                kept = line.head if isinstance(line, Dropped) else line
                has_begun = len(self._stderr_head) < STDERR_LINES_KEPT
                lines = self._stderr_head if has_begun else self._stderr_tail
                lines.append(kept[:STDERR_LINE_BYTES].decode(errors="replace"))

    async def write(self, line: bytes) -> None:
        """Raises RemoteError when the child does not take the line in time or is gone."""
        loop = asyncio.get_running_loop()
        async with self._writing:
            try:
                await asyncio.wait_for(loop.sock_sendall(self._stdio, line), WRITE_DEADLINE_S)
            except TimeoutError as error:
                raise RemoteError(f"Claude took no input for {WRITE_DEADLINE_S:.0f} seconds") from error
            except OSError as error:
                raise RemoteError(f"Claude's input is closed: {error.strerror}") from error

    async def exited(self, deadline_s: float | None = None) -> int | None:
        """The exit code (negative: the signal), or None when the deadline in seconds passed."""
        try:
            return await asyncio.wait_for(self._process.wait(), deadline_s)
        except TimeoutError:
            return None

    def kill_now(self) -> None:
        """SIGKILL, without waiting: nothing of the child's may act any more."""
        self._signal(signal.SIGKILL)

    async def kill(self) -> int:
        """The last rungs: SIGTERM, then SIGKILL of the child and everything below us."""
        self._signal(signal.SIGTERM)
        code = await self.exited(TERM_DEADLINE_S)
        if code is None:
            self._signal(signal.SIGKILL)
            code = await self.exited(KILL_DEADLINE_S)  # before the others: who ends those reaps whatever is dead
        await asyncio.to_thread(kill_descendants, KILL_DEADLINE_S)
        return code if code is not None else -signal.SIGKILL

    async def end_rest(self) -> None:
        """What an exited child left below us."""
        await asyncio.to_thread(kill_descendants, KILL_DEADLINE_S)

    def close(self) -> None:
        self._stdio.close()
        self._stderr.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)


async def spawn(
    argv: Sequence[str],
    directory: str,
    environment: dict[str, str],
    begin: Callable[[], None],
    umask: int = -1,
    pass_fds: Sequence[int] = (),
) -> Claude:
    """Start the child, as ``rank.spawn`` does. Raises RemoteError, in words, when it cannot be started."""
    (stdio, stderr), theirs = _socket_pairs()
    its_stdio, its_stderr = (end.fileno() for end in theirs)
    try:
        process = await rank.spawn(
            argv, directory, environment, begin, (its_stdio, its_stdio, its_stderr), pass_fds, umask
        )
    except OSError as error:
        stdio.close()
        stderr.close()
        raise RemoteError(f"{argv[0]} could not be started: {error.strerror or error}") from error
    finally:
        for end in theirs:
            end.close()
    return Claude(process, stdio, stderr)


type _Ends = tuple[socket.socket, socket.socket]


def _socket_pairs() -> tuple[_Ends, _Ends]:
    """Of its stdio and of its stderr our ends, which do not block, and the child's."""
    ours, theirs = zip(socket.socketpair(), socket.socketpair(), strict=True)
    for end in ours:
        end.setblocking(False)
    for end in (ours[0], theirs[0]):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
    return ours, theirs


async def _receive(loop: asyncio.AbstractEventLoop, end: socket.socket) -> bytes:
    """What came; empty when the other end is closed (however it was closed)."""
    try:
        return await loop.sock_recv(end, READ_BYTES)
    except OSError:
        return b""
