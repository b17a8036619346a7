"""Which sessions need a worker, and what becomes of those that had one: what the processes loop asks and tells."""

import uuid

from bridge.protocol import commands as c
from bridge.protocol.commands import HIBERNATION
from bridge.render import notices
from bridge.session.states import SessionState
from supervisor.sessions.endings import Endings
from supervisor.sessions.inbox_table import InboxRow
from supervisor.sessions.starts_table import StartRow


class WorkerNeeds(Endings):
    """Of all sessions."""

    def is_wanted(self, session_id: str) -> bool:
        """Whether a worker should run: somebody waits for it, or a dead one left its log open."""
        row = self.rows[session_id]
        session, inbox = row.session, self._waking(session_id)
        if session.state is not SessionState.DORMANT:
            return True
        waits = (bool(inbox) or bool(session.prompts)) and self.delivery.has_place(session_id)
        return waits and row.ended_at is None and not (session.is_broken and self.reports.is_held(session_id))

    def has_work(self, session_id: str) -> bool:
        """Whether the worker should have a child, or only close the log."""
        row = self.rows[session_id]
        if not self.delivery.has_place(session_id):
            return False
        is_begun_anew = row.fresh and bool(row.session.prompts)
        return row.ended_at is None and (bool(self._waking(session_id)) or is_begun_anew)

    def _waking(self, session_id: str) -> list[InboxRow]:
        """Wishes for which a child is started; a setting waits until there is another reason."""
        return [item for item in self.store.inbox(session_id) if not isinstance(item.command, c.Configure)]

    def hibernate_idle(self, after_s: float | None) -> None:
        """Tell the workers of sessions that had nothing to do for so many seconds to stop. None: never."""
        if after_s is None:
            return
        idle_since = self.clock() - after_s
        for row in self.rows.values():
            session = row.session
            if not (row.attached and session.may_hibernate) or session.last_activity > idle_since:
                continue
            if not self.store.inbox(session.session_id):
                self.sessions.wish_alone(session.session_id, c.Stop(uuid.uuid4().hex, HIBERNATION, if_idle=True))

    def starting(self, start: StartRow) -> None:
        """Committed before the spawn: whose key may speak on the endpoint."""
        with self.transaction():
            self.store.add_start(start)

    def starts(self) -> list[StartRow]:
        return self.store.starts()

    def worker_gone(self, session_id: str, start: str) -> None:
        row = self.rows[session_id]
        with self.transaction():
            row.attached = 0
            self.store.remove_start(session_id, start)
            self.store.save(row)
        self.changes.wished(session_id)

    def worker_failed(self, session_id: str, reason: str) -> None:
        """Workers of the session die before they can log why: say so, and drop what cannot be done."""
        row = self.rows[session_id]
        with self.transaction():
            self.end_row(row, reason)
            self.store.desire(session_id, f"failed:{int(self.clock())}", notices.worker_failed(reason))
            self.store.save(row)
        self.changed(session_id)
