"""The one limiter in front of all of our REST: who may send now, and how long everybody else waits.

Discord limits requests per route and channel (guild, webhook), tells the figures only in the headers of its
answers, and adds 50 requests a second for the bot over all routes (discord-api-docs, "Rate Limits"). Headers name
a bucket by a hash, which contains no channel, and may stand for several limits: POST and DELETE of a message have one
(docs/discord-api.md, "Rate limits"). So there is a bucket for each method, route and channel, and it begins anew when
another hash comes. How one is learned stands in ``buckets``; what was learned of a route holds in other channels too.

Three further rules:

- *Priority.* Of the requests that may go, the most urgent goes. And text that streams leaves the last request of a
  bucket to a card or to the end of the turn, which would otherwise have to wait (``RESERVE``).
- *A 429 is believed*, with or without exhausted headers: hidden limits (renames: discord-api-docs#1900) and limits
  shared by several bots announce themselves in no other way.
- *The breaker.* 10,000 invalid requests (401, 403, 429 but for ``shared``) within 10 minutes get our address banned.
  Far below that we first become slow and then silent.

``Limits`` is all of that, of values and the time; ``Pace`` lets tasks wait for it.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from enum import IntEnum

import msgspec

from bridge.protocol.errors import RemoteError
from supervisor.discord.buckets import Bucket, Figures, RateLimitHeaders

GLOBAL_PER_S = 45
"""Of the 50 that Discord allows; nextcord's own few requests need room too."""
INVALID_WINDOW_S = 600.0
INVALID_SLOW, INVALID_STOP = 500, 1000
SLOW_GAP_S = 1.0
BUCKETS_KEPT = 2000
PATIENCE_S = 30.0
MOST_WAIT_S, MOST_LIMIT = 86_400.0, 1_000_000
"""More than that is no limit of Discord's, whoever says so: after a day we ask again."""


class Priority(IntEnum):
    """What goes first, when not all may go."""

    INTERACTION = 0
    """Answers to a click or a command: void after 3 s."""
    URGENT = 1
    """Cards, and whatever else a person waits for."""
    END = 2
    """The last state of a turn."""
    TEXT = 3
    COSMETIC = 4
    """Typing, presence, marks."""


RESERVE = {Priority.TEXT: 1, Priority.COSMETIC: 2}
"""How many requests of a bucket are left for what is more urgent."""


class TooLongError(RemoteError):
    """The request may not go within the patience of who asked. ``wait_s`` says when it may, in seconds."""

    def __init__(self, route: str, wait_s: float) -> None:
        super().__init__(f"{route}: Discord's rate limit lets nothing through for {wait_s:.1f} s")
        self.wait_s = wait_s


class Breaker:
    """Counts invalid requests of the last 10 minutes, and knows of a ban."""

    def __init__(self) -> None:
        self._invalid: deque[float] = deque()
        self._last_sent = float("-inf")
        self._banned_until = float("-inf")

    def wait(self, now: float) -> float:
        return max(0.0, self._banned_until - now, self._wait_of_invalid(now))

    def _wait_of_invalid(self, now: float) -> float:
        while self._invalid and self._invalid[0] <= now - INVALID_WINDOW_S:
            self._invalid.popleft()
        if len(self._invalid) >= INVALID_STOP:
            return self._invalid[-INVALID_STOP] + INVALID_WINDOW_S - now
        if len(self._invalid) >= INVALID_SLOW:
            return self._last_sent + SLOW_GAP_S - now
        return 0.0

    def sent(self, now: float) -> None:
        self._last_sent = now

    def count(self, now: float) -> None:
        self._invalid.append(now)

    def banned(self, until: float) -> None:
        self._banned_until = max(self._banned_until, until)


