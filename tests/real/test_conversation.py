"""The same with the real CLI: claude 2.1.330 against a scripted Messages API on loopback."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from stages.backstage import ADA
from stages.real_stage import stage
from stages.support import awaited, until
from twins.messages_api.turns import fails, text, tool, turn

pytestmark = pytest.mark.real


def touch(name: str) -> dict[str, object]:
    return {"command": f"touch {name} && echo done", "description": "Make a file"}


@awaited
async def test_a_text_turn_is_answered_with_its_cost() -> None:
    async with stage(turn(text("Hello from the model.", chunks=5, gap_s=0.01))) as it:
        session = it.back.session("hi")
        settled = await it.back.settles(session)
        assert any("Hello from the model." in post for post in it.back.posts(session))
        assert any("✓ done" in post for post in it.back.posts(session))
        assert settled.total_cost_usd > 0
        assert settled.output_tokens > 0
        assert settled.contained, settled.containment


@awaited
async def test_an_allowed_tool_runs_and_its_line_says_so() -> None:
    async with stage(turn(text("Using a tool."), tool("Bash", touch("made.txt"))), turn(text("All done."))) as it:
        session = it.back.session("make a file")
        request = await it.back.asks(session)
        assert "touch made.txt" in request.event.tool_input
        assert not (it.back.project / "made.txt").exists()
        it.back.manager.decide(request, "allowed", ADA)
        await it.back.settles(session)
        assert (it.back.project / "made.txt").exists()
        assert any("✓" in post and "touch made.txt" in post for post in it.back.posts(session))


@awaited
async def test_a_denial_reaches_claude_with_its_reason() -> None:
    async with stage(turn(tool("Bash", touch("made.txt"))), turn(text("Understood."))) as it:
        session = it.back.session("make a file")
        request = await it.back.asks(session)
        it.back.manager.decide(request, "denied", ADA, reason="use another name, please")
        await it.back.settles(session)
        assert not (it.back.project / "made.txt").exists()
        assert "use another name, please" in json.dumps(it.model.calls_of("main")[-1].body)


@awaited
async def test_always_allow_asks_no_second_time_for_the_same_rule() -> None:
    command = {"command": "touch made.txt", "description": "Make a file"}
    again = (turn(tool("Bash", command)), turn(text("First.")), turn(tool("Bash", command)))
    async with stage(*again, turn(text("Second."))) as it:
        session = it.back.session("make a file")
        request = await it.back.asks(session)
        assert request.event.rules
        it.back.manager.decide(request, "allowed", ADA, always=True)
        await it.back.settles(session)
        it.back.prompt(session, "once more")
        settled = await it.back.settles(session, 2)
        assert not settled.requests
        assert it.log_of(session).count('"PermissionRequested"') == 1
        assert not (it.back.project / ".claude/settings.local.json").exists(), "a rule for this session only"


@awaited
async def test_a_rule_of_ours_answers_what_claude_asks_the_second_time() -> None:
    command = {"command": "touch made.txt", "description": "Make a file"}
    again = (turn(tool("Bash", command)), turn(text("First.")), turn(tool("Bash", command)))
    async with stage(*again, turn(text("Second."))) as it:
        session = it.back.session("make a file")
        request = await it.back.asks(session)
        assert it.back.manager.allow_for(request, ADA, "always")
        await it.back.settles(session)
        it.back.prompt(session, "once more")
        settled = await it.back.settles(session, 2)
        assert not settled.requests
        log = it.log_of(session)
        assert log.count('"PermissionRequested"') == 2, "Claude keeps no rule"
        assert log.count('"verdict":"allowed"') == 2 and "a rule of" in log
        assert len(it.back.store.posts_like(session.session_id, "card:")) == 1, "nobody is asked"


@awaited
async def test_two_sessions_ask_at_once_and_each_answer_lands_in_the_right_one() -> None:
    turns = (
        turn(tool("Bash", touch("one.txt")), match="the first one"),
        turn(tool("Bash", touch("two.txt")), match="the second one"),
        turn(text("Ended."), repeat=2),
    )
    async with stage(*turns) as it:
        one, two = it.back.session("the first one"), it.back.session("the second one")
        first, second = await asyncio.gather(it.back.asks(one), it.back.asks(two))
        assert it.back.worker_pid(one) != it.back.worker_pid(two)
        it.back.manager.decide(second, "denied", ADA, reason="no")
        it.back.manager.decide(first, "allowed", ADA)
        await it.back.settles(one)
        await it.back.settles(two)
        assert (it.back.project / "one.txt").exists()
        assert not (it.back.project / "two.txt").exists()


@awaited
async def test_a_message_during_a_tool_is_folded_into_the_turn() -> None:
    slow = {"command": "sleep 1; sleep 1; echo slept", "description": "sleep"}
    async with stage(turn(tool("Bash", slow)), turn(text("Tool finished, and I saw your note."))) as it:
        session = it.back.session("first")
        await until(lambda: '"ToolStarted"' in it.log_of(session), "the running tool")
        it.back.prompt(session, "second, sent while the tool ran")
        settled = await it.back.settles(session)
        assert settled.message_count == 2
        assert settled.turn_count == 1
        await until(lambda: not it.back.live(session).prompts, "both prompts are done")
        assert any("Claude took this up" in post for post in it.back.posts(session))


@awaited
async def test_an_interrupt_ends_the_turn_and_the_session_goes_on() -> None:
    async with stage(turn(text("word " * 400, chunks=400, gap_s=0.05)), turn(text("After."))) as it:
        session = it.back.session("talk")
        await until(lambda: it.back.live(session).is_processing, "a running turn")
        await it.model.called(1, "main", 10)
        it.back.manager.interrupt(session.session_id, "stop-1", ADA.user_id)
        await it.back.settles(session)
        assert any("interrupted" in post for post in it.back.posts(session))
        it.back.prompt(session, "go on")
        await it.back.settles(session, 2)
        assert any("After." in post for post in it.back.posts(session))


@awaited
async def test_after_its_worker_was_killed_the_same_conversation_is_resumed() -> None:
    async with stage(turn(text("Your word is heron.")), turn(text("It was heron."))) as it:
        session = it.back.session("remember heron")
        before = await it.back.settles(session)
        os.kill(it.back.worker_pid(session), signal.SIGKILL)
        await until(lambda: not it.back.worker_pid(session), "the worker's end")
        it.back.prompt(session, "which word?")
        after = await it.back.settles(session, 2)
        assert after.claude_id == before.claude_id
        assert "remember heron" in json.dumps(it.model.calls_of("main")[-1].body)


@awaited
async def test_not_logged_in_is_said_with_what_to_do() -> None:
    async with stage(logged_in=False) as it:
        session = it.back.session("hi")
        await it.back.settles(session)
        said = "\n".join(it.back.posts(session))
        assert "Not logged in: run `claude` on the host and log in" in said.replace("\\", "")
        assert "✓ done" not in said


@awaited
async def test_an_overloaded_api_is_told_while_claude_tries_again() -> None:
    overloaded = turn(fails(529, "overloaded_error", "Overloaded"))
    async with stage(overloaded, turn(text("Here after all."))) as it:
        session = it.back.session("hi")
        await it.back.settles(session)
        said = "\n".join(it.back.posts(session))
        assert "Claude is overloaded, trying again" in said
        assert "Here after all." in said


@awaited
async def test_a_stopped_claude_leaves_no_process_behind() -> None:
    async with stage(turn(text("Hello."))) as it:
        session = it.back.session("hi")
        settled = await it.back.settles(session)
        it.back.manager.destroy_session(session.session_id, "the test ends it")
        await until(lambda: not it.back.worker_pid(session), "the worker's end")
        assert not Path(f"/proc/{settled.child_pid}").exists()
        assert '"ChildExited"' in it.log_of(session)
        assert not any("⚠" in post for post in it.back.posts(session))
