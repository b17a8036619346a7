"""What is done about a session's worker next, for each state of its seat."""

import signal

import pytest

from bridge.protocol.start import EXIT_DISK_FULL, EXIT_LOCKED, EXIT_LOG
from supervisor.workers import seats
from supervisor.workers.seats import (
    Adopt,
    BackOff,
    End,
    EndStray,
    Facts,
    GiveUp,
    Held,
    Hinder,
    Hold,
    Listen,
    Obey,
    Part,
    Seat,
    SeatState,
    Spawn,
    Spawned,
    Wait,
    changes_by_waiting,
    next_step,
    worker_end_in_words,
)


class NoWatch:
    def has_ended(self) -> bool:
        return False

    def close(self) -> None:
        pass


def empty(**changes: float) -> Seat:
    return Seat("s", not_before=changes.get("not_before", 0.0))


def spawned(code: int | None = None) -> Seat:
    return Seat("s", spawned=Spawned(7, "00000001", since=100.0, code=code))


def held(*, is_ending: bool = False, listened_at: float = 0.0) -> Seat:
    """It took its lock at 100; its spawn is still known, as that of a worker of ours is."""
    worker = Held(7, "00000001", 100.0, NoWatch(), is_ending=is_ending, listened_at=listened_at)
    return Seat("s", spawned=Spawned(7, "00000001", since=99.0), held=worker)


def ended(code: int, failures: int = 0, refusals: int = 0) -> Seat:
    return Seat("s", code=code, failures=failures, refusals=refusals)


SOON, LATE = 100.0 + 1, 100.0 + seats.UNHEARD_DEADLINE_S
WELL = Facts(LATE, has_spoken=True)
WANTED = Facts(50.0, is_wanted=True)
TABLE = [
    (SeatState.HELD, held(), Facts(SOON, has_ended=True), Part()),
    (SeatState.HELD, held(), Facts(LATE, has_ended=True, is_older=True), Part()),
    (SeatState.HELD, held(), Facts(SOON, has_spoken=True, is_older=True), End("older")),
    (SeatState.HELD, held(), Facts(SOON), Wait()),
    (SeatState.HELD, held(), Facts(100.0 + seats.LISTEN_AGAIN_S), Listen()),
    (SeatState.HELD, held(listened_at=102.0), Facts(100.0 + seats.LISTEN_AGAIN_S), Wait()),
    (SeatState.HELD, held(listened_at=102.0), Facts(102.0 + seats.LISTEN_AGAIN_S), Listen()),
    (SeatState.HELD, held(), Facts(LATE), End("unheard")),
    (SeatState.HELD, held(), WELL, Wait()),
    (SeatState.HELD, held(), Facts(SOON, has_spoken=True, is_stuck=True), Wait()),
    (SeatState.HELD, held(), Facts(LATE, has_spoken=True, is_stuck=True), End("unheard")),
    (SeatState.ENDING, held(is_ending=True), Facts(LATE, is_older=True), Wait()),
    (SeatState.ENDING, held(is_ending=True), Facts(LATE, has_ended=True), Part()),
    (SeatState.SPAWNED, spawned(), Facts(SOON, holder=7), Adopt(7)),
    (SeatState.SPAWNED, spawned(EXIT_LOCKED), Facts(SOON, holder=6), Adopt(6)),
    (SeatState.SPAWNED, spawned(1), Facts(SOON), Part()),
    (SeatState.SPAWNED, spawned(0), Facts(SOON), Part()),
    (SeatState.SPAWNED, spawned(), Facts(SOON), Wait()),
    (SeatState.SPAWNED, spawned(), Facts(100.0 + seats.LOCK_DEADLINE_S), EndStray()),
    (SeatState.ENDED, ended(0), Facts(SOON), BackOff(0.0, 0, 0)),
    (SeatState.ENDED, ended(0, failures=2), Facts(SOON), BackOff(0.0, 0, 0)),
    (SeatState.ENDED, ended(0), Facts(SOON, quick_deaths=2), BackOff(2.0, 0, 0)),
    (SeatState.ENDED, ended(0), Facts(SOON, quick_deaths=99), BackOff(5.0, 0, 0)),
    (SeatState.ENDED, ended(0), Facts(SOON, may_pass=True), BackOff(2.0, 0, 1)),
    (SeatState.ENDED, ended(0, refusals=99), Facts(SOON, may_pass=True), BackOff(60.0, 0, 100)),
    (SeatState.ENDED, ended(0, refusals=3), Facts(SOON), BackOff(0.0, 0, 0)),
    (SeatState.ENDED, ended(EXIT_LOCKED, failures=2, refusals=1), Facts(SOON), BackOff(0.5, 2, 1)),
    (SeatState.ENDED, ended(1), Facts(SOON), BackOff(0.5, 1, 0)),
    (SeatState.ENDED, ended(-9, failures=1), Facts(SOON), BackOff(2.0, 2, 0)),
    (
        SeatState.ENDED,
        ended(1, failures=2),
        Facts(SOON),
        GiveUp(5.0, "the worker ended with exit code 1; the bridge's log says more"),
    ),
    (SeatState.EMPTY, empty(), Facts(50.0, holder=5, is_stopped=True), Adopt(5)),
    (SeatState.EMPTY, empty(), Facts(50.0, is_stopped=True, is_wanted=True), Obey()),
    (SeatState.EMPTY, empty(not_before=60.0), WANTED, Wait()),
    (SeatState.EMPTY, empty(), Facts(50.0), Wait()),
    (SeatState.EMPTY, empty(), Facts(50.0, is_wanted=True, refusal=None), Hold("")),
    (SeatState.EMPTY, empty(), Facts(50.0, is_wanted=True, refusal="too old"), Hold("too old")),
    (SeatState.EMPTY, empty(not_before=40.0), WANTED, Spawn()),
]


