"""Discord's rate limits, as far as they are known.

Documented ("Rate Limits"): limits are per route and per channel, guild or webhook; the bucket hash in the
headers does not contain that channel; 50 requests a second for a bot over all routes, interaction endpoints
exempt. The values per route are not published; those here were observed by others (Discord.Net#2375,
discord-api-docs#1900) or are guesses of the same size.

There are two kinds, and no header says which (discord-api-docs#7680):

- *leaking*, most of them since November 2022: each request fills a bucket by one, and it leaks steadily. Reset-After
  is the time until it is empty, Retry-After the time until there is room for one request.
- *fixed*: a window begins with its first request and ends all at once; Reset-After and Retry-After tell when.

One hash may stand for several limits (discord-api-docs#8073: POST and DELETE of a message), and a route whose answers
carry no such headers has no limit of its own (discord-api-docs#1135).
"""

import hashlib
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from twins.discord.clock import Clock
from twins.discord.errors import RateLimitError

GLOBAL_PER_S = 50
RENAMES, RENAME_WINDOW_S = 2, 600.0
OLD_EDITS, OLD_EDIT_WINDOW_S, OLD_AFTER_S = 3, 20.0, 3600.0

Kind = Literal["leaking", "fixed"]
type Route = tuple[str, str]
"""Method and template."""

_CHANNEL = "/channels/{channel_id}"
_MESSAGE = f"{_CHANNEL}/messages/{{message_id}}"
_KNOWN: dict[Route, tuple[int, float]] = {
    ("POST", f"{_CHANNEL}/messages"): (5, 5.0),
    ("PATCH", _MESSAGE): (5, 5.0),
    ("DELETE", _MESSAGE): (5, 1.0),
    ("GET", f"{_CHANNEL}/messages"): (10, 5.0),
    ("POST", f"{_CHANNEL}/typing"): (5, 5.0),
    ("PATCH", _CHANNEL): (5, 15.0),
    ("PUT", f"{_MESSAGE}/reactions/{{emoji}}/@me"): (1, 0.25),
    ("PUT", "/applications/{application_id}/guilds/{guild_id}/commands"): (5, 20.0),
    ("POST", "/applications/{application_id}/guilds/{guild_id}/commands"): (5, 20.0),
    ("PUT", "/applications/{application_id}/commands"): (5, 20.0),
    ("POST", "/applications/{application_id}/commands"): (5, 20.0),
    ("POST", "/webhooks/{webhook_id}/{webhook_token}"): (5, 2.0),
    ("PATCH", "/webhooks/{webhook_id}/{webhook_token}/messages/{message_id}"): (5, 2.0),
}
_OTHER = (10, 5.0)
_SAME_HASH: dict[Route, Route] = {("DELETE", _MESSAGE): ("POST", f"{_CHANNEL}/messages")}
_WITHOUT: frozenset[Route] = frozenset({("GET", _MESSAGE), ("GET", "/users/@me")})
_MAJOR = ("channel_id", "guild_id", "webhook_id", "webhook_token", "interaction_id")


@dataclass(slots=True)
class _Window:
    """`used` of `limit` requests since `began` (seconds, monotonic)."""

    limit: int
    length_s: float
    began: float = float("-inf")
    used: int = 0

    def take(self, now: float) -> bool:
        if now >= self.began + self.length_s:
            self.began, self.used = now, 0
        if self.used >= self.limit:
            return False
        self.used += 1
        return True

    def remaining(self, now: float) -> int:
        return self.limit - (self.used if self.resets_in(now) else 0)

    def resets_in(self, now: float) -> float:
        return max(0.0, self.began + self.length_s - now)

    free_in = resets_in


@dataclass(slots=True)
class _Leaking:
    """At most `limit` requests are in it; all of them leak in `length_s`. `empty_at` in seconds, monotonic."""

    limit: int
    length_s: float
    empty_at: float = float("-inf")

    @property
    def _each_s(self) -> float:
        return self.length_s / self.limit

    def take(self, now: float) -> bool:
        if self.free_in(now) > 0:
            return False
        self.empty_at = max(self.empty_at, now) + self._each_s
        return True

    def remaining(self, now: float) -> int:
        return self.limit - math.ceil(self.resets_in(now) / self._each_s - 1e-9)

    def resets_in(self, now: float) -> float:
        return max(0.0, self.empty_at - now)

    def free_in(self, now: float) -> float:
        """Seconds until there is room for one."""
        return max(0.0, self.empty_at - now - self.length_s + self._each_s)


