"""The table of sessions: the folded snapshot of each, and our wishes beside it."""

import msgspec

from bridge.render.view import ThreadView
from bridge.session.managed import ManagedSession
from supervisor.sessions.database import REBUILD, Database
from supervisor.sessions.store_health import StoreError

_json = msgspec.json.Encoder()
_session: msgspec.json.Decoder[ManagedSession] = msgspec.json.Decoder(ManagedSession)
_view: msgspec.json.Decoder[ThreadView] = msgspec.json.Decoder(ThreadView)


class SessionRow(msgspec.Struct):
    """A session as the store has it: the folded snapshot, and our wishes beside it."""

    session: ManagedSession
    view: ThreadView
    ended_at: float | None
    end_reason: str
    fresh: bool
    attached: int


class SessionsTable(Database):
    def add_session(self, session: ManagedSession) -> None:
        self._execute(
            "INSERT INTO sessions (session_id, thread_id, channel_id, created_at, snapshot, view)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                session.session_id,
                session.thread_id,
                session.channel_id,
                session.started_at,
                _json.encode(session),
                _json.encode(ThreadView()),
            ),
        )

    def sessions(self) -> list[SessionRow]:
        """All of them, oldest first."""
        rows = self._execute(
            "SELECT snapshot, view, ended_at, end_reason, fresh, attached FROM sessions ORDER BY created_at"
        )
        try:
            return [
                SessionRow(_session.decode(snapshot), _view.decode(view), ended_at, end_reason, bool(fresh), attached)
                for snapshot, view, ended_at, end_reason, fresh, attached in rows
            ]
        except msgspec.MsgspecError as error:
            words = f"the store {self.path} cannot be used: a session in it cannot be read ({error}); {REBUILD}"
            raise StoreError(words, is_damage=True) from error

    def save(self, row: SessionRow) -> None:
        self._execute(
            "UPDATE sessions SET snapshot = ?, view = ?, ended_at = ?, end_reason = ?, fresh = ?, attached = ?"
            " WHERE session_id = ?",
            (
                _json.encode(row.session),
                _json.encode(row.view),
                row.ended_at,
                row.end_reason,
                int(row.fresh),
                row.attached,
                row.session.session_id,
            ),
        )
