"""What a wish still takes when it is delivered: of whom, and which right; and why a decision does not count after all.

Hours may lie between a click and its delivery. What was known at the click is asked again of what is known then: the
configuration, the roles, the rules. A wish of nobody's (the clock's, an older version's) takes nothing.
"""

from collections.abc import Sequence
from typing import NamedTuple

from bridge.protocol import commands as c
from bridge.routing.needs import DECIDE, MANAGE, TALK
from bridge.session.managed import ManagedSession
from bridge.session.rights import Access, Right
from bridge.session.rules import Rule


class Claim(NamedTuple):
    """This person must have one of these rights."""

    user_id: int
    rights: tuple[Right, ...]


def claims(command: c.AnyCommand, rules: Sequence[Rule] = ()) -> list[Claim]:
    """All that must hold. ``rules``: those by which it was decided."""
    return [claim for claim in _claims(command, rules) if claim.user_id]


def _claims(command: c.AnyCommand, rules: Sequence[Rule]) -> list[Claim]:
    match command:
        case c.Prompt(author_id=author):
            return [Claim(author, TALK)]
        case c.Amend(text=str(), by=by) | c.Requeue(by=by):
            return [Claim(by, TALK)]
        case c.Configure(by=by, loosens=loosens):
            return [Claim(by, MANAGE if loosens else (*TALK, *MANAGE))]
        case c.Decide(decided_by=by, also_by=also):
            people = [Claim(user_id, DECIDE) for user_id in dict.fromkeys((by, also))]
            return people + [Claim(rule.by_id, (right,)) for rule in rules for right in rule.takes]
        case _:
            return []


def objection(decision: c.Decide, session: ManagedSession, access: Access, rules: Sequence[Rule]) -> str:
    """Why these people may not have decided this, as the configuration is now, in a sentence; empty when they may."""
    request = session.requests.get(decision.seq)
    people = {decision.decided_by, decision.also_by, *(rule.by_id for rule in rules)} - {0}
    if request is None or decision.verdict != "allowed" or not people:
        return ""
    if not access.decide_own and people & session.askers_of(request):
        return "Nobody allows here what they asked themselves."
    if words := access.bars(decision.mode):
        return words
    if access.needs_two(request.event.tool, request.event.tool_input) and not decision.also_by:
        return "Two people must allow it."
    return ""
