"""What is said of a child that is gone, by how it ended and what was wished for."""

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.commands import HIBERNATION
from worker.child_end import SHUT_DOWN, End, is_over_in, last_records
from worker.history import History

CREATED = e.SessionCreated("5c0ffee5-0000-4000-8000-000000000001", 1, 2, 3, "/srv/app", 4)
STARTED = e.WorkerStarted(10, contained=True, containment="")
DIED = "Claude ended by itself with exit code 1"


def accepted(prompt_id: int) -> e.PromptAccepted:
    return e.PromptAccepted(prompt_id, f"u{prompt_id}", f"text {prompt_id}", 42, "ada")


TURN = (accepted(5), e.TurnStarted((5,)), e.PromptTaken(5), accepted(6))
"""A turn that runs, and a prompt that waits behind it."""


def history_of(*events: e.AnyEvent) -> History:
    return History.of(e.Record("g" * 16, seq, 1.0, event) for seq, event in enumerate((CREATED, STARTED, *events), 1))


def last(*events: e.AnyEvent, end: End, amends: tuple[c.Amend, ...] = ()) -> list[e.AnyEvent]:
    return last_records(history_of(*events), frozenset(), end, amends)


def test_a_death_that_nobody_wished_for_loses_the_turn_and_keeps_what_waits() -> None:
    assert last(*TURN, end=End(1)) == [
        e.TurnEnded("lost", (5,), DIED),
        e.PromptCancelled(5, DIED),
        e.ChildExited(1, wanted=False, reason=DIED),
    ]


def test_what_we_ended_it_for_is_the_reason() -> None:
    ended = last(end=End(-9, failure="too much memory", is_final=True))
    assert ended == [e.ChildExited(-9, wanted=False, reason="too much memory", is_final=True)]


def test_who_stops_interrupts_the_turn_and_drops_what_waits() -> None:
    assert last(*TURN, e.WorkerStopping("enough"), end=End(0)) == [
        e.TurnEnded("interrupted", (5,), "stopped"),
        e.PromptCancelled(5, "stopped"),
        e.PromptCancelled(6, "stopped"),
        e.ChildExited(0, wanted=True),
    ]


def test_a_shutdown_loses_the_turn_also_when_it_was_told_to_stop_and_drops_nothing() -> None:
    assert last(*TURN, e.WorkerStopping(SHUT_DOWN), end=End(143, was_told_to_stop=True)) == [
        e.TurnEnded("lost", (5,), SHUT_DOWN),
        e.PromptCancelled(5, SHUT_DOWN),
        e.ChildExited(143, wanted=True),
    ]


@pytest.mark.parametrize("keep_queued", [True, False])
def test_a_child_that_was_ended_for_not_stopping_drops_what_the_interrupt_said(keep_queued: bool) -> None:
    interrupt = e.InterruptAccepted("c1", keep_queued=keep_queued)
    events = last(*TURN, interrupt, end=End(-15, failure="it hung", was_told_to_stop=True))
    assert events[0] == e.TurnEnded("interrupted", (5,), "it hung")
    assert (e.PromptCancelled(6, "it hung") in events) is not keep_queued


def test_an_interrupt_of_an_earlier_turn_drops_nothing_of_this_one() -> None:
    before = (accepted(4), e.TurnStarted((4,)), e.PromptTaken(4), e.InterruptAccepted("c1"))
    over = (e.TurnEnded("interrupted", (4,)), e.PromptCancelled(4))
    events = last(*before, *over, *TURN, end=End(-15, failure="it hung", was_told_to_stop=True))
    assert e.PromptCancelled(6, "it hung") not in events


def test_an_edit_that_claude_did_not_answer_is_made_here_and_a_deletion_too() -> None:
    waiting = (accepted(5), accepted(6))
    events = last(*waiting, end=End(1), amends=(c.Amend("c1", 5, "new"), c.Amend("c2", 6, None)))
    new, *rest = events
    assert isinstance(new, e.PromptAccepted) and (new.prompt_id, new.text) == (5, "new")
    assert rest == [
        e.PromptAmended("c1", 5, deleted=False, done=True),
        e.PromptAmended("c2", 6, deleted=True, done=True),
        e.PromptCancelled(6, "deleted"),
        e.ChildExited(1, wanted=False, reason=DIED),
    ]


@pytest.mark.parametrize(
    ("end", "is_final"),
    [
        (End(1, was_ready=False), True),
        (End(1), False),
        (End(-9, was_ready=False), False),
        (End(137, was_ready=False), False),
        (End(1, is_final=True), True),
    ],
)
def test_a_child_that_ends_before_it_was_ready_would_do_so_again_but_not_one_that_a_signal_ended(
    end: End, is_final: bool
) -> None:
    exited = last(end=end)[-1]
    assert isinstance(exited, e.ChildExited) and exited.is_final is is_final


@pytest.mark.parametrize(
    ("reason", "is_over"), [(HIBERNATION, False), (SHUT_DOWN, False), ("enough", True), ("", True)]
)
def test_what_was_private_goes_with_a_session_that_was_stopped_for_good(reason: str, is_over: bool) -> None:
    assert is_over_in(history_of(e.WorkerStopping(reason))) is is_over
    assert not is_over_in(history_of())
