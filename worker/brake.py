"""How fast a child may make records. Pure: the clock is the caller's.

Every record is folded and shown by the one supervisor that all sessions share. What Claude really does makes a few in a
second; a child that pours them out would keep the supervisor to itself. So its output is read more slowly then: it
waits, in its own pipe, and loses nothing.
"""

AT_ONCE = 2000
"""As many as a long turn of many tools makes in minutes; after a moment of rest they may come again."""
A_SECOND = 200.0
"""*Measured*: the supervisor folds and draws 6,000 in a second."""


class Brake:
    """A bucket of records, full at first. ``made``: how many there are so far; ``now``: seconds, monotonic."""

    def __init__(self, made: int, now: float) -> None:
        self._made = made
        self._at = now
        self._left = float(AT_ONCE)

    def is_on(self, now: float) -> bool:
        """Whether more was read than is let through; not of a child that has been quiet for a second since."""
        return self._left < 0 and self._refilled(now) < A_SECOND

    def pause_s(self, made: int, now: float) -> float:
        """For how long nothing more is to be read; 0 for an ordinary child."""
        self._left = min(float(AT_ONCE), self._refilled(now)) - (made - self._made)
        self._made, self._at = made, now
        return max(0.0, -self._left / A_SECOND)

    def _refilled(self, now: float) -> float:
        return self._left + (now - self._at) * A_SECOND
