"""The loopback Discord's rate limits: two kinds of buckets, and what their headers tell."""

from datetime import UTC, datetime, timedelta

import pytest

from twins.discord.clock import Clock
from twins.discord.errors import RateLimitError
from twins.discord.limits import Kind, Limits, rejection_headers

POST = ("POST", "/channels/{channel_id}/messages")
MESSAGE = "/channels/{channel_id}/messages/{message_id}"
KINDS: tuple[Kind, ...] = ("leaking", "fixed")
HERE = {"channel_id": "1", "message_id": "2"}


class StillClock(Clock):
    """Time that passes only by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def wall(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now)


def told(headers: dict[str, str]) -> tuple[int, float]:
    """What is left, and when it resets."""
    return int(headers["X-RateLimit-Remaining"]), float(headers["X-RateLimit-Reset-After"])


def refused(limits: Limits, method: str = POST[0], route: str = POST[1]) -> float:
    with pytest.raises(RateLimitError) as error:
        limits.admit(method, route, HERE)
    return error.value.retry_after_s


def test_a_leaking_bucket_tells_when_it_is_empty_and_lets_one_through_when_there_is_room_for_it() -> None:
    clock = StillClock()
    limits = Limits(clock)
    answers = [told(limits.admit(*POST, HERE)) for _ in range(5)]
    assert answers == [(4, 1.0), (3, 2.0), (2, 3.0), (1, 4.0), (0, 5.0)]
    assert refused(limits) == pytest.approx(1.0)
    clock.now += 1.0
    assert told(limits.admit(*POST, HERE)) == (0, 5.0)
    assert refused(limits) == pytest.approx(1.0)
    clock.now += 2.5
    assert told(limits.admit(*POST, HERE)) == (1, 3.5), "what leaked in part is not whole"


def test_a_fixed_window_ends_all_at_once() -> None:
    clock = StillClock()
    limits = Limits(clock, kind="fixed")
    assert told(limits.admit(*POST, HERE)) == (4, 5.0)
    clock.now += 2.0
    assert [told(limits.admit(*POST, HERE)) for _ in range(4)] == [(3, 3.0), (2, 3.0), (1, 3.0), (0, 3.0)]
    assert refused(limits) == pytest.approx(3.0)
    clock.now += 3.0
    assert told(limits.admit(*POST, HERE)) == (4, 5.0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_channel_has_a_bucket_of_its_own_though_the_hash_is_the_same(kind: Kind) -> None:
    limits = Limits(StillClock(), kind=kind)
    for _ in range(5):
        headers = limits.admit(*POST, HERE)
    refused(limits)
    other = limits.admit(*POST, {"channel_id": "2"})
    assert told(other)[0] == 4 and other["X-RateLimit-Bucket"] == headers["X-RateLimit-Bucket"]


def test_the_kind_can_be_another_one_for_a_route() -> None:
    limits = Limits(StillClock(), kinds={("PATCH", MESSAGE): "fixed"})
    assert told(limits.admit("PATCH", MESSAGE, HERE)) == (4, 5.0)
    assert told(limits.admit(*POST, HERE)) == (4, 1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_post_and_delete_of_a_message_have_one_hash_and_two_limits(kind: Kind) -> None:
    limits = Limits(StillClock(), kind=kind)
    for _ in range(5):
        posted = limits.admit(*POST, HERE)
    deleted = limits.admit("DELETE", MESSAGE, HERE)
    assert posted["X-RateLimit-Bucket"] == deleted["X-RateLimit-Bucket"]
    assert (told(posted)[0], told(deleted)[0]) == (0, 4)


def test_some_routes_answer_without_headers_and_without_end() -> None:
    limits = Limits(StillClock())
    assert all(limits.admit("GET", MESSAGE, HERE) == {} for _ in range(49))


def test_the_51st_request_in_a_second_is_refused_globally_but_not_an_interaction_answer() -> None:
    limits = Limits(StillClock())
    for channel in range(50):
        limits.admit(*POST, {"channel_id": str(channel)})
    with pytest.raises(RateLimitError) as error:
        limits.admit(*POST, {"channel_id": "99"})
    assert error.value.body()["global"] is True
    assert rejection_headers(error.value)["X-RateLimit-Global"] == "true"
    limits.admit("POST", "/interactions/{interaction_id}/{token}/callback", {"interaction_id": "1"})


def test_the_third_rename_in_ten_minutes_is_refused_for_minutes() -> None:
    clock = StillClock()
    limits = Limits(clock)
    limits.admit_rename(1)
    limits.admit_rename(1)
    with pytest.raises(RateLimitError) as error:
        limits.admit_rename(1)
    assert error.value.retry_after_s > 590
    limits.admit_rename(2)
    clock.now += 600
    limits.admit_rename(1)
