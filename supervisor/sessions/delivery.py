"""What of a session's inbox may go to its worker now; asked anew each time that something is delivered.

    a prompt that others of its author's may join         kept, until it is closed; behind it all prompts
    a prompt whose thread Discord does not let us make    kept, and nobody works for it, until there is a thread
    a prompt for a child that took no directory back      kept, until that child ended (``sessions.child_directories``)
    what its author has no right to any more:
      a prompt, an edit, a choice of when                 dropped, and said below it
      a model, a mode, an effort                          dropped, and said
      a decision, also one by a rule of theirs            dropped, and said; the request is open again
      a decision that takes more people, or others, now   likewise
    anything of somebody whose roles are not known        kept until they were fetched; behind a prompt or a setting
                                                          all prompts and settings too
    anything else                                         goes

Whether somebody may was asked when they wrote or clicked; hours may lie between that and the delivery
(``bridge.routing.claims`` says what is asked). To stop is never dangerous, so that takes nothing.
"""

import logging
from collections.abc import Callable, Iterator, Sequence

from bridge.journal.entries import NotCarriedOut
from bridge.protocol import commands as c
from bridge.protocol import directories
from bridge.protocol.answers import key_of
from bridge.protocol.commands import HIBERNATION
from bridge.render import lapsed, marks
from bridge.render.posts import Post
from bridge.routing.claims import Claim, claims, objection
from bridge.routing.needs import TALK
from bridge.session.managed import ManagedSession
from bridge.session.rules import Rule
from supervisor.sessions.bursts import Bursts
from supervisor.sessions.inbox_table import InboxRow
from supervisor.sessions.members import Members
from supervisor.sessions.rows import Sessions
from supervisor.sessions.rules import Rules, rule_in
from supervisor.sessions.typed import Typed

log = logging.getLogger(__name__)


