"""A rate limit is learned from its answers, and nothing that is sent is refused, on either kind of bucket."""

import heapq
import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from supervisor.discord.buckets import FIRST_LIMIT, Bucket, Figures, Kind, RateLimitHeaders, concluded
from supervisor.discord.pace import Limits, Priority
from twins.discord import limits as discord
from twins.discord.clock import Clock
from twins.discord.errors import RateLimitError

METHOD, TEMPLATE = "PATCH", "/channels/{channel_id}/messages/{message_id}"
ROUTE, CHANNEL = f"{METHOD} {TEMPLATE}", 1
KINDS: tuple[discord.Kind, ...] = ("leaking", "fixed")


def answer(remaining: int, reset_after: float, at: float, limit: int = 5, *, is_timed: bool = True) -> RateLimitHeaders:
    """One that comes at that time."""
    return RateLimitHeaders(limit, remaining, reset_after, at + reset_after, is_timed)


def after(*answers: tuple[RateLimitHeaders, float], kind: Kind = Kind.UNKNOWN) -> Bucket:
    """A bucket that was used once for each of these answers, which came at those times."""
    bucket = Bucket(Figures(kind=kind))
    for told, at in answers:
        bucket.take(at)
        bucket.learn(told, at)
        bucket.done()
    return bucket


# --- which kind it is --------------------------------------------------------------------------------


def test_a_reset_that_moves_on_with_a_request_is_a_leaking_buckets() -> None:
    assert concluded(answer(4, 1.0, 0.0), answer(3, 1.7, 0.3)) is Kind.LEAKING
    assert concluded(answer(2, 2.5, 0.0), answer(2, 2.5, 1.0)) is Kind.LEAKING


def test_a_reset_that_stands_still_is_a_fixed_windows() -> None:
    assert concluded(answer(4, 5.0, 0.0), answer(3, 4.0, 1.0)) is Kind.FIXED
    assert concluded(answer(2, 0.4, 0.0), answer(1, 0.302, 0.1)) is Kind.FIXED


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (answer(4, 1.0, 0.0), answer(4, 1.0, 0.9)),  # a fresh bucket, or another window
        (answer(4, 1.0, 0.0), answer(3, 1.9, 2.0)),  # after Reset
        (answer(2, 3.0, 0.0), answer(3, 4.9, 1.0)),  # more is left than before: another window, answers out of order
        (answer(2, 3.0, 0.0), answer(3, 1.9, 0.1)),  # an older answer that came later
        (answer(4, 1.0, 0.0), answer(8, 1.9, 0.1, limit=10)),  # another limit
        (answer(4, 5.0, 0.0, is_timed=False), answer(3, 4.9, 0.1)),  # times of two clocks
    ],
)
def test_answers_that_tell_nothing_leave_the_kind_as_it_was(first: RateLimitHeaders, second: RateLimitHeaders) -> None:
    assert concluded(first, second) is None


def test_by_our_own_clock_a_window_is_not_taken_for_a_leak_because_an_answer_was_late() -> None:
    early, late = answer(2, 0.6, 0.0, is_timed=False), answer(1, 0.4, 0.4, is_timed=False)
    assert concluded(early, late) is Kind.FIXED, "its Reset is 0.2 s later, as its way was longer"


# --- the states, one by one --------------------------------------------------------------------------


def test_an_unknown_bucket_gives_nothing_back_before_reset() -> None:
    bucket = after((answer(0, 2.5, 0.0), 0.0))
    assert bucket.figures.kind is Kind.UNKNOWN
    assert round(bucket.wait(0, 0.0), 2) == 2.5
    assert round(bucket.wait(0, 2.0), 2) == 0.5
    assert bucket.wait(0, 2.51) == 0


def leaking() -> Bucket:
    """Full at 0.4, one each second."""
    told = [(answer(4 - n, 1.0 + n * 0.9, n * 0.1), n * 0.1) for n in range(5)]
    return after(*told)


def test_a_leaking_bucket_gives_one_back_each_period() -> None:
    bucket = leaking()
    assert (bucket.figures.kind, bucket.figures.period_s) == (Kind.LEAKING, 1.0)
    first = bucket.wait(0, 0.4)
    assert first == pytest.approx(0.6, abs=0.05)
    bucket.take(0.4 + first)
    bucket.done()
    assert bucket.wait(0, 0.4 + first) == pytest.approx(1.0, abs=0.05)


