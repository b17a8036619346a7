import random
from collections.abc import Iterable
from itertools import product
from typing import get_args

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.session.managed import QUICK_DEATHS_BEFORE_BROKEN, SETTLED_REQUESTS_KEPT, ManagedSession, session_from
from bridge.session.open_work import PromptState
from bridge.session.states import TRANSITIONS, SessionState

CREATED = e.SessionCreated("5c0ffee5-0000-4000-8000-000000000001", 700, 500, 600, "/srv/app", 1)
WORKER = e.WorkerStarted(10, contained=True, containment="bubblewrap")
CHILD = e.ChildStarted(11, "claude-1", resumed=False)
DIED = e.ChildExited(1, wanted=False, reason="exit code 1")
ALL_EVENTS: tuple[type[e.Event], ...] = get_args(e.AnyEvent)
DORMANT, STARTING, IDLE, BUSY = SessionState


def fold(*events: e.AnyEvent, session: ManagedSession | None = None, generation: str = "a" * 16) -> ManagedSession:
    session = session or session_from(CREATED, 1000.0)
    begin = session.applied if session.generation in ("", generation) else 0
    for seq, event in enumerate(events, begin + 1):
        session.apply(e.Record(generation, seq, 1000.0 + seq, event))
    return session


def accepted(prompt_id: int, author_id: int = 42) -> e.PromptAccepted:
    return e.PromptAccepted(prompt_id, f"u{prompt_id}", "text", author_id, "ada")


def turn(*prompt_ids: int) -> list[e.AnyEvent]:
    return [e.TurnStarted(prompt_ids), *(e.PromptTaken(i) for i in prompt_ids)]


def asked(agent_id: str = "") -> e.PermissionRequested:
    return e.PermissionRequested("r1", "Bash", "{}", "d", agent_id=agent_id)


def ended(outcome: e.Outcome = "completed", cost: float | None = None) -> e.TurnEnded:
    return e.TurnEnded(outcome, total_cost_usd=cost, input_tokens=10, output_tokens=2)


# --- the machine -------------------------------------------------------------------------------------

EXPECTED = {
    (DORMANT, e.WorkerStarted): STARTING,
    (STARTING, e.WorkerStarted): STARTING,
    (IDLE, e.WorkerStarted): STARTING,
    (BUSY, e.WorkerStarted): STARTING,
    (DORMANT, e.LogGap): STARTING,
    (STARTING, e.LogGap): STARTING,
    (IDLE, e.LogGap): STARTING,
    (BUSY, e.LogGap): STARTING,
    (DORMANT, e.ChildExited): DORMANT,
    (STARTING, e.ChildExited): DORMANT,
    (IDLE, e.ChildExited): DORMANT,
    (BUSY, e.ChildExited): DORMANT,
    (STARTING, e.ChildStarted): IDLE,
    (STARTING, e.TurnStarted): BUSY,
    (IDLE, e.TurnStarted): BUSY,
    (BUSY, e.TurnEnded): IDLE,
}


@pytest.mark.parametrize(("state", "event"), list(product(SessionState, ALL_EVENTS)))
def test_every_event_leads_from_every_state_to_the_one_of_the_table(state: SessionState, event: type[e.Event]) -> None:
    assert TRANSITIONS[state].get(event, state) == EXPECTED.get((state, event), state)


def test_the_table_leads_only_to_states_that_have_a_row() -> None:
    assert set(TRANSITIONS) == set(SessionState)
    assert {to for row in TRANSITIONS.values() for to in row.values()} <= set(TRANSITIONS)


def test_a_session_goes_through_its_life() -> None:
    session = fold()
    seen = [session.shown_state()]
    for event in (WORKER, CHILD, *turn(5), asked(), e.PermissionResolved(5, "allowed"), ended(), DIED):
        seen.append(fold(event, session=session).shown_state())
    assert seen == ["dormant", "starting", "idle", "busy", "busy", "awaiting", "busy", "idle", "dormant"]


