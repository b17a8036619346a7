"""SessionManager: every decision about a session, one transaction per method.

It folds what workers report, keeps what is wished for (the inbox) and what threads should show (the outbox),
and knows nothing of Discord, sockets or processes: those loops are told through ``on_wish`` and ``on_posts``
that something changed, and come and look. A change in memory that could not be committed is undone by reading
the store again, before anything else is decided, so memory never knows more than the disk. Any method that writes
may raise StoreError; then nothing was done.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress

import msgspec

from bridge import commands as c
from bridge import events as e
from bridge import wire
from bridge.permission import PermissionRequest, Person, RequestName, Settled
from bridge.render import lost, notices
from bridge.render.posts import Post
from bridge.render.view import ThreadView
from bridge.router import CreateSession, thread_name
from bridge.session import ManagedSession, PromptState, SessionState, session_from
from supervisor.health import StoreError
from supervisor.store import InboxRow, SessionRow, StartRow, Store

GRACE_AFTER_DISCORD_S = 600.0
"""A request that was open while Discord was away does not expire sooner after it came back."""
RESTORED_IS_SAID_S = 86400.0
"""A session that was silent for longer hears nothing of a lost database; nobody waits there."""
CLOCKS_DIFFER_S = 10.0
_RESTORED = Post(
    "-# The bridge's database was lost or came from a backup: this session's history was read again from its log."
    " What stands above still holds, and open buttons still decide.",
    silent=True,
)
_CHANGES_LATER = ("card:", "resume:", "lost:")
"""Posts that must not stay as they were when what they show is over, though we may not know where they stand."""


def _nobody(_session_id: str) -> None:
    return None


class SessionManager:
    """All sessions of one state directory. ``clock`` gives Unix seconds."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._clock = clock
        self._rows: dict[str, SessionRow] = {}
        self._by_thread: dict[int, str] = {}
        self._live: dict[str, dict[str, str]] = {}
        self._quiet: dict[str, tuple[str, int]] = {}
        self._is_stale = False
        self.on_wish: Callable[[str], None] = _nobody
        self.on_posts: Callable[[str], None] = _nobody
        self._load()
        self._detach_all()

    def _detach_all(self) -> None:
        """Nobody has said hello to us yet, whatever the supervisor before us knew."""
        stale = [row for row in self._rows.values() if row.attached]
        with self._transaction() if stale else nullcontext():
            for row in stale:
                row.attached = 0
                self._store.save(row)

    def _load(self) -> None:
        """Rows that are known stay the same objects: whoever holds one holds what the store says."""
        stored = {row.session.session_id: row for row in self._store.sessions()}
        for session_id, row in stored.items():
            known = self._rows.setdefault(session_id, row)
            for name in row.__struct_fields__:
                setattr(known, name, getattr(row, name))
        self._rows = {session_id: self._rows[session_id] for session_id in stored}
        self._by_thread = {row.session.thread_id: key for key, row in self._rows.items()}
        self._is_stale = False

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        if self._is_stale:
            self._load()
        has_begun = False
        try:
            with self._store.transaction():
                has_begun = True
                yield
        except BaseException:
            if has_begun:
                self._is_stale = True
                with suppress(StoreError):
                    self._load()
            raise

    # --- looking -------------------------------------------------------------------------------------

    def get_session(self, session_id: str) -> ManagedSession | None:
        row = self._rows.get(session_id)
        return row.session if row else None

    def session_of_thread(self, thread_id: int) -> ManagedSession | None:
        return self.get_session(self._by_thread.get(thread_id, ""))

    def get_all_sessions(self) -> list[ManagedSession]:
        """Oldest first, ended ones included."""
        return [row.session for row in self._rows.values()]

    def active_sessions(self) -> list[ManagedSession]:
        return [row.session for row in self._rows.values() if row.ended_at is None]

    def active_session_count(self) -> int:
        return len(self.active_sessions())

    def working_session_count(self) -> int:
        return sum(session.is_processing for session in self.active_sessions())

    def has_any_sessions(self) -> bool:
        return bool(self._rows)

    def most_recent_session(
        self, channel_id: int, may_be: Callable[[ManagedSession], bool] = lambda _: True
    ) -> ManagedSession | None:
        """The channel's session with the latest activity, ended ones included: ``/continue`` wakes them."""
        mine = [s for s in self.get_all_sessions() if s.channel_id == channel_id and may_be(s)]
        return max(mine, key=lambda s: s.last_activity, default=None)

    def shown_state(self, session_id: str) -> str:
        row = self._rows[session_id]
        if row.ended_at is not None and row.session.state is SessionState.DORMANT:
            return "ended"
        return row.session.shown_state()

    def row(self, session_id: str) -> SessionRow:
        return self._rows[session_id]

    def title(self, session_id: str) -> str:
        """The name that the session's thread was given."""
        post = self._store.post(session_id, "thread")
        return post.desired.thread_name if post else ""

    def has_thread(self, session_id: str) -> bool:
        """Whether Discord has made the session's thread."""
        post = self._store.post(session_id, "thread")
        return post is not None and post.shown is not None

    def cursor(self, channel_id: int) -> int:
        """The id of the last message of the channel or thread that was handled; 0 for none yet."""
        return self._store.cursor(channel_id)

    def fact(self, name: str) -> str:
        return self._store.fact(name)

    def request_of(self, name: RequestName) -> PermissionRequest | Settled | None:
        """A pending request, or how it ended; a stored decision counts, though Claude has not heard it."""
        session = self.get_session(name.session_id)
        if session is None or session.generation != name.generation:
            return None
        if name.seq in session.settled:
            return session.settled[name.seq]
        if (request := session.requests.get(name.seq)) is None:
            return None
        return self._stored_decision(request) or request

    def _stored_decision(self, request: PermissionRequest) -> Settled | None:
        for item in self._store.inbox(request.name.session_id):
            match item.command:
                case c.Decide() as d if (d.generation, d.seq) == (request.name.generation, request.name.seq):
                    return Settled(d.verdict, d.decider, d.reason, d.always)
        return None

    # --- wishes --------------------------------------------------------------------------------------

    def create_session(self, action: CreateSession, handled_in: int = 0) -> ManagedSession:
        """The session of a thread that is to be made from the message of its id. A repetition is harmless.

        ``handled_in``: the channel whose cursor moves past that message in the same transaction.
        """
        if session := self.session_of_thread(action.thread_id):
            self.handled(handled_in, action.thread_id)
            return session
        created = e.SessionCreated(
            session_id=str(uuid.uuid4()),
            thread_id=action.thread_id,
            guild_id=action.guild_id,
            channel_id=action.channel.channel_id,
            directory=action.channel.directory,
            owner_id=action.owner.user_id,
        )
        session = session_from(created, self._clock())
        with self._transaction():
            self._store.add_session(session)
            self._store.desire(session.session_id, "thread", Post(thread_name=action.thread_name, urgent=True))
            if action.text.strip():
                prompt = _prompt(action.thread_id, action.text, action.owner, is_message=bool(handled_in))
                self._wish(session.session_id, prompt)
            self._move_cursor(handled_in, action.thread_id)
        self._rows[session.session_id] = SessionRow(session, ThreadView(), None, "", fresh=False, attached=0)
        self._by_thread[session.thread_id] = session.session_id
        self._changed(session.session_id)
        return session

    def prompt(self, session_id: str, prompt_id: int, text: str, author: Person, handled_in: int = 0) -> None:
        """A prompt wakes whatever slept: a dormant, broken or ended session. ``handled_in``: as above."""
        row = self._rows[session_id]
        if prompt_id in row.session.prompts:
            self.handled(handled_in, prompt_id)
            return
        with self._transaction():
            self._reopen(row)
            self._wish(session_id, _prompt(prompt_id, text, author, is_message=bool(handled_in)))
            self._move_cursor(handled_in, prompt_id)
        self._changed(session_id)

    def decide(
        self,
        request: PermissionRequest,
        verdict: e.Verdict,
        person: Person | None = None,
        *,
        always: bool = False,
        reason: str = "",
    ) -> bool:
        """Whether this decision is the first. It is bound to the digest of the input that was shown."""
        session_id = request.name.session_id
        with self._transaction():
            if not isinstance(self.request_of(request.name), PermissionRequest):
                return False
            first = self._wish(session_id, request.decide(verdict, person, always=always, reason=reason))
        self._changed(session_id)
        return first

    def interrupt(self, session_id: str, command_id: str, by: int) -> None:
        self._wish_alone(session_id, c.Interrupt(command_id, by))

    def configure(self, session_id: str, command_id: str, setting: str, value: str) -> None:
        self._wish_alone(session_id, c.Configure(command_id, setting, value))

    def destroy_session(self, session_id: str, reason: str) -> None:
        """End the session: nothing more is started for it, and a running child is stopped by the ladder."""
        row = self._rows[session_id]
        with self._transaction():
            row.ended_at, row.end_reason = self._clock(), reason
            self._store.drop_wishes(session_id)
            if row.session.worker_pid:
                self._wish(session_id, c.Stop(uuid.uuid4().hex, reason))
            self._store.save(row)
        self._changed(session_id)

    def destroy_all_sessions(self, reason: str) -> None:
        for session in self.active_sessions():
            self.destroy_session(session.session_id, reason)

    def stopped_by_operator(self, session_id: str) -> None:
        """``threadbridge kill`` left its mark: whatever was wished for before it is void."""
        row = self._rows[session_id]
        with self._transaction():
            row.ended_at, row.end_reason = self._clock(), "ended by the operator (threadbridge kill)"
            self._store.drop_wishes(session_id)
            key = f"killed:{row.session.generation}:{row.session.applied}"
            self._store.desire(session_id, key, notices.killed())
            self._store.save(row)
        self._changed(session_id)

    def settle_lost_turn(self, name: RequestName, person: Person, continue_as: int) -> bool:
        """Whether this click on a lost turn's card is the first. ``continue_as``: the prompt's id; 0 discards."""
        row = self._rows.get(name.session_id)
        turn = row.view.lost_turn if row else None
        if row is None or turn is None or (turn.generation, turn.seq) != (name.generation, name.seq):
            return False
        verdict = lost.continued_by(person.name) if continue_as else lost.discarded_by(person.name)
        with self._transaction():
            for key, post in row.view.settle_lost_turn(verdict, row.session).items():
                self._store.desire(name.session_id, key, post)
            if continue_as:
                self._reopen(row)
                self._wish(
                    name.session_id, _prompt(continue_as, lost.continuing_prompt(turn), person, is_message=False)
                )
            self._store.save(row)
        self._changed(name.session_id)
        return True

    # --- edits and deletions of prompts --------------------------------------------------------------

    def waiting_prompts(self, session_id: str) -> list[int]:
        """The messages that are prompts and that Claude has not taken up, as far as we know."""
        session = self._rows[session_id].session
        waiting = [i.command for i in self._store.inbox(session_id) if isinstance(i.command, c.Prompt)]
        accepted = [i for i, p in session.prompts.items() if p.is_message and p.state is not PromptState.TAKEN]
        return list(dict.fromkeys([*accepted, *(prompt.prompt_id for prompt in waiting if prompt.is_message)]))

    def amend_prompt(self, session_id: str, prompt_id: int, text: str | None) -> bool:
        """A prompt's message was edited, or deleted (None). Whether Claude may still get it otherwise, or not at all.

        What waits in the inbox is changed there; it may be on its way to the worker all the same, so a worker that
        runs is told too.
        """
        row = self._rows[session_id]
        waiting = self._waiting(session_id, prompt_id)
        accepted = row.session.prompts.get(prompt_id)
        is_with_worker = accepted is not None and accepted.state is not PromptState.TAKEN
        if (waiting is None and not is_with_worker) or (waiting and waiting.text == text):
            return False
        with self._transaction():
            if waiting and text is None:
                self._store.answered(session_id, c.key_of(waiting))
                self._store.desire(session_id, f"mark:{prompt_id}", notices.deleted(prompt_id))
            elif waiting and text is not None:
                self._store.change_wish(session_id, msgspec.structs.replace(waiting, text=text))
            if is_with_worker or row.attached:
                self._store.drop_wishes(session_id, f"amend:{prompt_id}.")
                self._wish(session_id, c.Amend(f"{prompt_id}.{uuid.uuid4().hex}", prompt_id, text))
        self._changed(session_id)
        return True

    def _waiting(self, session_id: str, prompt_id: int) -> c.Prompt | None:
        for item in self._store.inbox(session_id):
            if isinstance(item.command, c.Prompt) and item.command.prompt_id == prompt_id:
                return item.command
        return None

    def _drop_stale_amends(self, session: ManagedSession) -> None:
        """No child is left to ask; only what the next one gets again can still be amended."""
        for item in self._store.inbox(session.session_id):
            if isinstance(item.command, c.Amend) and item.command.prompt_id not in session.prompts:
                self._store.answered(session.session_id, c.key_of(item.command))

    def start_fresh(self, session_id: str) -> None:
        """The next child begins a new conversation of Claude's in this thread."""
        row = self._rows[session_id]
        with self._transaction():
            row.fresh = True
            self._reopen(row)
            for post in self._store.posts_like(session_id, "resume:"):
                self._store.desire(session_id, post.key, notices.fresh_start())
            self._store.save(row)
        self._changed(session_id)

    def reopen(self, session_id: str) -> None:
        row = self._rows[session_id]
        with self._transaction():
            self._reopen(row)
        self._changed(session_id)

    def expire_requests(self, timeout_s: float | None, discord_back_at: float | None) -> None:
        """Decide for the clock what nobody answered. Both in seconds; None: never, and Discord is away."""
        if timeout_s is None or discord_back_at is None:
            return
        now = self._clock()
        for session in self.get_all_sessions():
            for request in list(session.requests.values()):
                at = request.at if request.at <= now else discord_back_at  # the clock was set back meanwhile
                open_before = at <= discord_back_at
                grace = discord_back_at + min(GRACE_AFTER_DISCORD_S, timeout_s) if open_before else 0.0
                if now >= max(at + timeout_s, grace):
                    self.decide(request, "expired", reason=notices.expired(timeout_s))

    def handled(self, channel_id: int, message_id: int) -> None:
        """This message and those before it need no more of us. A cursor only moves forwards."""
        with self._transaction():
            self._move_cursor(channel_id, message_id)

    def _move_cursor(self, channel_id: int, message_id: int) -> None:
        if channel_id:
            self._store.move_cursor(channel_id, message_id)

    def remember(self, name: str, value: str) -> None:
        """A small fact that outlives us."""
        with self._transaction():
            self._store.remember(name, value)

    def _reopen(self, row: SessionRow) -> None:
        if row.ended_at is not None:
            row.ended_at, row.end_reason = None, ""
            self._store.save(row)

    def _wish(self, session_id: str, command: c.AnyCommand) -> bool:
        return self._store.wish(session_id, command, self._clock())

    def _wish_alone(self, session_id: str, command: c.AnyCommand) -> None:
        with self._transaction():
            self._wish(session_id, command)
        self._changed(session_id)

    def inbox(self, session_id: str) -> list[InboxRow]:
        return self._store.inbox(session_id)

    # --- what workers report -------------------------------------------------------------------------

    def hello(self, session_id: str, hello: wire.Hello) -> wire.Welcome:
        """How far we have folded this log. A log of another generation has replaced a lost one."""
        row = self._rows[session_id]
        with self._transaction():
            known = row.session.generation == hello.generation
            applied = row.session.applied if known else 0
            row.attached = hello.pid
            if (acked := min(hello.acked, hello.last)) > applied:
                self._begin_quiet(row, hello.generation, acked)
                self._store.desire(session_id, f"restored:{hello.generation}:{acked}", _RESTORED)
            self._store.save(row)
        return wire.Welcome(session_id, wire.PROTOCOL, hello.generation, applied)

    def record(self, session_id: str, records: Sequence[e.Record]) -> int | None:
        """Fold, render and save, in one transaction; then what is applied. None: there is a hole before these."""
        row = self._rows[session_id]
        with self._transaction():
            is_whole = all(self._take(row, record) for record in records)
            self._store.save(row)
        self.on_posts(session_id)
        if any(isinstance(record.event, e.ChildExited) for record in records):
            self.on_wish(session_id)
        return row.session.applied if is_whole else None

    def _take(self, row: SessionRow, record: e.Record) -> bool:
        """Whether the record goes on where we are (or is known already)."""
        known = record.generation == row.session.generation
        applied = row.session.applied if known else 0
        if record.seq > applied + 1 and not isinstance(record.event, e.LogGap):
            return False
        if record.seq > applied:
            self._fold(row, record)
        return True

    def _fold(self, row: SessionRow, record: e.Record) -> None:
        session, live = row.session, self._live.setdefault(row.session.session_id, {})
        if record.generation != session.generation:
            self._store.drop_wishes(session.session_id, "decide:")  # made on requests of a log that is gone
        session.apply(record)
        self._forget_live(live, record.event)
        self._show_all(row, record, row.view.apply(record, session, live))
        for key in _answers(record):
            self._store.answered(session.session_id, key)
        if isinstance(record.event, e.ChildExited):
            for prefix in ("interrupt:", "configure:", "stop:", "decide:"):
                self._store.drop_wishes(session.session_id, prefix)
            self._drop_stale_amends(session)
        if isinstance(record.event, e.ChildStarted):
            row.fresh = False

    # --- history: what was folded and shown by a database that is gone -------------------------------

    def recall(
        self, created: e.SessionCreated, at: float, history: Sequence[e.Record], whole: Sequence[e.Record]
    ) -> None:
        """A session that the store does not know. ``history`` was shown before; ``whole`` is all of the log.

        What people wrote that stands in the log is handled; what came after it will be read back.
        """
        row = SessionRow(session_from(created, at), ThreadView(), None, "", fresh=False, attached=0)
        session, session_id = row.session, created.session_id
        with self._transaction():
            self._store.add_session(session)
            self._recall_thread(session, whole)
            self._store.move_cursor(created.channel_id, created.thread_id)
            self._store.move_cursor(created.thread_id, _last_message(whole))
            self._fold_quietly(row, history)
            self._store.save(row)
        self._rows[session_id], self._by_thread[created.thread_id] = row, session_id
        self._changed(session_id)

    def restore(self, session_id: str, records: Sequence[e.Record], through: int) -> None:
        """Records up to ``through`` that a later state of this database had shown already."""
        row = self._rows[session_id]
        with self._transaction():
            self._store.move_cursor(row.session.thread_id, _last_message(records))
            self._fold_quietly(row, records, through)
            self._store.save(row)
        self._changed(session_id)

    def _recall_thread(self, session: ManagedSession, records: Sequence[e.Record]) -> None:
        """It has a thread, in which posts stand that we do not know: what is lost from now on is looked for below."""
        text = next((r.event.text for r in records if isinstance(r.event, e.PromptAccepted)), "")
        thread = Post(thread_name=thread_name(text), urgent=True)
        if not any(isinstance(r.event, e.TurnEnded) for r in records):
            self._store.desire(session.session_id, "thread", thread)  # to make it twice is harmless
            return
        self._store.add_shown(session.session_id, "thread", session.thread_id, thread)
        self._store.add_shown(session.session_id, "history", snowflake(self._clock() - CLOCKS_DIFFER_S), Post())

    def _fold_quietly(self, row: SessionRow, records: Sequence[e.Record], through: int = 0) -> None:
        if not records:
            return
        generation, through = records[0].generation, through or records[-1].seq
        self._begin_quiet(row, generation, through)
        for record in records:
            self._take(row, record)
        is_recent = row.session.last_activity > self._clock() - RESTORED_IS_SAID_S
        if is_recent or row.session.state is not SessionState.DORMANT:
            self._store.desire(row.session.session_id, f"restored:{generation}:{through}", _RESTORED)

    def _begin_quiet(self, row: SessionRow, generation: str, through: int) -> None:
        self._quiet[row.session.session_id] = generation, through
        self._store.may_exist(row.session.session_id)

    def _show_all(self, row: SessionRow, record: e.Record, posts: dict[str, Post]) -> None:
        session_id = row.session.session_id
        generation, through = self._quiet.get(session_id, ("", 0))
        is_history = record.generation == generation and record.seq <= through
        for key, post in posts.items():
            if is_history:
                self._store.desire_silently(session_id, key, post)
                continue
            if key.startswith(_CHANGES_LATER):
                self._store.reveal(session_id, key)
            self._store.desire(session_id, key, post)
        if is_history and isinstance(record.event, e.PromptAccepted) and record.event.is_message:
            self._store.move_cursor(row.session.thread_id, record.event.prompt_id)
        if is_history and record.seq == through:
            row.view.is_open = False  # what comes now gets posts of its own

    @staticmethod
    def _forget_live(live: dict[str, str], event: e.AnyEvent) -> None:
        match event:
            case e.TextWritten(block=block):
                live.pop(block, None)
            case e.TextWithdrawn(blocks=blocks):
                for block in blocks:
                    live.pop(block, None)
            case e.TurnEnded() | e.WorkerStarted():
                live.clear()

    def delta(self, session_id: str, delta: wire.Delta) -> None:
        """Live text: lossy, and only in memory. A piece that does not fit on is left for the record."""
        live = self._live.setdefault(session_id, {})
        have = live.get(delta.block, "")
        if delta.offset <= len(have):
            live[delta.block] = have[: delta.offset] + delta.text
            self.on_posts(session_id)

    def render_live(self, session_id: str) -> None:
        """Write the streaming text into the outbox; the outbox asks for it when the pace allows a send."""
        row, live = self._rows[session_id], self._live.get(session_id)
        if not live:
            return
        with self._transaction():
            for key, post in row.view.live_posts(row.session, live).items():
                self._store.desire(session_id, key, post)
            self._store.save(row)

    def show(self, session_id: str, key: str, post: Post) -> None:
        """A post that no record tells of (a refusal, a notice)."""
        with self._transaction():
            self._store.desire(session_id, key, post)
        self.on_posts(session_id)

    # --- what the processes loop reports -------------------------------------------------------------

    def is_wanted(self, session_id: str) -> bool:
        """Whether a worker should run: somebody waits for it, or a dead one left its log open."""
        row = self._rows[session_id]
        session, inbox = row.session, self._store.inbox(session_id)
        if session.state is not SessionState.DORMANT:
            return True
        newest = max((item.created_at for item in inbox), default=0.0)
        waits = bool(inbox) or bool(session.prompts)
        return waits and row.ended_at is None and (not session.is_broken or newest > session.last_activity)

    def has_work(self, session_id: str) -> bool:
        """Whether the worker should have a child, or only close the log."""
        return self._rows[session_id].ended_at is None and bool(self._store.inbox(session_id))

    def starting(self, start: StartRow) -> None:
        """Committed before the spawn: whose key may speak on the endpoint."""
        with self._transaction():
            self._store.add_start(start)

    def starts(self) -> list[StartRow]:
        return self._store.starts()

    def worker_gone(self, session_id: str, start: str) -> None:
        row = self._rows[session_id]
        with self._transaction():
            row.attached = 0
            self._store.remove_start(session_id, start)
            self._store.save(row)
        self.on_wish(session_id)

    def worker_failed(self, session_id: str, reason: str) -> None:
        """Workers of the session die before they can log why: say so, and drop what cannot be done."""
        row = self._rows[session_id]
        with self._transaction():
            row.ended_at, row.end_reason = self._clock(), reason
            self._store.drop_wishes(session_id)
            self._store.desire(session_id, f"failed:{int(self._clock())}", notices.worker_failed(reason))
            self._store.save(row)
        self._changed(session_id)

    def update_session_costs(self, session_id: str, ended: e.TurnEnded) -> None:
        """As ``ManagedSession.update_costs``; records do this by themselves."""
        self._rows[session_id].session.update_costs(ended)

    def _changed(self, session_id: str) -> None:
        self.on_wish(session_id)
        self.on_posts(session_id)


