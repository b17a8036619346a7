"""The table of sessions: the folded snapshot of each, and our wishes beside it."""

from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.render.view import ThreadView
from bridge.session.managed import ManagedSession
from supervisor.sessions.database import REBUILD, Database, Rows
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
        try:
            return [_decoded(*values) for values in self._session_rows()]
        except UNREADABLE as error:
            words = f"the store {self.path} cannot be used: a session in it cannot be read ({error}); {REBUILD}"
            raise StoreError(words, is_damage=True) from error

    def readable_sessions(self) -> list[SessionRow]:
        """As ``sessions``, without those that cannot be read: for commands, to which their logs tell them."""
        found = []
        for values in self._session_rows():
            with suppress(*UNREADABLE):
                found.append(_decoded(*values))
        return found

    def _session_rows(self) -> Rows:
        return self._execute(
            "SELECT snapshot, view, ended_at, end_reason, fresh, attached FROM sessions ORDER BY created_at"
        )

    def unreadable_sessions(self) -> dict[str, str]:
        """Of each whose snapshot or view cannot be read: why."""
        found: dict[str, str] = {}
        for session_id, snapshot, view in self._execute("SELECT session_id, snapshot, view FROM sessions"):
            try:
                _session.decode(snapshot), _view.decode(view)
            except UNREADABLE as error:
                found[str(session_id)] = str(error)
        return found

    def session_ids(self) -> list[str]:
        """Of all, those that cannot be read included, oldest first."""
        return [str(one) for (one,) in self._execute("SELECT session_id FROM sessions ORDER BY created_at")]

    def begin_anew(self, session: ManagedSession) -> None:
        """Its snapshot, and an empty view, in place of those that its row has."""
        self._execute(
            "UPDATE sessions SET snapshot = ?, view = ? WHERE session_id = ?",
            (_json.encode(session), _json.encode(ThreadView()), session.session_id),
        )

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

    # --- beside the snapshot -------------------------------------------------------------------------

    def offers(self, session_id: str) -> str:
        """The last ``ChildOffered`` of Claude's, as JSON; empty when there was none."""
        return str(self._of(session_id, "offers", ""))

    def keep_offers(self, session_id: str, offers: str) -> None:
        self._keep(session_id, "offers", offers)

    def accepted_inode(self, session_id: str) -> int:
        """Of the directory that somebody accepted in place of the first one; 0 for none."""
        return int(self._of(session_id, "accepted_inode", 0))

    def keep_accepted_inode(self, session_id: str, inode: int) -> None:
        self._keep(session_id, "accepted_inode", inode)

    def held_through(self, session_id: str) -> int | None:
        """The number of the newest wish that waited when the session broke; None: nothing is held."""
        found = self._of(session_id, "held_through", None)
        return None if found is None else int(found)

    def hold_through(self, session_id: str, wish: int | None) -> None:
        self._keep(session_id, "held_through", wish)

    def restored(self, session_id: str) -> str:
        """What people were not told yet of a lost database; empty when there is nothing to tell."""
        return str(self._of(session_id, "restored", ""))

    def keep_restored(self, session_id: str, mark: str) -> None:
        self._keep(session_id, "restored", mark)

    def login_told(self, session_id: str) -> str:
        """The expiry of the login with which it was told to go on; empty for none."""
        return str(self._of(session_id, "login_told", ""))

    def keep_login_told(self, session_id: str, expiry: str) -> None:
        self._keep(session_id, "login_told", expiry)

    def sessions_without_place(self) -> set[str]:
        """Those for which Discord lets us make no thread."""
        return {str(one) for (one,) in self._execute("SELECT session_id FROM sessions WHERE has_no_place")}

    def keep_place(self, session_id: str, *, is_there: bool) -> None:
        self._keep(session_id, "has_no_place", int(not is_there))

    def _of(self, session_id: str, column: str, default: object) -> Any:
        rows = self._execute(f"SELECT {column} FROM sessions WHERE session_id = ?", (session_id,))  # noqa: S608
        return rows[0][0] if rows else default

    def _keep(self, session_id: str, column: str, value: object) -> None:
        self._execute(f"UPDATE sessions SET {column} = ? WHERE session_id = ?", (value, session_id))  # noqa: S608

    # --- lists of a session's ------------------------------------------------------------------------

    def invited(self, session_id: str) -> frozenset[int]:
        """The ids of those who may talk in its thread."""
        rows = self._execute("SELECT user_id FROM invitations WHERE session_id = ?", (session_id,))
        return frozenset(int(user_id) for (user_id,) in rows)

    def keep_invited(self, session_id: str, users: Iterable[int]) -> None:
        """These, and nobody else."""
        self._execute("DELETE FROM invitations WHERE session_id = ?", (session_id,))
        for user_id in users:
            self._execute(
                "INSERT OR IGNORE INTO invitations (session_id, user_id) VALUES (?, ?)", (session_id, user_id)
            )

    def dropped_prompts(self, session_id: str) -> list[int]:
        """Those whose files are to be deleted."""
        rows = self._execute("SELECT prompt_id FROM dropped_prompts WHERE session_id = ? ORDER BY rowid", (session_id,))
        return [int(prompt_id) for (prompt_id,) in rows]

    def add_dropped(self, session_id: str, prompt_ids: Iterable[int]) -> None:
        for prompt_id in prompt_ids:
            self._execute(
                "INSERT OR IGNORE INTO dropped_prompts (session_id, prompt_id) VALUES (?, ?)", (session_id, prompt_id)
            )

    def void_prompts(self, session_id: str) -> tuple[int, ...]:
        """Those of its log that came from a backup, and are not to be sent."""
        rows = self._execute(
            "SELECT prompt_id FROM void_prompts WHERE session_id = ? ORDER BY prompt_id", (session_id,)
        )
        return tuple(int(prompt_id) for (prompt_id,) in rows)

    def keep_void(self, session_id: str, prompt_ids: Iterable[int]) -> None:
        """These and no others."""
        self._execute("DELETE FROM void_prompts WHERE session_id = ?", (session_id,))
        for prompt_id in prompt_ids:
            self._execute("INSERT INTO void_prompts (session_id, prompt_id) VALUES (?, ?)", (session_id, prompt_id))

    def remove_dropped(self, session_id: str, prompt_ids: Iterable[int]) -> None:
        for prompt_id in prompt_ids:
            self._execute("DELETE FROM dropped_prompts WHERE session_id = ? AND prompt_id = ?", (session_id, prompt_id))


def _decoded(
    snapshot: bytes, view: bytes, ended_at: float | None, end_reason: str, fresh: int, attached: int
) -> SessionRow:
    return SessionRow(_session.decode(snapshot), _view.decode(view), ended_at, end_reason, bool(fresh), attached)