def test_an_idle_session_whose_subagent_asks_is_awaiting() -> None:
    assert fold(WORKER, CHILD, asked("agent")).shown_state() == "awaiting"


# --- money -------------------------------------------------------------------------------------------


def test_cost_is_assigned_and_tokens_are_added() -> None:
    session = fold(WORKER, CHILD, *turn(5), ended(cost=0.5), *turn(6), ended(cost=0.75))
    assert (session.total_cost_usd, session.input_tokens, session.output_tokens) == (0.75, 20, 4)
    assert session.spent_usd == pytest.approx(0.75)


def test_clear_resets_claudes_figure_and_what_was_spent_stays_spent() -> None:
    cleared: list[e.AnyEvent] = [e.TurnStarted(()), e.ClaudeIdentified("claude-2"), ended(cost=0.0)]
    session = fold(WORKER, CHILD, *turn(5), ended(cost=0.5), *cleared, *turn(6), ended(cost=0.25))
    assert session.total_cost_usd == pytest.approx(0.75)
    assert session.spent_usd == pytest.approx(0.75)


def test_a_resumed_conversation_carries_its_cost_on_and_nothing_is_counted_twice() -> None:
    session = fold(WORKER, CHILD, *turn(5), ended(cost=0.5), DIED, WORKER, CHILD, *turn(6), ended(cost=0.6))
    assert session.spent_usd == pytest.approx(0.6)


def test_a_figure_that_sinks_begins_anew_and_a_missing_one_changes_nothing() -> None:
    session = fold(WORKER, CHILD, ended(cost=2.4), DIED, WORKER, CHILD, ended(cost=1.0), ended(cost=2.4))
    assert session.turn_cost_usd == pytest.approx(1.4)
    fold(ended(cost=None), session=session)
    assert session.total_cost_usd == session.spent_usd == pytest.approx(4.8)


def test_what_claude_says_was_spent_since_its_last_result_counts_whatever_its_figure_began_at() -> None:
    """Killed and resumed, Claude begins at 0 again; here its first figure is already above the one before."""
    turns = [msgspec.structs.replace(ended(cost=total), cost_usd=spent) for total, spent in ((0.1, 0.1), (0.5, 0.5))]
    session = fold(WORKER, CHILD, turns[0], DIED, WORKER, CHILD, turns[1])
    assert session.turn_cost_usd == 0.5
    assert session.total_cost_usd == session.spent_usd == pytest.approx(0.6)


def test_any_number_of_deaths_clears_and_resumes_lose_no_money() -> None:
    chance = random.Random(7)
    session, figure, spent = fold(WORKER, CHILD), 0.0, 0.0
    for number in range(300):
        match chance.choice(("turn", "turn", "turn", "death", "clear", "resume")):
            case "turn":
                cost = chance.randint(1, 100) / 16
                figure, spent = figure + cost, spent + cost
                told = msgspec.structs.replace(ended(cost=figure), cost_usd=cost)
                fold(e.TurnStarted(()), told, session=session)
                assert session.turn_cost_usd == cost
            case "death":
                figure = 0.0
                fold(e.TurnStarted(()), e.TurnEnded("lost"), DIED, WORKER, CHILD, session=session)
            case "clear":
                figure = 0.0
                fold(e.ClaudeIdentified(f"another-{number}"), session=session)
            case _:
                fold(e.ChildExited(0, wanted=True), WORKER, CHILD, session=session)
    assert session.total_cost_usd == session.spent_usd == pytest.approx(spent)


# --- whom a request serves ---------------------------------------------------------------------------


def serving(*events: e.AnyEvent) -> int:
    session = fold(*events)
    (request,) = session.requests.values()
    return session.prompter_of(request)


def test_a_request_serves_the_person_whose_prompt_its_turn_took() -> None:
    assert serving(accepted(5, 42), *turn(5), asked()) == 42
    assert serving(accepted(5, 42), *turn(5), accepted(6, 43), e.PromptQueued(6), asked()) == 42
    assert serving(accepted(5, 42), *turn(5), accepted(6, 43), e.PromptTaken(6), asked()) == 43


