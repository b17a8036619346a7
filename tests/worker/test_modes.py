"""A child that is in a looser mode than anybody chose is ended; one that makes itself stricter is shown."""

import json
from typing import Any

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from worker.steps import EndChild, Line, Step
from worker.stream import Stream

UUID = "11111111-0000-4000-8000-000000000000"


class Child:
    def __init__(self, mode: str = "default") -> None:
        self.stream = Stream(1, claude_id=UUID, resuming=False, permission_mode=mode)

    def says(self, **line: Any) -> list[Step]:
        return self.stream.receive(json.dumps(line).encode())

    def begins_turn(self, mode: str) -> list[Step]:
        return self.says(type="system", subtype="init", permissionMode=mode)

    def goes_into(self, mode: str) -> list[Step]:
        return self.says(type="system", subtype="status", permissionMode=mode)

    def answers_initialize(self, mode: str) -> list[Step]:
        return self.answers(self.stream.initialize(), {"current_permission_mode": mode})

    def answers(self, asked: list[Step], response: dict[str, Any], error: str = "") -> list[Step]:
        (line,) = asked
        assert isinstance(line, Line)
        inner = {"request_id": json.loads(line.data)["request_id"], "response": response}
        kind = {"subtype": "error", "error": error} if error else {"subtype": "success"}
        return self.says(type="control_response", response=inner | kind)

    def choose(self, mode: str) -> list[Step]:
        return self.stream.configure(c.Configure("one", "permission_mode", mode))


def modes(steps: list[Step]) -> list[str]:
    return [step.permission_mode for step in steps if isinstance(step, e.ModeChanged)]


def ends(steps: list[Step]) -> bool:
    return any(isinstance(step, EndChild) for step in steps)


@pytest.mark.parametrize("tell", [Child.begins_turn, Child.goes_into, Child.answers_initialize])
@pytest.mark.parametrize("mode", ["acceptEdits", "auto", "bypassPermissions", "neverHeardOf"])
def test_a_looser_mode_that_nobody_chose_ends_the_child_however_it_is_told(tell: Any, mode: str) -> None:
    steps = tell(Child(), mode)
    assert ends(steps) and not modes(steps)
    assert mode in next(step.why for step in steps if isinstance(step, EndChild))


@pytest.mark.parametrize("tell", [Child.begins_turn, Child.goes_into, Child.answers_initialize])
def test_a_stricter_mode_is_only_shown_and_may_be_left_again(tell: Any) -> None:
    child = Child("acceptEdits")
    steps = tell(child, "plan")
    assert modes(steps) == ["plan"] and not ends(steps)
    assert modes(child.goes_into("acceptEdits")) == ["acceptEdits"]


def test_the_same_mode_at_every_turn_is_told_once() -> None:
    child = Child()
    assert modes(child.begins_turn("default")) == ["default"]
    assert not modes(child.begins_turn("manual"))


def test_what_a_person_chose_is_no_break_whichever_line_comes_first() -> None:
    child = Child()
    asked = child.choose("acceptEdits")
    assert modes(child.goes_into("acceptEdits")) == ["acceptEdits"]
    assert not ends(child.answers(asked, {"mode": "acceptEdits"}))
    assert ends(child.goes_into("auto"))


def test_a_choice_that_was_refused_is_not_chosen() -> None:
    child = Child()
    child.answers(child.choose("bypassPermissions"), {}, error="bypass_not_launched")
    assert ends(child.goes_into("bypassPermissions"))


def test_manual_is_sent_under_the_name_that_every_cli_knows() -> None:
    (line,) = Child().choose("manual")
    assert isinstance(line, Line) and json.loads(line.data)["request"]["mode"] == "default"


@pytest.mark.parametrize(("mode", "may_be"), [("", "default"), ("acceptEdits", "acceptEdits")])
def test_an_approved_plan_leaves_plan_mode_for_what_was_approved_and_no_further(mode: str, may_be: str) -> None:
    child = Child("plan")
    ask = {"subtype": "can_use_tool", "tool_name": "ExitPlanMode", "input": {"plan": "do it"}}
    (request,) = child.says(type="control_request", request_id="r", request=ask)
    assert isinstance(request, e.PermissionRequested)
    child.stream.named("r", 5)
    child.stream.decide(c.Decide("g", 5, request.digest, "allowed", mode=mode))
    assert modes(child.goes_into(may_be)) == [may_be]
    assert ends(child.goes_into("auto"))


@pytest.mark.parametrize("told", ["--dangerously-skip-permissions", "*", "../../x", UUID[:-1], UUID + "\n", "x y"])
def test_only_a_uuid_is_an_id_of_claudes(told: str) -> None:
    assert not Child().says(type="system", subtype="other", session_id=told)


def test_nothing_is_offered_that_could_be_read_as_an_option() -> None:
    child = Child()
    models = [{"value": value, "supportedEffortLevels": ["high", "--x"]} for value in ("sonnet", "--yolo", "a\nb")]
    commands = [{"name": name} for name in ("cost", "two words", "line\nbreak", "")]
    steps = child.answers(child.stream.initialize(), {"models": models, "commands": commands})
    offered = next(step for step in steps if isinstance(step, e.ChildOffered))
    assert [(one.name, one.efforts) for one in offered.models] == [("sonnet", ("high",))]
    assert [one.name for one in offered.commands] == ["cost"]
