import asyncio

import pytest

from stages.jumping_clock import jumping
from supervisor.discord.buckets import FIRST_LIMIT, FIRST_WINDOW_S, MARGIN_S
from supervisor.discord.pace import (
    GLOBAL_PER_S,
    INVALID_SLOW,
    INVALID_STOP,
    INVALID_WINDOW_S,
    SLOW_GAP_S,
    Limits,
    Pace,
    Priority,
    TooLongError,
)

POST = "POST /channels/{channel_id}/messages"
DELETE = "DELETE /channels/{channel_id}/messages/{message_id}"
ANSWER = "POST /interactions/{interaction_id}/{token}/callback"
A, B = 1, 2


def headers(remaining: int, reset_after: float = 5.0, limit: int = 5, name: str = "hash") -> dict[str, str]:
    return {
        "X-RateLimit-Limit": str(limit),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset-After": str(reset_after),
        "X-RateLimit-Bucket": name,
        "Via": "1.1 test",
    }


def send(
    limits: Limits, now: float, *, route: str = POST, major: int = A, answer: dict[str, str] | None = None
) -> None:
    """One request that is answered at once."""
    limits.take(route, major, now)
    if answer is not None:
        limits.report(route, major, 200, answer, now)
    limits.done(route, major)


def wait(limits: Limits, now: float, *, route: str = POST, major: int = A, priority: Priority = Priority.END) -> float:
    return limits.wait(route, major, priority, now)


def refuse(limits: Limits, now: float, retry_after: float, status: int = 429, **more: str) -> None:
    """``more``: headers, with _ for -."""
    told = {"Via": "1.1 test", "Retry-After": str(retry_after)}
    limits.take(POST, A, now)
    limits.report(POST, A, status, told | {name.replace("_", "-"): value for name, value in more.items()}, now)
    limits.done(POST, A)


def about(seconds: float) -> object:
    """Discord tells whole milliseconds, so that it may be a little more."""
    return pytest.approx(seconds, abs=0.0011)


def test_before_the_first_headers_five_requests_in_five_seconds_are_assumed() -> None:
    limits = Limits()
    for _ in range(FIRST_LIMIT):
        assert wait(limits, 0.0) == 0
        send(limits, 0.0)
    assert wait(limits, 0.0) == FIRST_WINDOW_S
    assert wait(limits, FIRST_WINDOW_S) == 0


def test_a_bucket_is_learned_from_the_headers() -> None:
    limits = Limits()
    send(limits, 0.0, answer=headers(0, reset_after=2.5, limit=1))
    assert wait(limits, 0.0) == about(2.5)
    assert wait(limits, 2.51) == 0


def test_a_limit_that_is_higher_than_assumed_counts_in_the_same_window() -> None:
    limits = Limits()
    for _ in range(FIRST_LIMIT):
        limits.take(POST, A, 0.0)
    assert wait(limits, 0.0) == FIRST_WINDOW_S
    for answered in range(1, FIRST_LIMIT + 1):
        limits.report(POST, A, 200, headers(10 - answered, limit=10), 0.1)
        limits.done(POST, A)
    for _ in range(10 - FIRST_LIMIT):
        assert wait(limits, 0.1) == 0
        limits.take(POST, A, 0.1)
    assert wait(limits, 0.1) == about(5.0)


def test_a_window_that_began_without_us_is_learned() -> None:
    limits = Limits()
    send(limits, 0.0, answer=headers(1, reset_after=2.0))
    send(limits, 0.1, answer=headers(0, reset_after=1.9))
    assert wait(limits, 0.5) == about(1.5)


def test_channels_have_buckets_of_their_own_though_the_hash_is_the_same() -> None:
    limits = Limits()
    for _ in range(5):
        send(limits, 0.0, answer=headers(0))
    assert wait(limits, 0.0) > 0
    assert wait(limits, 0.0, major=B) == 0


def test_routes_of_one_hash_have_limits_of_their_own() -> None:
    limits = Limits()
    send(limits, 0.0, route=DELETE, answer=headers(4))
    send(limits, 0.0, route=POST, answer=headers(0))
    assert wait(limits, 0.0, route=POST) == about(5)
    assert wait(limits, 0.0, route=DELETE) == 0


def test_what_was_sent_before_the_hash_was_known_still_counts() -> None:
    limits = Limits()
    for _ in range(5):
        send(limits, 0.0, major=B)
    send(limits, 0.0, answer=headers(4))
    assert wait(limits, 0.1, major=B) > 0


