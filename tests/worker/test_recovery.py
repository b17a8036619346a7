import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from stages.replay import Replay
from worker.history import History
from worker.recovery import LOST, NEVER_ALLOWED, all_amended, amended, claude_id_of, closing_events

CREATED = e.SessionCreated("5c0ffee5-0000-4000-8000-000000000001", 1, 2, 3, "/srv/app", 4)
STARTED = e.WorkerStarted(10, contained=True, containment="")
CHILD = e.ChildStarted(11, "claude-id", resumed=False)


def accepted(prompt_id: int, uuid: str = "") -> e.PromptAccepted:
    return e.PromptAccepted(prompt_id, uuid or f"u{prompt_id}", f"text {prompt_id}", 42, "ada")


def past(*events: e.AnyEvent) -> History:
    every = (CREATED, STARTED, CHILD, *events)
    return History.of(e.Record("g" * 16, seq, 1000.0 + seq, event) for seq, event in enumerate(every, 1))


def close(*events: e.AnyEvent, taken: frozenset[str] = frozenset()) -> tuple[list[e.AnyEvent], list[int]]:
    closing, again = closing_events(past(*events), taken)
    return closing, [prompt.prompt_id for prompt in again]


def test_an_empty_log_has_nothing_to_close() -> None:
    assert closing_events(History.of([]), frozenset()) == ([], [])


def test_an_idle_session_has_nothing_to_close() -> None:
    assert close() == ([], [])
    turn = (e.TurnStarted((5,)), e.PromptTaken(5), e.TurnEnded("completed", (5,)), e.PromptDone(5))
    assert close(accepted(5), *turn) == ([], [])
    assert past(accepted(5), *turn).completed_turns == 1


def test_a_running_turn_is_closed_as_lost_and_its_prompt_never_sent_again() -> None:
    closing, again = close(accepted(5), e.TurnStarted((5,)), e.PromptTaken(5))
    assert closing == [e.TurnEnded("lost", (5,), LOST), e.PromptCancelled(5, LOST)]
    assert again == []


def test_the_tool_that_ran_has_an_unknown_outcome_and_comes_before_the_turns_end() -> None:
    tools = (e.ToolStarted("t1", "Bash", "{}"), e.ToolFinished("t1", False, ""), e.ToolStarted("t2", "Bash", "{}"))
    closing, _ = close(accepted(5), e.TurnStarted((5,)), e.PromptTaken(5), *tools)
    assert closing[0] == e.ToolFinished("t2", True, "", unknown=True)
    assert isinstance(closing[1], e.TurnEnded)


def test_a_subagents_tool_is_closed_also_when_no_turn_runs() -> None:
    turn = (e.TurnStarted((5,)), e.PromptTaken(5), e.ToolStarted("t1", "Bash", "{}", agent_id="a1"))
    closing, _ = close(accepted(5), *turn, e.TurnEnded("completed", (5,)), e.PromptDone(5))
    assert closing == [e.ToolFinished("t1", True, "", unknown=True)]


def test_a_tool_call_of_a_turn_that_has_ended_is_not_closed_again() -> None:
    turn = (e.TurnStarted((5,)), e.PromptTaken(5), e.ToolStarted("t1", "Bash", "{}"))
    assert close(accepted(5), *turn, e.TurnEnded("failed", (5,)), e.PromptCancelled(5)) == ([], [])


def test_open_requests_are_withdrawn_and_background_tasks_lost() -> None:
    ask = e.PermissionRequested("r1", "Bash", "{}", "d", agent_id="a1")
    closing, _ = close(ask, e.TaskStarted("k1", "local_bash", "npm start"))
    assert closing == [e.PermissionWithdrawn(4, LOST), e.TaskEnded("k1", "lost", LOST)]
    assert close(ask, e.PermissionResolved(4, "denied")) == ([], [])


def test_a_prompt_that_claude_never_took_is_sent_again() -> None:
    assert close(accepted(5)) == ([], [5])
    closing, again = close(accepted(5), e.TurnStarted((5,)), e.PromptTaken(5), accepted(6), e.PromptQueued(6))
    assert again == [6]
    assert e.PromptCancelled(6, LOST) not in closing


def test_a_prompt_that_stands_in_claudes_transcript_is_never_sent_again() -> None:
    closing, again = close(accepted(5), accepted(6), taken=frozenset({"u5"}))
    assert (closing, again) == ([e.PromptCancelled(5, LOST)], [6])


def test_a_prompt_that_was_sent_again_counts_under_its_new_uuid() -> None:
    assert close(accepted(5), accepted(5, "u5-again"), taken=frozenset({"u5"}))[1] == [5]
    assert close(accepted(5), accepted(5, "u5-again"), taken=frozenset({"u5-again"}))[1] == []