def test_a_leaking_bucket_keeps_one_for_what_is_more_urgent() -> None:
    bucket = leaking()
    assert bucket.wait(1, 0.4) == pytest.approx(bucket.wait(0, 0.4) + 1.0)


def test_in_a_leaking_bucket_what_is_in_flight_has_not_begun_to_leak() -> None:
    bucket = after((answer(4, 1.0, 0.0), 0.0), (answer(3, 1.9, 0.1), 0.1))
    for _ in range(5):
        bucket.take(9.0)
    assert bucket.wait(0, 9.0) == bucket.wait(0, 10.5) == 1.0
    bucket.learn(answer(4, 1.0, 11.0), 11.0)
    bucket.done()
    assert 1.0 <= bucket.wait(0, 11.0) < 1.1
    for _ in range(4):
        bucket.done()
    assert bucket.wait(0, 11.0) < 1.1, "no answer came to them, but they may have got there"


def test_a_period_that_was_told_too_short_is_corrected_by_a_fresh_bucket() -> None:
    bucket = after((answer(2, 2.2, 0.0), 0.0), (answer(1, 3.1, 0.1), 0.1))
    assert bucket.figures.kind is Kind.LEAKING and bucket.figures.period_s < 0.8
    bucket.take(9.0)
    bucket.learn(answer(4, 1.0, 9.0), 9.0)
    assert bucket.figures.period_s == 1.0


def test_a_fixed_window_gives_all_back_at_its_end() -> None:
    told = [(answer(4 - n, 5.0 - n, float(n)), float(n)) for n in range(5)]
    bucket = after(*told)
    assert bucket.figures.kind is Kind.FIXED
    assert round(bucket.wait(0, 4.0), 2) == 1.0
    for _ in range(5):
        assert bucket.wait(0, 5.01) == 0
        bucket.take(5.01)
    assert bucket.wait(0, 5.01) == 5.0


def test_a_bucket_that_becomes_another_kind_is_seen_to() -> None:
    kinds = []
    bucket = leaking()
    for remaining, reset_after, at in ((3, 5.0, 20.0), (2, 4.0, 21.0), (4, 1.0, 30.0), (3, 1.9, 30.1)):
        bucket.learn(answer(remaining, reset_after, at), at)
        kinds.append(bucket.figures.kind.value)
    assert kinds == ["leaking", "fixed", "fixed", "leaking"]


def test_a_bucket_without_a_limit_waits_only_for_a_refusal() -> None:
    bucket = Bucket()
    bucket.is_without_limit()
    for _ in range(50):
        assert bucket.wait(2, 0.0) == 0
        bucket.take(0.0)
    bucket.refused(3.0, was_full=False)
    assert (bucket.wait(0, 1.0), bucket.figures.kind) == (2.0, Kind.FREE)
    bucket.learn(answer(4, 1.0, 5.0), 5.0)
    assert bucket.figures.kind is Kind.UNKNOWN


def test_what_was_refused_all_the_same_makes_a_bucket_unknown_again() -> None:
    hidden, full = leaking(), leaking()
    hidden.refused(2.0, was_full=False)
    full.refused(2.0, was_full=True)
    assert hidden.figures.kind is Kind.LEAKING, "it was another limit, which no header announces"
    assert full.figures.kind is Kind.UNKNOWN
    assert hidden.wait(0, 1.0) == full.wait(0, 1.0) == 1.0


# --- with Discord ------------------------------------------------------------------------------------