class Delivery:
    """Of all sessions. ``drop`` forgets prompts, and their files."""

    def __init__(
        self,
        sessions: Sessions,
        drop: Callable[[str, Sequence[c.Prompt]], None],
        members: Members,
        rules: Rules,
        bursts: Bursts,
    ) -> None:
        self._sessions = sessions
        self.bursts = bursts
        self.typed = Typed(sessions)
        self._drop = drop
        self.members = members
        self._rules = rules
        self._placeless = sessions.store.sessions_without_place()

    # --- a thread that cannot be made ----------------------------------------------------------------

    def has_place(self, session_id: str) -> bool:
        return session_id not in self._placeless

    def place_refused(self, session_id: str) -> None:
        """Discord does not let us make the session's thread (yet). Raises StoreError."""
        if self.has_place(session_id):
            with self._sessions.transaction():
                self._sessions.store.keep_place(session_id, is_there=False)
            self._placeless.add(session_id)

    def place_made(self, session_id: str) -> None:
        """Raises StoreError."""
        if not self.has_place(session_id):
            with self._sessions.transaction():
                self._sessions.store.keep_place(session_id, is_there=True)
            self._placeless.discard(session_id)
            self._sessions.changes.wished(session_id)

    def stop_placeless(self) -> None:
        """Workers that were started before it was known that there is no thread end, when they have nothing to do."""
        for session_id in self._placeless & self._sessions.rows.keys():
            row = self._sessions.rows[session_id]
            asked = any(isinstance(item.command, c.Stop) for item in self._sessions.store.inbox(session_id))
            if row.attached and row.session.may_hibernate and not asked:
                stop = c.Stop(f"no-place-{int(self._sessions.clock() * 1000)}", HIBERNATION, if_idle=True)
                self._sessions.wish_alone(session_id, stop)

    # --- who may, now --------------------------------------------------------------------------------

    def note(self, guild_id: int, user_id: int, roles: frozenset[int]) -> None:
        """Discord told these roles just now."""
        self.members.note(guild_id, user_id, roles)

    def of(self, session_id: str) -> Iterator[InboxRow]:
        """What may go now, in order. Raises StoreError."""
        session = self._sessions.rows[session_id].session
        prompts_wait, settings_wait = False, False
        for item in self._closed(session_id):
            match item.command:
                case c.Prompt() if prompts_wait:
                    continue
                case c.Configure() if settings_wait:
                    continue
                case c.Decide() as decision:
                    may = self._counts(session, decision)
                case command:
                    may = self._stands(session, command)
            if may is None:
                prompts_wait |= isinstance(item.command, c.Prompt | c.Configure)
                settings_wait |= isinstance(item.command, c.Configure)
            if may:
                yield item

    def _closed(self, session_id: str) -> Iterator[InboxRow]:
        """What waits, but prompts without a place, for a child that is to end, and from the first on that others may
        still join.
        """
        prompts_wait = not self.has_place(session_id)
        for item in self._sessions.store.inbox(session_id):
            if not isinstance(item.command, c.Prompt):
                yield item
            elif prompts_wait or not (closed := self.bursts.closed(session_id, item.command)):
                prompts_wait = True
            elif not (prompt := self._no_answer(session_id, closed)):
                continue
            elif self._rules.not_taken_back(self._sessions.rows[session_id].session):
                prompts_wait = True
            else:
                yield InboxRow(item.id, prompt, item.created_at)

    def _no_answer(self, session_id: str, prompt: c.Prompt) -> c.Prompt | None:
        """None: it was one, and decided something."""
        session = self._sessions.rows[session_id].session
        return self.typed.settled(session, prompt) if prompt.answer_to else prompt

    def _stands(self, session: ManagedSession, command: c.AnyCommand) -> bool | None:
        """None: not known now. What does not is dropped, and said."""
        if words := self._barred(session, command):
            with self._sessions.transaction():
                self._note(session, key_of(command), 0)
                self._say(session, command, lapsed.mode_barred(words))
            self._sessions.changes.posted(session.session_id)
            return False
        if self._is_outdated(session, command):
            with self._sessions.transaction():
                self._sessions.store.answered(session.session_id, key_of(command))
            return False
        lost = self._lost(session, claims(command))
        if lost:
            self._void(session, command, lost)
        return None if lost is None else not lost

    def _barred(self, session: ManagedSession, command: c.AnyCommand) -> str:
        """Why a mode cannot be (any more) where two people must allow something; else empty."""
        if not isinstance(command, c.Configure) or command.setting != "permission_mode":
            return ""
        return self.members.access(session.channel_id).bars(command.value)

    def _is_outdated(self, session: ManagedSession, command: c.AnyCommand) -> bool:
        """Whether other directories are worked in without asking now than when this was wished."""
        if not isinstance(command, c.Configure) or command.setting != directories.SETTING:
            return False
        return command.value != directories.value_of(self._rules.directories(session))

    def _lost(self, session: ManagedSession, wanted: Sequence[Claim]) -> list[Claim] | None:
        """Those that do not hold any more; None when that is not known of some, who are asked about then."""
        held = {claim: self._holds(session, claim) for claim in wanted}
        if lost := [claim for claim, holds in held.items() if holds is False]:
            return lost
        unknown = [claim.user_id for claim, holds in held.items() if holds is None]
        self.members.waits(session.session_id, session.guild_id, unknown)
        return None if unknown else []

    def _holds(self, session: ManagedSession, claim: Claim) -> bool | None:
        is_invited = claim.user_id in self._sessions.store.invited(session.session_id)
        if is_invited and set(TALK).intersection(claim.rights):
            return True
        who = claim.user_id, session.guild_id, session.channel_id
        found = [self.members.may(right, *who) for right in claim.rights]
        return True if True in found else None if None in found else False

    def _void(self, session: ManagedSession, command: c.AnyCommand, lost: Sequence[Claim]) -> None:
        log.info(
            "session %s: %s is dropped, because %s have no right any more", session.session_id, key_of(command), lost
        )
        access = self.members.access(session.channel_id)
        with self._sessions.transaction():
            self._note(session, f"{type(command).__name__} ({key_of(command)})", lost[0].user_id)
            match command:
                case c.Prompt():
                    self._drop(session.session_id, [command])
                    if command.is_message:
                        mark = marks.not_allowed_any_more(command.prompt_id)
                        self._sessions.store.desire(session.session_id, marks.key_of(command.prompt_id), mark)
                case c.Configure():
                    self._say(session, command, lapsed.setting(command, lost, access))
                case c.Amend() | c.Requeue():
                    self._say(session, command, lapsed.change(command, lost, access))
                case _:
                    raise AssertionError(f"{command} takes no right")
        self._sessions.changes.posted(session.session_id)

    def _say(self, session: ManagedSession, command: c.AnyCommand, post: Post) -> None:
        """In place of the wish, which is gone. Within the caller's transaction."""
        key = key_of(command)
        self._sessions.store.answered(session.session_id, key)
        self._sessions.store.desire(session.session_id, f"void:{key}", post)

    def _note(self, session: ManagedSession, what: str, by: int, seq: int = 0) -> None:
        """For the journal. Within the caller's transaction."""
        generation = session.generation if seq else ""
        self._sessions.note(NotCarriedOut(session.session_id, session.channel_id, by, what, generation, seq))

    # --- decisions -----------------------------------------------------------------------------------

    def _counts(self, session: ManagedSession, decision: c.Decide) -> bool | None:
        """Whether everybody whose decision it is may decide it (still); the clock's always counts."""
        rules = [rule_in(self._sessions.store, rule_id) for rule_id in decision.by_rules]
        held = [rule for rule in rules if rule]
        access = self.members.access(session.channel_id)
        if len(held) < len(rules):
            self._reopen(session, decision, {})
            return False
        if why := objection(decision, session, access, held):
            self._reopen(session, decision, {_void_key(decision, self._now): lapsed.decision_not_counted(why)})
            return False
        lost = self._lost(session, claims(decision, held))
        if lost:
            by_rule = {f"void:rule:{rule.rule_id}": rule for rule in held}
            said = {key: lapsed.rule(mine, access) for key, rule in by_rule.items() if (mine := _of(rule, lost))}
            self._reopen(session, decision, said or {_void_key(decision, self._now): lapsed.decision(lost, access)})
        return None if lost is None else not lost

    def _reopen(self, session: ManagedSession, decision: c.Decide, said: dict[str, Post]) -> None:
        """A person is asked (again), also where a rule had answered and no card was shown."""
        log.info("session %s: the decision %s does not count", session.session_id, key_of(decision))
        session_id, row = session.session_id, self._sessions.rows[session.session_id]
        with self._sessions.transaction():
            by = decision.decided_by
            self._note(session, f"{decision.verdict} request {decision.seq}", by, decision.seq)
            self._sessions.store.answered(session_id, key_of(decision))
            posts = row.view.ask_again(decision.seq, session)
            for key, post in (said | posts).items():
                self._sessions.store.desire(session_id, key, post)
            self._sessions.store.save(row)
        self._sessions.changes.posted(session_id)

    @property
    def _now(self) -> int:
        """Milliseconds."""
        return int(self._sessions.clock() * 1000)


def _void_key(decision: c.Decide, now: int) -> str:
    return f"void:{decision.generation}:{decision.seq}:{now}"


def _of(rule: Rule, lost: Sequence[Claim]) -> list[Claim]:
    return [claim for claim in lost if claim.user_id == rule.by_id]
