"""How far a usage limit is used, said at two marks. No I/O.

A window that ends begins anew, so each mark is told once for one end of a window and child.
"""

from bridge.protocol import events as e
from bridge.text import one_line
from worker import frames as f

MARKS = (0.95, 0.8)
NAMES = {"five_hour": "5-hour", "seven_day": "weekly", "seven_day_opus": "weekly Opus"}
"""Of the CLI's (docs/claude-protocol.md, "API failures"); others are told as they are."""


class UsageLimits:
    def __init__(self) -> None:
        self._told: set[tuple[str, float, float]] = set()

    def told(self, limit: f.RateLimit) -> list[e.AnyEvent]:
        """A line when a mark is passed that was not told of this window."""
        mark = next((mark for mark in MARKS if mark <= limit.utilization <= 1.0), None)
        if mark is None or limit.status == "rejected":
            return []
        window = (limit.rateLimitType, limit.resetsAt)
        if any((*window, passed) in self._told for passed in MARKS if passed >= mark):
            return []
        self._told.add((*window, mark))
        name = NAMES.get(limit.rateLimitType, one_line(limit.rateLimitType, 40))
        return [e.Noticed(f"{int(limit.utilization * 100)} % of the {name} usage limit are used.".replace("  ", " "))]
