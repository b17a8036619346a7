"""The sessions as the store has them, in memory: rows, and the transaction that changes both together.

A change in memory that could not be committed is undone by reading the store again, before anything else is decided,
so memory never knows more than the disk.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress

from bridge.journal.entries import AnyEntry, SessionReopened
from bridge.protocol import commands as c
from bridge.render.posts import Post
from bridge.session.managed import ManagedSession
from supervisor.changes import Changes
from supervisor.sessions import log_lines
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.gaps import Cursors
from supervisor.sessions.journal import Journal
from supervisor.sessions.sessions_table import SessionRow
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError


class Sessions:
    """All sessions of one state directory. ``clock`` gives Unix seconds."""

    def __init__(
        self, store: Store, journal: Journal, changes: Changes, clock: Callable[[], float] = time.time
    ) -> None:
        self.store = store
        self.journal = journal
        self.changes = changes
        self._noted: list[AnyEntry] = []
        self._depth = 0
        self.cursors = Cursors(store)
        self.clock = clock
        self.rows: dict[str, SessionRow] = {}
        self.by_thread: dict[int, str] = {}
        self._is_stale = False
        self._load()
        self._detach_all()

    def _detach_all(self) -> None:
        """Nobody has said hello to us yet, whatever the supervisor before us knew."""
        stale = [row for row in self.rows.values() if row.attached]
        with self.transaction() if stale else nullcontext():
            for row in stale:
                row.attached = 0
                self.store.save(row)

    def _load(self) -> None:
        """Rows that are known stay the same objects: whoever holds one holds what the store says."""
        stored = {row.session.session_id: row for row in self.store.sessions()}
        for session_id, row in stored.items():
            known = self.rows.setdefault(session_id, row)
            for name in row.__struct_fields__:
                setattr(known, name, getattr(row, name))
        for session_id in self.rows.keys() - stored.keys():
            del self.rows[session_id]
        self.by_thread.clear()
        self.by_thread.update({row.session.thread_id: key for key, row in self.rows.items()})
        self._is_stale = False

    @contextmanager
    def transaction(self, *entries: AnyEntry) -> Iterator[None]:
        """Everything in it, or nothing; ``entries`` are in the journal before it is committed."""
        if self._is_stale:
            self._load()
        mark, has_begun, committed = self.journal.mark, False, list[AnyEntry]()
        self._depth += 1
        try:
            with self.store.transaction():
                has_begun = True
                yield
                self._noted += entries
                if self._depth == 1:
                    self.journal.append(self._noted)
                    committed = list(self._noted)
        except BaseException:
            if has_begun:
                self.journal.take_back(mark)
                self._is_stale = True
                with suppress(StoreError):
                    self._load()
            raise
        finally:
            self._depth -= 1
            if self._depth == 0:
                self._noted = []
        for entry in committed:
            log_lines.entry(entry, self.get_session(entry.session_id))

    def note(self, entry: AnyEntry) -> None:
        """What the caller's transaction does, for the journal."""
        self._noted.append(entry)

    def get_session(self, session_id: str) -> ManagedSession | None:
        row = self.rows.get(session_id)
        return row.session if row else None

    def session_of_thread(self, thread_id: int) -> ManagedSession | None:
        return self.get_session(self.by_thread.get(thread_id, ""))

    def get_all_sessions(self) -> list[ManagedSession]:
        """Oldest first, ended ones included."""
        return [row.session for row in self.rows.values()]

    def row(self, session_id: str) -> SessionRow:
        return self.rows[session_id]

    def show(self, session_id: str, key: str, post: Post) -> None:
        """A post that no record tells of (a refusal, a notice)."""
        with self.transaction():
            self.store.desire(session_id, key, post)
        self.changes.posted(session_id)

    def move_cursor(self, channel_id: int, message_id: int) -> None:
        if channel_id:
            self.cursors.move(channel_id, message_id)

    def reopen_row(self, row: SessionRow, by: int = 0) -> None:
        if row.ended_at is not None:
            self.note(SessionReopened(row.session.session_id, row.session.channel_id, by))
            row.ended_at, row.end_reason = None, ""
            self.store.save(row)

    def wish(self, session_id: str, command: c.AnyCommand) -> bool:
        return self.store.wish(session_id, command, self.clock())

    def wish_alone(self, session_id: str, command: c.AnyCommand) -> None:
        with self.transaction():
            self.wish(session_id, command)
        self.changed(session_id)

    def changed(self, session_id: str) -> None:
        self.changes.changed(session_id)

    def remember(self, name: Fact, value: str) -> None:
        """A fact that outlives us."""
        with self.transaction():
            self.store.remember(name, value)
