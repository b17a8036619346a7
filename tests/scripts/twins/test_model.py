"""The scripted model answers as the Messages API does, and the real CLI takes it for one."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from stages.real_environment import claude_environment, real_claude
from twins.messages_api.server import ScriptedModel, kind_of, newest_text
from twins.messages_api.turns import errs, fails, hangs, resets, text, thinking, tool, turn

type Json = dict[str, Any]

DEADLINE_S = 30.0


def request(said: str, **fields: object) -> Json:
    body = {"model": "claude-x", "max_tokens": 32000, "stream": True, "tools": [{"name": "Bash"}]}
    return {**body, "messages": [{"role": "user", "content": said}], **fields}


async def post(model: ScriptedModel, body: Json) -> tuple[int, list[Json]]:
    """The status, and the stream's events or the body as the only one."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{model.base_url}/v1/messages?beta=true", json=body) as response,
    ):
        if response.content_type != "text/event-stream":
            return response.status, [await response.json()]
        lines = [line.decode() async for line in response.content]
        return response.status, [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def with_model(model_test: Callable[[ScriptedModel], Awaitable[None]]) -> Callable[[], None]:
    """Runs the test in an event loop of its own, against a model that is stopped afterwards."""

    async def run() -> None:
        async with asyncio.timeout(DEADLINE_S), ScriptedModel() as model:
            await model_test(model)

    def test() -> None:
        asyncio.run(run())

    test.__name__ = model_test.__name__
    return test


def said(events: list[Json]) -> str:
    return "".join(event["delta"].get("text", "") for event in events if "delta" in event)


@with_model
async def test_text_is_streamed_in_chunks(model: ScriptedModel) -> None:
    model.add(turn(thinking("hm"), text("Hello there", chunks=4, gap_s=0.001)))
    _, events = await post(model, request("hi"))
    assert said(events) == "Hello there"
    assert [event["type"] for event in events].count("content_block_delta") == 2 + 4
    assert events[-2]["delta"]["stop_reason"] == "end_turn"


@with_model
async def test_a_tool_use_carries_its_input_and_its_stop_reason(model: ScriptedModel) -> None:
    model.add(turn(tool("Bash", {"command": "ls"})))
    _, events = await post(model, request("hi"))
    assert json.loads(events[2]["delta"]["partial_json"]) == {"command": "ls"}
    assert events[-2]["delta"]["stop_reason"] == "tool_use"


@with_model
async def test_a_request_that_does_not_stream_gets_the_whole_message(model: ScriptedModel) -> None:
    model.add(turn(text("whole")))
    _, (message,) = await post(model, request("hi", stream=False))
    assert message["content"] == [{"type": "text", "text": "whole"}]


@with_model
async def test_without_a_turn_the_model_echoes(model: ScriptedModel) -> None:
    assert said((await post(model, request("hello")))[1]) == "ECHO: hello"


@with_model
async def test_a_turn_waits_for_the_text_that_it_matches(model: ScriptedModel) -> None:
    model.add(turn(text("about cats"), match="cats?"), turn(text("first")))
    assert said((await post(model, request("dogs")))[1]) == "first"
    assert said((await post(model, request("a cat")))[1]) == "about cats"
    assert model.turns_left == 0


@with_model
async def test_subagents_have_turns_of_their_own(model: ScriptedModel) -> None:
    model.add(turn(text("for the subagent"), agent="sub"), turn(text("for the session")))
    sub = request("hi", system="You are an agent for Claude Code.")
    assert said((await post(model, request("hi")))[1]) == "for the session"
    assert said((await post(model, sub))[1]) == "for the subagent"


@with_model
async def test_a_turn_can_be_repeated(model: ScriptedModel) -> None:
    model.add(turn(text("twice"), repeat=2), turn(text("always"), repeat=None))
    answers = [said((await post(model, request("hi")))[1]) for _ in range(4)]
    assert answers == ["twice", "twice", "always", "always"]


@with_model
async def test_a_failure_has_status_type_message_and_headers(model: ScriptedModel) -> None:
    model.add(turn(fails(529, "overloaded_error", "busy", headers={"retry-after": "1"})))
    status, (body,) = await post(model, request("hi"))
    assert status == 529
    assert body["error"] == {"type": "overloaded_error", "message": "busy"}


@with_model
async def test_a_reset_drops_the_connection_before_or_within_the_stream(model: ScriptedModel) -> None:
    model.add(turn(resets()), turn(text("never whole", chunks=5), resets(after_events=3)))
    for _ in range(2):
        with pytest.raises(aiohttp.ClientError):
            await post(model, request("hi"))


@with_model
async def test_an_error_event_ends_the_stream(model: ScriptedModel) -> None:
    model.add(turn(text("never whole", chunks=5), errs("overloaded_error", after_events=3)))
    _, events = await post(model, request("hi"))
    assert len(events) == 4
    assert events[-1]["error"]["type"] == "overloaded_error"


@with_model
async def test_stopping_ends_a_turn_that_hangs(model: ScriptedModel) -> None:
    model.add(turn(text("hm"), hangs(after_events=1)))
    hanging = asyncio.ensure_future(post(model, request("hi")))
    await model.called()
    await model.stop()
    await asyncio.wait([hanging])
    assert hanging.exception() is not None or len(hanging.result()[1]) == 1


@with_model
async def test_claudes_own_requests_never_take_a_turn(model: ScriptedModel) -> None:
    model.add(turn(text("for the person")))
    title = request("hi", tools=[], system="Write a title for this session.")
    await post(model, title)
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{model.base_url}/v1/messages/count_tokens", json=request("hi")) as response,
    ):
        assert (await response.json())["input_tokens"] > 0
    assert [call.kind for call in model.calls] == ["title", "count_tokens"]
    assert model.turns_left == 1


def test_a_turn_has_at_most_one_trouble() -> None:
    with pytest.raises(ValueError, match="at most one trouble"):
        turn(resets(), hangs())


def test_reminders_are_not_what_the_user_said() -> None:
    body = request("real words<system-reminder>be good\nalways</system-reminder>")
    assert newest_text(body) == "real words"


def test_a_small_request_without_tools_is_claudes_own() -> None:
    assert kind_of(request("hi", tools=[], max_tokens=512)) == "background"
    assert kind_of(request("hi", tools=[])) == "main"


# --- with the real CLI ----------------------------------------------------------------------------------------


@pytest.mark.real
def test_the_real_claude_talks_to_the_scripted_model(tmp_path: Path) -> None:
    asyncio.run(real_conversation(tmp_path, real_claude()))


async def real_conversation(folder: Path, claude: Path) -> None:
    write = tool("Write", {"file_path": str(folder / "work/made.txt"), "content": "made\n"})
    answers = [turn(text("Writing."), write, match="please"), turn(fails(529, "overloaded_error")), turn(text("Done."))]
    async with asyncio.timeout(DEADLINE_S), ScriptedModel(*answers) as model:
        (folder / "work").mkdir()
        process = await asyncio.create_subprocess_exec(
            *(str(claude), "-p", "please write", "--output-format", "json", "--permission-mode", "acceptEdits"),
            cwd=folder / "work",
            env=claude_environment(folder / "home", model.base_url, folder / "tmp"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
        result = json.loads(output)
        assert result["result"] == "Done."
        assert (folder / "work/made.txt").read_text() == "made\n"
        assert model.turns_left == 0
        assert [call.kind for call in model.calls_of("main")] == ["main"] * 3
        assert await model.called(2) is model.calls_of("main")[1]
        assert "made.txt" in model.calls_of("main")[1].newest_text
