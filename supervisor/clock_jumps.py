"""Jumps of the wall clock, for what expires by it.

A request's age is told by the wall clock, because its record is (and a restart must not begin it anew). When that
clock is set forwards by a day, everything open would expire at once; when it is set back, nothing would for a day. So
a jump counts as the end of an absence of Discord's: what is open keeps a grace from then on. When Discord really came
back is told again in the clock of now.
"""

import time
from collections.abc import Callable

JUMP_S = 30.0
"""The wall clock against the monotonic one, which stands still while the machine sleeps: that is a jump as well."""


class JumpWatch:
    """``wall`` and ``monotonic`` give seconds. To be asked every second or so."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._seen = wall(), monotonic()
        self._shift = 0.0
        self._last_back_at: float | None = None
        self._jumped_at: float | None = None

    def back_at(self, discord_back_at: float | None) -> float | None:
        """Since when (Unix seconds of now's clock) people can have seen what is open; None while Discord is away."""
        self._notice()
        if discord_back_at is None:
            self._last_back_at = None
            return None
        if discord_back_at != self._last_back_at:
            self._last_back_at, self._shift = discord_back_at, 0.0
        in_our_clock = discord_back_at + self._shift
        return in_our_clock if self._jumped_at is None else max(in_our_clock, self._jumped_at)

    def _notice(self) -> None:
        wall, monotonic = self._wall(), self._monotonic()
        jump = (wall - self._seen[0]) - (monotonic - self._seen[1])
        self._seen = wall, monotonic
        if self._jumped_at is not None:
            self._jumped_at += jump
        self._shift += jump
        if abs(jump) > JUMP_S:
            self._jumped_at = wall
