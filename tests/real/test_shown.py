"""The real CLI's edits, commands, names and failures, as a thread shows them; and that its version is read."""

import contextlib
import os
from collections.abc import AsyncIterator

import pytest

from playground.host import claude as host_claude
from stages.playhouse import Playhouse, buttons, playhouse
from stages.real_environment import real_claude
from stages.support import awaited
from supervisor.workers import claude_cli
from twins.messages_api.server import ScriptedModel
from twins.messages_api.turns import fails, text, tool, turn

pytestmark = pytest.mark.real

LINES = [f"line_{number} = {number}" for number in range(1, 61)]


def test_the_version_of_the_pinned_cli_is_read_and_not_refused() -> None:
    answer = claude_cli.ask((str(real_claude()),), {"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    assert (str(answer.version), answer.refusal) == ("2.1.330", "")


@contextlib.asynccontextmanager
async def real_house(titles: str = "words") -> AsyncIterator[tuple[Playhouse, ScriptedModel]]:
    program = str(real_claude())
    async with (
        ScriptedModel() as model,
        playhouse(lambda place: host_claude.hermetic(program, place.home, model.base_url), titles=titles) as house,
    ):
        yield house, model


@awaited
async def test_an_edit_deep_in_a_file_is_shown_with_its_own_line_numbers_and_its_path_within_the_project() -> None:
    async with real_house() as (house, model):
        path = house.project / "app.py"
        path.write_text("\n".join(LINES))
        edit = {"file_path": str(path), "old_string": "line_40 = 40", "new_string": "line_40 = 41"}
        words = text("Use mcp__server__tool or __init__.py.")
        model.add(turn(tool("Read", {"file_path": str(path)})), turn(tool("Edit", edit)), turn(words))
        thread = await house.starts("edit it")
        card = await house.card(thread)
        shown = "".join(str(embed["description"]) for embed in card.embeds)
        assert "- 40 line_40 = 40\n+ 40 line_40 = 41" in shown
        assert card.content.endswith("Edit app.py +1 −1")
        assert str(house.project) not in shown
        assert "No newline" not in shown, "the file's end is not near"
        await house.press(card, "Allow")
        await house.done(thread)
        assert r"mcp\_\_server\_\_tool" in house.text(thread)


@awaited
async def test_what_edits_and_writes_made_of_files_is_shown_by_diff_with_their_tabs() -> None:
    async with real_house() as (house, model):
        path, new = house.project / "app.py", house.project / "new.txt"
        path.write_text("def f():\n\treturn 1\n" + "\n".join(LINES))
        edits = [("\treturn 1", "\treturn 2"), ("\treturn 2", "\treturn 3"), ("line_40 = 40", "line_40 = 41")]
        model.add(turn(tool("Read", {"file_path": str(path)})))
        for old, after in edits:
            model.add(turn(tool("Edit", {"file_path": str(path), "old_string": old, "new_string": after})))
        model.add(turn(tool("Write", {"file_path": str(new), "content": "x\n"})), turn(text("Done.")))
        thread = await house.starts("edit it")
        await house.press(await house.card(thread), "Accept edits")
        await house.done(thread)
        (last,) = [post for post in house.posts(thread) if "Diff" in buttons(post)]
        pressed = await house.press(last, "Diff")
        await house.until(lambda: pressed.answer and pressed.answer.content, "the whole answer")
        answer = pressed.answer and pressed.answer.message
        assert answer
        assert answer.content == "In this turn +3 −2:\napp.py +2 −2\nnew.txt +1 −0 (new)"
        shown = "".join(str(embed["description"]) for embed in answer.embeds)
        assert "-  2 \treturn 1\n+  2 \treturn 3\n" in shown
        assert "- 42 line_40 = 40\n+ 42 line_40 = 41" in shown


@awaited
async def test_of_a_long_command_head_and_tail_are_shown_and_its_description_stands_beside_it() -> None:
    async with real_house() as (house, model):
        command = f"echo the-head; {'true; ' * 900}touch the-tail"
        model.add(turn(tool("Bash", {"command": command, "description": "Look around"})), turn(text("No.")))
        thread = await house.starts("run it")
        card = await house.card(thread)
        shown = "".join(str(embed["description"]) for embed in card.embeds)
        assert "echo the-head" in shown and "touch the-tail" in shown
        assert shown.index("Look around") < shown.index("```")
        await house.press(card, "Deny")
        await house.done(thread)


@awaited
async def test_a_conversation_that_is_too_long_is_told_as_that() -> None:
    async with real_house() as (house, model):
        too_long = fails(400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum")
        model.add(*(turn(too_long) for _ in range(20)))
        thread = await house.starts("say something")
        await house.shows(thread, "The conversation is too long for Claude")


@awaited
async def test_the_clis_own_title_becomes_the_threads_name_and_the_turn_goes_on_beside_it() -> None:
    async with real_house("claude") as (house, model):
        model.add(turn(text("Mended.")))
        thread = await house.starts("fix the login bug, please")
        assert thread.name == "fix the login bug, please"
        await house.until(lambda: thread.name == "Scripted session", "the title that the model made")
        await house.done(thread)
