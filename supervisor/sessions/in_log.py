"""What only a session's log tells, for who looks it up: what a decided request asked, and what changed since.

The whole log may be read (hundreds of MB), so beside the loop, record by record, and not for many at a time: who
presses again and again takes neither our memory nor the threads that others wait for.
"""

import asyncio
from collections.abc import Callable, Iterator

from bridge.protocol import events as e
from bridge.protocol.layout import Layout
from bridge.session.changed_files import ChangedFiles, of_session, of_turn
from bridge.session.permission import PermissionRequest, RequestName
from supervisor.sessions.session_logs import records_of

AT_ONCE = 2


class InLog:
    """None is what does not stand there (any more)."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._free = asyncio.Semaphore(AT_ONCE)

    async def request(self, name: RequestName) -> PermissionRequest | None:
        return await self._beside(lambda: self._request(name))

    async def changes(self, turn: RequestName, *, whole_session: bool) -> ChangedFiles | None:
        """Of the turn that is named by its TurnStarted, or of the whole session so far."""
        return await self._beside(lambda: self._changes(turn, whole_session))

    async def _beside[T](self, look: Callable[[], T]) -> T:
        async with self._free:
            return await asyncio.to_thread(look)

    def _request(self, name: RequestName) -> PermissionRequest | None:
        record = next(self._records(name, name.seq - 1), None)
        if record and record.seq == name.seq and isinstance(record.event, e.PermissionRequested):
            return PermissionRequest(name, record.at, 0, record.event)
        return None

    def _changes(self, turn: RequestName, whole_session: bool) -> ChangedFiles | None:
        first = next(self._records(turn, turn.seq - 1), None)
        if first is None or first.seq != turn.seq or not isinstance(first.event, e.TurnStarted):
            return None
        if whole_session:
            return of_session(self._records(turn))
        return of_turn(self._records(turn, turn.seq - 1), turn.seq)

    def _records(self, name: RequestName, after: int = 0) -> Iterator[e.Record]:
        return records_of(self._layout.session(name.session_id).log, after, name.generation)
