"""One rate limit of Discord's in one channel: what its answers tell of it, and when the next request may go.

Most of Discord's buckets *leak*: each request fills one by one, and it empties steadily. Some have *fixed* windows,
which begin with a request and end all at once. No header says which, and the same figures mean something else in
either (docs/discord-api.md, "Rate limits"):

                 leaking                              fixed
    Reset-After  until it is empty                    until the window ends
    Reset        moves on with each request           stands still in a window
    of 5 in 5 s  4 left, 1 s · 3 left, 2 s · …        4 left, 5 s · 3 left, 4.8 s · …

So the kind is concluded from two answers in a row, of which the second found the bucket in use (fewer left than all
but one; a fresh one tells nothing) before the first one's Reset:

    kind      what is assumed                               becomes
    UNKNOWN   the stricter of both: nothing comes back      LEAKING when Reset moved on by half of what a request
              before Reset                                  takes, FIXED when it stood still, FREE when an answer
                                                            tells no limit
    LEAKING   one comes back each ``period_s``              FIXED when Reset stands still
    FIXED     all come back at Reset                        LEAKING when Reset moves on
    FREE      nothing                                       UNKNOWN when an answer tells a limit
    any                                                     UNKNOWN when too much was sent in spite of it, or when the
                                                            answers begin to name another bucket

In a leaking bucket Reset-After / (limit − remaining) is at most what one request takes, since remaining is rounded
down, and just that when all but one are left. Too little is safe: what is sent too early is only what was thought to
take longer than it does. Times are our own clock's, at an answer's arrival, and so never earlier than Discord's.
"""

from enum import StrEnum

import msgspec

FIRST_LIMIT = 5
FIRST_WINDOW_S = 5.0
"""What we assume of a bucket before its first answer (POST and PATCH of messages: Discord.Net#2375)."""
IN_FLIGHT_S = 1.0
"""How long to wait for an answer on which the bucket depends, before looking again."""
MARGIN_S = 0.02
"""A request is not sent in the very moment in which there is room for it."""
_MOMENT_S, _ROUNDED_S = 1e-6, 1e-3
"""No time at all; what a time may be longer that is told in whole milliseconds."""
_STILL_S, _STILL_UNTIMED_S = 0.05, 0.3
"""A Reset that moves by so much stands still: told by Discord's clock, and by ours, with what the way here takes."""


class Kind(StrEnum):
    UNKNOWN = "unknown"
    LEAKING = "leaking"
    FIXED = "fixed"
    FREE = "free"


class RateLimitHeaders(msgspec.Struct, frozen=True):
    """What the headers of an answer tell. ``reset``: on Discord's clock if ``is_timed``, else on ours."""

    limit: int
    remaining: int
    reset_after: float
    reset: float
    is_timed: bool = False

    @property
    def each_s(self) -> float:
        """At most what one request takes to leak away."""
        return self.reset_after / max(1, self.limit - self.remaining)

    @property
    def still_s(self) -> float:
        """How much a Reset may move and still stand."""
        return _STILL_S if self.is_timed else _STILL_UNTIMED_S

    @property
    def is_fresh(self) -> bool:
        """It was the only request in the bucket, or the first in its window."""
        return self.remaining >= self.limit - 1


def concluded(first: RateLimitHeaders, second: RateLimitHeaders, period_s: float = 0.0) -> Kind | None:
    """The kind of a bucket that gave these two answers, one after the other. None: they do not tell.

    ``period_s``: what one request would take, if it leaks.
    """
    answered_at = second.reset - second.reset_after
    if second.is_fresh or second.limit != first.limit or second.remaining > first.remaining:
        return None
    if first.is_timed != second.is_timed or answered_at >= first.reset:
        return None
    moved = second.reset - first.reset
    if moved > max(second.each_s / 2, period_s / 2, second.still_s):
        return Kind.LEAKING
    return Kind.FIXED if moved >= -second.still_s and second.remaining < first.remaining else None


class Figures(msgspec.Struct, frozen=True):
    """What is known of a route's limit in all channels. ``name``: the hash that its answers give."""

    name: str = ""
    kind: Kind = Kind.UNKNOWN
    limit: int = FIRST_LIMIT
    length_s: float = FIRST_WINDOW_S
    period_s: float = FIRST_WINDOW_S / FIRST_LIMIT


