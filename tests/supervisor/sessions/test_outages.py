"""A turn that Claude Code gave up because the API was not there is taken up again, ever later, and not for ever."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.render import limits, outages
from supervisor.sessions.at_reset import MARGIN_S
from supervisor.sessions.mends import GO_ON

from .test_at_reset import ADA, Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    made.turn()  # the limit that it began with is over
    yield made
    made.close()


def fails(desk: Desk, error: str = "overloaded", *, is_ours: bool = False) -> None:
    prompt_id = 6 if is_ours else 5
    desk.take(
        e.PromptAccepted(prompt_id, f"u{prompt_id}", "go", ADA.user_id, "Ada", is_ours=is_ours),
        e.TurnStarted((prompt_id,)),
        e.TurnEnded("failed", (prompt_id,), error=error),
        e.PromptDone(prompt_id),
    )


def delivered(desk: Desk) -> None:
    """What Claude was told reached it."""
    for item in desk.manager.store.inbox(desk.session_id):
        desk.manager.store.drop_wishes(desk.session_id)
        assert item


def last(desk: Desk) -> tuple[str, list[str]]:
    post = desk.manager.store.posts_like(desk.session_id, "limit:")[-1].desired
    return post.content, [button.label for button in post.buttons]


@pytest.mark.parametrize("error", ["overloaded", "server_error", "connection_failed", "rate_limit"])
def test_it_says_when_it_goes_on_and_does_also_after_a_restart(desk: Desk, error: str) -> None:
    fails(desk, error)
    words, labels = last(desk)
    due = desk.now + outages.PAUSES_S[0]
    assert words == f"-# ◷ Claude goes on by itself <t:{int(due)}:R> (try 1 of 5)." and labels == ["Cancel"]
    desk.start()
    assert desk.at(due + MARGIN_S - 0.1).told() == []
    assert desk.at(due + MARGIN_S).told() == [GO_ON] and desk.at(due + 60).told() == [GO_ON]
    assert [one.author_id for one in desk.ours()] == [ADA.user_id]
    assert last(desk) == (f"-# {outages.GONE_ON}", [])


def test_each_time_it_waits_longer_and_at_last_for_a_person(desk: Desk) -> None:
    fails(desk)
    waited = []
    for _ in outages.PAUSES_S:
        view = desk.manager.row(desk.session_id).view
        waited.append(view.limit_at - desk.now)
        assert desk.at(view.limit_at + MARGIN_S).told() == [GO_ON]
        delivered(desk)
        fails(desk, is_ours=True)
    assert tuple(waited) == outages.PAUSES_S and sorted(waited) == waited
    assert "6 times in a row" in last(desk)[0] and last(desk)[1] == []
    assert desk.at(desk.now + 1e6).told() == []


def test_who_writes_begins_anew_and_so_does_a_turn_that_went_well(desk: Desk) -> None:
    fails(desk)
    fails(desk, is_ours=True)
    assert "try 2 of 5" in last(desk)[0]
    fails(desk)
    assert "try 1 of 5" in last(desk)[0]
    fails(desk, is_ours=True)
    desk.turn()
    fails(desk, is_ours=True)
    assert "try 1 of 5" in last(desk)[0]


def test_it_can_be_cancelled_and_somebody_can_overtake_it(desk: Desk) -> None:
    fails(desk)
    assert desk.wants(wanted=False)
    assert last(desk) == ("-# — Cancelled by <@111>: write here to let Claude go on.", [])
    assert desk.at(desk.now + 1e6).told() == [] and not desk.wants()
    fails(desk)
    desk.turn()
    assert desk.at(desk.now + 1e6).told() == [] and limits.OVERTAKEN in last(desk)[0]


def test_days_later_nothing_goes_on_by_itself(desk: Desk) -> None:
    fails(desk)
    desk.start()
    assert desk.at(desk.now + outages.PAUSES_S[0] + outages.LATEST_S + 1).told() == []
    assert last(desk) == (f"-# {outages.TOO_LATE}", [])
    fails(desk)
    assert desk.at(desk.now + outages.PAUSES_S[0] + outages.LATEST_S).told() == [GO_ON]


@pytest.mark.parametrize("error", ["authentication_failed", "invalid_request", "max_turns", "billing_error", "unknown"])
def test_what_does_not_pass_by_itself_is_left_to_people(desk: Desk, error: str) -> None:
    before = len(desk.manager.store.posts_like(desk.session_id, "limit:"))
    fails(desk, error)
    assert len(desk.manager.store.posts_like(desk.session_id, "limit:")) == before
    assert not outages.is_one(e.TurnEnded("failed", (), error="overloaded")), "nobody asked for it"


def test_a_clock_that_is_set_back_lengthens_no_pause(desk: Desk) -> None:
    fails(desk)
    assert desk.at(desk.now + 1).told() == []
    assert desk.at(desk.now - 3 * 3600).told() == [GO_ON]


def test_a_clock_that_is_set_back_shortens_no_usage_limit(desk: Desk) -> None:
    desk.turn(outcome="failed", error="usage_limit_reached", resets_at=desk.now + 600)
    desk.wants()
    assert desk.at(desk.now - 3 * 3600).told() == []