class Limits:
    """Values and a time in, "now" or "in so many seconds" out. ``major`` is the channel's, guild's or webhook's id."""

    def __init__(self) -> None:
        self._known: dict[str, Figures] = {}
        self._buckets: dict[tuple[str, int | str], Bucket] = {}
        self._sent: deque[float] = deque(maxlen=GLOBAL_PER_S)
        self._blocked_until = 0.0
        self._breaker = Breaker()

    def wait(self, route: str, major: int | str, priority: Priority, now: float) -> float:
        """Seconds until this request may go, as far as is known; 0.0 is now."""
        bucket = self._buckets.get((route, major))
        of_bucket = bucket.wait(RESERVE.get(priority, 0), now) if bucket else 0.0
        of_all = 0.0 if _is_exempt(route) else self._wait_of_all(now)
        return max(of_bucket, of_all, self._breaker.wait(now))

    def take(self, route: str, major: int | str, now: float) -> None:
        """The request goes. Followed by ``done``, and by ``report`` before it when an answer came."""
        self._forget_idle_buckets(now)
        self._bucket(route, major).take(now)
        self._breaker.sent(now)
        if not _is_exempt(route):
            self._sent.append(now)

    def done(self, route: str, major: int | str) -> None:
        if bucket := self._buckets.get((route, major)):
            bucket.done()

    def report(self, route: str, major: int | str, status: int, headers: Mapping[str, str], now: float) -> None:
        """What an answer told. Header names in any case that the mapping finds (aiohttp's finds every case)."""
        bucket = self._bucket(route, major)
        if name := headers.get("X-RateLimit-Bucket", ""):
            bucket.name(name)
        if answer := _answer(headers, now):
            bucket.learn(answer, now)
        elif status < 300 and not name:
            bucket.is_without_limit()
        if status == 429:
            self._refused(bucket, headers, now)
        self._known[route] = bucket.figures
        if status in (401, 403) or (status == 429 and headers.get("X-RateLimit-Scope") != "shared"):
            self._breaker.count(now)

    def _refused(self, bucket: Bucket, headers: Mapping[str, str], now: float) -> None:
        """Without ``Via`` it is not Discord that answers but Cloudflare, which bans addresses (nextcord/http.py)."""
        until = now + (seconds_told(headers.get("Retry-After", "")) or SLOW_GAP_S)
        if "Via" not in headers:
            self._breaker.banned(until)
        elif headers.get("X-RateLimit-Global") or headers.get("X-RateLimit-Scope") == "global":
            self._blocked_until = max(self._blocked_until, until)
        else:
            was_full = headers.get("X-RateLimit-Remaining") == "0" and headers.get("X-RateLimit-Scope") != "shared"
            bucket.refused(until, was_full=was_full)

    def _wait_of_all(self, now: float) -> float:
        is_full = len(self._sent) == GLOBAL_PER_S
        return max(self._blocked_until - now, self._sent[0] + 1.0 - now if is_full else 0.0, 0.0)

    def _bucket(self, route: str, major: int | str) -> Bucket:
        if (route, major) not in self._buckets:
            figures = self._known.get(route, Figures())
            self._buckets[route, major] = Bucket(figures, figures.limit)
        return self._buckets[route, major]

    def _forget_idle_buckets(self, now: float) -> None:
        if len(self._buckets) > BUCKETS_KEPT:
            self._buckets = {key: bucket for key, bucket in self._buckets.items() if not bucket.is_idle(now)}


def _is_exempt(route: str) -> bool:
    """Interaction endpoints are not bound to the limit over all routes (discord-api-docs, "Rate Limits")."""
    return "/interactions/" in route or "/webhooks/" in route


def _answer(headers: Mapping[str, str], now: float) -> RateLimitHeaders | None:
    """What an answer tells of a bucket. Only a Reset with a fraction is exact enough to be compared."""
    limit, remaining = _number(headers, "X-RateLimit-Limit"), _number(headers, "X-RateLimit-Remaining")
    reset_after = seconds_told(headers.get("X-RateLimit-Reset-After", ""))
    if limit is None or remaining is None or reset_after is None or not 1 <= limit <= MOST_LIMIT:
        return None
    remaining = min(max(remaining, 0), limit)
    reset = _number(headers, "X-RateLimit-Reset") if "." in headers.get("X-RateLimit-Reset", "") else None
    is_timed = reset is not None
    return RateLimitHeaders(
        int(limit), int(remaining), reset_after, now + reset_after if reset is None else reset, is_timed
    )


