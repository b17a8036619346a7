"""Permission modes in their order, and how loose a session may be."""

import pytest

from bridge.protocol.modes import ModeLimit, is_looser, looser_of

IN_ORDER = ("plan", "dontAsk", "default", "acceptEdits", "auto", "bypassPermissions", "something new")


@pytest.mark.parametrize("index", range(1, len(IN_ORDER)))
def test_each_mode_is_looser_than_those_before_it(index: int) -> None:
    mode, before = IN_ORDER[index], IN_ORDER[:index]
    assert all(is_looser(mode, one) and not is_looser(one, mode) for one in before)
    assert all(looser_of(mode, one) == mode for one in before)


def test_manual_and_no_mode_at_all_are_default() -> None:
    assert not is_looser("manual", "default") and not is_looser("", "manual")
    assert looser_of("manual", "plan") == "default"


def test_a_mode_that_only_refuses_what_no_rule_allows_is_looser_than_planning() -> None:
    assert is_looser("dontAsk", "plan"), "it runs what the user's own rules allow"


@pytest.mark.parametrize("begun", IN_ORDER[:-1])
def test_a_session_may_always_be_stricter_and_go_back_but_never_looser(begun: str) -> None:
    limit = ModeLimit.begun_in(begun)
    assert [mode for mode in IN_ORDER if limit.admits(mode)] == list(IN_ORDER[: IN_ORDER.index(begun) + 1])


def test_a_choice_is_admitted_as_soon_as_it_is_sent() -> None:
    limit = ModeLimit.begun_in("default")
    limit.ask("a", "acceptEdits")
    assert limit.admits("acceptEdits") and not limit.admits("auto")
    limit.answered("a", done=True)
    assert limit.admits("acceptEdits")


def test_a_choice_that_claude_refused_admits_nothing() -> None:
    limit = ModeLimit.begun_in("default")
    limit.ask("a", "bypassPermissions")
    limit.answered("a", done=False)
    assert not limit.admits("acceptEdits")


def test_what_was_told_before_a_stricter_choice_was_answered_is_no_break_of_it() -> None:
    limit = ModeLimit.begun_in("acceptEdits")
    limit.ask("a", "plan")
    assert limit.admits("acceptEdits")
    limit.answered("a", done=True)
    assert not limit.admits("acceptEdits") and not limit.admits("default")


@pytest.mark.parametrize(
    ("begun", "chosen", "with_plan", "then"),
    [
        ("plan", "", "", "default"),
        ("plan", "", "acceptEdits", "acceptEdits"),
        ("default", "plan", "", "default"),
        ("acceptEdits", "plan", "", "acceptEdits"),
        ("bypassPermissions", "plan", "", "bypassPermissions"),
        ("acceptEdits", "", "", "acceptEdits"),
    ],
)
def test_an_approved_plan_goes_on_as_it_was_before_or_as_it_was_approved(
    begun: str, chosen: str, with_plan: str, then: str
) -> None:
    limit = ModeLimit.begun_in(begun)
    if chosen:
        limit.ask("a", chosen)
        limit.answered("a", done=True)
    limit.approve_plan(with_plan)
    assert [mode for mode in IN_ORDER if limit.admits(mode)][-1] == then
