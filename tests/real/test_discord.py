"""The done-when of the whole path: real Claude children, asked and answered in Discord threads."""

import asyncio
import json

import pytest

from playground.host import claude as host_claude
from stages.playhouse import buttons, playhouse
from stages.real_environment import real_claude
from stages.support import awaited
from twins.messages_api.server import ScriptedModel
from twins.messages_api.turns import text, tool, turn

pytestmark = pytest.mark.real


def touch(name: str) -> dict[str, object]:
    return {"command": f"touch {name}", "description": "Make a file"}


@awaited
async def test_two_real_claudes_ask_at_once_and_each_answer_lands_in_its_own_thread() -> None:
    program = str(real_claude())
    turns = (
        turn(text("I make one."), tool("Bash", touch("one.txt")), match="first"),
        turn(text("I make two."), tool("Bash", touch("two.txt")), match="second"),
        turn(text("Ended as decided."), repeat=2),
    )
    async with (
        ScriptedModel(*turns) as model,
        playhouse(lambda place: host_claude.hermetic(program, place.home, model.base_url)) as house,
    ):
        one, two = await asyncio.gather(house.starts("the first"), house.starts("the second"))
        card_one, card_two = await asyncio.gather(house.card(one), house.card(two))
        assert "one.txt" in str(card_one.embeds)
        assert "two.txt" in str(card_two.embeds)
        refused = await house.press(card_one, "Allow", house.mallory)
        assert refused.answer
        assert refused.answer.ephemeral
        assert buttons(card_one)
        listed = json.loads((await house.host.threadbridge.ask("list", "--json")).out)
        assert {line["state"] for line in listed} == {"awaiting"}
        assert len({line["child_pid"] for line in listed}) == 2
        await asyncio.gather(house.press(card_two, "Deny"), house.press(card_one, "Allow"))
        await asyncio.gather(house.done(one), house.done(two))
        assert (house.project / "one.txt").exists()
        assert not (house.project / "two.txt").exists()
        assert (await house.host.threadbridge.ask("kill", "--all")).code == 0
        listed = json.loads((await house.host.threadbridge.ask("list", "--json")).out)
        assert {(line["state"], line["worker_pid"], line["child_pid"]) for line in listed} == {("ended", None, None)}
