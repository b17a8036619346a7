"""The real CLI asks for several things at once: parallel reads, and subagents that work side by side."""

import pytest

from playground.host import claude as host_claude
from stages.playhouse import buttons, playhouse
from stages.real_environment import real_claude
from stages.support import awaited
from twins.messages_api.server import ScriptedModel
from twins.messages_api.turns import text, tool, turn

pytestmark = pytest.mark.real


@awaited
async def test_parallel_reads_are_asked_on_one_card_and_allowed_with_one_tap() -> None:
    program = str(real_claude())
    async with (
        ScriptedModel() as model,
        playhouse(lambda place: host_claude.hermetic(program, place.home, model.base_url)) as house,
    ):
        reads = [tool("Read", {"file_path": f"/etc/{name}"}) for name in ("hosts", "passwd", "group")]
        model.add(turn(*reads), turn(text("All read.")))
        thread = await house.starts("read them")
        card = await house.shows(thread, "Claude asks for 3 things")
        assert [m for m in house.posts(thread) if m.pinged.users] == [card]
        await house.press(card, "Allow all 3")
        await house.done(thread)
        await house.until(lambda: card.content.count("✓ Read") == 3 or None, "the last of three edits of one post")
        assert "Allow all 3" not in buttons(card)


@awaited
async def test_subagents_that_ask_at_once_share_a_card_and_what_they_ask_alike_is_one() -> None:
    program = str(real_claude())
    async with (
        ScriptedModel() as model,
        playhouse(lambda place: host_claude.hermetic(program, place.home, model.base_url)) as house,
    ):
        calls = [
            tool("Agent", {"description": f"Part {n}", "prompt": f"part {n}", "subagent_type": "general-purpose"})
            for n in (1, 2)
        ]
        same = {"command": "touch same.txt", "description": "Make a file"}
        model.add(turn(*calls), turn(text("Both ended.")))
        model.add(turn(tool("Bash", same), match="part 1", agent="sub"))
        model.add(turn(tool("Bash", same), match="part 2", agent="sub"))
        model.add(turn(text("Ended."), agent="sub", repeat=None))
        thread = await house.starts("do it in two parts")
        card = await house.shows(thread, "(asked 2 times)")
        await house.press(card, "Allow")
        await house.until(lambda: card.content.count("✓ Bash `touch same.txt`") == 2, "both ran")
        assert (house.project / "same.txt").exists()