def _prompt(prompt_id: int, text: str, author: Person, *, is_message: bool) -> c.Prompt:
    return c.Prompt(prompt_id, text, author.user_id, author.name, is_message)


def _last_message(records: Sequence[e.Record]) -> int:
    """The newest message that became a prompt; 0 for none. Older logs do not say which ids are messages'."""
    accepted = [r.event for r in records if isinstance(r.event, e.PromptAccepted)]
    messages = [event.prompt_id for event in accepted if event.is_message]
    return max(messages or [event.prompt_id for event in accepted], default=0)


def snowflake(at: float) -> int:
    """The smallest id that Discord gives at that time, in Unix seconds (discord-api-docs, "Snowflakes")."""
    return max(0, int(at * 1000) - 1_420_070_400_000) << 22


def _answers(record: e.Record) -> list[str]:
    """The inbox keys of the wishes that this event answers (the table stands in bridge.commands)."""
    match record.event:
        case e.PromptAccepted(prompt_id=prompt_id):
            return [f"prompt:{prompt_id}"]
        case e.PermissionResolved(seq=seq) | e.PermissionWithdrawn(seq=seq) | e.DecisionRefused(seq=seq):
            return [f"decide:{record.generation}:{seq}"]
        case e.InterruptAccepted(command_id=command_id):
            return [f"interrupt:{command_id}"]
        case e.ConfigureAccepted(command_id=command_id):
            return [f"configure:{command_id}"]
        case e.PromptAmended(command_id=command_id):
            return [f"amend:{command_id}"]
        case e.WorkerStopping(command_id=command_id):
            return [f"stop:{command_id}"]
        case _:
            return []
