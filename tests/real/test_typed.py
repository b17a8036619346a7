"""The real CLI gets what a person types as the answer, or as what to change in a plan; and asks again what expired."""

import contextlib
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from playground.host import claude as host_claude
from stages.backstage import ADA
from stages.playhouse import Playhouse, playhouse
from stages.real_environment import real_claude
from stages.real_stage import stage
from stages.support import awaited
from twins.messages_api.server import ScriptedModel
from twins.messages_api.turns import Turn, text, tool, turn

pytestmark = pytest.mark.real

ANSWER = "Mauve – not “red”, s'il vous plaît"


def asking(*, multiple: bool = False) -> Turn:
    options = [{"label": "Red", "description": "warm"}, {"label": "Blue", "description": "cold"}]
    asked = {"question": "Which colour?", "header": "Colour", "multiSelect": multiple, "options": options}
    return turn(tool("AskUserQuestion", {"questions": [asked]}))


@contextlib.asynccontextmanager
async def real_house(*turns: Turn) -> AsyncIterator[tuple[Playhouse, ScriptedModel]]:
    program = str(real_claude())
    async with (
        ScriptedModel(*turns) as model,
        playhouse(lambda place: host_claude.hermetic(program, place.home, model.base_url)) as house,
    ):
        yield house, model


def results_in(body: dict[str, Any]) -> str:
    """All that tools answered, as the model sees it."""
    blocks = [b for m in body["messages"] if isinstance(m["content"], list) for b in m["content"]]
    return json.dumps([b for b in blocks if b["type"] == "tool_result"], ensure_ascii=False)


@awaited
@pytest.mark.parametrize("multiple", [False, True])
async def test_what_is_typed_answers_the_question(multiple: bool) -> None:
    async with real_house(asking(multiple=multiple), turn(text("So be it."))) as (house, model):
        thread = await house.starts("ask me")
        card = await house.card(thread)
        await house.you.says(thread.id, ANSWER)
        await house.settled(card, "Answered by You")
        await house.done(thread)
        assert ANSWER in results_in(model.calls_of("main")[-1].body)
        assert house.text(thread).count("✓ done") == 1, "it was no message besides"


@awaited
async def test_what_is_typed_keeps_the_plan_going_with_what_to_change() -> None:
    plan = tool("ExitPlanMode", {"plan": "# The plan\n\n1. Write a file."})
    turns = turn(text("Hello.")), turn(plan), turn(text("I think again."))
    async with real_house(*turns) as (house, model):
        thread = await house.starts("hello")
        await house.done(thread)
        await house.you.runs("mode", {"mode": "plan"}, thread.id)
        await house.shows(thread, "plan")
        await house.you.says(thread.id, "make a plan")
        card = await house.card(thread)
        await house.you.says(thread.id, "Use TOML instead")
        await house.shows(thread, "Claude gets this as what to change in the plan")
        await house.done(thread, 2)
        assert "Use TOML instead" in results_in(model.calls_of("main")[-1].body)
        assert "Use TOML instead" in card.content + str(card.embeds)


@awaited
async def test_what_expired_is_asked_again_with_one_tap() -> None:
    touch = tool("Bash", {"command": "touch x.txt", "description": "Make a file"})
    turns = turn(touch), turn(text("Nobody is there.")), turn(touch), turn(text("Made."))
    async with stage(*turns) as it:
        session = it.back.session("make it")
        request = await it.back.asks(session)
        it.back.manager.expire_requests(0.001, time.time() - 7200)
        await it.back.settles(session)
        assert it.back.manager.let_ask_again(request.name, ADA, 1234)
        again = await it.back.asks(session)
        assert again.name.seq > request.name.seq and again.event.digest == request.event.digest
        it.back.manager.decide(again, "allowed", ADA)
        await it.back.settles(session, 2)
        assert (it.back.project / "x.txt").exists()
