"""Claude's questions and plans: what is shown of them, and exactly what Claude is answered."""

import json
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.records import MOST_INPUT_BYTES
from bridge.protocol.requests import ADVICE_TO_ASK_IN_TEXT, digest_of
from bridge.session.permission import NOT_ANSWERED
from stages.replay import CLAUDE_ID, GENERATION, Replay, transcript
from worker import control_frames as cf
from worker import frames as f
from worker.asks import Asks
from worker.steps import Line, Step
from worker.stream import Stream

QUESTION = '{"questions":[{"question":"Which caf\\u00e9?",  "options":[{"label":"A"},{"label":"B"}]}], "odd":1e3}'
PLAN = '{"plan":"# Do it","planFilePath":"/p.md"}'


def no_control(subtype: str, _answered: object, /, **_fields: object) -> Line:
    raise AssertionError(f"nothing is to be asked of the CLI, but {subtype} was")


def asked(tool: str, tool_input: str, suggestions: Sequence[object] = ()) -> tuple[Asks, list[Step]]:
    """The steps of a request, which is open under seq 7 if it was asked."""
    asks = Asks(no_control)
    suggested = msgspec.convert(suggestions, list[cf.Suggestion])
    ask = cf.Ask("can_use_tool", tool, f.Raw(tool_input.encode()), permission_suggestions=suggested)
    steps = asks.asked("r1", ask)
    if isinstance(steps[0], e.PermissionRequested):
        asks.named("r1", 7)
    return asks, steps


def decided(asks: Asks, shown: str, verdict: e.Verdict, **fields: Any) -> tuple[e.PermissionResolved, bytes]:
    resolved, line = asks.decide(c.Decide("g", 7, digest_of(shown), verdict, **fields))
    assert isinstance(resolved, e.PermissionResolved) and isinstance(line, Line)
    return resolved, line.data


def answer_in(line: bytes) -> Any:
    return json.loads(line)["response"]["response"]


def test_a_question_is_a_request_with_its_whole_input_and_digest() -> None:
    asks, steps = asked("AskUserQuestion", QUESTION)
    (requested,) = steps
    assert isinstance(requested, e.PermissionRequested)
    assert (requested.tool, requested.tool_input, requested.digest) == (
        "AskUserQuestion",
        QUESTION,
        digest_of(QUESTION),
    )
    assert [request.seq for request in asks.open()] == [7]


@pytest.mark.parametrize("tool_input", ["", "{}", '{"questions":[]}', '{"questions":[{"question":1}]}', "[]"])
def test_a_question_that_nobody_could_be_shown_is_denied_with_advice(tool_input: str) -> None:
    asks, steps = asked("AskUserQuestion", tool_input)
    (line,) = steps
    assert isinstance(line, Line)
    assert answer_in(line.data) == {"behavior": "deny", "message": ADVICE_TO_ASK_IN_TEXT}
    assert not asks.open()


def test_answers_go_to_claude_beside_the_input_as_it_came_and_into_the_log() -> None:
    asks, _ = asked("AskUserQuestion", QUESTION)
    resolved, line = decided(asks, QUESTION, "allowed", answers={"Which café?": "B, and C"}, decider="ada")
    assert resolved.answers == {"Which café?": "B, and C"} and resolved.decider == "ada"
    updated = answer_in(line)["updatedInput"]
    assert updated == {**json.loads(QUESTION), "answers": {"Which café?": "B, and C"}}
    assert b'"Which caf\\u00e9?",  "options"' in line and b"1e3" in line, "byte by byte"


def test_an_unanswered_question_is_denied_in_words() -> None:
    asks, _ = asked("AskUserQuestion", QUESTION)
    resolved, line = decided(asks, QUESTION, "denied", reason=NOT_ANSWERED, answers={"Which café?": "A"})
    assert resolved.answers == {}
    assert answer_in(line) == {"behavior": "deny", "message": NOT_ANSWERED}


def test_answers_to_a_tool_that_asked_nothing_are_dropped() -> None:
    asks, _ = asked("Bash", '{"command":"ls"}')
    resolved, line = decided(asks, '{"command":"ls"}', "allowed", answers={"command": "rm"}, mode="acceptEdits")
    assert (resolved.answers, resolved.mode) == ({}, "")
    assert answer_in(line) == {"behavior": "allow", "updatedInput": {"command": "ls"}}


@pytest.mark.parametrize(
    ("mode", "updates"),
    [
        ("acceptEdits", [{"type": "setMode", "mode": "acceptEdits", "destination": "session"}]),
        ("", None),
        ("bypassPermissions", None),
    ],
)
def test_a_plan_is_approved_with_the_mode_that_a_plan_may_set(mode: str, updates: object) -> None:
    asks, _ = asked("ExitPlanMode", PLAN)
    resolved, line = decided(asks, PLAN, "allowed", mode=mode)
    assert resolved.mode == (mode if updates else "")
    answer = answer_in(line)
    assert (answer["behavior"], answer.get("updatedPermissions")) == ("allow", updates)