class StillClock(Clock):
    """Time that passes only by hand; Discord's differs from ours by hours."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now)


class World:
    """Our pace, Discord's limits, and the way between them, in virtual time."""

    def __init__(self, kind: discord.Kind, way_s: Callable[[], float], *, is_timed: bool = True) -> None:
        self.pace = Limits()
        self.sent: list[float] = []
        self.refused = 0
        self._clock = StillClock()
        self._discord = discord.Limits(self._clock, kind=kind)
        self._way_s = way_s
        self._is_timed = is_timed
        self._numbers = itertools.count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    @property
    def now(self) -> float:
        return self._clock.now

    def at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), act))

    def run(self, until: float) -> None:
        for _ in range(100_000):
            if not self._events or self._events[0][0] > until:
                return
            self._clock.now, _, act = heapq.heappop(self._events)
            act()
        raise AssertionError("it does not come to an end")

    def ask(self, priority: Priority, then: Callable[[], None] = lambda: None) -> None:
        """Send as soon as the pace lets it; `then` when the answer came."""
        wait_s = self.pace.wait(ROUTE, CHANNEL, priority, self.now)
        if wait_s > 0:
            self.at(self.now + wait_s, lambda: self.ask(priority, then))
            return
        self.pace.take(ROUTE, CHANNEL, self.now)
        self.sent.append(self.now)
        self.at(self.now + self._way_s(), lambda: self._arrived(then))

    def _arrived(self, then: Callable[[], None]) -> None:
        parameters = {"channel_id": str(CHANNEL), "message_id": "2"}
        try:
            status, headers = 200, self._discord.admit(METHOD, TEMPLATE, parameters)
        except RateLimitError as error:
            self.refused += 1
            told = self._discord.headers(METHOD, TEMPLATE, parameters)
            status, headers = 429, told | discord.rejection_headers(error)
        if not self._is_timed:
            headers.pop("X-RateLimit-Reset")
        self.at(self.now + self._way_s(), lambda: self._answered(status, headers | {"Via": "1.1 test"}, then))

    def _answered(self, status: int, headers: dict[str, str], then: Callable[[], None]) -> None:
        self.pace.report(ROUTE, CHANNEL, status, headers, self.now)
        self.pace.done(ROUTE, CHANNEL)
        then()

    def stream(self, gap_s: float) -> None:
        """Edits one after the other, each so long after the last one's answer."""
        self.ask(Priority.TEXT, lambda: self.at(self.now + gap_s, lambda: self.stream(gap_s)))


@pytest.mark.parametrize("is_timed", [True, False])
@pytest.mark.parametrize("way_s", [0.0, 0.075, 0.4])
@pytest.mark.parametrize("kind", KINDS)
def test_a_steady_stream_is_never_refused_and_goes_on_about_once_a_second(
    kind: discord.Kind, way_s: float, is_timed: bool
) -> None:
    for gap_s in (0.0, 0.3, 0.9, 1.2, 2.0):
        world = World(kind, lambda: way_s, is_timed=is_timed)
        world.stream(gap_s)
        world.run(until=120.0)
        assert world.refused == 0
        pauses = [b - a for a, b in itertools.pairwise(world.sent)]
        if kind == "leaking" and (gap_s or way_s):
            assert max(pauses[10:]) <= max(1.0, gap_s + 2 * way_s) + 0.05
        if gap_s >= 1.2:
            assert max(pauses) <= gap_s + 2 * way_s + 0.3
        assert len(world.sent) >= 120.0 / max(1.5, gap_s + 2 * way_s + 0.05) - 2


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_else_is_sent_beside_a_stream_nothing_is_refused(kind: discord.Kind, seed: int) -> None:
    dice = random.Random(seed)
    world = World(kind, lambda: dice.choice((0.0, 0.02, 0.1, 0.5)), is_timed=dice.random() < 0.7)
    world.stream(dice.choice((0.1, 1.0, 1.2)))
    for _ in range(dice.randint(0, 40)):
        when, count = dice.uniform(0, 90), dice.choice((1, 1, 2, 6))
        for _ in range(count):
            world.at(when, lambda: world.ask(dice.choice(list(Priority))))
    world.run(until=120.0)
    assert world.refused == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_burst_goes_as_fast_as_the_bucket_lets_it(kind: discord.Kind) -> None:
    world = World(kind, lambda: 0.05)
    for _ in range(20):
        world.ask(Priority.END)
    world.run(until=60.0)
    assert (world.refused, len(world.sent)) == (0, 20)
    assert world.sent[FIRST_LIMIT - 1] == 0.0
    assert world.sent[-1] == pytest.approx(15.0, abs=0.8), "5 at once, then 5 in each 5 s, or one each second"
