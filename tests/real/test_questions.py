"""The real CLI asks its own questions and shows its plans, and takes what a person answers."""

import json
from typing import Any

import pytest

from bridge.session.managed import ManagedSession
from stages.backstage import ADA
from stages.real_stage import RealStage, stage
from stages.support import awaited, until
from twins.messages_api.turns import text, tool, turn

pytestmark = pytest.mark.real

QUESTIONS: dict[str, Any] = {
    "questions": [
        {
            "question": "Which colour?",
            "header": "Colour",
            "multiSelect": False,
            "options": [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cold"}],
        },
        {
            "question": "Which fruits, s'il vous plaît?",
            "header": "Fruits",
            "multiSelect": True,
            "options": [{"label": "Apple", "description": "a"}, {"label": "Fig", "description": "f"}],
        },
    ]
}
ANSWERS = {"Which colour?": "Mauve, I think", "Which fruits, s'il vous plaît?": "Apple, Fig"}
PLAN = "# The plan\n\n1. Write a file."


def write(name: str) -> dict[str, object]:
    return {"file_path": name, "content": "hello\n"}


def last_call(it: RealStage) -> str:
    return json.dumps(it.model.calls_of("main")[-1].body, ensure_ascii=False)


async def planning(it: RealStage, text: str) -> ManagedSession:
    """A session in plan mode whose next prompt is ``text``."""
    session = it.back.session("hello")
    await it.back.settles(session)
    it.back.manager.configure(session.session_id, "mode-1", "permission_mode", "plan")
    await until(lambda: it.back.live(session).permission_mode == "plan", "plan mode")
    it.back.prompt(session, text)
    return session


@awaited
async def test_claude_takes_the_answers_to_its_questions() -> None:
    async with stage(turn(tool("AskUserQuestion", QUESTIONS)), turn(text("So be it."))) as it:
        session = it.back.session("ask me")
        request = await it.back.asks(session)
        assert [question.question for question in request.questions] == list(ANSWERS)
        it.back.manager.decide(request, "allowed", ADA, answers=ANSWERS)
        settled = await it.back.settles(session)
        assert settled.settled[request.name.seq].answers == ANSWERS
        told = last_call(it)
        assert all(answer in told for answer in ANSWERS.values()), told[-2000:]
        assert "did not answer" not in told.rpartition("tool_result")[2]


@awaited
async def test_a_question_that_is_not_answered_is_told_to_claude_in_words() -> None:
    async with stage(turn(tool("AskUserQuestion", QUESTIONS)), turn(text("Then I guess."))) as it:
        session = it.back.session("ask me")
        request = await it.back.asks(session)
        it.back.manager.decide(request, "denied", ADA, reason="The person chose not to answer.")
        await it.back.settles(session)
        assert "The person chose not to answer." in last_call(it)


@awaited
async def test_a_plan_is_approved_with_edits_accepted_and_the_next_edit_is_not_asked_about() -> None:
    plan = (turn(text("Hello.")), turn(tool("ExitPlanMode", {"plan": PLAN})))
    async with stage(*plan, turn(tool("Write", write("notes.txt"))), turn(text("Done."))) as it:
        session = await planning(it, "make a plan")
        request = await it.back.asks(session)
        assert request.is_plan
        it.back.manager.decide(request, "allowed", ADA, mode="acceptEdits")
        settled = await it.back.settles(session, 2)
        assert settled.permission_mode == "acceptEdits"
        assert it.log_of(session).count('"PermissionRequested"') == 1


@awaited
async def test_an_approved_plan_leaves_plan_mode_and_a_denied_one_stays_with_what_to_change() -> None:
    plans = [turn(tool("ExitPlanMode", {"plan": PLAN})) for _ in range(2)]
    async with stage(turn(text("Hello.")), *plans, turn(text("Done."))) as it:
        session = await planning(it, "make a plan")
        first = await it.back.asks(session)
        it.back.manager.decide(first, "denied", ADA, reason="use another database, please")
        await until(lambda: first.name.seq in it.back.live(session).settled, "the first plan's end")
        second = await it.back.asks(session)
        assert "use another database, please" in last_call(it)
        assert it.back.live(session).permission_mode == "plan"
        it.back.manager.decide(second, "allowed", ADA)
        settled = await it.back.settles(session, 2)
        assert settled.permission_mode == "default"