def test_another_hash_begins_anew() -> None:
    limits = Limits()
    send(limits, 0.0, answer=headers(9, limit=10, reset_after=60.0))
    send(limits, 0.1, answer=headers(4, name="another"))
    for remaining in (3, 2, 1, 0):
        assert wait(limits, 0.1) == 0
        send(limits, 0.1, answer=headers(remaining, name="another"))
    assert wait(limits, 0.1) == about(5)


def test_of_a_route_that_answers_without_headers_nothing_is_assumed() -> None:
    limits = Limits()
    send(limits, 0.0, answer={"Via": "1.1 test"})
    for _ in range(30):
        assert wait(limits, 0.0) == 0
        send(limits, 0.0)
    assert wait(limits, 0.0, major=B) == 0
    refuse(limits, 0.0, 3)
    assert wait(limits, 1.0) == 2, "but a refusal is believed"


def test_an_error_without_headers_says_nothing_of_the_limit() -> None:
    limits = Limits()
    limits.take(POST, A, 0.0)
    limits.report(POST, A, 502, {}, 0.0)
    limits.done(POST, A)
    for _ in range(FIRST_LIMIT - 1):
        send(limits, 0.0)
    assert wait(limits, 0.0) > 0


def test_what_was_learned_of_a_route_holds_in_another_channel() -> None:
    limits = Limits()
    send(limits, 0.0, answer=headers(9, limit=10, reset_after=0.5))
    send(limits, 0.1, answer=headers(8, limit=10, reset_after=0.9))
    for _ in range(10):
        assert wait(limits, 5.0, major=B) <= MARGIN_S
        send(limits, 5.0, major=B)
    assert 0.5 <= wait(limits, 5.0, major=B) < 0.6, "one comes back each 0.5 s"


def test_requests_in_flight_count_in_the_next_window() -> None:
    limits = Limits()
    for _ in range(5):
        limits.take(POST, A, 0.0)
    assert wait(limits, FIRST_WINDOW_S + 1) > 0
    limits.done(POST, A)
    assert wait(limits, FIRST_WINDOW_S + 1) == 0


def test_a_window_that_began_later_than_we_thought_leaves_room_for_what_is_in_flight() -> None:
    limits = Limits()
    for _ in range(2):
        limits.take(POST, A, 0.0)
    limits.report(POST, A, 200, headers(4), 3.0)
    limits.done(POST, A)
    for _ in range(3):
        assert wait(limits, 3.0) == 0
        send(limits, 3.0)
    assert wait(limits, 3.0) == about(5)


def test_text_leaves_the_last_request_of_a_window_to_a_card_or_the_end_of_the_turn() -> None:
    limits = Limits()
    for remaining in (4, 3, 2, 1):
        send(limits, 0.0, answer=headers(remaining))
    assert wait(limits, 0.0, priority=Priority.TEXT) == about(5)
    assert wait(limits, 0.0, priority=Priority.END) == 0
    assert wait(limits, 0.0, priority=Priority.URGENT) == 0


def test_a_bucket_of_one_lets_cosmetics_through_too() -> None:
    limits = Limits()
    send(limits, 0.0, answer=headers(0, reset_after=0.25, limit=1))
    assert wait(limits, 0.3, priority=Priority.COSMETIC) == 0


def test_over_all_routes_less_than_fifty_a_second_go_and_interactions_are_exempt() -> None:
    limits = Limits()
    for channel in range(GLOBAL_PER_S):
        send(limits, 0.0, major=channel)
    assert wait(limits, 0.5, major=99) == pytest.approx(0.5)
    assert wait(limits, 0.5, route=ANSWER, major=99) == 0
    assert wait(limits, 1.0, major=99) == 0


def test_a_429_without_exhausted_headers_is_believed() -> None:
    limits = Limits()
    refuse(limits, 0.0, 582, X_RateLimit_Remaining="4", X_RateLimit_Limit="5")
    assert wait(limits, 10.0) == 572
    assert wait(limits, 10.0, major=B) == 0


def test_a_global_429_stops_all_but_interactions() -> None:
    limits = Limits()
    refuse(limits, 0.0, 3, X_RateLimit_Global="true")
    assert wait(limits, 1.0, major=B) == 2
    assert wait(limits, 1.0, route=ANSWER) == 0