def test_a_request_outside_a_turn_serves_the_last_prompter_and_else_the_owner() -> None:
    over = [accepted(5, 42), *turn(5), ended(), e.PromptDone(5)]
    assert serving(*over, asked("agent")) == 42
    assert serving(asked("agent")) == 1


# --- prompts, requests, tasks ------------------------------------------------------------------------


def test_a_prompt_is_counted_once_however_often_it_is_sent() -> None:
    session = fold(accepted(5), e.PromptQueued(5), accepted(6), accepted(5))
    assert session.message_count == 2
    assert list(session.prompts) == [6, 5]
    states = [session.prompts[5].state, fold(e.PromptTaken(5), session=session).prompts[5].state]
    assert states == [PromptState.ACCEPTED, PromptState.TAKEN]
    assert not fold(e.PromptDone(5), e.PromptCancelled(6), session=session).prompts


def test_marks_of_prompts_that_nobody_knows_are_ignored() -> None:
    assert not fold(e.PromptQueued(9), e.PromptTaken(9), e.PromptDone(9), e.PromptCancelled(9)).prompts


def test_a_folded_prompt_joins_the_running_turn_once() -> None:
    session = fold(accepted(5), accepted(6), *turn(5), e.PromptTaken(6), e.PromptTaken(6))
    assert session.turn and session.turn.prompt_ids == (5, 6) and session.turn.seq == 3


def test_a_settled_request_tells_how_and_a_second_end_changes_nothing() -> None:
    session = fold(asked(), e.PermissionResolved(1, "allowed", True, 42, "ada"), e.PermissionWithdrawn(1, "late"))
    assert not session.requests
    assert (session.settled[1].verdict, session.settled[1].decider, session.settled[1].always) == (
        "allowed",
        "ada",
        True,
    )


def test_an_end_of_a_request_that_nobody_knows_is_ignored() -> None:
    assert not fold(e.PermissionResolved(9, "allowed"), e.PermissionWithdrawn(8, "")).settled


def test_only_so_many_settled_requests_are_kept() -> None:
    session = fold()
    for _ in range(SETTLED_REQUESTS_KEPT + 5):
        fold(asked(), session=session)
        fold(e.PermissionResolved(session.applied, "denied"), session=session)
    assert len(session.settled) == SETTLED_REQUESTS_KEPT and 1 not in session.settled


def test_a_refused_decision_leaves_the_request_open() -> None:
    assert fold(asked(), e.DecisionRefused(1, "digest")).requests


@pytest.mark.parametrize(
    "owed", [accepted(5), e.TaskStarted("k", "local_bash", "x"), asked("agent"), e.TurnStarted(())]
)
def test_a_session_that_owes_something_may_not_hibernate(owed: e.AnyEvent) -> None:
    session = fold(WORKER, CHILD)
    assert session.may_hibernate
    assert not fold(owed, session=session).may_hibernate


def test_a_task_in_the_foreground_is_part_of_its_turn() -> None:
    assert not fold(e.TaskStarted("k", "local_agent", "x", backgrounded=False)).tasks
    assert not fold(e.TaskStarted("k", "local_agent", "x"), DIED).tasks


# --- deaths ------------------------------------------------------------------------------------------


def test_quick_deaths_make_a_session_broken_and_a_turn_mends_it() -> None:
    session = fold()
    for _ in range(QUICK_DEATHS_BEFORE_BROKEN):
        assert not session.is_broken
        fold(WORKER, DIED, session=session)
    assert session.is_broken and session.shown_state() == "broken"
    fold(WORKER, session=session)
    assert not session.is_broken
    fold(CHILD, *turn(), ended(), DIED, session=session)
    assert (session.quick_deaths, session.is_broken) == (0, False)


