"""Time for the loopback Discord, and the ids made from it."""

import time
from datetime import UTC, datetime, timedelta

DISCORD_EPOCH_MS = 1_420_070_400_000
"""First millisecond of 2015; a snowflake counts from here (Discord documentation, "Snowflakes")."""


class Clock:
    """Real time. `monotonic` is in seconds, `wall` is UTC."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> datetime:
        return datetime.now(UTC)


class HandClock(Clock):
    """Real time plus what a test added by hand, so that a window of ten minutes passes at once."""

    def __init__(self) -> None:
        self._ahead_s = 0.0

    def advance(self, seconds: float) -> None:
        """Move on by `seconds` (only forwards)."""
        if seconds < 0:
            raise ValueError("time only goes forwards")
        self._ahead_s += seconds

    def monotonic(self) -> float:
        return super().monotonic() + self._ahead_s

    def wall(self) -> datetime:
        return super().wall() + timedelta(seconds=self._ahead_s)


class Snowflakes:
    """Ids that grow strictly, with the time in their upper bits as Discord's have."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> int:
        fresh = snowflake_at(self._clock.wall())
        self._last = max(fresh, self._last + 1)
        return self._last

    def skip(self, taken: int) -> None:
        """The next one is larger than this one, which exists."""
        self._last = max(self._last, taken)


def snowflake_at(moment: datetime) -> int:
    """The smallest snowflake of that millisecond."""
    return (int(moment.timestamp() * 1000) - DISCORD_EPOCH_MS) << 22


def moment_of(snowflake: int) -> datetime:
    """When that id was made (UTC)."""
    return datetime.fromtimestamp(((snowflake >> 22) + DISCORD_EPOCH_MS) / 1000, UTC)
