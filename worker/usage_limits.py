"""How far a usage limit is used, told at two marks. No I/O.

A window that ends begins anew, so each mark is told once for one end of a window and child. That other children of the
same login tell it too, and what of it is said, is the supervisor's business.
"""

from bridge.protocol import events as e
from bridge.protocol.login import usage_mark
from bridge.text import one_line
from worker import frames as f

NAMES = {"five_hour": "5-hour", "seven_day": "weekly", "seven_day_opus": "weekly Opus"}
"""Of the CLI's (docs/claude-protocol.md, "API failures"); others are told as they are."""


class UsageLimits:
    def __init__(self) -> None:
        self._told: dict[tuple[str, float], int] = {}

    def told(self, limit: f.RateLimit) -> list[e.AnyEvent]:
        """A line when a mark is passed that was not told of this window."""
        is_a_part = 0.0 <= limit.utilization <= 1.0  # others make no sense, and not each of them has a percentage
        percent = int(limit.utilization * 100) if is_a_part else 0
        mark = usage_mark(percent)
        window = (limit.rateLimitType, limit.resetsAt)
        if not mark or limit.status == "rejected" or mark <= self._told.get(window, 0):
            return []
        self._told[window] = mark
        name = NAMES.get(limit.rateLimitType, one_line(limit.rateLimitType, 40))
        return [e.UsageNoted(name, percent, max(0.0, limit.resetsAt))]
