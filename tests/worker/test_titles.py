"""Claude is asked once for a title of what is asked first."""

import json
from typing import Any

import pytest

from bridge.protocol import events as e
from worker.owed_answers import ANSWER_DEADLINE_S, OwedAnswers
from worker.steps import Line, Step
from worker.stream import Stream
from worker.titles import SUBTYPE

ASKED = e.PromptAccepted(5, "u5", "fix the login bug", 42, "Ada")


def begun(*prompts: e.PromptAccepted, wanted: bool = True) -> tuple[Stream, list[Step]]:
    """A child that takes these prompts up, and what that leads to."""
    stream = Stream(1, claude_id="c", resuming=False)
    if wanted:
        stream.want_title()
    steps: list[Step] = []
    for prompt in prompts:
        stream.prompt(prompt)
        steps += stream.receive(told({"type": "command_lifecycle", "command_uuid": prompt.uuid, "state": "started"}))
    return stream, steps


def told(frame: dict[str, Any]) -> bytes:
    return json.dumps(frame).encode()


def asked(steps: list[Step]) -> list[dict[str, Any]]:
    lines = [json.loads(step.data) for step in steps if isinstance(step, Line)]
    return [line for line in lines if line["request"]["subtype"] == SUBTYPE]


def answer(request: dict[str, Any], **more: Any) -> bytes:
    response = {"request_id": request["request_id"], "subtype": "success", **more}
    return told({"type": "control_response", "response": response})


def test_the_first_prompt_that_claude_takes_up_is_asked_for_a_title_and_the_next_is_not() -> None:
    second = e.PromptAccepted(6, "u6", "and the other", 42, "Ada")
    stream, steps = begun(ASKED, second)
    (request,) = asked(steps)
    assert request["request"] == {"subtype": SUBTYPE, "description": "fix the login bug", "persist": False}
    assert stream.receive(answer(request, response={"title": "Fix the\nlogin bug"})) == [e.Titled("Fix the login bug")]


@pytest.mark.parametrize(
    "prompt",
    [
        e.PromptAccepted(5, "u5", "/compact", 42, "Ada", is_command=True),
        e.PromptAccepted(5, "u5", "go on", 42, "Ada", is_ours=True),
        e.PromptAccepted(5, "u5", " ", 42, "Ada"),
    ],
)
def test_no_title_is_made_of_what_says_nothing_of_the_matter(prompt: e.PromptAccepted) -> None:
    assert asked(begun(prompt)[1]) == []


def test_nobody_asks_where_none_is_wanted() -> None:
    assert asked(begun(ASKED, wanted=False)[1]) == []


@pytest.mark.parametrize(
    "more", [{"subtype": "error", "error": "no"}, {"response": {"title": " "}}, {"response": []}, {}]
)
def test_an_answer_without_a_title_changes_nothing(more: dict[str, Any]) -> None:
    stream, steps = begun(ASKED)
    (request,) = asked(steps)
    assert stream.receive(answer(request, **more)) == []


def test_a_title_that_never_comes_makes_no_child_count_as_hung() -> None:
    stream, _ = begun(ASKED)
    owed = OwedAnswers()
    assert owed.objection(stream.unanswered, 0.0, in_turn=True) == ""
    assert owed.objection(stream.unanswered, 2 * ANSWER_DEADLINE_S, in_turn=True) == ""