def test_a_429_that_did_not_come_from_discord_itself_stops_everything() -> None:
    limits = Limits()
    limits.take(POST, A, 0.0)
    limits.report(POST, A, 429, {"Retry-After": "60"}, 0.0)
    assert wait(limits, 1.0, route=ANSWER) == 59


@pytest.mark.parametrize("status", [401, 403, 429])
def test_invalid_requests_make_us_slow_then_silent_and_pass_with_time(status: int) -> None:
    limits = Limits()
    for _ in range(INVALID_SLOW):
        refuse(limits, 0.0, 0.001, status)
    assert wait(limits, 0.5, major=B) == pytest.approx(SLOW_GAP_S - 0.5)
    for _ in range(INVALID_STOP - INVALID_SLOW):
        refuse(limits, 1.0, 0.001, status)
    assert wait(limits, 100.0, major=B) == INVALID_WINDOW_S - 100
    assert wait(limits, INVALID_WINDOW_S, major=B) == 0


def test_a_shared_429_does_not_count_as_invalid_but_is_waited_for() -> None:
    limits = Limits()
    for _ in range(INVALID_SLOW):
        refuse(limits, 0.0, 4, X_RateLimit_Scope="shared")
    assert wait(limits, 2.0, major=B) == 0
    assert wait(limits, 2.0) == 2


def test_even_a_storm_of_refusals_stays_far_under_ten_thousand_in_ten_minutes() -> None:
    limits, now, sent = Limits(), 0.0, 0
    while now < INVALID_WINDOW_S:
        if (pause := wait(limits, now, major=sent)) > 0:
            now += pause
            continue
        limits.take(POST, sent, now)
        limits.report(POST, sent, 403, {"Via": "1.1 test"}, now)
        limits.done(POST, sent)
        sent += 1
    assert sent <= INVALID_STOP + 1


def test_buckets_that_nobody_uses_are_forgotten() -> None:
    limits = Limits()
    for channel in range(5000):
        send(limits, channel * 1.0, major=channel)
    assert len(limits._buckets) < 2100


# --- waiting -----------------------------------------------------------------------------------------


def loop_pace() -> Pace:
    return Pace(asyncio.get_running_loop().time)


async def take_turns(pace: Pace, order: list[str], name: str, priority: Priority) -> None:
    async with pace.slot(POST, A, priority):
        order.append(name)


@jumping
async def test_of_those_who_wait_the_most_urgent_goes_first() -> None:
    pace, order = loop_pace(), list[str]()
    for _ in range(FIRST_LIMIT):
        await take_turns(pace, [], "", Priority.END)
    async with asyncio.TaskGroup() as tasks:
        for name, priority in (("text", Priority.TEXT), ("end", Priority.END), ("card", Priority.URGENT)):
            tasks.create_task(take_turns(pace, order, name, priority))
    assert order == ["card", "end", "text"]
    assert asyncio.get_running_loop().time() == pytest.approx(FIRST_WINDOW_S)


@jumping
async def test_who_would_wait_too_long_is_told_at_once() -> None:
    pace = loop_pace()
    async with pace.slot(POST, A, Priority.END) as slot:
        slot.report(429, {"Retry-After": "582", "Via": "1.1 test"})
    with pytest.raises(TooLongError) as caught:
        await take_turns(pace, [], "", Priority.URGENT)
    assert caught.value.wait_s == 582
    assert asyncio.get_running_loop().time() == 0


@jumping
async def test_who_gives_up_leaves_no_trace() -> None:
    pace = loop_pace()
    async with asyncio.TaskGroup() as tasks:
        for _ in range(FIRST_LIMIT):
            tasks.create_task(take_turns(pace, [], "", Priority.END))
        late = tasks.create_task(take_turns(pace, [], "", Priority.END))
        await asyncio.sleep(1)
        late.cancel()
    assert pace.wait_s(POST, A, Priority.END) == pytest.approx(FIRST_WINDOW_S - 1)
    await asyncio.sleep(FIRST_WINDOW_S)
    assert pace.wait_s(POST, A, Priority.END) == 0


@jumping
async def test_twenty_requests_to_one_channel_take_as_long_as_the_limit_says() -> None:
    pace, order = loop_pace(), list[str]()
    async with asyncio.TaskGroup() as tasks:
        for number in range(20):
            tasks.create_task(take_turns(pace, order, str(number), Priority.END))
    assert order == [str(number) for number in range(20)]
    assert asyncio.get_running_loop().time() == pytest.approx(3 * FIRST_WINDOW_S)
