"""Steering the real CLI: when a prompt is taken up, what it runs with, and its own commands."""

import itertools

import pytest

from bridge.protocol import events as e
from bridge.session.managed import ManagedSession
from bridge.session.open_work import PromptState
from stages.backstage import ADA
from stages.real_stage import RealStage, stage
from stages.support import awaited, until
from twins.messages_api.turns import tool, turn

pytestmark = pytest.mark.real
_commands = (f"test-{n}" for n in itertools.count())


async def queued(it: RealStage, session: ManagedSession, said: str) -> int:
    """The prompt, once Claude has it in its queue."""
    prompt_id = it.back.prompt(session, said)

    def is_queued() -> bool:
        prompt = it.back.live(session).prompts.get(prompt_id)
        return prompt is not None and prompt.state is PromptState.QUEUED

    await until(is_queued, f"{said!r} waits")
    return prompt_id


def asked_of_the_model(it: RealStage) -> list[str]:
    return [call.newest_text for call in it.model.calls_of("main")]


async def sleeping(it: RealStage, seconds: int) -> ManagedSession:
    """A session in which a tool runs for so long."""
    session = it.back.session("begin")
    await until(lambda: f"sleep {seconds}" in it.log_of(session), "the tool runs")
    return session


@awaited
async def test_later_is_after_the_turn_and_next_is_folded_into_it() -> None:
    async with stage(turn(tool("Bash", {"command": "sleep 2"}))) as it:
        session = await sleeping(it, 2)
        later = await queued(it, session, "the later one")
        assert it.back.manager.waiting.requeue(session.session_id, later, "later", next(_commands))
        await until(lambda: it.back.live(session).prompts[later].when == "later", "it waits for the turn's end")
        await queued(it, session, "the next one")
        await it.back.settles(session, turns=2)
        _, folded, after = (str(call.body) for call in it.model.calls_of("main"))
        assert "the next one" in folded and "the later one" not in folded
        assert "the later one" in after


@awaited
async def test_now_ends_the_running_tool_and_comes_before_what_waited_longer() -> None:
    async with stage(turn(tool("Bash", {"command": "sleep 20"}))) as it:
        session = await sleeping(it, 20)
        await queued(it, session, "the older one")
        urgent = await queued(it, session, "the urgent one")
        assert it.back.manager.waiting.requeue(session.session_id, urgent, "now", next(_commands))
        await it.back.settles(session, turns=3)
        asked = asked_of_the_model(it)[1:]
        assert "the urgent one" in asked[0] and "the older one" not in asked[0]
        assert "the older one" in asked[1] and len(asked) == 2
        await until(
            lambda: not it.back.live(session).prompts, "the last one is done, which is told after its turn's end"
        )


@awaited
async def test_model_mode_and_effort_reach_the_api_and_survive_hibernation() -> None:
    async with stage() as it:
        session = it.back.session("hi")
        await it.back.settles(session)
        offered = it.back.manager.offers_of(session)
        assert {"default", "opus", "sonnet"} <= {model.name for model in offered.models}
        assert "high" in next(model.efforts for model in offered.models if model.name == "sonnet")
        for setting, value in (("model", "sonnet"), ("effort", "high"), ("permission_mode", "plan")):
            it.back.manager.configure(session.session_id, next(_commands), setting, value)
        await until(lambda: it.back.live(session).permission_mode == "plan", "the mode")
        for turns in (2, 3):
            it.back.prompt(session, "again")
            await it.back.settles(session, turns)
            body = it.model.calls_of("main")[-1].body
            assert ("sonnet" in body["model"], body["output_config"]) == (True, {"effort": "high"})
            assert it.back.live(session).permission_mode == "plan"
            await until(lambda: it.back.live(session).may_hibernate, "nothing is owed")
            it.back.manager.hibernate_idle(0.0)
            await until(lambda: not it.back.worker_pid(session), "it sleeps")


@awaited
async def test_the_users_own_commands_are_offered_and_run_the_projects_not_and_text_is_never_one() -> None:
    async with stage() as it:
        projects, folder = it.back.project / ".claude/commands", it.home / ".claude/commands"
        for each in (projects, folder):
            each.mkdir(parents=True)
        (projects / "mine.md").write_text("---\ndescription: Of the project\n---\nRun it")
        (folder / "greet.md").write_text("---\ndescription: Greets somebody\n---\nSay hello to $ARGUMENTS")
        (it.back.project / "secret.txt").write_text("the secret")
        session = it.back.session("/greet nobody, and @secret.txt")
        await it.back.settles(session)
        assert "Say hello" not in str(it.model.calls[-1].body) and "the secret" not in str(it.model.calls[-1].body)
        offered = it.back.manager.offers_of(session).commands
        assert e.Offer("greet", "Greets somebody (user)") in offered
        assert not [one for one in offered if one.name == "mine"]
        it.back.manager.prompt(session.session_id, 5, "/greet Bob", ADA, is_command=True)
        await it.back.settles(session, turns=2)
        assert "Say hello to Bob" in asked_of_the_model(it)[-1]


@awaited
async def test_clear_and_compact_and_context_say_in_the_thread_what_they_did() -> None:
    async with stage() as it:
        session = it.back.session("hi")
        await it.back.settles(session)
        for number, command in enumerate(("/context", "/compact", "/clear"), 1):
            it.back.manager.prompt(session.session_id, number, command, ADA, is_command=True)
            await until(lambda n=number: n not in it.back.live(session).prompts, f"{command} is done")  # type: ignore[misc]
        await until(lambda: it.back.live(session).claude_id != session.session_id, "another conversation of Claude's")
        shown = "\n".join(it.back.posts(session))
        for part in ("Context Usage", "summed up the conversation", "remembers nothing of what stands above"):
            assert part in shown
