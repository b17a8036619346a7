"""How often we may say IDENTIFY, over restarts: Discord resets the token of a bot that does it 1,000 times a day."""

import msgspec

from bridge.protocol.errors import RemoteError

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

    def take(self, now: float) -> tuple["IdentifyBudget", float]:
        """(what is left then, the seconds to wait for a token first). Nothing is taken if there is none."""
        elapsed = max(0.0, now - self.at) if self.at else 0.0
        left = min(IDENTIFY_BURST, self.left + elapsed / IDENTIFY_EVERY_S)
        if left < 1:
            return IdentifyBudget(left, now), (1 - left) * IDENTIFY_EVERY_S
        return IdentifyBudget(left - 1, now), 0.0