def _number(headers: Mapping[str, str], name: str) -> float | None:
    """None: there is none, or none that can be reckoned with."""
    try:
        number = float(headers[name])
    except (KeyError, ValueError):
        return None
    return number if math.isfinite(number) else None


def seconds_told(told: str | float) -> float | None:
    """A wait in seconds as an answer tells it: from 0 to ``MOST_WAIT_S``. None: it tells none."""
    try:
        seconds = float(told)
    except ValueError:
        return None
    return min(max(seconds, 0.0), MOST_WAIT_S) if math.isfinite(seconds) else None


class Slot:
    """Permission to send one request. Its answer is reported before the ``async with`` ends."""

    def __init__(self, report: Callable[[int, Mapping[str, str]], None]) -> None:
        self.report = report


class _Waiter(msgspec.Struct, eq=False):
    route: str
    major: int | str
    priority: Priority
    number: int
    granted: asyncio.Future[None]


class Pace:
    """``Limits`` for tasks: no task of its own, one timer. ``clock`` gives seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._limits = Limits()
        self._waiters: list[_Waiter] = []
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def wait_s(self, route: str, major: int | str, priority: Priority) -> float:
        """Seconds until such a request might go; 0.0 is now."""
        return self._limits.wait(route, major, priority, self._clock())

    @asynccontextmanager
    async def slot(
        self, route: str, major: int | str, priority: Priority, patience_s: float = PATIENCE_S
    ) -> AsyncIterator[Slot]:
        """Wait for permission. Raises TooLongError, at once when it is known, after ``patience_s`` at the latest."""
        await self._granted(route, major, priority, patience_s)
        try:
            yield Slot(lambda status, headers: self._report(route, major, status, headers))
        finally:
            self._limits.done(route, major)
            self._grant()

    def _report(self, route: str, major: int | str, status: int, headers: Mapping[str, str]) -> None:
        self._limits.report(route, major, status, headers, self._clock())

    async def _granted(self, route: str, major: int | str, priority: Priority, patience_s: float) -> None:
        if (wait_s := self.wait_s(route, major, priority)) > patience_s:
            raise TooLongError(route, wait_s)
        self._count += 1
        waiter = _Waiter(route, major, priority, self._count, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        self._waiters.sort(key=lambda w: (w.priority, w.number))
        self._grant()
        try:
            async with asyncio.timeout(patience_s):
                await waiter.granted
        except TimeoutError:
            self._withdraw(waiter)
            raise TooLongError(route, self.wait_s(route, major, priority)) from None
        except asyncio.CancelledError:
            self._withdraw(waiter)
            raise

    def _withdraw(self, waiter: _Waiter) -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        else:  # granted in the same moment, and never sent
            self._limits.done(waiter.route, waiter.major)
        self._grant()

    def _grant(self) -> None:
        """Let go whoever may, the most urgent first, and come back when the next one may."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        waits = [self._grant_one(waiter) for waiter in list(self._waiters)]
        if later := [wait_s for wait_s in waits if wait_s > 0]:
            self._timer = asyncio.get_running_loop().call_later(min(later), self._grant)

    def _grant_one(self, waiter: _Waiter) -> float:
        now = self._clock()
        wait_s = self._limits.wait(waiter.route, waiter.major, waiter.priority, now)
        if wait_s <= 0:
            self._limits.take(waiter.route, waiter.major, now)
            self._waiters.remove(waiter)
            if not waiter.granted.done():
                waiter.granted.set_result(None)
        return wait_s
