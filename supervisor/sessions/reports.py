"""What workers report, folded, shown and saved in one transaction; and history that is folded in silence.

History is what a database that is gone had folded and shown: its posts stand in the threads, where we do not know
them, so they are not posted again.
"""

import logging
from collections.abc import Callable, Sequence

import msgspec

from bridge.journal.of_records import entries_of
from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.modes import DEFAULT
from bridge.render import card_flow, notices, titles
from bridge.render.flow import Now
from bridge.render.live import forget_ended, forget_void
from bridge.render.posts import Post
from bridge.render.view import ThreadView
from bridge.routing.seen import thread_name
from bridge.session.display import Display
from bridge.session.managed import ManagedSession, session_from
from supervisor.discord.snowflakes import surely_before
from supervisor.sessions import inbox, log_lines, loose_lines
from supervisor.sessions.live_text import LiveText
from supervisor.sessions.lost_history import LostHistory
from supervisor.sessions.rows import Sessions
from supervisor.sessions.rules import Rules
from supervisor.sessions.sessions_table import SessionRow
from supervisor.sessions.usage_told import tell_of_usage
from supervisor.sessions.waiting import WaitingPrompts
from supervisor.sessions.walls_told import tell_of_walls

_CHANGES_LATER = ("card:", "resume:", "moved:", "lost:")
"""Posts that must not stay as they were when what they show is over, though we may not know where they stand."""

_MAY_WISH = (e.ChildExited, e.PromptAmended, e.PermissionRequested, e.ModeChanged)
"""What may lead to something that a worker is asked."""

log = logging.getLogger(__name__)


