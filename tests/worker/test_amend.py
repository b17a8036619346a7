"""Prompts that are edited or deleted while Claude has them in its queue; lines in the order of the real CLI."""

import json

from bridge.protocol import commands as c
from bridge.protocol import events as e
from worker.recovery import renewed
from worker.steps import Line, Step
from worker.stream import Stream

OLD = e.PromptAccepted(5, "u5", "old text", 42, "ada", is_message=True)
NEW = renewed(OLD, text="new text")
EDIT, DELETION = c.Amend("c1", 5, "new text"), c.Amend("c2", 5, None)


def with_prompt() -> Stream:
    stream = Stream(1, claude_id="c", resuming=False)
    stream.prompt(OLD)
    return stream


def request_of(steps: list[Step]) -> str:
    """The id of the one request; it names the prompt's uuid."""
    (line,) = steps
    assert isinstance(line, Line)
    sent = json.loads(line.data)
    assert sent["request"] == {"subtype": "cancel_async_message", "message_uuid": "u5"}
    return str(sent["request_id"])


def answer(stream: Stream, request_id: str, *, cancelled: bool) -> list[Step]:
    response = {"subtype": "success", "request_id": request_id, "response": {"cancelled": cancelled}}
    return stream.receive(json.dumps({"type": "control_response", "response": response}).encode())


def lifecycle(stream: Stream, state: str, uuid: str = "u5") -> list[Step]:
    return stream.receive(json.dumps({"type": "command_lifecycle", "command_uuid": uuid, "state": state}).encode())


def test_an_edit_takes_the_old_text_back_and_then_sends_the_new_one() -> None:
    stream = with_prompt()
    request_id = request_of(stream.amend(EDIT, "u5", NEW))
    assert lifecycle(stream, "cancelled") == [], "it is not over: we took it back"
    accepted, told, line = answer(stream, request_id, cancelled=True)
    assert (accepted, told) == (NEW, e.PromptAmended("c1", 5, deleted=False, done=True))
    assert isinstance(line, Line) and json.loads(line.data)["uuid"] == NEW.uuid
    assert lifecycle(stream, "started", NEW.uuid)[-1] == e.PromptTaken(5)
    assert lifecycle(stream, "started", "u5") == []


def test_a_deleted_prompt_is_taken_back_and_nothing_sent() -> None:
    stream = with_prompt()
    request_id = request_of(stream.amend(DELETION, "u5", None))
    assert answer(stream, request_id, cancelled=True) == [
        e.PromptAmended("c2", 5, deleted=True, done=True),
        e.PromptCancelled(5, "deleted"),
    ]
    assert not stream.open_prompts


def test_what_claude_has_taken_up_is_too_late_and_stays_as_it_is() -> None:
    stream = with_prompt()
    request_id = request_of(stream.amend(EDIT, "u5", NEW))
    lifecycle(stream, "started")
    assert answer(stream, request_id, cancelled=False) == [e.PromptAmended("c1", 5, deleted=False, done=False)]
    assert lifecycle(stream, "completed") == [e.PromptDone(5)]
    assert stream.amend(EDIT, "u5", NEW) == [e.PromptAmended("c1", 5, deleted=False, done=False)]


def test_of_edits_that_follow_at_once_the_last_one_counts() -> None:
    stream = with_prompt()
    request_id = request_of(stream.amend(EDIT, "u5", NEW))
    assert stream.amend(DELETION, "u5", None) == []
    assert stream.unsettled_amends == [EDIT, DELETION]
    steps = answer(stream, request_id, cancelled=True)
    assert [step.command_id for step in steps if isinstance(step, e.PromptAmended)] == ["c1", "c2"]
    assert steps[-1] == e.PromptCancelled(5, "deleted") and not stream.unsettled_amends


def test_a_prompt_that_an_interrupt_dropped_meanwhile_is_over() -> None:
    stream = with_prompt()
    request_id = request_of(stream.amend(EDIT, "u5", NEW))
    assert lifecycle(stream, "cancelled") == []
    assert answer(stream, request_id, cancelled=False)[-1] == e.PromptCancelled(5)
    assert not stream.open_prompts


def test_requests_without_an_answer_are_known_by_what_they_ask() -> None:
    stream = with_prompt()
    request_id = request_of(stream.amend(EDIT, "u5", NEW))
    assert stream.unanswered == {request_id: "cancel_async_message"}
    answer(stream, request_id, cancelled=True)
    assert stream.unanswered == {}
