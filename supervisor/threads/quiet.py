"""How seldom the same is said: once per person, place and words within a period. In memory only.

A restart forgets it, so one more line may be said then; a line that is missing would be the worse of the two.
"""

import time
from collections.abc import Callable

from bridge.newest import note_newest

MOST_KEPT = 4096
"""Of the newest: so many places and people at once are no conversation any more."""


class Quiet:
    """``clock`` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._said: dict[tuple[int, int, str], float] = {}

    def may_say(self, user_id: int, channel_id: int, words: str, period_s: float) -> bool:
        """Whether it is said now: not when it was within the last ``period_s`` seconds."""
        key, now = (user_id, channel_id, words), self._clock()
        if now - self._said.get(key, float("-inf")) < period_s:
            return False
        note_newest(self._said, key, now, MOST_KEPT)
        return True

    def forget(self, user_id: int, channel_id: int, words: str) -> None:
        """It was not said after all."""
        self._said.pop((user_id, channel_id, words), None)