class Bucket(msgspec.Struct):
    """Times in seconds of the caller's clock. ``resets_at``: the window ends, or the bucket is empty."""

    figures: Figures = Figures()
    remaining: int = FIRST_LIMIT
    resets_at: float = 0.0
    blocked_until: float = 0.0
    in_flight: int = 0
    answered: int = 0
    """Of those in flight."""
    taken_at: float = 0.0
    last: RateLimitHeaders | None = None

    def wait(self, reserve: int, now: float) -> float:
        """Seconds until a request may go that leaves so many for others; 0.0 is now."""
        if now < self.blocked_until:
            return self.blocked_until - now
        match self.figures.kind:
            case Kind.FREE:
                return 0.0
            case Kind.LEAKING:
                return self._wait_for_one(reserve, now)
            case _:
                return self._wait_for_all(reserve, now)

    def _wait_for_one(self, reserve: int, now: float) -> float:
        """What is in flight may get there later than it was sent, and leaks only from then on."""
        limit, period_s = self.figures.limit, self.figures.period_s
        empty_in = max(self.resets_at + MARGIN_S - now, 0.0) + self.in_flight * period_s
        wait_s = empty_in - (limit - min(1 + reserve, limit)) * period_s
        return wait_s if wait_s > _MOMENT_S else 0.0

    def _wait_for_all(self, reserve: int, now: float) -> float:
        fresh, limit = now >= self.resets_at, self.figures.limit
        free = limit - self.in_flight if fresh else self.remaining
        if free >= min(1 + reserve, limit):
            return 0.0
        return IN_FLIGHT_S if fresh else self.resets_at - now

    def take(self, now: float) -> None:
        if now >= self.resets_at:
            self.remaining = self.figures.limit - self.in_flight
            if self.figures.kind is not Kind.LEAKING:
                self.resets_at = now + self.figures.length_s
        self.remaining -= 1
        self.in_flight += 1
        self.taken_at = now

    def done(self) -> None:
        """One is not in flight any more. Without an answer it counts, for it may have got there."""
        self.in_flight = max(0, self.in_flight - 1)
        if self.answered:
            self.answered -= 1
        elif self.figures.kind is Kind.LEAKING:
            self.resets_at = max(self.resets_at, self.taken_at) + self.figures.period_s

    def name(self, name: str) -> None:
        """The bucket that an answer named. What was known was of another one, if it is not the same."""
        if self.figures.name and name != self.figures.name:
            self.figures, self.last = Figures(name), None
        self.figures = msgspec.structs.replace(self.figures, name=name)

    def learn(self, answer: RateLimitHeaders, now: float) -> None:
        """From an answer. It may or may not count the others in flight: we assume not. An older one tells nothing."""
        self.answered += 1
        if self.last and answer.reset < self.last.reset - self.last.still_s:
            return
        kind = concluded(self.last, answer, self.figures.period_s) if self.last else None
        if self.figures.kind is Kind.FREE:
            kind = Kind.UNKNOWN
        period_s = self._period(answer, kind)
        self._count(answer, now, period_s)
        self.last = answer
        self.figures = msgspec.structs.replace(
            self.figures,
            kind=kind or self.figures.kind,
            limit=answer.limit,
            period_s=period_s,
            length_s=answer.reset_after if answer.is_fresh and answer.reset_after > 0 else self.figures.length_s,
        )

    def _period(self, answer: RateLimitHeaders, kind: Kind | None) -> float:
        if answer.is_fresh and answer.reset_after > 0:
            return answer.reset_after
        if kind is Kind.LEAKING and self.figures.kind is not Kind.LEAKING and self.last:
            return max(answer.each_s, self.last.each_s)
        return max(answer.each_s, self.figures.period_s)

    def _count(self, answer: RateLimitHeaders, now: float, period_s: float) -> None:
        """What is left until Reset, as long as nothing comes back before."""
        resets_at = now + answer.reset_after + _ROUNDED_S
        is_another_window = resets_at > self.resets_at + min(self.figures.length_s, period_s) / 2
        known = answer.limit if is_another_window else self.remaining + answer.limit - self.figures.limit
        others = max(0, self.in_flight - 1) if is_another_window else 0
        self.remaining, self.resets_at = min(known, answer.remaining - others), resets_at

    def is_without_limit(self) -> None:
        """An answer told nothing of one."""
        self.figures, self.last = msgspec.structs.replace(self.figures, kind=Kind.FREE), None

    def refused(self, until: float, *, was_full: bool) -> None:
        """A 429. If it was this bucket that was full, what we knew of it is wrong."""
        self.blocked_until, self.last = max(self.blocked_until, until), None
        if was_full:
            self.figures = msgspec.structs.replace(self.figures, kind=Kind.UNKNOWN)

    def is_idle(self, now: float) -> bool:
        return not self.in_flight and now >= max(self.resets_at, self.blocked_until)
