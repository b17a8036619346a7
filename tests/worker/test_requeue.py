"""Prompts that wait in Claude's queue and are to be taken at another time; lines in the order of the real CLI."""

import json
from typing import Any

from bridge.protocol import commands as c
from bridge.protocol import events as e
from worker.steps import Line, Step
from worker.stream import Stream

ONE, TWO, THREE = (e.PromptAccepted(i, f"u{i}", f"text {i}", 42, "ada", is_message=True) for i in (1, 2, 3))


def lifecycle(stream: Stream, state: str, uuid: str) -> list[Step]:
    return stream.receive(json.dumps({"type": "command_lifecycle", "command_uuid": uuid, "state": state}).encode())


def busy() -> Stream:
    """One is worked on; two and three wait."""
    stream = Stream(1, claude_id="c", resuming=False)
    for prompt in (ONE, TWO, THREE):
        stream.prompt(prompt)
    lifecycle(stream, "started", "u1")
    return stream


def sent(step: Step) -> dict[str, Any]:
    assert isinstance(step, Line)
    line: dict[str, Any] = json.loads(step.data)
    return line


def answer(stream: Stream, request: dict[str, Any], response: object) -> list[Step]:
    told = {"subtype": "success", "request_id": request["request_id"], "response": response}
    return stream.receive(json.dumps({"type": "control_response", "response": told}).encode())


def test_what_is_queued_for_later_is_sent_again_with_that_priority() -> None:
    stream = busy()
    (line,) = stream.requeue(c.Requeue("c1", 2, "later"), "u2")
    request = sent(line)
    assert request["request"] == {"subtype": "cancel_async_message", "message_uuid": "u2"}
    assert lifecycle(stream, "cancelled", "u2") == []
    accepted, told, again = answer(stream, request, {"cancelled": True})
    assert isinstance(accepted, e.PromptAccepted) and (accepted.when, accepted.text) == ("later", "text 2")
    assert accepted.uuid != "u2" and told == e.PromptRequeued("c1", 2, "later", done=True)
    assert sent(again)["priority"] == "later" and sent(again)["uuid"] == accepted.uuid


def test_now_takes_back_all_that_waits_and_sends_the_wanted_one_first_and_the_others_for_later() -> None:
    stream = busy()
    (line,) = stream.requeue(c.Requeue("c1", 3, "now"), "u3")
    request = sent(line)
    assert request["request"] == {"subtype": "interrupt", "cancel_queued": True}
    assert lifecycle(stream, "cancelled", "u2") == [] == lifecycle(stream, "cancelled", "u3")
    steps = answer(stream, request, {"still_queued": [], "cancelled": ["u2", "u3"]})
    assert [(s.prompt_id, s.when) for s in steps if isinstance(s, e.PromptAccepted)] == [(3, "now"), (2, "later")]
    assert e.PromptRequeued("c1", 3, "now", done=True) in steps
    assert [sent(s)["message"]["content"] for s in steps if isinstance(s, Line)] == ["text 3", "text 2"]
    assert lifecycle(stream, "cancelled", "u1") == [e.PromptCancelled(1)], "what ran is interrupted"
    assert sorted(stream.open_prompts) == [2, 3]


def test_what_claude_took_meanwhile_is_not_sent_a_second_time() -> None:
    stream = busy()
    (line,) = stream.requeue(c.Requeue("c1", 3, "now"), "u3")
    lifecycle(stream, "started", "u2")
    lifecycle(stream, "started", "u3")
    assert answer(stream, sent(line), {"cancelled": []}) == [e.PromptRequeued("c1", 3, "now", done=False)]
    assert stream.requeue(c.Requeue("c2", 3, "later"), "u3") == [e.PromptRequeued("c2", 3, "later", done=False)]


def test_an_edit_and_another_time_at_once_both_count() -> None:
    stream = busy()
    (line,) = stream.amend(c.Amend("c1", 2, "new"), "u2", e.PromptAccepted(2, "u9", "new", 42, "ada"))
    assert stream.requeue(c.Requeue("c2", 2, "later"), "u2") == []
    accepted, *told, again = answer(stream, sent(line), {"cancelled": True})
    assert told == [e.PromptAmended("c1", 2, deleted=False, done=True), e.PromptRequeued("c2", 2, "later", done=True)]
    assert (sent(again)["priority"], sent(again)["message"]["content"]) == ("later", "new")
    assert isinstance(accepted, e.PromptAccepted) and (accepted.text, accepted.when) == ("new", "later")


def test_an_edit_that_is_under_way_survives_that_another_prompt_is_taken_now() -> None:
    stream = busy()
    (edit,) = stream.amend(c.Amend("c1", 2, "new"), "u2", e.PromptAccepted(2, "u9", "new", 42, "ada"))
    (now,) = stream.requeue(c.Requeue("c2", 3, "now"), "u3")
    assert lifecycle(stream, "cancelled", "u2") == []
    assert sent(answer(stream, sent(edit), {"cancelled": False})[-1])["message"]["content"] == "new"
    answer(stream, sent(now), {"cancelled": ["u2", "u3"]})
    assert sorted(stream.open_prompts) == [1, 2, 3]


def test_a_prompt_that_is_being_deleted_stays_deleted() -> None:
    stream = busy()
    stream.amend(c.Amend("c1", 2, None), "u2", None)
    assert stream.requeue(c.Requeue("c2", 2, "now"), "u2") == [e.PromptRequeued("c2", 2, "now", done=False)]


def test_only_what_was_chosen_as_a_command_is_sent_as_one() -> None:
    stream = Stream(1, claude_id="c", resuming=False)
    (text,) = stream.prompt(e.PromptAccepted(1, "u1", "/clear @file", 42, "ada"))
    (command,) = stream.prompt(e.PromptAccepted(2, "u2", "/clear", 42, "ada", is_command=True))
    assert sent(text)["client_composed"] is True and "client_composed" not in sent(command)
