"""The choice of how long something is allowed, and what ``/rules`` lists."""

from collections.abc import Sequence

from bridge.render import directories
from bridge.render.cards import offers_always, rules_in_words
from bridge.render.posts import Button, Post
from bridge.session.people import named
from bridge.session.permission import PermissionRequest
from bridge.session.rights import Right
from bridge.session.rules import IN_WORDS, Rule, Term
from bridge.text import inline_code, one_line, reveal, utf16_len

MOST_LISTED = 10
RULE_CHARS = 120
LIST_CHARS = 1800
"""Of one message's 2,000, in UTF-16 units."""
_LABELS: dict[Term, str] = {
    "hour": "This session, for an hour",
    "chour": "This channel, for an hour",
    "cweek": "This channel, for 7 days",
    "cever": "This channel, until it is revoked",
}


def choice(request: PermissionRequest) -> Post:
    """For one person's eyes: for how long, and where."""
    offered: list[str] = []
    buttons: tuple[Button, ...] = ()
    if offers_always(request):
        offered = [inline_code(reveal(rules_in_words(request.event.rules)), RULE_CHARS)]
        buttons = tuple(Button(label, request.name.custom_id(term)) for term, label in _LABELS.items())
    if directories.are_offered(request):
        offered += [directories.longer(request)]
        buttons += directories.by_term(request)
    what = ", or ".join(offered)
    return Post(f"Allow this, and without asking {what}:\n-# `/rules` lists and revokes it.", buttons=buttons)


def announced(rule: Rule, term: Term) -> Post:
    """For the channel where it counts; it pings nobody."""
    return Post(
        f"⚠ {named(rule.by_id, rule.by)} allowed {_what(rule)} without asking, {IN_WORDS[term]}."
        " `/rules` lists and revokes it.",
        silent=True,
        where="channel",
    )


def listed(rules: Sequence[tuple[Rule, tuple[Right, ...] | None]]) -> Post:
    """Those that are given here, the oldest first, each with a button that revokes it.

    With each the rights that its giver has no more; None: that is not known now.
    """
    if not rules:
        return Post("Nothing is allowed here without asking. A card's *Always allow* and *Allow for…* make rules.")
    lines: list[str] = []
    for n, (rule, lost) in enumerate(rules[:MOST_LISTED], 1):
        line = f"{n}. {_line(rule)}{_counts(lost)}"
        if utf16_len("\n".join([*lines, line])) > LIST_CHARS:
            break
        lines.append(line)
    told = enumerate(rules[: len(lines)], 1)
    buttons = tuple(Button(f"Revoke {n}", rule.custom_id, "danger") for n, (rule, _) in told)
    if len(rules) > len(lines):
        lines.append(f"… and {len(rules) - len(lines)} more; revoke one of these to see them.")
    return Post("\n".join(["Allowed without asking:", *lines]), buttons=buttons)


def revoked(rule: Rule, who: str) -> Post:
    """Where it counted. ``who``: as ``people.named`` has it."""
    return Post(f"✗ {who} revoked that {_what(rule)} is allowed without asking.", silent=True)


def _line(rule: Rule) -> str:
    where = "this session" if rule.session_id else "this channel"
    if rule.until:
        end = f"until <t:{int(rule.until)}:f>"
    else:
        end = "until it ends" if rule.session_id else "until it is revoked"
    return f"{_what(rule)} · {where}, {end} · by {named(rule.by_id, rule.by)}, <t:{int(rule.since)}:f>"


def _counts(lost: tuple[Right, ...] | None) -> str:
    if lost is None:
        return "\n-# It is not known now whether who gave it still has the right to: it is asked when Claude asks."
    names = " and ".join(f"**{right}**" for right in lost)
    return f"\n-# It **allows nothing**: who gave it no longer has the right {names}." if lost else ""


def _what(rule: Rule) -> str:
    if rule.directories:
        return directories.in_code(rule)
    return inline_code(one_line(reveal(rules_in_words(rule.rules)), RULE_CHARS), RULE_CHARS)
