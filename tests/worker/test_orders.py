"""What a command makes a worker do, from the history alone."""

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from worker import orders
from worker.history import History
from worker.orders import OF_A_LOST_LOG, Child, Move, moves_of

CREATED = e.SessionCreated("5c0ffee5-0000-4000-8000-000000000001", 1, 2, 3, "/srv/app", 4)
STARTED = e.WorkerStarted(10, contained=True, containment="")
CHILD = e.ChildStarted(11, "claude-id", resumed=False)
GENERATION, LOST = "a" * 16, "0" * 16
PROMPT = c.Prompt(5, "hello", 42, "ada", is_message=True, when="later")


def history_of(*events: e.AnyEvent) -> History:
    every = (CREATED, STARTED, CHILD, *events)
    return History.of(e.Record(GENERATION, seq, 1000.0 + seq, event) for seq, event in enumerate(every, 1))


def moves(command: c.AnyCommand, *events: e.AnyEvent, given: bool = True, under_way: str = "") -> list[Move]:
    return moves_of(command, history_of(*events), Child({under_way}, {"u5"} if given else ()))


def accepted(text: str = "hello", when: e.When = "next") -> e.PromptAccepted:
    return e.PromptAccepted(5, "u5", text, 42, "ada", when=when)


ANSWERS: dict[str, tuple[c.AnyCommand, e.AnyEvent]] = {
    "configure": (c.Configure("c1", "model", "opus"), e.ConfigureAccepted("c1", "model", "opus")),
    "interrupt": (c.Interrupt("c1"), e.InterruptAccepted("c1")),
    "stop": (c.Stop("c1", "enough"), e.WorkerStopping("enough", "c1")),
    "stop if idle": (c.Stop("c1", if_idle=True), e.StopDeclined("c1")),
    "amend": (c.Amend("c1", 5, "new"), e.PromptAmended("c1", 5, deleted=False, done=True)),
    "requeue": (c.Requeue("c1", 5, "now"), e.PromptRequeued("c1", 5, "now", done=False)),
    "prompt": (PROMPT, accepted()),
    "decide of a lost log": (c.Decide(LOST, 7, "d", "allowed"), e.DecisionRefused(7, OF_A_LOST_LOG, 0, LOST)),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_command_that_the_log_says_was_taken_is_not_taken_again(name: str) -> None:
    command, answer = ANSWERS[name]
    assert moves(command) != []
    assert moves(command, answer) == []


@pytest.mark.parametrize("name", ["configure", "amend", "requeue"])
def test_a_command_that_waits_for_claudes_answer_is_not_asked_again(name: str) -> None:
    command, _ = ANSWERS[name]
    assert moves(command, accepted("old"), under_way="c1") == []
    assert moves(command, accepted("old"), under_way="c2") != []


# --- prompts -----------------------------------------------------------------------------------------


def test_a_prompt_is_in_the_log_before_claude_gets_it() -> None:
    in_log, sent = moves(PROMPT)
    assert isinstance(in_log, e.PromptAccepted)
    assert (in_log.prompt_id, in_log.text, in_log.author_id, in_log.author) == (5, "hello", 42, "ada")
    assert (in_log.is_message, in_log.when, in_log.is_command) == (True, "later", False)
    assert sent == orders.Send(in_log)


def test_two_prompts_have_two_uuids() -> None:
    first, second = moves(PROMPT)[0], moves(PROMPT)[0]
    assert isinstance(first, e.PromptAccepted) and isinstance(second, e.PromptAccepted) and first.uuid != second.uuid


def test_a_prompt_that_was_deleted_before_it_came_comes_to_nothing_also_under_another_worker() -> None:
    (deleted,) = moves(c.Amend("c1", 5, None))
    assert deleted == e.PromptAmended("c1", 5, deleted=True, done=True)
    assert isinstance(deleted, e.PromptAmended)
    assert moves(PROMPT, deleted) == []
    assert moves(PROMPT, deleted, STARTED, CHILD) == []


def test_an_edit_that_comes_before_its_prompt_leaves_it_alone() -> None:
    (told,) = moves(c.Amend("c1", 5, "new"))
    assert isinstance(told, e.PromptAmended) and told.done
    assert moves(PROMPT, told) != []


def test_a_prompt_that_claude_has_is_asked_back_for_the_new_text() -> None:
    command = c.Amend("c1", 5, "new")
    (asked,) = moves(command, accepted("old"))
    assert isinstance(asked, orders.Amend) and asked.new
    assert (asked.command, asked.uuid) == (command, "u5")
    assert asked.new.text == "new" and asked.new.uuid != "u5"
    assert moves(c.Amend("c1", 5, None), accepted("old")) == [orders.Amend(c.Amend("c1", 5, None), "u5", None)]


def test_an_edit_to_the_same_text_asks_claude_nothing() -> None:
    assert moves(c.Amend("c1", 5, "same"), accepted("same")) == [e.PromptAmended("c1", 5, deleted=False, done=True)]


def test_a_prompt_that_this_child_has_not_got_is_amended_in_the_log() -> None:
    new, told = moves(c.Amend("c1", 5, "new"), accepted("old"), STARTED, CHILD, given=False)
    assert isinstance(new, e.PromptAccepted) and new.text == "new" and new.uuid != "u5"
    assert told == e.PromptAmended("c1", 5, deleted=False, done=True)
    deletion = moves(c.Amend("c1", 5, None), accepted("old"), STARTED, CHILD, given=False)
    assert deletion == [e.PromptAmended("c1", 5, deleted=True, done=True), e.PromptCancelled(5, "deleted")]


def test_a_prompt_that_is_over_is_not_amended_in_the_log() -> None:
    """Its child is gone too, so nobody could give it back: the child's protocol says that it comes too late."""
    (asked,) = moves(c.Amend("c1", 5, None), accepted("old"), e.PromptDone(5), STARTED, CHILD, given=False)
    assert asked == orders.Amend(c.Amend("c1", 5, None), "u5", None)


def test_another_time_is_asked_of_claude_unless_it_is_that_time_already() -> None:
    now, later = c.Requeue("c1", 5, "now"), c.Requeue("c1", 5, "later")
    assert moves(now, accepted()) == [orders.Requeue(now, "u5")]
    assert moves(now, accepted(when="now")) == [orders.Requeue(now, "u5")], "who says now again means it"
    assert moves(later, accepted()) == [orders.Requeue(later, "u5")]
    assert moves(later, accepted(when="later")) == [e.PromptRequeued("c1", 5, "later", done=True)]
    assert moves(later) == [e.PromptRequeued("c1", 5, "later", done=True)], "it comes as it is wanted now"


# --- the others --------------------------------------------------------------------------------------


def test_a_decision_of_this_log_is_the_childs_protocols() -> None:
    decision = c.Decide(GENERATION, 7, "d", "allowed")
    assert moves(decision) == [orders.Decide(decision)]
    refused = e.DecisionRefused(7, OF_A_LOST_LOG, 0, LOST)
    assert moves(decision, refused) == [orders.Decide(decision)], "the other log had a request of this number too"


def test_a_decision_of_a_lost_log_is_refused_in_words_once_for_each_log() -> None:
    decision = c.Decide(LOST, 7, "d", "allowed", decided_by=42)
    (refused,) = moves(decision)
    assert refused == e.DecisionRefused(7, OF_A_LOST_LOG, 42, LOST)
    assert isinstance(refused, e.DecisionRefused)
    assert moves(decision, refused) == []
    assert moves(c.Decide("1" * 16, 7, "d", "allowed"), refused) != []


@pytest.mark.parametrize("keep_queued", [True, False])
def test_an_interrupt_is_in_the_log_before_the_turn_is_ended(keep_queued: bool) -> None:
    assert moves(c.Interrupt("c1", 42, keep_queued)) == [
        e.InterruptAccepted("c1", 42, keep_queued),
        orders.EndTurn(keep_queued),
    ]


def test_a_setting_is_asked_of_claude() -> None:
    command = c.Configure("c1", "effort", "high")
    assert moves(command) == [orders.Configure(command)]


def test_a_stop_ends_the_worker_and_one_for_an_idle_session_only_when_it_has_nothing_to_do() -> None:
    assert moves(c.Stop("c1", "enough"), accepted()) == [orders.Stop("enough", "c1")]
    assert moves(c.Stop("c1", "sleep", if_idle=True)) == [orders.Stop("sleep", "c1")]
    assert moves(c.Stop("c1", "sleep", if_idle=True), accepted()) == [e.StopDeclined("c1")]
