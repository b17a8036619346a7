"""SessionManager: every decision about a session, one transaction per method.

It folds what workers report, keeps what is wished for (the inbox) and what threads should show (the outbox),
and knows nothing of Discord, sockets or processes: those loops are told through ``on_wish`` and ``on_posts``
that something changed, and come and look. A change in memory that could not be committed is undone by reading
the store again, so memory never knows more than the disk.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from bridge import commands as c
from bridge import events as e
from bridge import wire
from bridge.permission import PermissionRequest, Person, RequestName, Settled
from bridge.render import notices
from bridge.render.posts import Post
from bridge.render.view import ThreadView
from bridge.router import CreateSession
from bridge.session import ManagedSession, SessionState, session_from
from supervisor.store import InboxRow, SessionRow, StartRow, Store

GRACE_AFTER_DISCORD_S = 600.0
"""A request that was open while Discord was away does not expire sooner after it came back."""


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
        self.on_wish: Callable[[str], None] = _nobody
        self.on_posts: Callable[[str], None] = _nobody
        self._load()

    def _load(self) -> None:
        self._rows = {row.session.session_id: row for row in self._store.sessions()}
        self._by_thread = {row.session.thread_id: key for key, row in self._rows.items()}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            with self._store.transaction():
                yield
        except BaseException:
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

    def most_recent_session(self, channel_id: int) -> ManagedSession | None:
        """The channel's session with the latest activity, ended ones included: ``/continue`` wakes them."""
        mine = [s for s in self.get_all_sessions() if s.channel_id == channel_id]
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
                self._wish(session.session_id, _prompt(action.thread_id, action.text, action.owner))
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
            self._wish(session_id, _prompt(prompt_id, text, author))
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
                open_before = request.at < discord_back_at
                grace = discord_back_at + min(GRACE_AFTER_DISCORD_S, timeout_s) if open_before else 0.0
                if now >= max(request.at + timeout_s, grace):
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
        known = row.session.generation == hello.generation
        with self._transaction():
            row.attached = hello.pid
            self._store.save(row)
        return wire.Welcome(session_id, wire.PROTOCOL, hello.generation, row.session.applied if known else 0)

    def record(self, session_id: str, records: Sequence[e.Record]) -> int | None:
        """Fold, render and save, in one transaction; then what is applied. None: there is a hole before these."""
        row = self._rows[session_id]
        with self._transaction():
            for record in records:
                known = record.generation == row.session.generation
                applied = row.session.applied if known else 0
                if record.seq > applied + 1 and not isinstance(record.event, e.LogGap):
                    return None
                if record.seq > applied:
                    self._fold(row, record)
            self._store.save(row)
        self.on_posts(session_id)
        if any(isinstance(record.event, e.ChildExited) for record in records):
            self.on_wish(session_id)
        return row.session.applied

    def _fold(self, row: SessionRow, record: e.Record) -> None:
        session, live = row.session, self._live.setdefault(row.session.session_id, {})
        session.apply(record)
        self._forget_live(live, record.event)
        for key, post in row.view.apply(record, session, live).items():
            self._store.desire(session.session_id, key, post)
        for key in _answers(record):
            self._store.answered(session.session_id, key)
        if isinstance(record.event, e.ChildExited):
            for prefix in ("interrupt:", "configure:", "amend:", "stop:", "decide:"):
                self._store.drop_wishes(session.session_id, prefix)
        if isinstance(record.event, e.ChildStarted):
            row.fresh = False

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


def _prompt(prompt_id: int, text: str, author: Person) -> c.Prompt:
    return c.Prompt(prompt_id, text, author.user_id, author.name)


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
