"""The commands a person types, against real workers, with and without a supervisor."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.session import ManagedSession
from processes.backstage import ADA, Backstage, backstage, folder_of_a_stage
from supervisor import trees
from support import ROOT, awaited, until

KEYS = [
    *("session", "thread", "directory", "state", "worker_pid", "child_pid", "started", "last_activity", "messages"),
    *("cost_usd", "input_tokens", "output_tokens", "rss_bytes", "cpu_percent", "attached", "contained"),
]


def write_config(stage: Backstage) -> Path:
    path = stage.folder / "config.toml"
    path.write_text(f'[state]\ndirectory = "{stage.layout.state}"\n')
    return path


async def threadbridge(stage: Backstage, *args: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "supervisor.cli", "--config", str(write_config(stage)), *args]
    return await asyncio.to_thread(
        subprocess.run, argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


async def listed(stage: Backstage) -> list[dict[str, object]]:
    done = await threadbridge(stage, "list", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return found


@awaited
async def test_list_tells_of_a_session_that_waits_for_a_decision() -> None:
    async with backstage() as stage:
        session = stage.session("run touch x.txt")
        await stage.asks(session)
        (line,) = await listed(stage)
        assert list(line) == KEYS
        assert line["state"] == "awaiting"
        assert line["thread"] == session.thread_id
        assert line["worker_pid"] == stage.worker_pid(session)
        assert Path(f"/proc/{line['child_pid']}").exists()
        assert int(str(line["rss_bytes"])) > 10_000_000
        table = (await threadbridge(stage, "list")).stdout
        assert "awaiting" in table
        assert str(session.thread_id) in table


@awaited
async def test_list_tells_the_truth_without_a_supervisor() -> None:
    async with folder_of_a_stage() as stage:
        async with stage.running():
            session = stage.session("sleep 1\nsay done")
            await until(lambda: stage.live(session).is_processing, "a running turn")
        log = stage.layout.session(session.session_id).log
        await until(lambda: b"TurnEnded" in log.read_bytes(), "the end of the turn")
        (line,) = await listed(stage)
        assert (line["state"], line["attached"]) == ("idle", False)
        assert float(str(line["cost_usd"])) > 0
        done = await threadbridge(stage, "kill", "--all")
        assert done.returncode == 0, done.stderr
        (line,) = await listed(stage)
        assert (line["state"], line["worker_pid"], line["rss_bytes"]) == ("ended", None, 0)
        async with stage.running():
            await until(lambda: stage.manager.row(session.session_id).ended_at, "the mark is obeyed")
            assert stage.worker_pid(session) == 0, "nothing that was stopped is resurrected"


async def busy_with_orphans(stage: Backstage) -> ManagedSession:
    """A session whose child left processes that fled their parents by setsid and double forks."""
    flight = "(setsid sh -c '(setsid sleep 321 &) ; sleep 321' &) ; touch fled.txt"
    session = stage.session(f"run {flight}\nrun touch never.txt")
    stage.manager.decide(await stage.asks(session), "allowed", ADA)
    await until((stage.project / "fled.txt").exists, "the flight")
    await until(lambda: stage.live(session).requests, "the second request")
    return session


@pytest.mark.parametrize("containment", ["auto", "none"])
def test_kill_leaves_nothing_of_a_session_not_even_what_fled(containment: str) -> None:
    @awaited
    async def play() -> None:
        async with backstage(containment=containment) as stage:
            session = await busy_with_orphans(stage)
            tree = trees.tree_of(stage.worker_pid(session), trees.marked([session.session_id])[session.session_id])
            assert len(tree) >= 4, "worker, child and the two that fled"
            done = await threadbridge(stage, "kill", session.session_id[:8])
            assert done.returncode == 0, done.stderr
            assert "nothing of it is left" in done.stdout
            assert not [process for process in tree if process.is_running()]
            await until(lambda: stage.manager.row(session.session_id).ended_at, "the supervisor heard of it")

    play()


@awaited
async def test_kill_ends_even_a_worker_that_hangs() -> None:
    async with backstage(containment="none") as stage:
        session = stage.session("hang hard")
        await until(lambda: stage.live(session).child_pid, "a child")
        pid = stage.worker_pid(session)
        os.kill(pid, 19)
        trees.LADDER_DEADLINE_S, usual = 0.3, trees.LADDER_DEADLINE_S
        try:
            assert await asyncio.to_thread(trees.end, session.session_id, pid) == []
        finally:
            trees.LADDER_DEADLINE_S = usual
        assert trees.marked([session.session_id])[session.session_id] == []


@awaited
async def test_a_target_that_is_no_session_is_said_and_fails() -> None:
    async with backstage() as stage:
        one, two = stage.session("say one"), stage.session("say two")
        await stage.settles(one)
        await stage.settles(two)
        for target in ("123456789012345678", "zzz", "fffffffffff"):
            done = await threadbridge(stage, "kill", target)
            assert done.returncode != 0
            assert f"there is no session '{target}'" in done.stderr
        by_thread = await threadbridge(stage, "kill", str(one.thread_id))
        assert by_thread.returncode == 0, by_thread.stderr
        assert (await threadbridge(stage, "kill")).returncode != 0


@awaited
async def test_log_shows_the_records_and_follows_them() -> None:
    async with backstage() as stage:
        session = stage.session("say Hello there")
        await stage.settles(session)
        shown = await threadbridge(stage, "log", session.session_id)
        assert "TextWritten" in shown.stdout
        assert "Hello there" in shown.stdout
        lines = (await threadbridge(stage, "log", str(session.thread_id), "--json")).stdout.splitlines()
        assert json.loads(lines[0])["event"]["kind"] == "SessionCreated"
        argv = [sys.executable, "-m", "supervisor.cli", "--config", str(write_config(stage))]
        following = await asyncio.create_subprocess_exec(
            *argv, "log", "--follow", session.session_id, stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        assert following.stdout
        stage.prompt(session, "say once more")
        seen = ""
        while "once more" not in seen:
            seen = (await asyncio.wait_for(following.stdout.readline(), 15)).decode()
        following.terminate()
        await following.wait()


@awaited
async def test_list_of_an_empty_place_is_empty() -> None:
    async with folder_of_a_stage() as stage:
        assert await listed(stage) == []
        assert "There are no sessions" in (await threadbridge(stage, "list")).stdout


def test_list_loads_neither_discord_nor_sockets() -> None:
    heavy = ("nextcord", "zmq", "aiohttp")
    code = f"import sys; from supervisor import cli, listing; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
