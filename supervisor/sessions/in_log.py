"""What only a session's log tells, for who looks it up: what a decided request asked, and what changed since.

The whole log may be read, so beside the loop.
"""

import asyncio

from bridge.protocol import events as e
from bridge.protocol.layout import Layout
from bridge.session.changed_files import ChangedFiles, of_session, of_turn
from bridge.session.permission import PermissionRequest, RequestName
from supervisor.sessions.session_logs import read_log


class InLog:
    """None is what does not stand there (any more)."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    async def request(self, name: RequestName) -> PermissionRequest | None:
        return await asyncio.to_thread(self._request, name)

    async def changes(self, turn: RequestName, *, whole_session: bool) -> ChangedFiles | None:
        """Of the turn that is named by its TurnStarted, or of the whole session so far."""
        return await asyncio.to_thread(self._changes, turn, whole_session)

    def _request(self, name: RequestName) -> PermissionRequest | None:
        for record in self._records(name, name.seq - 1):
            if record.seq == name.seq and isinstance(record.event, e.PermissionRequested):
                return PermissionRequest(name, record.at, 0, record.event)
        return None

    def _changes(self, turn: RequestName, whole_session: bool) -> ChangedFiles | None:
        records = self._records(turn)
        if not any(record.seq == turn.seq and isinstance(record.event, e.TurnStarted) for record in records):
            return None
        return of_session(records) if whole_session else of_turn(records, turn.seq)

    def _records(self, name: RequestName, after: int = 0) -> list[e.Record]:
        return read_log(self._layout.session(name.session_id).log, after, name.generation)
