"""SessionManager: every decision about a session, one transaction per method.

It keeps what is wished for (the inbox); ``waiting`` has the prompts that Claude has not taken up, ``reports`` folds
what workers say and keeps what threads should show (the outbox). None of them knows of Discord, sockets or processes:
those loops hear of it through ``changes``, and come and look. Any method that writes may raise StoreError; then nothing
was done.
"""

import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from itertools import dropwhile
from pathlib import Path

import msgspec

from bridge.journal import entries as j
from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.commands import HIBERNATION
from bridge.render import lost, marks, notices
from bridge.render import rules as rules_told
from bridge.render.posts import Post
from bridge.render.view import ThreadView
from bridge.routing.actions import CreateSession
from bridge.session.managed import ManagedSession, SessionState, session_from
from bridge.session.people import named
from bridge.session.permission import NOTHING_ANSWERED, First, PermissionRequest, Person, RequestName, Settled
from bridge.session.questions import Draft
from bridge.session.rules import IN_WORDS, OF_CHANNEL, Term
from supervisor.discord.errors import snowflake
from supervisor.private_files import inode_of
from supervisor.projects.remote import remote_of
from supervisor.projects.repository import found_at
from supervisor.sessions.delivery import Delivery
from supervisor.sessions.inbox_table import InboxRow
from supervisor.sessions.reports import Reports
from supervisor.sessions.rows import Sessions
from supervisor.sessions.sessions_table import SessionRow
from supervisor.sessions.starts_table import StartRow
from supervisor.sessions.waiting import WaitingPrompts, is_settled

GRACE_AFTER_DISCORD_S = 600.0
"""A request that was open while Discord was away does not expire sooner after it came back."""


