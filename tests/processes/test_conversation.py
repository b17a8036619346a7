"""A prompt becomes a turn in a worker of its own, and a request is answered where it was asked."""

import asyncio
import os
import signal
import time

import msgspec

from stages.backstage import ADA, backstage, folder_of_a_stage
from stages.support import awaited, until
from supervisor.sessions.starts_table import StartRow
from supervisor.workers import trees
from supervisor.workers.curve import new_keys


@awaited
async def test_a_prompt_is_answered_by_a_claude_in_its_own_worker() -> None:
    async with backstage() as stage:
        session = stage.session("say Hello there")
        settled = await stage.settles(session)
        assert settled.worker_pid == stage.worker_pid(session)
        assert settled.total_cost_usd > 0
        assert any("Hello there" in post for post in stage.posts(session))


@awaited
async def test_two_sessions_ask_at_once_and_each_answer_lands_where_it_was_asked() -> None:
    async with backstage() as stage:
        one, two = stage.session("run touch one.txt"), stage.session("run touch two.txt")
        first, second = await asyncio.gather(stage.asks(one), stage.asks(two))
        assert "one.txt" in first.event.tool_input
        assert "two.txt" in second.event.tool_input
        assert stage.manager.decide(second, "denied", ADA, reason="not today")
        assert stage.manager.decide(first, "allowed", ADA)
        await stage.settles(one)
        await stage.settles(two)
        assert (stage.project / "one.txt").exists()
        assert not (stage.project / "two.txt").exists()


@awaited
async def test_a_prompt_sent_during_a_turn_reaches_claude_at_once() -> None:
    async with backstage() as stage:
        session = stage.session("sleep 1\nsay first")
        await until(lambda: stage.live(session).is_processing, "a running turn")
        stage.prompt(session, "say second")
        await until(lambda: stage.live(session).message_count == 2, "the second prompt in the log")
        assert stage.live(session).is_processing
        await until(lambda: not stage.live(session).prompts and not stage.live(session).is_processing, "the end")


@awaited
async def test_after_its_worker_was_killed_a_session_goes_on_where_the_conversation_stands() -> None:
    async with backstage() as stage:
        session = stage.session("say first")
        before = await stage.settles(session)
        claude_id = before.claude_id
        os.kill(stage.worker_pid(session), signal.SIGKILL)
        await until(lambda: not stage.worker_pid(session), "the worker's end")
        stage.prompt(session, "say second")
        after = await stage.settles(session, 2)
        assert after.claude_id == claude_id
        assert any("second" in post for post in stage.posts(session))


@awaited
async def test_workers_outlive_the_supervisor_and_are_attached_again() -> None:
    async with folder_of_a_stage() as stage:
        async with stage.running():
            session = stage.session("run touch later.txt")
            await stage.asks(session)
            pid = stage.worker_pid(session)
        assert stage.worker_pid(session) == pid, "the worker must run on without a supervisor"
        async with stage.running():
            await until(lambda: stage.manager.row(session.session_id).attached == pid, "the same worker, attached")
            request = await stage.asks(session)
            stage.manager.decide(request, "allowed", ADA)
            await stage.settles(session)
            assert (stage.project / "later.txt").exists()
            await stage.end_all()


@awaited
async def test_of_two_workers_that_were_spawned_the_one_that_has_the_lock_is_attached() -> None:
    """A supervisor dies between a spawn and the worker's lock; the next one spawns another, which comes second."""
    async with folder_of_a_stage() as stage:
        async with stage.running():
            session = stage.session("run touch later.txt")
            await stage.asks(session)
            pid = stage.worker_pid(session)
        async with stage.running():
            second = StartRow(session.session_id, "0badbeef", new_keys().public, time.time())
            stage.manager.starting(second)
            note = stage.layout.session(session.session_id).start(second.start)
            note.write_bytes(msgspec.json.encode(second))
        async with stage.running():
            assert not stage.manager.row(session.session_id).attached, "nobody has said hello to this supervisor yet"
            await until(lambda: stage.manager.row(session.session_id).attached == pid, "the first worker, attached")
            stage.manager.decide(await stage.asks(session), "allowed", ADA)
            await stage.settles(session)
            await stage.end_all()


@awaited
async def test_what_claude_did_while_no_supervisor_ran_is_told_afterwards() -> None:
    async with folder_of_a_stage() as stage:
        async with stage.running():
            session = stage.session("sleep 1\nsay done meanwhile")
            await until(lambda: stage.live(session).is_processing, "a running turn")
        log = stage.layout.session(session.session_id).log
        await until(lambda: b"TurnEnded" in log.read_bytes(), "the turn's end in the log")
        async with stage.running():
            await stage.settles(session)
            assert any("done meanwhile" in post for post in stage.posts(session))
            await stage.end_all()


@awaited
async def test_ending_a_session_leaves_nothing_of_it() -> None:
    async with backstage() as stage:
        session = stage.session("run setsid sh -c 'sleep 300 & sleep 300' & disown; touch ran.txt")
        request = await stage.asks(session)
        stage.manager.decide(request, "allowed", ADA)
        await until((stage.project / "ran.txt").exists, "the command's file")
        assert await asyncio.to_thread(trees.end, session.session_id, stage.worker_pid(session)) == []
        assert trees.marked([session.session_id])[session.session_id] == []
        await until(lambda: stage.live(session).state == "dormant", "the log is closed")


@awaited
async def test_a_child_that_cannot_start_is_told_once_and_not_started_again_by_itself() -> None:
    async with backstage(command=("/bin/false",)) as stage:
        session = stage.session("say hello")
        await until(lambda: stage.live(session).is_broken, "the session is broken")
        (post,) = stage.posts(session)
        assert "exit code 1" in post and "It is not started again by itself" in post
