"""How soon the next attempt to connect is made, and when none is made any more.

After each failure the pause grows, until Discord lets us in. A bad token and a missing intent are final only when they
are seen a few times before the first READY; later they are looked at again, ever more seldom
(``supervisor.discord.token_watch``).
"""

import random
from collections.abc import Callable

from bridge.protocol.errors import UserError
from supervisor.discord.token_watch import TRIES, pause_s

RETRY_MIN_S = 1.0


class Attempts:
    """``longest_s``: of the pauses that are not for a refusal. ``spread`` is between 0.5 and 1."""

    def __init__(
        self,
        longest_s: Callable[[], float],
        spread: Callable[[], float] = lambda: random.uniform(0.5, 1.0),  # noqa: S311 - keeps no secret
    ) -> None:
        self.refusals = 0
        self._longest_s = longest_s
        self._spread = spread
        self._was_let_in = False
        self._pause_s = RETRY_MIN_S

    def next_pause_s(self) -> float:
        """Before the next attempt; each longer than the one before it, and spread."""
        pause = self._pause_s * self._spread()
        self._pause_s = min(self._pause_s * 2, self._longest_s())
        return pause

    def let_in(self) -> None:
        """READY: the token and the intents are good."""
        self._was_let_in, self.refusals = True, 0
        self.connected()

    def connected(self) -> None:
        self._pause_s = RETRY_MIN_S

    def refused(self, words: str) -> float:
        """Seconds until the next look. Raises UserError when it is believed and nobody was ever let in."""
        self.refusals += 1
        if not self._was_let_in and self.refusals >= TRIES:
            raise UserError(words)
        return pause_s(self.refusals)
