"""A usage limit that was hit: when it is free again, and that Claude goes on then."""

from bridge.protocol import events as e
from bridge.render.posts import Button, Post
from bridge.session.custom_ids import ResetButton
from bridge.text import escape, one_line

LIMITS = ("usage_limit_reached", "rate_limit")
NAME_CHARS = 40
OVERTAKEN = "— Claude works again."
FREE_AGAIN = "✓ The limit is free again: Claude was told to go on."
ENDED = "— The session was ended, so nothing goes on by itself."
RESTORED = (
    "— The bridge's state came from a backup, and this may be done since, so nothing goes on by itself: write here to"
    " let Claude go on."
)
LOG_LOST = "— The session's log was lost, so this is over."


def is_hit(ended: e.TurnEnded) -> bool:
    """By this turn; and it is known when the limit is free again."""
    return ended.outcome == "failed" and ended.error in LIMITS and ended.resets_at > 0


def used(event: e.UsageNoted) -> Post:
    """Before it is hit."""
    name = escape(one_line(event.limit, NAME_CHARS))
    until = f" until <t:{int(event.resets_at)}:f>" if event.resets_at else ""
    limit = " ".join(filter(None, [name, "usage limit"]))
    return Post(f"-# {event.percent} % of the {limit} are used{until}.", silent=True)


def offered(session_id: str) -> Post:
    """Below the line that says when it is free again."""
    words = "*Go on at reset* takes up what was asked as soon as the limit is free."
    return _card(words, Button("Go on at reset", ResetButton("on", session_id).custom_id(), "primary"))


def chosen(session_id: str, resets_at: float, who: str) -> Post:
    """``resets_at`` in Unix seconds; ``who``: as ``people.named`` has it; empty: by the configuration."""
    because = f"as {who} wants" if who else "by itself (`resume_at_reset`)"
    words = f"◷ Claude goes on <t:{int(resets_at)}:R>, {because}."
    return _card(words, Button("Cancel", ResetButton("off", session_id).custom_id()))


def settled(verdict: str) -> Post:
    return _card(verdict)


def _card(words: str, *buttons: Button) -> Post:
    return Post(f"-# {words}", buttons=buttons, silent=True, urgent=True)
