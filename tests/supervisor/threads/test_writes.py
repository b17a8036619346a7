"""What is written next, what of it together, and when."""

import pytest

from bridge.render.posts import Post
from supervisor.discord.pace import Priority
from supervisor.sessions.posts_table import PostRow
from supervisor.threads.writes import (
    FIRST_GAP_S,
    GAP_S,
    SETTLE_S,
    Write,
    gap_s,
    goes_along,
    text_due_at,
    together,
    too_early,
)

LONG_AGO = float("-inf")


def row(number: int, key: str, message_id: int | None = None, *, in_channel: bool = False) -> PostRow:
    post = Post("text", where="channel" if in_channel else "thread")
    return PostRow(number, "s", key, post, post if message_id else None, message_id, 0, None)


def create(of: PostRow) -> Write:
    return Write("create", of, Priority.END)


def edit(of: PostRow) -> Write:
    return Write("edit", of, Priority.END)


FIRST, SECOND, THIRD = row(1, "turn:g:1.0.0", 11), row(2, "turn:g:1.0.1", 12), row(3, "turn:g:1.0.2")
SUMMARY = row(4, "summary:g:1", in_channel=True)


def test_the_first_text_settles_shortly_and_the_next_follows_soon() -> None:
    assert text_due_at(10.0, LONG_AGO, LONG_AGO, 0) == 10.0 + SETTLE_S
    assert text_due_at(10.0, 10.3, 10.3, 1) == pytest.approx(10.3 + FIRST_GAP_S)


def test_then_it_follows_about_once_a_second_however_long_the_turn_is() -> None:
    assert {gap_s(n) for n in range(2, 1000)} == {GAP_S} and 1.0 <= GAP_S <= 1.25


def test_a_discord_that_answers_late_slows_nothing_down_until_it_takes_longer_than_the_gap() -> None:
    assert text_due_at(0.0, 10.0, 10.6, 5) == 10.0 + GAP_S
    assert text_due_at(0.0, 10.0, 14.0, 5) == 14.0 + SETTLE_S


def test_while_text_streams_one_write_goes_to_the_thread_and_one_to_its_channel() -> None:
    ready = [edit(FIRST), create(THIRD), create(SUMMARY)]
    assert together(ready, is_streaming=True) == [create(SUMMARY), edit(FIRST)]


def test_once_the_turn_is_over_all_that_may_go_goes_at_once() -> None:
    ready = [edit(FIRST), edit(SECOND), create(THIRD)]
    assert together(ready, is_streaming=False) == ready


def test_a_summary_is_too_early_while_something_of_the_answer_is_missing() -> None:
    assert too_early([FIRST, SUMMARY], [FIRST]) == [SUMMARY]
    assert too_early([SUMMARY, row(5, "turn:g:2.0.0")], [row(5, "turn:g:2.0.0")]) == []


def test_a_summary_goes_with_the_last_of_an_answer_whose_beginning_stands_there() -> None:
    missing = [SECOND, THIRD]
    assert goes_along(SUMMARY, missing, [edit(SECOND), create(THIRD)], lambda _: False)
    assert not goes_along(SUMMARY, missing, [edit(SECOND)], lambda _: False), "one of it does not go now"
    assert not goes_along(SUMMARY, missing, [edit(SECOND), create(THIRD)], lambda r: r is THIRD), "it was refused"


def test_a_summary_does_not_go_with_the_beginning_of_its_answer_nor_before_what_is_to_stand_above_it() -> None:
    beginning = row(1, "turn:g:1.0.0")
    above = create(row(2, "trouble", in_channel=True))
    assert not goes_along(SUMMARY, [beginning], [create(beginning)], lambda _: False)
    assert not goes_along(SUMMARY, [THIRD], [create(THIRD), above], lambda _: False)
