"""What people (or the clock) decide of what Claude asks: the first decision wins, in the transaction."""

from collections.abc import Mapping

import msgspec

from bridge.journal import entries as j
from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.render import notices
from bridge.render import rules as rules_told
from bridge.render.posts import Post
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
            self._redraw(row, row.view.redraft(name.seq, draft, row.session))
        self.changes.posted(name.session_id)
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
            self._redraw(row, row.view.note_first(name.seq, first, row.session))
        self.changes.posted(name.session_id)
        return True

    def _redraw(self, row: SessionRow, cards: Mapping[str, Post]) -> None:
        """A card as the view has it now, kept with the view; within the transaction."""
        for key, post in cards.items():
            self.store.reveal(row.session.session_id, key)
            self.store.desire(row.session.session_id, key, post)
        self.store.save(row)

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
