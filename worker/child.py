"""What a worker needs of its child: lines in, lines out, its end. ``worker.claude`` has the real one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Protocol

import msgspec

from bridge.protocol import events as e
from worker.child_view import ChildView
from worker.claude import Dropped
from worker.closed import Closed
from worker.history import History
from worker.pushing import Source
from worker.stream import Stream
from worker.unasked import Unasked

type Record = Callable[[e.AnyEvent], e.Record]
"""Append to the log. Raises LogWriteError when it takes no more."""


class Child(Protocol):
    """Each wait has a deadline, in seconds, but that for lines."""

    @property
    def stderr_tail(self) -> str:
        """What stderr began and ended with."""

    def lines(self) -> AsyncIterator[list[bytes | Dropped]]:
        """Batches of lines, until the child closes its stdout."""

    async def drain_stderr(self) -> None: ...

    async def write(self, line: bytes) -> None:
        """Raises RemoteError when the child does not take the line in time or is gone."""

    async def exited(self, deadline_s: float | None = None) -> int | None:
        """The exit code (negative: the signal), or None when the deadline passed."""

    def kill_now(self) -> None:
        """SIGKILL, without waiting."""

    async def kill(self) -> int:
        """SIGTERM, then SIGKILL of the child and everything below us."""

    async def end_rest(self) -> None:
        """End what an exited child left below us."""

    def close(self) -> None: ...


class Holder(Protocol):
    """Holds the child to its limits (``worker.guard``)."""

    async def run(self, tell: Callable[[str], object], end: Callable[[str], Awaitable[None]]) -> None: ...

    def why_it_died(self) -> str: ...


class Started(msgspec.Struct):
    """A child that runs, and what belongs to it."""

    child: Child
    stream: Stream
    view: ChildView
    closed: Closed | None
    """Looks for what a tool missed because it is not open; None where nothing is closed."""
    unasked: Unasked
    holder: Holder
    pushing: Source | None
    """From where it may ask us to push; None: it may not."""
    clear: Callable[[bool], Awaitable[None]]
    """Remove what was private to it; with True also what would last for the session's next child."""
    directories: tuple[str, ...] = ()
    """Outside the project, in which it works without asking once it is told."""
    home: str = ""
    """Of who it runs as."""


class Starting(Protocol):
    async def __call__(self, history: History, record: Record) -> Started:
        """Raises RefusedError when there is no child now but may be later, else BridgeError."""
