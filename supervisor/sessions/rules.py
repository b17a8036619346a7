"""The rules that hold (``bridge.session.rules``), in the store and in the journal."""

from collections.abc import Collection
from uuid import uuid4

import msgspec

from bridge.journal.entries import FactRemembered
from bridge.protocol.commands import Decide, Prompt
from bridge.protocol.directories import MOST
from bridge.protocol.events import PermissionRequested
from bridge.session.managed import ManagedSession
from bridge.session.permission import PermissionRequest, Person
from bridge.session.rights import Right
from bridge.session.rules import Rule, Term, covering, directories_rule, rule_of
from supervisor.sessions.members import Members
from supervisor.sessions.rows import Sessions
from supervisor.sessions.store import Store

RULE = "rule:"
"""How the journal names them."""


def rule_in(store: Store, rule_id: str) -> Rule | None:
    """None when there is none (any more) that can be read."""
    return store.read(store.rule(rule_id), Rule)


class Rules:
    """Of all channels. ``members`` say who may what. What writes is within the caller's transaction, but for one."""

    def __init__(self, sessions: Sessions, members: Members) -> None:
        self._sessions = sessions
        self._members = members

    def of(self, channel_id: int, session_id: str = "") -> list[Rule]:
        """Those that hold in the channel, and in the session, the oldest first."""
        now = self._sessions.clock()
        found = [rule for rule in self._all() if rule.channel_id == channel_id and rule.holds(now)]
        if session := self._sessions.get_session(session_id):
            found = [rule for rule in found if rule.is_for(session.directory)]
        return sorted((rule for rule in found if rule.session_id in ("", session_id)), key=lambda rule: rule.since)

    def covering(self, session: ManagedSession, request: PermissionRequest) -> list[Rule]:
        """The rules that allow it together; none when a person is to be asked. The delivery looks at them again."""
        access = self._members.access(session.channel_id)
        mine = [r for r in self.of(session.channel_id, session.session_id) if not self.lost(r, session.guild_id)]
        return covering(mine, request.event, session.askers_of(request), access, self._sessions.clock())

    def directories(self, session: ManagedSession, *asking: int) -> tuple[str, ...]:
        """Outside the project, in which its Claude may work without asking now; sorted. ``asking``: who asks next."""
        access = self._members.access(session.channel_id)
        if access.bars_directories:
            return ()
        own = frozenset[int]() if access.decide_own else self._askers(session).union(asking)
        rules = [rule for rule in self.of(session.channel_id, session.session_id) if rule.directories]
        counting = [rule for rule in rules if rule.by_id not in own and not self.lost(rule, session.guild_id)]
        return tuple(sorted({path for rule in counting for path in rule.directories})[:MOST])

    def has_room_for(self, session: ManagedSession, wanted: Collection[str]) -> bool:
        """Whether it can be told of these too. What does not count now, for its giver's right or prompts, may again."""
        held = {path for rule in self.of(session.channel_id, session.session_id) for path in rule.directories}
        return len(held.union(wanted)) <= MOST

    def not_taken_back(self, session: ManagedSession) -> tuple[str, ...]:
        """In which its child works without asking though nothing allows it any more: it refused to hear so; sorted."""
        if not (session.child_pid and session.directories_refused):
            return ()
        return tuple(sorted({*session.directories} - {*self.directories(session)}))

    def _askers(self, session: ManagedSession) -> frozenset[int]:
        """Whose prompts Claude works at, has before it, or will get."""
        inbox = [one.command for one in self._sessions.store.inbox(session.session_id)]
        waiting = [one.author_id for one in inbox if isinstance(one, Prompt)]
        taken = [prompt.author_id for prompt in session.prompts.values()]
        turn = session.turn.authors if session.turn else ()
        return frozenset((session.last_prompter_id or session.owner_id, *waiting, *taken, *turn))

    def decision(self, session: ManagedSession, request: PermissionRequest) -> Decide | None:
        """That of the rules which allow it together; None when a person is to be asked."""
        if not (rules := self.covering(session, request)):
            return None
        givers = ", ".join(dict.fromkeys(rule.by for rule in rules))
        decision = request.decide("allowed", None, reason=f"by a rule of {givers}")
        ids = tuple(dict.fromkeys(rule.rule_id for rule in rules))
        return msgspec.structs.replace(decision, decider=f"a rule of {givers}", by_rules=ids)

    def lost(self, rule: Rule, guild_id: int) -> tuple[Right, ...] | None:
        """The rights that it takes and its giver has not (any more): it allows nothing. None: not known now."""
        may = {right: self._members.may(right, rule.by_id, guild_id, rule.channel_id) for right in rule.takes}
        if missing := tuple(right for right, has in may.items() if has is False):
            return missing
        return None if None in may.values() else ()

    def bars(self, session: ManagedSession, mode: str) -> bool:
        """Whether Claude would not ask in it what two people must allow."""
        return bool(self._members.access(session.channel_id).bars(mode))

    def add(
        self, session: ManagedSession, request: PermissionRequested, term: Term, person: Person, *, opens: bool = False
    ) -> Rule:
        """Of what Claude suggests as a rule, or (``opens``) of the directories that it suggests."""
        place, make = (session.channel_id, session.session_id), directories_rule if opens else rule_of
        made = make(request, term, uuid4().hex[:16], place, self._sessions.clock())
        rule = msgspec.structs.replace(made, by_id=person.user_id, by=person.name, directory=session.directory)
        self._note(rule, person.user_id, "a rule was given", msgspec.json.encode(rule).decode())
        return rule

    def revoke(self, rule_id: str, by: int) -> Rule | None:
        """None when there is none (any more)."""
        if (rule := rule_in(self._sessions.store, rule_id)) is None:
            return None
        self._note(rule, by, "a rule was revoked", "")
        return rule

    def session_ended(self, session_id: str) -> None:
        for rule in self._all():
            if rule.session_id == session_id:
                self._note(rule, 0, "a rule ended with its session", "")

    def project_left(self, channel_id: int) -> None:
        """The channel has another one since."""
        for rule in self._all():
            if rule.channel_id == channel_id and not rule.session_id:
                self._note(rule, 0, "a rule ended with its channel's project", "")

    def end_what_is_over(self) -> None:
        """Whose time is up is gone: a clock that is set back brings nothing to life again."""
        now = self._sessions.clock()
        if over := [rule for rule in self._all() if rule.is_over(now)]:
            with self._sessions.transaction():
                for rule in over:
                    self._note(rule, 0, "a rule's time is up", "")

    def _all(self) -> list[Rule]:
        store = self._sessions.store
        return [rule for text in store.rules() if (rule := store.read(text, Rule))]

    def _note(self, rule: Rule, by: int, what: str, value: str) -> None:
        name = f"{RULE}{rule.rule_id}"
        self._sessions.note(FactRemembered(rule.session_id, rule.channel_id, by, name, value, what))
        self._sessions.store.keep_rule(rule.rule_id, value)