@pytest.mark.parametrize(("state", "seat", "facts", "step"), TABLE)
def test_each_state_has_its_next_step(state: SeatState, seat: Seat, facts: Facts, step: seats.Step) -> None:
    assert seat.state is state
    assert next_step(seat, facts) == step


def test_the_table_here_has_each_state_and_each_step() -> None:
    assert {state for state, *_ in TABLE} == set(SeatState)
    assert {type(step) for *_, step in TABLE} | {Hinder} == set(seats.Step.__args__)


@pytest.mark.parametrize("code", [EXIT_DISK_FULL, EXIT_LOG])
def test_a_worker_that_found_no_place_for_its_log_hinders_and_is_no_failure(code: int) -> None:
    step = next_step(ended(code, failures=2), Facts(SOON))
    assert isinstance(step, Hinder)
    assert "log could not be written" in step.why


def test_what_hinders_is_tried_again_more_and_more_seldom() -> None:
    seat, pauses = empty(), []
    for _ in range(9):
        seat.hinder("no memory", 10.0)
        pauses.append(seat.not_before - 10.0)
    assert pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    assert (seat.hindrances, seat.hindrance) == (9, "no memory")


@pytest.mark.parametrize(
    ("seat", "is_well", "changes"),
    [
        (empty(), False, False),
        (empty(not_before=60.0), False, True),
        (spawned(), False, True),
        (ended(1), False, True),
        (held(), True, False),
        (held(), False, True),
        (held(is_ending=True), False, False),
    ],
)
def test_only_a_seat_that_time_may_change_is_looked_at_unasked(seat: Seat, is_well: bool, changes: bool) -> None:
    assert changes_by_waiting(seat, is_well=is_well) is changes


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, ""),
        (-signal.SIGKILL, "the worker was ended by SIGKILL"),
        (3, "the worker ended with exit code 3"),
        (EXIT_LOCKED, "another worker has this session"),
    ],
)
def test_how_a_worker_ended_is_told_in_words(code: int, words: str) -> None:
    assert worker_end_in_words(code) == words
