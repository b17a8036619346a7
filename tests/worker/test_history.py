"""What the log says, applied as it is written: a worker that wrote it and one that takes it up know the same."""

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from stages.replay import Replay
from worker.history import History
from worker.recovery import amended, closing_events

CREATED = e.SessionCreated("5c0ffee5-0000-4000-8000-000000000001", 1, 2, 3, "/srv/app", 4)
STARTED = e.WorkerStarted(10, contained=True, containment="")
CHILD = e.ChildStarted(11, "claude-id", resumed=False)
GENERATION = "g" * 16


def history_of(*events: e.AnyEvent) -> History:
    every = (CREATED, STARTED, CHILD, *events)
    return History.of(e.Record(GENERATION, seq, 1000.0 + seq, event) for seq, event in enumerate(every, 1))


def accepted(prompt_id: int, text: str = "text") -> e.PromptAccepted:
    return e.PromptAccepted(prompt_id, f"u{prompt_id}", text, 42, "ada")


def test_a_log_without_a_record_says_nothing() -> None:
    history = History.of([])
    assert (history.generation, history.applied, history.open_prompts(), history.taken()) == ("", 0, [], frozenset())
    assert not history.may_hibernate()


@pytest.mark.parametrize("name", ["i2_kill_midstream", "i2_kill_pendingperm", "o_SIGTERM_tool"])
def test_it_is_the_same_at_each_record_whether_it_was_written_or_read(name: str) -> None:
    records, written = Replay(name).records, History()
    for count, record in enumerate(records, 1):
        written.apply(record)
        assert written == History.of(records[:count])


@pytest.mark.parametrize(
    "event",
    [
        e.InterruptAccepted("c1"),
        e.ConfigureAccepted("c1", "model", "x"),
        e.WorkerStopping("", "c1"),
        e.StopDeclined("c1"),
        e.PromptAmended("c1", 5, deleted=True, done=True),
        e.PromptRequeued("c1", 5, "now", done=False),
    ],
)
def test_a_command_is_answered_by_its_event(event: e.AnyEvent) -> None:
    assert history_of(event).answered == {"c1"}
    assert history_of().answered == set()


def test_an_open_prompt_is_the_one_that_was_accepted_last() -> None:
    history = history_of(accepted(5), accepted(6), accepted(5, "edited"), e.PromptTaken(6))
    assert history.open_prompts() == [accepted(6), accepted(5, "edited")]
    assert history.open_prompt(5) == accepted(5, "edited") and history.open_prompt(7) is None
    assert history.taken() == {6}


def test_what_is_over_is_remembered_and_not_open() -> None:
    history = history_of(accepted(5), e.PromptDone(5))
    assert history.open_prompts() == [] and history.open_prompt(5) is None
    assert history.prompts == {5: accepted(5)}


def test_a_prompt_that_was_deleted_before_it_came_is_known() -> None:
    assert history_of(e.PromptAmended("c1", 5, deleted=True, done=True)).deleted == {5}
    assert history_of(e.PromptAmended("c1", 5, deleted=False, done=True)).deleted == set()
    assert history_of(accepted(5), *amended(c.Amend("c1", 5, None), accepted(5))).deleted == set()


def test_a_decision_on_a_request_of_a_lost_log_is_told_from_one_of_this_log() -> None:
    assert history_of(e.DecisionRefused(7, "gone", 42, "0" * 16)).refused == {("0" * 16, 7)}
    assert history_of(e.DecisionRefused(7, "not open", 42)).refused == set()


def test_an_interrupt_counts_until_a_turn_has_ended() -> None:
    interrupt = e.InterruptAccepted("c1", keep_queued=True)
    turn = (e.TurnStarted((5,)), interrupt)
    assert history_of(accepted(5), *turn).interrupt == interrupt
    assert history_of(accepted(5), *turn, e.TurnEnded("interrupted", (5,))).interrupt is None


def test_a_tool_has_no_result_until_it_finished_and_a_subagents_outlives_the_turn() -> None:
    tools = (e.ToolStarted("t1", "Bash", "{}"), e.ToolStarted("t2", "Bash", "{}", agent_id="a1"))
    assert history_of(*tools).tools == {"t1": "", "t2": "a1"}
    assert history_of(*tools, e.TurnEnded("completed")).tools == {"t2": "a1"}
    assert history_of(*tools, e.ToolFinished("t2", False, "")).tools == {"t1": ""}
    assert history_of(*tools, e.LogGap(99)).tools == {}


def test_how_a_worker_ends_is_forgotten_when_the_next_one_starts_a_child() -> None:
    stopping, exited = e.WorkerStopping("because"), e.ChildExited(0, wanted=True)
    assert (history_of(stopping, exited).stopping, history_of(stopping, exited).exited) == (stopping, exited)
    assert history_of(stopping, exited, STARTED).stopping is None
    assert history_of(stopping, exited, STARTED).exited is None


def test_a_session_may_sleep_when_it_owes_nothing() -> None:
    assert history_of().may_hibernate()
    for owed in (accepted(5), e.TurnStarted(()), e.TaskStarted("k1", "local_bash", "npm start")):
        assert not history_of(owed).may_hibernate()
    assert history_of(accepted(5), e.TurnStarted((5,)), e.TurnEnded("completed", (5,)), e.PromptDone(5)).may_hibernate()


def test_a_gap_in_the_log_that_is_told_while_it_is_written_closes_what_was_open() -> None:
    history = history_of(accepted(5), e.TurnStarted((5,)), e.ToolStarted("t1", "Bash", "{}"))
    history.apply(e.Record(GENERATION, 100, 2000.0, e.LogGap(99)))
    assert history.applied == 100
    assert closing_events(history, frozenset()) == ([], [])