def test_a_worker_that_died_without_a_word_counts_when_the_next_one_starts() -> None:
    session = fold(*[WORKER] * QUICK_DEATHS_BEFORE_BROKEN)
    assert session.quick_deaths == QUICK_DEATHS_BEFORE_BROKEN - 1
    assert fold(DIED, session=session).is_broken


def test_a_lost_turn_is_no_sign_of_life_and_a_wanted_end_is_no_death() -> None:
    assert fold(WORKER, CHILD, *turn(5), ended("lost"), DIED).quick_deaths == 1
    assert fold(WORKER, CHILD, *turn(5), ended("failed"), DIED).quick_deaths == 0
    assert fold(WORKER, DIED, WORKER, e.ChildExited(0, wanted=True)).quick_deaths == 0


def test_a_failed_resume_is_remembered_until_the_next_start() -> None:
    session = fold(WORKER, e.ResumeFailed("claude-1", "no conversation"), DIED)
    assert session.last_failure_is_resume
    assert not fold(WORKER, session=session).last_failure_is_resume


# --- lost logs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("events", "generation"), [([CREATED], "b" * 16), ([e.LogGap(99)], "a" * 16)])
def test_a_lost_log_leaves_nothing_open_but_keeps_the_totals(events: Iterable[e.AnyEvent], generation: str) -> None:
    open_things = [
        accepted(5),
        *turn(5),
        asked(),
        asked(),
        e.PermissionResolved(7, "denied"),
        e.TaskStarted("k", "t", "x"),
    ]
    session = fold(WORKER, CHILD, ended(cost=0.5), *open_things)
    assert session.requests and session.turn and session.prompts and session.tasks and session.settled
    fold(*events, session=session, generation=generation)
    assert not (session.requests or session.turn or session.prompts or session.tasks or session.settled)
    assert (session.total_cost_usd, session.message_count, session.generation) == (0.5, 1, generation)


def test_the_url_is_the_threads() -> None:
    assert fold().url() == "https://discord.com/channels/500/700"


# --- edits and deletions -----------------------------------------------------------------------------


def test_a_deleted_prompt_is_open_no_more_and_an_edited_one_comes_last() -> None:
    session = fold(accepted(5), accepted(6), accepted(7), e.PromptAmended("c1", 6, deleted=True, done=True))
    assert list(session.prompts) == [5, 7]
    new = e.PromptAccepted(5, "u5-new", "new", 42, "ada", is_message=True)
    fold(new, e.PromptAmended("c2", 5, deleted=False, done=True), session=session)
    assert list(session.prompts) == [7, 5] and session.prompts[5].uuid == "u5-new" and session.message_count == 3
    assert session.prompts[5].is_message and not session.prompts[7].is_message


def test_an_amendment_that_came_too_late_changes_nothing() -> None:
    session = fold(accepted(5), *turn(5), e.PromptAmended("c1", 5, deleted=True, done=False))
    assert list(session.prompts) == [5]


# --- modes -------------------------------------------------------------------------------------------


def test_the_next_child_begins_in_what_was_chosen_or_admitted_not_in_what_was_merely_told() -> None:
    session = fold(WORKER, CHILD, e.ModeChanged("bypassPermissions"))
    assert (session.permission_mode, session.admitted_mode) == ("bypassPermissions", "")
    fold(e.ModeChanged("plan", admitted=True), session=session)
    assert session.admitted_mode == "plan"
    fold(e.ConfigureAccepted("1", "permission_mode", "acceptEdits"), session=session)
    assert session.admitted_mode == "acceptEdits"
    fold(e.ConfigureAccepted("2", "permission_mode", "auto", "refused"), session=session)
    assert session.admitted_mode == "acceptEdits"


def test_a_failure_that_would_come_again_is_broken_at_once_until_another_worker_runs() -> None:
    session = fold(WORKER, e.ChildExited(1, wanted=False, reason="no", is_final=True))
    assert session.is_broken and session.quick_deaths == 1
    assert not fold(WORKER, session=session).last_failure_is_final
