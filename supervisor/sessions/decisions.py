"""What people (or the clock) decide of what Claude asks: the first decision wins, in the transaction."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import msgspec

from bridge.journal import entries as j
from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.render import notices
from bridge.render import rules as rules_told
from bridge.render.posts import Post
from bridge.session.card_listing import Listing, without_equals
from bridge.session.managed import ManagedSession
from bridge.session.people import named
from bridge.session.permission import NOTHING_ANSWERED, First, PermissionRequest, Person, RequestName, Settled
from bridge.session.questions import Draft
from bridge.session.rules import IN_WORDS, OF_CHANNEL, Term
from supervisor.sessions.lookup import Lookup
from supervisor.sessions.sessions_table import SessionRow

GRACE_AFTER_DISCORD_S = 600.0
"""A request that was open while Discord was away does not expire sooner after it came back."""


class Decisions(Lookup):
    """Of all permission requests."""

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
        return self.settle_all([(request, decision)]) == 1

    def settle_all(self, decisions: Sequence[tuple[PermissionRequest, c.Decide]]) -> int:
        """Of at least one request, all of one session: how many of these decisions are the first."""
        session_id = decisions[0][0].name.session_id
        with self.transaction():
            first = sum(self._settle(request, decision) for request, decision in decisions)
        if first:
            self.changed(session_id)
        return first

    def _settle(self, request: PermissionRequest, decision: c.Decide) -> bool:
        """Within the caller's transaction."""
        if not isinstance(self.request_of(request.name), PermissionRequest):
            return False
        return self.sessions.wish(request.name.session_id, decision)

    def allow_for(self, request: PermissionRequest, person: Person, term: Term) -> bool:
        """Allow it, and what is like it, for some time, also what of that waits. Whether this decision is the first."""
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
            others = [one for one in self.active_sessions() if self._settle_by_rules(one)]
        for changed in {session_id, *(one.session_id for one in others)}:
            self.changed(changed)
        return first

    def _settle_by_rules(self, session: ManagedSession) -> int:
        """What waits in the session and rules allow (now); how many that are. Within the caller's transaction."""
        waiting = [one for one in session.requests.values() if isinstance(self.request_of(one.name), PermissionRequest)]
        decisions = [self.rules.decision(session, one) for one in waiting]
        return sum(self.sessions.wish(session.session_id, one) for one in decisions if one)

    # --- what a shared card shows ------------------------------------------------------------------------

    def listing(self, session_id: str, name: str) -> Listing | None:
        """What a shared card of the session listed under this name; None: it is not known (any more)."""
        return self.rows[session_id].view.listing(name)

    def equals_of(self, name: RequestName) -> list[PermissionRequest]:
        """The open requests that its card shows as one with it."""
        view = self.rows[name.session_id].view
        return view.equal_before(name.seq) if name.seq in view.cards and name.generation == view.generation else []

    def next_beside(self, name: RequestName) -> list[PermissionRequest]:
        """What is to be decided next on the card of this request: one, and what is equal to it, which it names last."""
        row = self.rows.get(name.session_id)
        beside = row.view.beside(name.seq) if row and row.view.generation == name.generation else []
        is_open = [one for one in beside if isinstance(self.request_of(one.name), PermissionRequest)]
        return next(iter(without_equals(is_open)), [])

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
        row, draft = self.rows[name.session_id], msgspec.structs.replace(draft, at=self.clock())
        entry = j.AnswersDrafted(
            *(name.session_id, row.session.channel_id, by),
            generation=name.generation,
            seq=name.seq,
            draft=draft,
        )
        return self._note_on_card(name, entry, partial(row.view.redraft, name.seq, draft, row.session))

    def allow_first(self, request: PermissionRequest, first: First) -> bool:
        """Keep who allowed what two people must allow, and show it. False: it is not as it was any more."""
        name = request.name
        row = self.rows[name.session_id]
        entry = j.AllowedFirst(
            *(name.session_id, row.session.channel_id, first.user_id),
            generation=name.generation,
            seq=name.seq,
            first=first,
        )
        drawn = partial(row.view.note_first, name.seq, first, row.session)
        return self._note_on_card(name, entry, drawn, lambda now: now.first == request.first)

    def _note_on_card(
        self,
        name: RequestName,
        entry: j.AnyEntry,
        drawn: Callable[[], Mapping[str, Post]],
        is_as_it_was: Callable[[PermissionRequest], bool] = lambda _: True,
    ) -> bool:
        """Keep what somebody did with an open card, and show it. False: the card is not open, or not as it was."""
        row = self.rows[name.session_id]
        with self.transaction():
            now = self.request_of(name)
            if not isinstance(now, PermissionRequest) or name.seq not in row.view.cards or not is_as_it_was(now):
                return False
            self.sessions.note(entry)
            self._redraw(row, drawn())
        self.changes.posted(name.session_id)
        return True

    def _redraw(self, row: SessionRow, cards: Mapping[str, Post]) -> None:
        """A card as the view has it now, kept with the view; within the transaction."""
        for key, post in cards.items():
            self.store.reveal(row.session.session_id, key)
            self.store.desire(row.session.session_id, key, post)
        self.store.save(row)

    def expire_requests(self, timeout_s: float | None, discord_back_at: float | None) -> None:
        """Decide for the clock what nobody answered. Both in seconds; None: never, and Discord is away.

        Whoever answers several questions begins the time anew with each answer.
        """
        if timeout_s is None or discord_back_at is None:
            return
        now = self.clock()
        for session in self.get_all_sessions():
            for request in list(session.requests.values()):
                last = max(request.at, self._answered_at(request.name))
                at = last if last <= now else discord_back_at  # the clock was set back meanwhile
                open_before = at <= discord_back_at
                grace = discord_back_at + min(GRACE_AFTER_DISCORD_S, timeout_s) if open_before else 0.0
                if now >= max(at + timeout_s, grace):
                    self.decide(request, "expired", reason=notices.expired(timeout_s))

    def _answered_at(self, name: RequestName) -> float:
        """Unix seconds when somebody last chose an answer on its card, and did not send them; 0: nobody did."""
        card = self.rows[name.session_id].view.cards.get(name.seq)
        return card.draft.at if card else 0.0
