"""A push with the real CLI: it asks nobody by itself, in no mode, and waits for the card that we show."""

import json

import pytest

from stages.backstage import ADA
from stages.pushed import Bench, commit, with_remote
from stages.real_stage import stage
from stages.support import awaited
from twins.messages_api.turns import text, tool, turn

pytestmark = pytest.mark.real

PUSH = "mcp__threadbridge__git_push"


@awaited
@pytest.mark.parametrize("mode", ["default", "acceptEdits", "plan", "dontAsk"])
async def test_a_push_has_one_card_in_every_mode_and_claude_is_told_what_came_of_it(mode: str) -> None:
    async with stage(turn(tool(PUSH, {"branch": "main"})), turn(text("It is there.")), permission_mode=mode) as it:
        bench = Bench(it.back)
        with_remote(bench.project, bench.remote)
        before, after = bench.at(), commit(bench.project, "second")
        session = it.back.session("push it")
        request, push = await bench.card(session)
        assert push.commit == after and bench.at() == before
        assert request.event.tool_use_id, "the card belongs to the tool's line"
        assert it.back.manager.decide(request, "allowed", ADA)
        settled = await it.back.settles(session)
        assert bench.at() == after
        assert len(settled.settled) == 1
        assert "Pushed main" in json.dumps(it.model.calls_of("main")[-1].body)
        assert PUSH in [offered["name"] for offered in it.model.calls_of("main")[0].body["tools"]]


@awaited
async def test_a_denied_push_is_told_to_the_model() -> None:
    async with stage(turn(tool(PUSH, {"branch": "main"})), turn(text("Then not."))) as it:
        bench = Bench(it.back)
        with_remote(bench.project, bench.remote)
        before, _ = bench.at(), commit(bench.project, "second")
        session = it.back.session("push it")
        request, _ = await bench.card(session)
        assert it.back.manager.decide(request, "denied", ADA, reason="not on a Friday")
        await it.back.settles(session)
        assert bench.at() == before
        assert "not on a Friday" in json.dumps(it.model.calls_of("main")[-1].body)
