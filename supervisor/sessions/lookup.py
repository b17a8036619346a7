"""What is the case with sessions, and what they were set to: nothing here begins or ends anything."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

import msgspec

from bridge.journal import entries as j
from bridge.protocol import events as e
from bridge.protocol.errors import UNREADABLE
from bridge.render.posts import Post
from bridge.session.managed import ManagedSession
from bridge.session.states import SessionState
from supervisor.sessions import loose_lines
from supervisor.sessions.delivery import Delivery
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.inbox_table import InboxRow
from supervisor.sessions.reports import Reports
from supervisor.sessions.rows import Sessions
from supervisor.sessions.sessions_table import SessionRow
from supervisor.sessions.waiting import WaitingPrompts

log = logging.getLogger(__name__)


class Lookup:
    """All sessions of one state directory. ``clock`` gives Unix seconds. ``supervisor.assembly`` makes the parts."""

    def __init__(self, sessions: Sessions, waiting: WaitingPrompts, delivery: Delivery, reports: Reports) -> None:
        self.sessions, self.waiting, self.delivery, self.reports = sessions, waiting, delivery, reports
        self.store, self.changes, self.cursors, self.clock = (
            sessions.store,
            sessions.changes,
            sessions.cursors,
            sessions.clock,
        )
        self.rows, self.by_thread, self.rules = sessions.rows, sessions.by_thread, reports.rules
        self.bursts = delivery.bursts

    def get_session(self, session_id: str) -> ManagedSession | None:
        return self.sessions.get_session(session_id)

    def session_of_thread(self, thread_id: int) -> ManagedSession | None:
        return self.sessions.session_of_thread(thread_id)

    def get_all_sessions(self) -> list[ManagedSession]:
        """Oldest first, ended ones included."""
        return self.sessions.get_all_sessions()

    def joined_by(self, channel_id: int, author_id: int, message_id: int) -> tuple[str, int] | None:
        """The session and the open prompt that a message is a part of."""
        return self.bursts.joined_by(channel_id, author_id, message_id)

    def row(self, session_id: str) -> SessionRow:
        return self.sessions.row(session_id)

    def transaction(self, *entries: j.AnyEntry) -> AbstractContextManager[None]:
        return self.sessions.transaction(*entries)

    def show(self, session_id: str, key: str, post: Post) -> None:
        """A post that no record tells of (a refusal, a notice)."""
        self.sessions.show(session_id, key, post)

    def remember(self, name: Fact, value: str) -> None:
        """A fact that outlives us."""
        self.sessions.remember(name, value)

    def changed(self, session_id: str) -> None:
        self.sessions.changed(session_id)

    def active_sessions(self) -> list[ManagedSession]:
        return [row.session for row in self.rows.values() if row.ended_at is None]

    def active_session_count(self) -> int:
        return len(self.active_sessions())

    def working_session_count(self) -> int:
        return sum(session.is_processing for session in self.active_sessions())

    def has_any_sessions(self) -> bool:
        return bool(self.rows)

    def most_recent_session(
        self, channel_id: int, may_be: Callable[[ManagedSession], bool] = lambda _: True
    ) -> ManagedSession | None:
        """The channel's session with the latest activity, ended ones included: ``/continue`` wakes them."""
        mine = [s for s in self.get_all_sessions() if s.channel_id == channel_id and may_be(s)]
        return max(mine, key=lambda s: s.last_activity, default=None)

    def shown_state(self, session_id: str) -> str:
        row = self.rows[session_id]
        if row.ended_at is not None and row.session.state is SessionState.DORMANT:
            return "ended"
        return row.session.shown_state()

    def title(self, session_id: str) -> str:
        """The name that the session's thread was given."""
        post = self.store.post(session_id, "thread")
        return post.desired.thread_name if post else ""

    def retitle(self, session_id: str, name: str) -> None:
        """Within the caller's transaction. A thread that is there has that name already."""
        row = self.store.post(session_id, "thread")
        post = msgspec.structs.replace(row.desired if row else Post(urgent=True), thread_name=name, is_named=True)
        self.store.desire(session_id, "thread", post)
        if row and row.message_id:
            self.store.note_shown(row.id, row.message_id, post)

    def thread_is_called(self, session_id: str, name: str) -> None:
        """Discord says so. What is neither our name for it nor the one before is a person's, and stays."""
        row = self.store.post(session_id, "thread")
        if row is None or row.shown is None:
            return
        if name == row.desired.thread_name:
            if row.shown != row.desired:
                with self.transaction():
                    self.store.note_shown(row.id, row.message_id or 0, row.desired)
        elif name != row.shown.thread_name:
            with self.transaction():
                self.retitle(session_id, name)

    def name_to_give(self, session_id: str) -> str | None:
        """What the thread is to be called and is not."""
        row = self.store.post(session_id, "thread")
        if row is None or row.shown is None or row.shown.thread_name == row.desired.thread_name:
            return None
        return row.desired.thread_name

    def keep_name(self, session_id: str) -> None:
        """The thread cannot be renamed: what it is called is what it should be called."""
        row = self.store.post(session_id, "thread")
        if row and row.shown:
            with self.transaction():
                self.store.desire(session_id, "thread", row.shown)

    def has_thread(self, session_id: str) -> bool:
        """Whether Discord has made the session's thread."""
        post = self.store.post(session_id, "thread")
        return post is not None and post.shown is not None

    def cursor(self, channel_id: int) -> int:
        """The id of the last message of the channel or thread that was handled; 0 for none yet."""
        return self.store.cursor(channel_id)

    def handled(self, channel_id: int, message_id: int) -> None:
        """This message and those before it need no more of us. A cursor only moves forwards."""
        with self.transaction():
            self.sessions.move_cursor(channel_id, message_id)

    def fact(self, name: Fact) -> str:
        return self.store.fact(name)

    def inbox(self, session_id: str) -> list[InboxRow]:
        """What may go to the session's worker now. Raises StoreError."""
        return list(self.delivery.of(session_id))

    def setting(self, session: ManagedSession, setting: str) -> str:
        """``permission_mode``, ``model`` or ``effort``: the session's, else its channel's; empty: nobody chose."""
        mine: dict[str, str] = {
            "permission_mode": session.admitted_mode,
            "model": session.model,
            "effort": session.effort,
        }
        return mine[setting] or self.default(session.channel_id, setting)

    def default(self, channel_id: int, setting: str) -> str:
        """What sessions of the channel begin with; empty: the configuration's."""
        return self.store.channel_default(channel_id, setting)

    def set_default(self, channel_id: int, setting: str, value: str, by: int = 0) -> None:
        with self.transaction():
            self.choose_default(channel_id, setting, value, by)

    def choose_default(self, channel_id: int, setting: str, value: str, by: int = 0) -> None:
        """Within the caller's transaction."""
        self.sessions.note(j.DefaultChosen(channel_id=channel_id, by=by, setting=setting, value=value))
        self.keep_default(channel_id, setting, value)
        if setting == loose_lines.SETTING:
            there = [r for r in self.rows.values() if r.session.channel_id == channel_id and r.ended_at is None]
            for session_id in loose_lines.redraw(self.store, there):
                self.changes.posted(session_id)

    def keep_default(self, channel_id: int, setting: str, value: str) -> None:
        """Within the caller's transaction."""
        self.store.keep_channel_default(channel_id, setting, value)

    def offers_of(self, session: ManagedSession | None) -> e.ChildOffered:
        """What the session's last child said can be chosen; nothing when none ever ran, or it cannot be read."""
        return (self._readable_offers(session) if session else None) or e.ChildOffered()

    def offering_session(self, channel_id: int) -> ManagedSession | None:
        """The channel's most recent one, without those whose offers cannot be read."""
        return self.most_recent_session(channel_id, lambda session: self._readable_offers(session) is not None)

    def _readable_offers(self, session: ManagedSession) -> e.ChildOffered | None:
        """None for what cannot be read; the session's next child tells it anew."""
        text = self.store.offers(session.session_id)
        try:
            return msgspec.json.decode(text, type=e.ChildOffered) if text else e.ChildOffered()
        except UNREADABLE as error:
            log.warning("session %s: what Claude offers cannot be read in the store: %s", session.session_id, error)
            return None

    def claude_commands(self, channel_id: int, session: ManagedSession | None) -> frozenset[str]:
        """The names of those that the session's last child had, or (None) that of the channel's last session."""
        offers = self.offers_of(session or self.offering_session(channel_id))
        return frozenset(one.name.lower() for one in offers.commands)