class SessionManager:
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

    # --- what the rows do by themselves --------------------------------------------------------------

    def get_session(self, session_id: str) -> ManagedSession | None:
        return self.sessions.get_session(session_id)

    def session_of_thread(self, thread_id: int) -> ManagedSession | None:
        return self.sessions.session_of_thread(thread_id)

    def get_all_sessions(self) -> list[ManagedSession]:
        """Oldest first, ended ones included."""
        return self.sessions.get_all_sessions()

    def row(self, session_id: str) -> SessionRow:
        return self.sessions.row(session_id)

    def transaction(self, *entries: j.AnyEntry) -> AbstractContextManager[None]:
        return self.sessions.transaction(*entries)

    def show(self, session_id: str, key: str, post: Post) -> None:
        """A post that no record tells of (a refusal, a notice)."""
        self.sessions.show(session_id, key, post)

    def remember(self, name: str, value: str) -> None:
        """A small fact that outlives us."""
        self.sessions.remember(name, value)

    def changed(self, session_id: str) -> None:
        self.sessions.changed(session_id)

    # --- looking -------------------------------------------------------------------------------------

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

    def has_thread(self, session_id: str) -> bool:
        """Whether Discord has made the session's thread."""
        post = self.store.post(session_id, "thread")
        return post is not None and post.shown is not None

    def cursor(self, channel_id: int) -> int:
        """The id of the last message of the channel or thread that was handled; 0 for none yet."""
        return self.store.cursor(channel_id)

    def fact(self, name: str) -> str:
        return self.store.fact(name)

    # --- settings and what can be chosen -------------------------------------------------------------

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
        with self.transaction(j.DefaultChosen(channel_id=channel_id, by=by, setting=setting, value=value)):
            self.keep_default(channel_id, setting, value)

    def keep_default(self, channel_id: int, setting: str, value: str) -> None:
        """Within the caller's transaction."""
        self.store.keep_channel_default(channel_id, setting, value)

    def offered(self, session: ManagedSession | None) -> e.ChildOffered:
        """What the session's last child said can be chosen; nothing when none ever ran."""
        told = self.store.offers(session.session_id) if session else ""
        return msgspec.json.decode(told, type=e.ChildOffered) if told else e.ChildOffered()

    def request_of(self, name: RequestName) -> PermissionRequest | Settled | None:
        """A pending request, or how it ended; a stored decision counts, though Claude has not heard it."""
        session = self.get_session(name.session_id)
        if session is None or session.generation != name.generation:
            return None
        if name.seq in session.settled:
            return session.settled[name.seq]
        if (request := session.requests.get(name.seq)) is None:
            return None
        return self._stored_decision(request) or self.rows[name.session_id].view.cards.get(name.seq, request)

    def _stored_decision(self, request: PermissionRequest) -> Settled | None:
        for item in self.store.inbox(request.name.session_id):
            match item.command:
                case c.Decide() as d if (d.generation, d.seq) == (request.name.generation, request.name.seq):
                    ended = (d.verdict, d.decider, d.reason, d.always, d.answers, d.mode, d.decided_by)
                    return Settled(*ended, also_by=d.also_by)
        return None

    # --- wishes --------------------------------------------------------------------------------------

    def create_session(self, action: CreateSession, handled_in: int = 0) -> ManagedSession:
        """The session of a thread that is to be made from the message of its id. A repetition is harmless.

        ``handled_in``: the channel whose cursor moves past that message in the same transaction.
        """
        if session := self.session_of_thread(action.thread_id):
            self.handled(handled_in, action.thread_id)
            return session
        repository = found_at(action.channel.directory, str(Path.home()))
        created = e.SessionCreated(
            session_id=str(uuid.uuid4()),
            thread_id=action.thread_id,
            guild_id=action.guild_id,
            channel_id=action.channel.channel_id,
            directory=action.channel.directory,
            owner_id=action.owner.user_id,
            inode=inode_of(action.channel.directory),
            git_directory=repository.git_directory,
            work_tree=repository.work_tree,
            remote=remote_of(action.channel.directory, str(Path.home())),
        )
        session = session_from(created, self.clock())
        begun = j.SessionBegun(
            *(session.session_id, session.channel_id, session.owner_id),
            thread_id=session.thread_id,
            directory=session.directory,
        )
        with self.transaction(begun):
            self.store.add_session(session)
            self.store.desire(session.session_id, "thread", Post(thread_name=action.thread_name, urgent=True))
            if action.text.strip() or action.attachments:
                prompt = _prompt(
                    action.thread_id,
                    action.text,
                    action.owner,
                    is_message=bool(handled_in),
                    attachments=action.attachments,
                )
                self.sessions.wish(session.session_id, prompt)
            self.sessions.move_cursor(handled_in, action.thread_id)
        self.rows[session.session_id] = SessionRow(session, ThreadView(), None, "", fresh=False, attached=0)
        self.by_thread[session.thread_id] = session.session_id
        self.changed(session.session_id)
        return session

    def adopt_thread(self, action: CreateSession, handled_in: int) -> ManagedSession:
        """A thread that an earlier state of ours made, and that this store (a backup) does not know.

        Its first prompt was answered there, so Claude does not get it (again).
        """
        session = self.create_session(msgspec.structs.replace(action, text="", attachments=()), handled_in)
        with self.transaction():
            self.reports.note_unknown(session.session_id)
            if thread := self.store.post(session.session_id, "thread"):
                self.store.shown(thread.id, session.thread_id, thread.desired)
        return session

    def begun_before(self, session_id: str) -> None:
        """Its thread turns out to be one that an earlier state of ours made: what waits was answered there."""
        with self.transaction():
            self.waiting.drop_all(session_id)
            self.reports.note_unknown(session_id)
        self.changed(session_id)

    def prompt(
        self,
        session_id: str,
        prompt_id: int,
        text: str,
        author: Person,
        handled_in: int = 0,
        attachments: tuple[e.Attachment, ...] = (),
        *,
        is_command: bool = False,
    ) -> None:
        """A prompt wakes whatever slept: a dormant, broken or ended session. ``handled_in``: as above.

        ``is_command``: a slash command of Claude's, which waits for the running turn's end.
        """
        row = self.rows[session_id]
        if prompt_id in row.session.prompts:
            self.handled(handled_in, prompt_id)
            return
        with self.transaction():
            self.sessions.reopen_row(row)
            self.reports.say_restored(session_id)
            prompt = _prompt(prompt_id, text, author, is_message=bool(handled_in), attachments=attachments)
            if is_command:
                prompt = msgspec.structs.replace(prompt, is_command=True, when="later")
            self.sessions.wish(session_id, prompt)
            self.sessions.move_cursor(handled_in, prompt_id)
        self.changed(session_id)

    def decide(
        self,
        request: PermissionRequest,
        verdict: e.Verdict,
        person: Person | None = None,
        *,
        always: bool = False,
        reason: str = "",
        answers: Mapping[str, str] = NOTHING_ANSWERED,
        mode: str = "",
    ) -> bool:
        """Whether this decision is the first. It is bound to the digest of the input that was shown."""
        decision = request.decide(verdict, person, always=always, reason=reason, answers=answers, mode=mode)
        return self.settle(request, decision)

    def settle(self, request: PermissionRequest, decision: c.Decide) -> bool:
        """As ``decide``."""
        session_id = request.name.session_id
        with self.transaction():
            if not isinstance(self.request_of(request.name), PermissionRequest):
                return False
            first = self.sessions.wish(session_id, decision)
        self.changed(session_id)
        return first

    def allow_for(self, request: PermissionRequest, person: Person, term: Term) -> bool:
        """Allow it, and what is like it, for some time. Whether this decision is the first."""
        session_id = request.name.session_id
        session = self.rows[session_id].session
        with self.transaction():
            if not isinstance(self.request_of(request.name), PermissionRequest):
                return False
            rule = self.rules.add(session, request.event, term, person)
            if term in OF_CHANNEL:
                self.store.desire(session_id, f"rule:{rule.rule_id}", rules_told.announced(rule, term))
            decision = request.decide("allowed", person, always=True)
            first = self.sessions.wish(session_id, msgspec.structs.replace(decision, kept=IN_WORDS[term]))
        self.changed(session_id)
        return first

    def revoke_rule(self, rule_id: str, channel_id: int, session_id: str, person: Person) -> bool:
        """Whether it held here. It is said where it counted, if that can be seen from here."""
        with self.transaction():
            mine = {rule.rule_id for rule in self.rules.of(channel_id, session_id)}
            rule = self.rules.revoke(rule_id, person.user_id) if rule_id in mine else None
            if rule and session_id:
                post = rules_told.revoked(rule, named(person.user_id, person.name))
                self.store.desire(session_id, f"revoked:{rule_id}", post)
        if session_id:
            self.changes.posted(session_id)
        return rule is not None

    def draft(self, name: RequestName, draft: Draft, by: int = 0) -> bool:
        """Keep what is chosen so far of a question, and show it. False: nobody waits for it any more."""
        row = self.rows[name.session_id]
        with self.transaction():
            if not isinstance(self.request_of(name), PermissionRequest) or name.seq not in row.view.cards:
                return False
            self.sessions.note(
                j.AnswersDrafted(
                    *(name.session_id, row.session.channel_id, by),
                    generation=name.generation,
                    seq=name.seq,
                    draft=draft,
                )
            )
            for key, post in row.view.redraft(name.seq, draft, row.session).items():
                self.store.reveal(name.session_id, key)
                self.store.desire(name.session_id, key, post)
            self.store.save(row)
        self.changes.posted(name.session_id)
        return True

    # --- who is invited ------------------------------------------------------------------------------

    def invited(self, session_id: str) -> frozenset[int]:
        """The user ids of those who may talk in this session's thread only."""
        return self.store.invited(session_id)

    def invite(self, session_id: str, user_id: int, by: Person) -> bool:
        """Whether they were not invited yet."""
        return self._note_invited(session_id, self.invited(session_id) | {user_id}, by)

    def uninvite(self, session_id: str, user_id: int, by: Person) -> bool:
        """Whether they were invited. What they wrote and Claude has not taken up is dropped at its delivery."""
        return self._note_invited(session_id, self.invited(session_id) - {user_id}, by)

    def _note_invited(self, session_id: str, users: frozenset[int], by: Person) -> bool:
        before = self.invited(session_id)
        if users == before:
            return False
        with self.transaction():
            channel_id = self.rows[session_id].session.channel_id
            self.sessions.note(j.PeopleInvited(session_id, channel_id, by.user_id, users=tuple(sorted(users))))
            self.store.keep_invited(session_id, users)
            key = f"invited:{uuid.uuid4().hex}"
            self.store.desire(session_id, key, notices.invited(users - before, before - users, by.user_id))
        self.changed(session_id)
        return True

    def allow_first(self, request: PermissionRequest, first: First) -> bool:
        """Keep who allowed what two people must allow, and show it. False: it is not as it was any more."""
        name = request.name
        row = self.rows[name.session_id]
        with self.transaction():
            now = self.request_of(name)
            is_as_it_was = isinstance(now, PermissionRequest) and now.first == request.first
            if not is_as_it_was or name.seq not in row.view.cards:
                return False
            self.sessions.note(
                j.AllowedFirst(
                    *(name.session_id, row.session.channel_id, first.user_id),
                    generation=name.generation,
                    seq=name.seq,
                    first=first,
                )
            )
            for key, post in row.view.note_first(name.seq, first, row.session).items():
                self.store.reveal(name.session_id, key)
                self.store.desire(name.session_id, key, post)
            self.store.save(row)
        self.changes.posted(name.session_id)
        return True

    def interrupt(self, session_id: str, command_id: str, by: int, *, keep_queued: bool = False) -> None:
        """A prompt that still waits for its files is queued too, though no worker knows of it."""
        waiting = [item.command for item in self.store.inbox(session_id)]
        prompts = [command for command in waiting if isinstance(command, c.Prompt)]
        held = [] if keep_queued else list(dropwhile(is_settled, prompts))
        with self.transaction():
            self.waiting.drop(session_id, held)
            for prompt in held:
                self.store.desire(session_id, f"mark:{prompt.prompt_id}", marks.stopped(prompt.prompt_id))
            self.sessions.wish(session_id, c.Interrupt(command_id, by, keep_queued))
        self.changed(session_id)

    def configure(
        self, session_id: str, command_id: str, setting: str, value: str, by: int = 0, *, loosens: bool = False
    ) -> None:
        """``loosens``: Claude asks less from then on, which takes another right, also when it is delivered."""
        channel_id = self.rows[session_id].session.channel_id
        with self.transaction(j.SettingChosen(session_id, channel_id, by, setting=setting, value=value)):
            self.sessions.wish(session_id, c.Configure(command_id, setting, value, by, loosens))
        self.changed(session_id)

    def destroy_session(self, session_id: str, reason: str, by: int = 0) -> None:
        """End the session: nothing more is started for it, and a running child is stopped by the ladder."""
        row = self.rows[session_id]
        with self.transaction():
            self.end_row(row, reason, by)
            if row.session.worker_pid:
                self.sessions.wish(session_id, c.Stop(uuid.uuid4().hex, reason))
            self.store.save(row)
        self.changed(session_id)

    def end_row(self, row: SessionRow, reason: str, by: int = 0) -> None:
        """Whatever was wished for is void. Within the caller's transaction, which saves the row."""
        session, now = row.session, self.clock()
        row.ended_at, row.end_reason = now, reason
        self.waiting.drop_all(session.session_id)
        self.rules.session_ended(session.session_id)
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

    def settle_lost_turn(self, name: RequestName, person: Person, continue_as: int) -> bool:
        """Whether this click on a lost turn's card is the first. ``continue_as``: the prompt's id; 0 discards."""
        row = self.rows.get(name.session_id)
        turn = row.view.lost_turn if row else None
        if row is None or turn is None or (turn.generation, turn.seq) != (name.generation, name.seq):
            return False
        who = named(person.user_id, person.name)
        verdict = lost.continued_by(who) if continue_as else lost.discarded_by(who)
        settled = j.LostTurnSettled(
            *(name.session_id, row.session.channel_id, person.user_id),
            generation=name.generation,
            seq=name.seq,
            verdict=verdict,
        )
        with self.transaction(settled):
            for key, post in row.view.settle_lost_turn(verdict, row.session).items():
                self.store.desire(name.session_id, key, post)
            if continue_as:
                self.sessions.reopen_row(row)
                self.sessions.wish(
                    name.session_id,
                    _our_words(continue_as, lost.continuing_prompt(turn), person),
                )
            self.store.save(row)
        self.changed(name.session_id)
        return True

    def goes_on(self, session_id: str, text: str, post: Post) -> None:
        """Claude is told something by us, in the name of who asked last, and the thread is told that it was."""
        row = self.rows[session_id]
        person = Person(row.session.last_prompter_id or row.session.owner_id, "")
        row.session.last_error = ""
        self.sessions.wish(session_id, _our_words(snowflake(self.clock()) + 1, text, person))
        self.store.desire(session_id, f"login:{row.session.generation}:{row.session.applied}", post)
        self.store.save(row)

    def start_fresh(self, session_id: str, by: int = 0) -> None:
        """The next child begins a new conversation of Claude's in this thread."""
        row = self.rows[session_id]
        with self.transaction(j.ConversationBegunAnew(session_id, row.session.channel_id, by)):
            row.fresh = True
            row.session.was_mended()
            self.sessions.reopen_row(row)
            self.reports.let_go(session_id)
            for key, post in self._started_fresh(row).items():
                self.store.desire(session_id, key, post)
            self.store.save(row)
        self.changed(session_id)

    def go_on_here(self, session_id: str, person: Person) -> bool:
        """Whether this is the first click on the card of a replaced directory: the one that was found is accepted."""
        row = self.rows[session_id]
        with self.transaction():
            if not (posts := row.view.goes_on_here(named(person.user_id, person.name))):
                return False
            who = named(person.user_id, person.name)
            self.sessions.note(
                j.DirectoryAccepted(
                    *(session_id, row.session.channel_id, person.user_id), inode=row.session.replaced_by, who=who
                )
            )
            self.keep_inode(session_id, row.session.replaced_by)
            row.session.was_mended()
            self.sessions.reopen_row(row)
            for key, post in posts.items():
                self.store.desire(session_id, key, post)
            self.store.save(row)
        self.changed(session_id)
        return True

    def keep_inode(self, session_id: str, inode: int) -> None:
        """Within the caller's transaction."""
        self.store.keep_accepted_inode(session_id, inode)

    def accepted_inode(self, session_id: str) -> int:
        """Of the directory that a person let the session go on in; 0 when nobody was asked."""
        return self.store.accepted_inode(session_id)

    def _started_fresh(self, row: SessionRow) -> dict[str, Post]:
        """Views from before there was one card at a time do not know which it is."""
        known = self.store.posts_like(row.session.session_id, "resume:")
        return row.view.started_fresh() or {post.key: notices.fresh_start() for post in known if post.desired.buttons}

    def reopen(self, session_id: str) -> None:
        row = self.rows[session_id]
        with self.transaction():
            self.sessions.reopen_row(row)
            self.reports.let_go(session_id)
        self.changed(session_id)

    def expire_requests(self, timeout_s: float | None, discord_back_at: float | None) -> None:
        """Decide for the clock what nobody answered. Both in seconds; None: never, and Discord is away."""
        if timeout_s is None or discord_back_at is None:
            return
        now = self.clock()
        for session in self.get_all_sessions():
            for request in list(session.requests.values()):
                at = request.at if request.at <= now else discord_back_at  # the clock was set back meanwhile
                open_before = at <= discord_back_at
                grace = discord_back_at + min(GRACE_AFTER_DISCORD_S, timeout_s) if open_before else 0.0
                if now >= max(at + timeout_s, grace):
                    self.decide(request, "expired", reason=notices.expired(timeout_s))

    def handled(self, channel_id: int, message_id: int) -> None:
        """This message and those before it need no more of us. A cursor only moves forwards."""
        with self.transaction():
            self.sessions.move_cursor(channel_id, message_id)

    def inbox(self, session_id: str) -> list[InboxRow]:
        """What may go to the session's worker now. Raises StoreError."""
        return list(self.delivery.of(session_id))

    # --- what the processes loop reports -------------------------------------------------------------

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

    def update_session_costs(self, session_id: str, ended: e.TurnEnded) -> None:
        """As ``ManagedSession.update_costs``; records do this by themselves."""
        self.rows[session_id].session.update_costs(ended)


def _prompt(
    prompt_id: int, text: str, author: Person, *, is_message: bool, attachments: tuple[e.Attachment, ...] = ()
) -> c.Prompt:
    return c.Prompt(prompt_id, text, author.user_id, author.name, is_message, attachments=attachments)


def _our_words(prompt_id: int, text: str, person: Person) -> c.Prompt:
    return c.Prompt(prompt_id, text, person.user_id, person.name, is_ours=True)