class Reports:
    """Of all workers. ``display_of`` says what a channel shows. Any method may raise StoreError."""

    def __init__(
        self,
        sessions: Sessions,
        waiting: WaitingPrompts,
        display_of: Callable[[int], Display],
        rules: Rules,
        heard: Callable[[e.AnyEvent, ManagedSession], None] = lambda *_: None,
    ) -> None:
        """``heard`` gets each event that is no history."""
        self.rules = rules
        self._heard = heard
        self._sessions = sessions
        self._waiting = waiting
        self._display_of = display_of
        self.live = LiveText(sessions, display_of)
        self.lost_history = LostHistory(sessions)
        self._quiet: dict[str, tuple[str, int]] = {}
        self._told_anew = ""
        """The session whose inbox knows already what the records of now answer."""

    def hello(self, session_id: str, hello: wire.Hello, protocol: int = wire.PROTOCOL) -> wire.Welcome:
        """How far we have folded this log. A log of another generation has replaced a lost one.

        ``protocol``: the one that both sides go on with.
        """
        row = self._sessions.rows[session_id]
        with self._sessions.transaction():
            known = row.session.generation == hello.generation
            applied = row.session.applied if known else 0
            row.attached = hello.pid
            if (acked := min(hello.acked, hello.last)) > applied:
                self._begin_quiet(row, hello.generation, acked)
                self.lost_history.note(session_id)
            self._sessions.store.save(row)
        return wire.Welcome(session_id, protocol, hello.generation, applied)

    def record(self, session_id: str, records: Sequence[e.Record]) -> int | None:
        """Fold, render and save, in one transaction; then what is applied. None: there is a hole before these."""
        row = self._sessions.rows[session_id]
        with self._sessions.transaction():
            is_whole = all(self._take(row, record) for record in records)
            self._sessions.store.save(row)
        self._sessions.changes.posted(session_id)
        if any(isinstance(record.event, _MAY_WISH) for record in records):
            self._sessions.changes.wished(session_id)
        return row.session.applied if is_whole else None

    def _take(self, row: SessionRow, record: e.Record) -> bool:
        """Whether the record goes on where we are (or is known already)."""
        known = record.generation == row.session.generation
        applied = row.session.applied if known else 0
        if record.seq > applied + 1 and not isinstance(record.event, e.LogGap):
            return False
        if record.seq > applied:
            self._waiting.folds(row.session, record.event)
            self._fold(row, record)
        return True

    def _fold(self, row: SessionRow, record: e.Record) -> None:
        session, live = row.session, self.live.of(row.session.session_id)
        if record.generation != session.generation:
            inbox.begin_log(self._sessions.store, session.session_id)
        if not self._is_history(record, session.session_id):
            for entry in entries_of(record, session):
                self._sessions.note(entry)
        session.apply(record)
        if not self._is_history(record, session.session_id):
            log_lines.record(record.event, session)
            tell_of_usage(self._sessions.store, session.session_id, record)
            self._heard(record.event, session)
        tell_of_walls(self._sessions.store, session.session_id, record.event)
        forget_void(live, record.event)
        display = self._display_of(session.channel_id)
        by_rules = self._by_rules(row, record)
        posts = self._drawn(row, record, live, display, by_rule=by_rules is not None)
        self._show_all(row, record, self._without_asking(row, record, posts, by_rules))
        forget_ended(live, record.event)
        self._clear_inbox(session, record)
        if isinstance(record.event, e.ChildExited) and session.is_broken:
            self._hold(session.session_id)
        if isinstance(record.event, e.ChildStarted):
            row.fresh = False
        if isinstance(record.event, e.ModeChanged) and self.rules.bars(session, record.event.permission_mode):
            self._ask_again(session, record)
        if isinstance(record.event, e.Titled) and not self._is_history(record, session.session_id):
            self._name(session.session_id, record.event.title)
        if isinstance(record.event, e.ChildOffered):
            self._sessions.store.keep_offers(session.session_id, msgspec.json.encode(record.event).decode())

    def _clear_inbox(self, session: ManagedSession, record: e.Record) -> None:
        if session.session_id != self._told_anew:
            inbox.clear(self._sessions.store, self._waiting, session, record)

    def _name(self, session_id: str, title: str) -> None:
        """The thread is called so, unless somebody gave it a name."""
        thread, name = self._sessions.store.post(session_id, "thread"), titles.chosen(title)
        if thread and name and not thread.desired.is_named:
            named = msgspec.structs.replace(thread.desired, thread_name=name)
            self._sessions.store.desire(session_id, "thread", named)

    def _ask_again(self, session: ManagedSession, record: e.Record) -> None:
        """It came into a mode that was chosen before the configuration barred it, as at the end of a plan."""
        if not self._is_history(record, session.session_id):
            name = f"barred-{record.generation}-{record.seq}"
            self._sessions.wish(session.session_id, c.Configure(name, "permission_mode", DEFAULT))

    def _by_rules(self, row: SessionRow, record: e.Record) -> c.Decide | None:
        """The decision of a request that rules allow."""
        if not isinstance(record.event, e.PermissionRequested) or self._is_history(record, row.session.session_id):
            return None
        request = row.session.requests.get(record.seq)
        return self.rules.decision(row.session, request) if request else None

    def _without_asking(
        self, row: SessionRow, record: e.Record, posts: dict[str, Post], by_rules: c.Decide | None
    ) -> dict[str, Post]:
        """Of a request that rules allow no card is shown, and nobody is asked; nor when it is over."""
        session_id, event = row.session.session_id, record.event
        match event:
            case e.PermissionRequested() if by_rules:
                self._sessions.wish(session_id, by_rules)
                seq = record.seq
            case e.PermissionResolved(seq=seq) | e.PermissionWithdrawn(seq=seq):
                pass
            case _:
                return posts
        key = card_flow.key_of(record.generation, seq)
        if key in posts and self._sessions.store.post(session_id, key) is None:
            posts[key] = msgspec.structs.replace(posts[key], optional=True)
            if isinstance(event, e.PermissionResolved) and event.verdict == "allowed":
                now = Now(row.session, row.view.unfinished, self._display_of(row.session.channel_id))
                posts |= row.view.back_in_flow(seq, event.decider, now)
        return posts

    @staticmethod
    def _drawn(
        row: SessionRow, record: e.Record, live: dict[str, str], display: Display, *, by_rule: bool
    ) -> dict[str, Post]:
        """The posts that change. What cannot be drawn is said, and may not stop what comes after it."""
        try:
            return row.view.apply(record, row.session, live, display, by_rule=by_rule)
        except Exception:
            name = f"{record.generation}:{record.seq}"
            log.exception("session %s: record %s cannot be shown", row.session.session_id, name)
            return {f"unshown:{name}": notices.unshown(record.event)}

    # --- what waits in a session that is broken ------------------------------------------------------

    def _hold(self, session_id: str) -> None:
        """What waits now did not help. By the inbox's order and no clock: that one may be set back meanwhile."""
        newest = max((item.id for item in self._sessions.store.inbox(session_id)), default=0)
        self._sessions.store.hold_through(session_id, newest)

    def is_held(self, session_id: str) -> bool:
        """Nothing was wished for since the session broke, and nobody asked to try again."""
        newest = self._sessions.store.held_through(session_id)
        return newest is not None and all(item.id <= newest for item in self._sessions.store.inbox(session_id))

    def let_go(self, session_id: str) -> None:
        """Somebody asked to try again with what waits. Within the caller's transaction."""
        self._sessions.store.hold_through(session_id, None)

    def _show_all(self, row: SessionRow, record: e.Record, posts: dict[str, Post]) -> None:
        session_id = row.session.session_id
        _, through = self._quiet.get(session_id, ("", 0))
        is_history = self._is_history(record, session_id)
        for key, post in loose_lines.as_the_channel_is(self._sessions.store, row, posts).items():
            if is_history:
                self._sessions.store.desire_silently(session_id, key, post)
                continue
            if post.optional:
                self._sessions.store.desire_where_shown(session_id, key, post)
                continue
            if key.startswith(_CHANGES_LATER):
                self._sessions.store.reveal(session_id, key)
            self._sessions.store.desire(session_id, key, post)
        if is_history and isinstance(record.event, e.PromptAccepted) and record.event.is_message:
            self._sessions.store.move_cursor(row.session.thread_id, record.event.prompt_id)
            self._pass_parts([record])
        if is_history and record.seq == through:
            row.view.is_open = False  # what comes now gets posts of its own

    def _is_history(self, record: e.Record, session_id: str) -> bool:
        """A later state of this store folded it, and showed it."""
        generation, through = self._quiet.get(session_id, ("", 0))
        return record.generation == generation and record.seq <= through

    # --- history: what was folded and shown by a database that is gone -------------------------------

    def recall(
        self, created: e.SessionCreated, at: float, history: Sequence[e.Record], whole: Sequence[e.Record]
    ) -> None:
        """A session that the store does not know. ``history`` was shown before; ``whole`` is all of the log.

        What people wrote that stands in the log is handled; what came after it will be read back.
        """
        row = SessionRow(session_from(created, at), ThreadView(), None, "", fresh=False, attached=0)
        session, session_id = row.session, created.session_id
        with self._sessions.transaction():
            self._sessions.store.add_session(session)
            self._recall_thread(session, whole)
            self._sessions.store.move_cursor(created.channel_id, created.thread_id)
            self._sessions.store.move_cursor(created.thread_id, _last_message(whole))
            self._pass_parts(whole)
            self._fold_quietly(row, history)
            self._sessions.store.save(row)
        self._sessions.rows[session_id], self._sessions.by_thread[created.thread_id] = row, session_id
        self._sessions.changed(session_id)

    def restore(self, session_id: str, records: Sequence[e.Record], through: int) -> None:
        """Records up to ``through`` that a later state of this database had shown already."""
        row = self._sessions.rows[session_id]
        with self._sessions.transaction():
            self._sessions.store.move_cursor(row.session.thread_id, _last_message(records))
            self._pass_parts(records)
            self._fold_quietly(row, records, through)
            self._sessions.store.save(row)
        self._sessions.changed(session_id)

    def tell_anew(self, session_id: str, history: Sequence[e.Record]) -> None:
        """A session whose row could not be read: all but its snapshot and view is as it was, and stays so."""
        row = self._sessions.rows[session_id]
        is_fresh, held = row.fresh, self._sessions.store.held_through(session_id)
        self._told_anew = session_id
        try:
            with self._sessions.transaction():
                self._fold_quietly(row, history)
                self._sessions.store.hold_through(session_id, held)
                row.fresh = is_fresh
                self._sessions.store.save(row)
        finally:
            self._told_anew = ""
        self._sessions.changed(session_id)

    def _pass_parts(self, records: Sequence[e.Record]) -> None:
        """Messages that are parts of prompts were handled, wherever they were written."""
        for record in records:
            for part in record.event.parts if isinstance(record.event, e.PromptAccepted) else ():
                self._sessions.store.move_cursor(part.channel_id, part.message_id)

    def _recall_thread(self, session: ManagedSession, records: Sequence[e.Record]) -> None:
        """It has a thread, in which posts stand that we do not know: what is lost from now on is looked for below."""
        text = next((r.event.text for r in records if isinstance(r.event, e.PromptAccepted)), "")
        thread = Post(thread_name=thread_name(text), urgent=True)
        if not any(isinstance(r.event, e.TurnEnded) for r in records):
            self._sessions.store.desire(session.session_id, "thread", thread)  # to make it twice is harmless
            return
        self._sessions.store.add_shown(session.session_id, "thread", session.thread_id, thread)
        self._sessions.store.add_shown(session.session_id, "history", surely_before(self._sessions.clock()), Post())

    def _fold_quietly(self, row: SessionRow, records: Sequence[e.Record], through: int = 0) -> None:
        if not records:
            return
        generation, through = records[0].generation, through or records[-1].seq
        self._begin_quiet(row, generation, through)
        for record in records:
            self._take(row, record)
        self.lost_history.note(row.session.session_id)

    def _begin_quiet(self, row: SessionRow, generation: str, through: int) -> None:
        self._quiet[row.session.session_id] = generation, through
        self._sessions.store.may_exist(row.session.session_id)


def _last_message(records: Sequence[e.Record]) -> int:
    """The newest message that became a prompt; 0 for none. Older logs do not say which ids are messages'."""
    accepted = [r.event for r in records if isinstance(r.event, e.PromptAccepted)]
    messages = [event.prompt_id for event in accepted if event.is_message]
    return max(messages or [event.prompt_id for event in accepted], default=0)
