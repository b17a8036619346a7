"""How long a child may owe us an answer: every wait on something that can hang has a deadline.

Claude answers control requests within milliseconds, also in the middle of a turn (docs/claude-protocol.md,
"Control requests"). One that does not is hung, whatever its process looks like, and is ended by the ladder. Pure: the
clock is the caller's.
"""

from collections.abc import Mapping

from worker import titles

ANSWER_DEADLINE_S = 60.0
DEADLINES_S = {"interrupt": 10.0}
UNAWAITED = frozenset({titles.SUBTYPE})
"""Answered by Claude's API, which may be away, and nothing here waits for it."""
_WHAT = {"initialize": "its start", "interrupt": "being told to stop", "get_plan": "being asked for its plan"}


class OwedAnswers:
    """What was asked of the child, since when, and whether it was told to end its turn. Seconds, monotonic."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._told_at: float | None = None

    @property
    def is_told_to_stop(self) -> bool:
        return self._told_at is not None

    def told_to_stop(self, now: float) -> None:
        """Who is told a second time has not more time for it."""
        self._told_at = now if self._told_at is None else self._told_at

    def turn_ended(self) -> None:
        self._told_at = None

    def objection(self, unanswered: Mapping[str, str], now: float, *, in_turn: bool) -> str:
        """Why the child counts as hung, in words; empty while it does not. ``unanswered``: request id → subtype."""
        awaited = {request_id: subtype for request_id, subtype in unanswered.items() if subtype not in UNAWAITED}
        self._since = {request_id: self._since.get(request_id, now) for request_id in awaited}
        for request_id, subtype in awaited.items():
            deadline_s = DEADLINES_S.get(subtype, ANSWER_DEADLINE_S)
            if now - self._since[request_id] >= deadline_s:
                return f"Claude did not answer within {deadline_s:.0f} seconds of {_WHAT.get(subtype, subtype)}"
        if self._told_at is None:
            return ""
        if not in_turn and "interrupt" not in unanswered.values():
            self._told_at = None
        elif now - self._told_at >= DEADLINES_S["interrupt"]:
            return f"Claude did not stop within {DEADLINES_S['interrupt']:.0f} seconds of being told to"
        return ""