def test_prompts_are_sent_again_in_the_order_in_which_they_came() -> None:
    assert close(accepted(7), accepted(5), accepted(6))[1] == [7, 5, 6]


def test_the_closing_events_leave_nothing_open() -> None:
    for name in ("i2_kill_midstream", "i2_kill_pendingperm", "o_SIGTERM_tool"):
        records = Replay(name).records
        first = History.of(records)
        closing, again = closing_events(first, frozenset())
        assert closing and not again
        seqs = range(len(records) + 1, len(records) + len(closing) + 1)
        more = [e.Record(records[0].generation, seq, 2000.0, event) for seq, event in zip(seqs, closing, strict=True)]
        second = History.of([*records, *more])
        assert closing_events(second, frozenset()) == ([], [])
        assert second.session and not second.session.turn and not second.session.requests and not second.tools


# --- edits and deletions -----------------------------------------------------------------------------


def test_an_edit_of_a_waiting_prompt_is_in_the_log_before_the_old_text_is_void() -> None:
    new, told = amended(c.Amend("c1", 5, "new text"), accepted(5))
    assert isinstance(new, e.PromptAccepted) and (new.text, new.author) == ("new text", "ada") and new.uuid != "u5"
    assert told == e.PromptAmended("c1", 5, deleted=False, done=True)


def test_a_deleted_prompt_waits_no_more_and_one_that_does_not_wait_is_left_alone() -> None:
    deleted = amended(c.Amend("c1", 5, None), accepted(5))
    assert deleted == [e.PromptAmended("c1", 5, deleted=True, done=True), e.PromptCancelled(5, "deleted")]
    assert amended(c.Amend("c2", 5, None), None) == [e.PromptAmended("c2", 5, deleted=True, done=False)]


def test_amendments_are_made_one_after_the_other_and_keep_the_order_of_the_prompts() -> None:
    amends = [c.Amend("c1", 5, "second"), c.Amend("c2", 6, None), c.Amend("c3", 5, "third"), c.Amend("c4", 6, "late")]
    events, waiting = all_amended(amends, [accepted(5), accepted(6), accepted(7)])
    assert [(prompt.prompt_id, prompt.text) for prompt in waiting] == [(5, "third"), (7, "text 7")]
    assert events[-1] == e.PromptAmended("c4", 6, deleted=False, done=False)


def test_a_worker_that_dies_at_any_record_of_an_amendment_sends_neither_the_old_text_nor_a_deleted_one() -> None:
    edit = amended(c.Amend("c1", 5, "new text"), accepted(5))
    for count in range(1, len(edit) + 1):
        (again,) = closing_events(past(accepted(5), *edit[:count]), frozenset())[1]
        assert again.text == "new text"
    deletion = amended(c.Amend("c1", 5, None), accepted(5))
    for count in range(1, len(deletion) + 1):
        assert close(accepted(5), *deletion[:count])[1] == []
    assert past(*edit).answered == past(*deletion).answered == {"c1"}


# --- what did not run, what is not known -------------------------------------------------------------


def test_a_tool_that_was_waiting_for_permission_did_not_run() -> None:
    ask = e.PermissionRequested("r1", "Bash", "{}", "d", tool_use_id="t1")
    turn = (e.TurnStarted((5,)), e.PromptTaken(5), e.ToolStarted("t1", "Bash", "{}"), ask)
    closing, _ = close(accepted(5), *turn)
    assert closing[0] == e.ToolFinished("t1", True, NEVER_ALLOWED)
    allowed, _ = close(accepted(5), *turn, e.PermissionResolved(8, "allowed"))
    assert allowed[0] == e.ToolFinished("t1", True, "", unknown=True)


def test_what_was_open_before_a_gap_is_closed_by_the_gap() -> None:
    turn = (e.TurnStarted((5,)), e.PromptTaken(5), e.ToolStarted("t1", "Bash", "{}"))
    assert close(accepted(5), accepted(6), *turn, e.LogGap(99)) == ([], [])


@pytest.mark.parametrize("told", ["--dangerously-skip-permissions", "*", "../../other", "c" * 36, ""])
def test_an_id_that_an_older_log_holds_and_is_no_uuid_is_never_used(told: str) -> None:
    for event in (e.ChildStarted(11, told, resumed=False), e.ClaudeIdentified(told)):
        assert claude_id_of(past(event), "ours") == "ours"
    assert claude_id_of(past(e.ClaudeIdentified(CREATED.session_id)), "ours") == CREATED.session_id
