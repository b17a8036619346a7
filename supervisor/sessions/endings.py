"""How a session ends: by a person, by the operator, with its place or its worker."""

import uuid

from bridge.journal import entries as j
from bridge.protocol import commands as c
from bridge.render import limits, marks, notices
from supervisor.sessions.lookup import Lookup
from supervisor.sessions.sessions_table import SessionRow


class Endings(Lookup):
    """Of all sessions."""

    def destroy_session(self, session_id: str, reason: str, by: int = 0, *, has_place: bool = True) -> None:
        """End the session: nothing more is started for it, and a running child is stopped by the ladder.

        ``has_place``: whether there is anywhere to say so.
        """
        row = self.rows[session_id]
        with self.transaction():
            self.end_row(row, reason, by, has_place=has_place)
            if row.session.worker_pid:
                self.sessions.wish(session_id, c.Stop(uuid.uuid4().hex, reason))
            self.store.save(row)
        self.changed(session_id)

    def end_row(self, row: SessionRow, reason: str, by: int = 0, *, has_place: bool = True) -> None:
        """What was wished for is void, also to go on. Within the caller's transaction, which saves the row."""
        session, now = row.session, self.clock()
        row.ended_at, row.end_reason = now, reason
        dropped = self.waiting.drop_all(session.session_id)
        for prompt in dropped if has_place else ():
            self.store.desire(session.session_id, marks.key_of(prompt.prompt_id), marks.ended(prompt.prompt_id))
        self.rules.session_ended(session.session_id)
        for key, post in row.view.settle_limit(limits.ENDED).items():
            self.store.desire(session.session_id, key, post)
        self.sessions.note(j.SessionEnded(session.session_id, session.channel_id, by, reason=reason, at=now))

    def destroy_all_sessions(self, reason: str) -> None:
        for session in self.active_sessions():
            self.destroy_session(session.session_id, reason)

    def stopped_by_operator(self, session_id: str) -> None:
        """``threadbridge kill`` left its mark: whatever was wished for before it is void."""
        row = self.rows[session_id]
        with self.transaction():
            self.end_row(row, "ended by the operator (threadbridge kill)")
            key = f"killed:{row.session.generation}:{row.session.applied}"
            self.store.desire(session_id, key, notices.killed())
            self.store.save(row)
        self.changed(session_id)
