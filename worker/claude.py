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
from collections.abc import AsyncIterator, Sequence

import msgspec

from bridge.protocol.errors import RemoteError
from bridge.protocol.modes import BYPASS, DEFAULT, known_as
from bridge.protocol.start import may_be_argument
from worker import mcp, rank
from worker.cgroup import Cgroup
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
    """The CLI's argv (docs/claude-protocol.md, "Command line").

    The mode is always told: without it the CLI's own default decides, the user's settings, or the project's. ``bypass``
    lets a person choose bypassPermissions later; ``--dangerously-skip-permissions`` beside another mode would override
    it. What may be no value (``may_be_argument``) is left out.
    """
    mode = known_as(permission_mode)
    argv = [
        *command,
        "-p",
        *("--input-format", "stream-json"),
        *("--output-format", "stream-json"),
        "--verbose",
        "--include-partial-messages",
        *("--permission-prompt-tool", "stdio"),
        *(("--resume", claude_id) if resume else ("--session-id", claude_id)),
    ]
    if bypass and mode == BYPASS:
        argv.append("--dangerously-skip-permissions")
    elif bypass:
        argv.append("--allow-dangerously-skip-permissions")
    argv += ["--permission-mode", mode if may_be_argument(mode) else DEFAULT]
    if may_be_argument(model):
        argv += ["--model", model]
    if may_be_argument(effort):
        argv += ["--effort", effort]
    return argv


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
    umask: int = -1,
    pass_fds: Sequence[int] = (),
    cgroup: Cgroup | None = None,
    scopes: int = -1,
) -> Claude:
    """Start the child in its own process session. Must run on the main thread (PDEATHSIG is per thread).

    ``umask``: what its files are made with; -1: as ours. It is in ``cgroup`` and Landlock's ``scopes`` before
    it runs, and of lower rank than we.

    Raises RemoteError, in words, when it cannot be started.
    """
    ours, theirs = socket.socketpair()
    ours_err, theirs_err = socket.socketpair()
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
    for end in (ours, ours_err):
        end.setblocking(False)
    try:
        with rank.entered(cgroup, scopes) as begin:
            process = await asyncio.create_subprocess_exec(
                *rank.EXPENDABLE,
                *argv,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=theirs_err.fileno(),
                cwd=directory,
                env=environment,
                start_new_session=True,
                umask=umask,
                pass_fds=pass_fds,
                preexec_fn=begin,
            )
    except OSError as error:
        ours.close()
        ours_err.close()
        raise RemoteError(f"{argv[0]} could not be started: {error.strerror or error}") from error
    finally:
        theirs.close()
        theirs_err.close()
    return Claude(process, ours, ours_err)


async def _receive(loop: asyncio.AbstractEventLoop, end: socket.socket) -> bytes:
    """What came; empty when the other end is closed (however it was closed)."""
    try:
        return await loop.sock_recv(end, READ_BYTES)
    except OSError:
        return b""
