"""How often we may say IDENTIFY, over restarts: Discord resets the token of a bot that does it 1,000 times a day."""

from collections.abc import Callable
from contextlib import suppress

import msgspec

from bridge.protocol.errors import UNREADABLE, LocalError, RemoteError

IDENTIFY_GAP_S = 5.0
"""Between two of one process (documentation, "Session Start Limit Object": ``max_concurrency``)."""
IDENTIFY_BURST, IDENTIFY_EVERY_S = 100, 120.0
"""100 at once and one every 2 minutes: at most 820 in 24 h, of the 1,000 after which Discord resets the token."""


class TooManyIdentifiesError(RemoteError):
    """``wait_s`` in seconds."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(f"too many connections lately: the next is made in {wait_s:.0f} s")
        self.wait_s = wait_s


class IdentifyBudget(msgspec.Struct, frozen=True):
    """A bucket of tokens that outlives us, so that a crash loop cannot burn the day's IDENTIFYs."""

    left: float = IDENTIFY_BURST
    at: float = 0.0

    def now(self, now: float) -> float:
        """How many are left then (Unix seconds)."""
        elapsed = max(0.0, now - self.at) if self.at else 0.0
        return min(IDENTIFY_BURST, self.left + elapsed / IDENTIFY_EVERY_S)

    def take(self, now: float) -> tuple["IdentifyBudget", float]:
        """(what is left then, the seconds to wait for a token first). Nothing is taken if there is none."""
        left = self.now(now)
        if left < 1:
            return IdentifyBudget(left, now), (1 - left) * IDENTIFY_EVERY_S
        return IdentifyBudget(left - 1, now), 0.0


def budget_of(kept: str) -> IdentifyBudget:
    """As it was kept. Of one that cannot be read one IDENTIFY is left: how many there were nobody knows."""
    try:
        return msgspec.json.decode(kept, type=IdentifyBudget) if kept else IdentifyBudget()
    except UNREADABLE:
        return IdentifyBudget(left=1.0)


class Identifies:
    """When the next one may be sent. ``load`` and ``keep`` have the budget outlive us; ``clock`` gives Unix seconds."""

    def __init__(
        self,
        load: Callable[[], IdentifyBudget],
        keep: Callable[[IdentifyBudget], None],
        clock: Callable[[], float],
        gap_s: float = IDENTIFY_GAP_S,
    ) -> None:
        self._load = load
        self._keep = keep
        self._clock = clock
        self._gap_s = gap_s
        self._last_at = 0.0

    def allow(self) -> float:
        """The seconds to wait before an IDENTIFY that may be sent. Raises TooManyIdentifiesError."""
        now = self._clock()
        budget, wait_s = self._load().take(now)
        with suppress(LocalError):  # a sick disk is no reason to stay away; the gap below still holds
            self._keep(budget)
        if wait_s:
            raise TooManyIdentifiesError(wait_s)
        gap_s = min(max(0.0, self._last_at + self._gap_s - now), self._gap_s)
        self._last_at = now + gap_s
        return gap_s
