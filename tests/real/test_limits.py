"""The real CLI's tools take too much: they are ended, and what Claude is told of it lets it go on."""

import os

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol.limits import Limits
from bridge.session.managed import ManagedSession
from processes.test_limits import BOMB, HUNGRY, events, exits, notices, running, script
from stages.real_stage import RealStage, stage
from stages.support import awaited, until
from supervisor.config_in_force import Settings
from supervisor.workers.starts import StartMessages, worker_environment
from twins.messages_api.turns import tool, turn

pytestmark = pytest.mark.real


async def runs(it: RealStage, limits: Limits) -> ManagedSession:
    """A session below these limits whose tool was allowed."""
    config = msgspec.structs.replace(it.back.config, limits=limits)
    starts = StartMessages(Settings(config), it.back.manager, it.back.around, worker_environment(os.environ))
    it.back.processes._tell = starts.message
    session = it.back.session("begin")
    assert it.back.manager.decide(await it.back.asks(session), "allowed")
    return session


@awaited
async def test_a_tool_with_too_much_memory_is_ended_and_the_turn_goes_on() -> None:
    async with stage(turn(tool("Bash", {"command": "python3 bomb.py 1500"}))) as it:
        hungry = script(it.back.project, HUNGRY)
        session = await runs(it, Limits(memory_bytes=1 << 30))
        await it.back.settles(session)
        (told,) = notices(it.back, session)
        assert "ran python3" in told and "1 GB" in told and "limits.memory" in told
        (tool_end,) = events(it.back, session, e.ToolFinished)
        assert tool_end.is_error and "137" in tool_end.output
        assert running(hungry) == 0 and not exits(it.back, session)


@awaited
async def test_a_bomb_ends_claude_and_the_next_message_finds_the_conversation() -> None:
    async with stage(turn(tool("Bash", {"command": "python3 bomb.py"}))) as it:
        bomb = script(it.back.project, BOMB)
        session = await runs(it, Limits(tasks=300))
        (ended,) = await until(lambda: exits(it.back, session), "the child's end", deadline_s=30)
        assert "limits.tasks" in ended.reason and running(bomb) == 0
        it.back.prompt(session, "are you there?")
        await it.back.settles(session, turns=2)
        assert "begin" in str(it.model.calls_of("main")[-1].body)