ACCEPT_EDITS = {"type": "setMode", "mode": "acceptEdits", "destination": "session"}


@pytest.mark.parametrize(
    ("offered", "chosen", "set_to"),
    [
        (ACCEPT_EDITS, "acceptEdits", "acceptEdits"),
        (ACCEPT_EDITS, "bypassPermissions", ""),
        (ACCEPT_EDITS, "", ""),
        ({**ACCEPT_EDITS, "mode": "bypassPermissions"}, "bypassPermissions", ""),
        ({**ACCEPT_EDITS, "type": "addDirectories"}, "acceptEdits", ""),
    ],
)
def test_an_edit_is_allowed_with_a_mode_only_where_claude_offered_that_one(
    offered: dict[str, str], chosen: str, set_to: str
) -> None:
    edit = '{"file_path":"/w/a","old_string":"a","new_string":"b"}'
    asks, _ = asked("Edit", edit, suggestions=[offered])
    resolved, line = decided(asks, edit, "allowed", mode=chosen)
    assert resolved.mode == set_to
    assert answer_in(line).get("updatedPermissions") == ([ACCEPT_EDITS] if set_to else None)


def test_a_denied_plan_sets_no_mode() -> None:
    asks, _ = asked("ExitPlanMode", PLAN)
    resolved, line = decided(asks, PLAN, "denied", mode="acceptEdits", reason="another database")
    assert resolved.mode == "" and answer_in(line) == {"behavior": "deny", "message": "another database"}


@pytest.mark.parametrize("name", ["d1_ask_single", "d2_ask_multiselect", "d3_ask_three", "d5_ask_deny"])
def test_the_recorded_answers_to_questions_go_out_as_they_were_recorded(name: str) -> None:
    recorded = [
        line["response"]["response"]
        for kind, line in transcript(name)
        if kind == "in" and isinstance(line, dict) and line["type"] == "control_response"
    ]
    replay = Replay(name)
    assert [line["response"]["response"] for line in replay.lines if line["type"] == "control_response"] == recorded
    (resolved,) = replay.events(e.PermissionResolved)
    assert resolved.answers == recorded[0].get("updatedInput", {}).get("answers", {})


def test_the_recorded_plan_is_approved_with_its_mode() -> None:
    replay = Replay("e3_plan_approve_setmode")
    (resolved,) = replay.events(e.PermissionResolved)
    assert (resolved.verdict, resolved.mode) == ("allowed", "acceptEdits")
    (line,) = [line for line in replay.lines if line["type"] == "control_response"]
    update = {"type": "setMode", "mode": "acceptEdits", "destination": "session"}
    assert line["response"]["response"]["updatedPermissions"] == [update]
    assert replay.events(e.ModeChanged)[-1].permission_mode == "acceptEdits"


def test_a_request_that_comes_twice_is_asked_once_and_its_answer_is_no_surprise() -> None:
    replay = Replay("b1_allow")
    (asked,) = [
        line for kind, line in transcript("b1_allow") if kind == "out" and line.get("type") == "control_request"
    ]
    again = json.dumps(asked).encode()
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    (request,) = stream.receive(again)
    assert isinstance(request, e.PermissionRequested)
    stream.named(request.request_id, 7)
    assert stream.receive(again) == []
    resolved, _ = stream.decide(c.Decide(GENERATION, 7, request.digest, "allowed"))
    assert isinstance(resolved, e.PermissionResolved)
    assert stream.receive(again) == [] and not stream.open_requests()
    assert len(replay.events(e.PermissionRequested)) == 1


@pytest.mark.parametrize("tool", ["Write", "AskUserQuestion", "ExitPlanMode"])
def test_an_input_that_nobody_can_be_shown_whole_is_refused_in_words_for_claude(tool: str) -> None:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False)
    long = "x" * MOST_INPUT_BYTES
    given = {
        "Write": {"file_path": "a.txt", "content": long},
        "AskUserQuestion": {"questions": [{"question": long, "options": [{"label": "A"}, {"label": "B"}]}]},
        "ExitPlanMode": {"plan": long},
    }
    ask = {"subtype": "can_use_tool", "tool_name": tool, "input": given[tool]}
    (step,) = stream.receive(json.dumps({"type": "control_request", "request_id": "r", "request": ask}).encode())
    assert isinstance(step, Line)
    answer = json.loads(step.data)["response"]["response"]
    assert answer["behavior"] == "deny"
    assert "1,000,000 can be shown" in answer["message"] or answer["message"] == ADVICE_TO_ASK_IN_TEXT
    assert not stream.open_requests()
