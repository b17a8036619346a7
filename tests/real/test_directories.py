"""The real CLI works in a directory that was allowed, as long as it is: it is told by a setting of its process."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.modes import ACCEPT_EDITS
from stages.backstage import ADA, CHANNEL_ID, Backstage, folder_of_a_stage
from stages.real_environment import claude_environment, real_claude
from stages.support import awaited, until
from twins.messages_api.server import ScriptedModel
from twins.messages_api.turns import text, tool, turn

pytestmark = pytest.mark.real


@contextlib.asynccontextmanager
async def beside_the_project() -> AsyncIterator[tuple[Backstage, ScriptedModel, Path]]:
    """A stage with the real CLI, and a directory that its walls show."""
    program = real_claude()
    async with folder_of_a_stage(command=(str(program),)) as back, ScriptedModel() as model:
        outside = back.folder / "data"
        outside.mkdir()
        environment = claude_environment(back.folder / "home", model.base_url, back.folder / "tmp")
        back.config = msgspec.structs.replace(back.config, environment=environment, writable=(str(outside),))
        async with back.running():
            try:
                yield back, model, outside
            finally:
                await back.end_all()


def writes(model: ScriptedModel, outside: Path, name: str) -> None:
    model.add(turn(tool("Write", {"file_path": f"{outside}/{name}", "content": "x\n"})), turn(text("Done.")))


@awaited
async def test_it_is_worked_in_without_asking_also_after_a_pause_until_it_is_revoked() -> None:
    async with beside_the_project() as (back, model, outside):
        folder = str(outside)
        writes(model, outside, "a.txt")
        session = back.session("write a")
        request = await back.asks(session)
        assert (request.event.directories, request.event.modes) == ((folder,), (ACCEPT_EDITS,))
        decision = request.decide("allowed", ADA, mode=ACCEPT_EDITS)
        assert back.manager.allow_in([(request, decision)], ADA, "always")
        await back.settles(session)
        command = {"command": f"mkdir {folder}/made && touch {folder}/made/it", "description": "Make"}
        model.add(turn(tool("Bash", command)), turn(text("Done.")))
        back.prompt(session, "make it")
        await back.settles(session, 2)
        back.manager.hibernate_idle(-1.0)
        await until(lambda: not back.worker_pid(session), "it sleeps")
        writes(model, outside, "b.txt")
        back.prompt(session, "write b")
        await back.settles(session, 3)
        assert sorted(path.name for path in outside.iterdir()) == ["a.txt", "b.txt", "made"]
        assert len(back.live(session).settled) == 1, "one tap"
        (rule,) = back.manager.rules.of(CHANNEL_ID, session.session_id)
        assert back.manager.revoke_rule(rule.rule_id, CHANNEL_ID, session.session_id, ADA)
        await until(lambda: not back.live(session).directories, "the child was told")
        writes(model, outside, "c.txt")
        back.prompt(session, "write c")
        asked = await back.asks(session)
        assert (asked.event.directories, asked.event.modes) == ((folder,), ()), "edits are accepted already"
        back.manager.decide(asked, "denied", ADA)
        await back.settles(session, 4)
        assert not (outside / "c.txt").exists()
