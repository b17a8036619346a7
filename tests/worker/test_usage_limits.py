"""How far a usage limit is used is told at 80 and at 95 percent, once each."""

from bridge.protocol import events as e
from worker import frames as f
from worker.usage_limits import UsageLimits


def told(*used: float, status: str = "allowed_warning", resets_at: float = 9.0) -> list[e.AnyEvent]:
    usage = UsageLimits()
    return [event for one in used for event in usage.told(f.RateLimit(status, resets_at, one, "five_hour"))]


def noted(percent: int) -> e.UsageNoted:
    return e.UsageNoted("5-hour", percent, 9.0)


def test_each_mark_is_told_once() -> None:
    assert told(0.5, 0.79, 0.82, 0.9, 0.96, 0.99) == [noted(82), noted(96)]


def test_who_is_past_the_second_mark_is_not_told_the_first() -> None:
    assert told(0.97, 0.85) == [noted(97)]


def test_a_limit_that_is_hit_and_one_that_makes_no_sense_have_no_line() -> None:
    assert told(1.0, status="rejected") == [] and told(7.0, -1.0, 1e308, -1e308) == []


def test_another_window_is_told_anew() -> None:
    usage = UsageLimits()
    first, second = (f.RateLimit("allowed_warning", at, 0.85, "seven_day") for at in (9.0, 99.0))
    assert len([*usage.told(first), *usage.told(first), *usage.told(second)]) == 2
