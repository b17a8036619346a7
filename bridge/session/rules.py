"""What was allowed once and for longer: whose word it is, where it counts, and when it ends.

    given ──▶ holds ──▶ over: its time is up · it is revoked · (of a session) the session was ended

Claude is not told of a rule. It asks, and a request is allowed by itself when each rule that Claude suggests for it is
covered by rules that hold; so a revoked one counts no more from then on, and a restart changes nothing. What Claude
suggests with a request is what would allow just that request, and it must be asked for the same reason and touch the
same path, unless the rule itself names paths. A rule never allows what two people must allow, nor, where nobody decides
for oneself, what its giver asked. And it is its giver's word: while they lack the right it counts for nothing.
"""

import re
from collections.abc import Collection, Iterable
from typing import Literal, get_args

import msgspec

from bridge.protocol.events import PermissionRequested, SuggestedRule
from bridge.session.custom_ids import to_revoke_rule
from bridge.session.rights import Access, Right

Term = Literal["always", "hour", "chour", "cweek", "cever"]
"""As on the buttons: of the session, until it ends or for an hour; of the channel, for an hour, a week, or for good."""
OF_CHANNEL: tuple[Term, ...] = ("chour", "cweek", "cever")
CLOCK_STEP_S = 60.0
"""By as much a clock is set back in its ordinary course."""
_SECONDS: dict[Term, float] = {"hour": 3600.0, "chour": 3600.0, "cweek": 7 * 86400.0}
IN_WORDS: dict[Term, str] = {
    "always": "always, for this session",
    "hour": "for an hour, in this session",
    "chour": "for an hour, in this channel",
    "cweek": "for 7 days, in this channel",
    "cever": "until it is revoked, in this channel",
}
_OPEN_ENDS = (":*", " *")
"""Of a rule for a beginning, as Claude suggests it: ``npm test *``; older ones wrote ``npm test:*``."""
_PLAIN = re.compile(r"[\w ./@=,+:%-]*")
"""What goes on behind a beginning may hold nothing that a shell reads as another command."""
_OF_PATHS = frozenset({"Read", "Edit", "Write"})
"""A rule of these names the paths that it is for."""


class Rule(msgspec.Struct, frozen=True):
    """``session_id`` empty: it counts in the whole channel. Times in Unix seconds; ``until`` 0: none is set."""

    rule_id: str
    channel_id: int
    session_id: str
    tool: str
    rules: tuple[SuggestedRule, ...]
    by_id: int
    by: str
    since: float
    until: float = 0.0
    reason: str = ""
    """Why Claude asked, and what path it touched, when the rule was given."""
    blocked_path: str = ""
    directories: tuple[str, ...] = ()
    """Claude *is* told of these, as one setting of its process, and told again when that changes: whether a directory
    alone allows a command, only it can say. Such a rule has no ``rules``.
    """

    directory: str = ""
    """Of the session in which it was given: it counts in those of the same one. Empty, from before that: in any."""

    @property
    def custom_id(self) -> str:
        return to_revoke_rule(self.rule_id)

    @property
    def takes(self) -> tuple[Right, ...]:
        """The rights without which its giver's word counts for nothing (any more)."""
        return ("decide",) if self.session_id else ("decide", "manage")

    def is_for(self, directory: str) -> bool:
        return self.directory in ("", directory)

    def holds(self, now: float) -> bool:
        """Not before it was given either: a clock that was set back lengthens no hour."""
        return not self.until or self.since - CLOCK_STEP_S <= now < self.until

    def is_over(self, now: float) -> bool:
        return bool(self.until) and now >= self.until

    def fits(self, request: PermissionRequested) -> bool:
        names_paths = all(rule.tool in _OF_PATHS and rule.content for rule in request.rules)
        is_same_path = self.blocked_path == request.blocked_path or (names_paths and bool(self.blocked_path))
        return (self.tool, self.reason) == (request.tool, request.reason) and is_same_path


def rule_of(request: PermissionRequested, term: Term, rule_id: str, place: tuple[int, str], now: float) -> Rule:
    """What the request's suggestion becomes; nobody's yet. ``place``: the channel and the session."""
    channel_id, session_id = place
    until = now + _SECONDS[term] if term in _SECONDS else 0.0
    where = "" if term in OF_CHANNEL else session_id
    rule = Rule(rule_id, channel_id, where, request.tool, request.rules, 0, "", now, until)
    return msgspec.structs.replace(rule, reason=request.reason, blocked_path=request.blocked_path)


def directories_rule(
    request: PermissionRequested, term: Term, rule_id: str, place: tuple[int, str], now: float
) -> Rule:
    """As ``rule_of``, of the directories that are suggested."""
    made = rule_of(request, term, rule_id, place, now)
    return msgspec.structs.replace(made, rules=(), directories=request.directories)


def covering(
    rules: Iterable[Rule], request: PermissionRequested, askers: Collection[int], access: Access, now: float
) -> list[Rule]:
    """The rules that allow the request together; none when any part of it is not covered."""
    if not request.rules or access.needs_two(request.tool, request.tool_input):
        return []
    may_be = [rule for rule in rules if rule.holds(now) and rule.fits(request)]
    fit = [rule for rule in may_be if access.decide_own or rule.by_id not in askers]
    found = [next((rule for rule in fit if _covers(rule, wanted)), None) for wanted in request.rules]
    return [rule for rule in found if rule] if all(found) else []


def _covers(rule: Rule, wanted: SuggestedRule) -> bool:
    return any(given == wanted or _is_within(given, wanted) for given in rule.rules)


def _is_within(given: SuggestedRule, wanted: SuggestedRule) -> bool:
    """``npm run *`` has ``npm run test *`` in it, and every use of a tool has each one. Of a shell command that does
    more than one thing Claude suggests the whole, which begins alike: so only plain words count as going on.
    """
    if given.tool != wanted.tool:
        return False
    if not given.content:
        return True
    beginning, inner = _beginning(given.content), _beginning(wanted.content) or wanted.content
    goes_on = inner == beginning or inner.startswith(f"{beginning} ")
    return bool(beginning) and goes_on and bool(_PLAIN.fullmatch(inner[len(beginning) :]))


def _beginning(content: str) -> str:
    """Of a rule with an open end; else empty."""
    return next((content.removesuffix(end) for end in _OPEN_ENDS if content.endswith(end)), "")


def term_of(verb: str) -> Term | None:
    return next((term for term in get_args(Term) if term == verb), None)
