"""Which known word a person meant who wrote one that is nearly the same."""

import difflib
from collections.abc import Iterable

NEAR = 0.7
"""Of 1 for the same word; ``sonet`` and ``sonnet`` have 0.91, ``opus`` and ``plan`` 0.25."""
MODELS = ("default", "opus", "sonnet", "haiku", "fable", "opusplan")
"""Short names that Claude Code takes (docs/claude-protocol.md, "Handshake" tells of those that it offers)."""
_FAMILY = "claude"


def meant(given: str, known: Iterable[str]) -> str:
    """The nearest of the known words; empty when none is near, or it is one of them."""
    words = list(known)
    if given in words:
        return ""
    by_lower = {word.lower(): word for word in words}
    near = difflib.get_close_matches(given.lower(), by_lower, 1, NEAR)
    return by_lower[near[0]] if near else ""


def meant_model(given: str, offered: Iterable[str] = ()) -> str:
    """As ``meant``, for a model. A full name is nobody's typing mistake: there are more than we can know."""
    known = dict.fromkeys((*offered, *MODELS))
    if given in known or given.startswith(f"{_FAMILY}-"):
        return ""
    head, dash, rest = given.partition("-")
    if not dash:
        return meant(given, known) if given.partition("[")[0] not in known else ""
    return f"{_FAMILY}-{rest}" if meant(head, (_FAMILY,)) or head.lower() == _FAMILY else ""