type _Bucket = _Window | _Leaking


class Limits:
    """Counts requests and says which are too many. With `enabled=False` it says nothing at all.

    `kind`: of all buckets but those of `kinds`, by method and route.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        enabled: bool = True,
        kind: Kind = "leaking",
        kinds: Mapping[Route, Kind] | None = None,
    ) -> None:
        self.enabled = enabled
        self._clock = clock
        self._kind = kind
        self._kinds = dict(kinds or {})
        self._buckets: dict[tuple[str, ...], _Bucket] = {}
        self._hidden: dict[tuple[str, int], deque[float]] = {}
        self._global = _Window(GLOBAL_PER_S, 1.0)

    def admit(self, method: str, route: str, parameters: dict[str, str]) -> dict[str, str]:
        """Count one request. Returns its response headers.

        Raises RateLimitError, whose headers are then `headers_of`.
        """
        if not self.enabled or route.startswith("/attachments"):
            return {}
        now = self._clock.monotonic()
        if not route.startswith(("/interactions", "/webhooks")) and not self._global.take(now):
            raise RateLimitError(self._global.resets_in(now), scope="global")
        if (method, route) in _WITHOUT:
            return {}
        bucket = self._bucket(method, route, parameters)
        if not bucket.take(now):
            raise RateLimitError(bucket.free_in(now))
        return self.headers(method, route, parameters)

    def headers(self, method: str, route: str, parameters: dict[str, str]) -> dict[str, str]:
        """The X-RateLimit headers of that bucket as it stands."""
        if not self.enabled or (method, route) in _WITHOUT:
            return {}
        bucket, now = self._bucket(method, route, parameters), self._clock.monotonic()
        left_s = bucket.resets_in(now)
        resets_at = self._clock.wall() + timedelta(seconds=left_s)
        named = " ".join(_SAME_HASH.get((method, route), (method, route)))
        return {
            "X-RateLimit-Limit": str(bucket.limit),
            "X-RateLimit-Remaining": str(bucket.remaining(now)),
            "X-RateLimit-Reset": f"{resets_at.timestamp():.3f}",
            "X-RateLimit-Reset-After": f"{left_s:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(named.encode()).hexdigest()[:32],
        }

    def admit_rename(self, channel_id: int) -> None:
        """Name or topic of a channel: 2 in 10 minutes, not announced in headers (discord-api-docs#1900)."""
        self._admit_hidden("rename", channel_id, RENAMES, RENAME_WINDOW_S)

    def admit_old_edit(self, channel_id: int) -> None:
        """Edits of messages older than an hour: error 30046 (figures observed, starboard-4#118)."""
        message = "Maximum number of edits to messages older than 1 hour reached. Try again later"
        self._admit_hidden("old edit", channel_id, OLD_EDITS, OLD_EDIT_WINDOW_S, code=30046, message=message)

    def _admit_hidden(
        self,
        what: str,
        channel_id: int,
        most: int,
        window_s: float,
        *,
        code: int = 0,
        message: str | None = None,
    ) -> None:
        if not self.enabled:
            return
        now = self._clock.monotonic()
        taken = self._hidden.setdefault((what, channel_id), deque())
        while taken and taken[0] + window_s <= now:
            taken.popleft()
        if len(taken) >= most:
            raise RateLimitError(taken[0] + window_s - now, code=code, message=message)
        taken.append(now)

    def _bucket(self, method: str, route: str, parameters: dict[str, str]) -> _Bucket:
        major = [parameters[name] for name in _MAJOR if name in parameters]
        limit, length_s = _KNOWN.get((method, route), _OTHER)
        is_fixed = self._kinds.get((method, route), self._kind) == "fixed"
        new = _Window(limit, length_s) if is_fixed else _Leaking(limit, length_s)
        return self._buckets.setdefault((method, route, *major), new)


def rejection_headers(refused: RateLimitError) -> dict[str, str]:
    """What a 429 carries beyond the bucket's headers. Seconds."""
    headers = {
        "Retry-After": str(math.ceil(refused.retry_after_s)),
        "X-RateLimit-Scope": refused.scope,
    }
    return {**headers, "X-RateLimit-Global": "true"} if refused.scope == "global" else headers
