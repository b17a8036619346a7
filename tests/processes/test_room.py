"""How many sessions run at once, and what the processes cost that do nothing."""

import asyncio
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from stages.backstage import backstage, folder_of_a_stage
from stages.support import awaited, until
from supervisor import descriptors, locks
from supervisor.operator import ending, session_list
from supervisor.sessions.starts_table import StartRow
from supervisor.sessions.store_health import StoreError
from supervisor.workers import processes
from supervisor.workers.curve import new_keys
from supervisor.workers.downlink import NoRoomError


@pytest.fixture
def few_descriptors() -> Iterator[int]:
    """Room for so many sessions, by the kernel's own limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    few = sum(1 for _ in Path("/proc/self/fd").iterdir()) + descriptors.RESERVED + 10 * descriptors.A_SESSION
    resource.setrlimit(resource.RLIMIT_NOFILE, (few, hard))
    try:
        yield 10
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@awaited
async def test_the_session_that_would_be_one_too_many_is_refused_before_libzmq_could_abort(
    few_descriptors: int,
) -> None:
    async with backstage() as stage:
        opened = 0
        with pytest.raises(NoRoomError, match="may not open more files"):
            for number in range(10 * few_descriptors):
                stage.downlink.open(
                    StartRow(f"{number:08d}-0000-4000-8000-000000000000", "0badbeef", new_keys().public, 1.0)
                )
                opened += 1
        assert opened >= few_descriptors // 2


@awaited
async def test_a_session_without_room_says_so_in_its_thread_and_starts_once_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with backstage() as stage:
        monkeypatch.setattr(descriptors, "has_room", lambda running: False)
        session = stage.session("say hello")
        await until(lambda: stage.posts(session), "the words")
        assert "LimitNOFILE" in stage.posts(session)[0]
        monkeypatch.setattr(descriptors, "has_room", lambda running: True)
        await stage.settles(session)


@awaited
async def test_a_sockets_directory_that_was_removed_is_made_again() -> None:
    async with backstage() as stage:
        stage.layout.sockets.rmdir()
        session = stage.session("say hello")
        await stage.settles(session)


@awaited
async def test_when_the_state_directory_is_renamed_a_worker_that_is_well_stays_and_new_sessions_say_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with backstage() as stage:
        session = stage.session("run touch made.txt")
        request = await stage.asks(session)
        worker = stage.worker_pid(session)
        aside = stage.layout.state.with_name("aside")
        stage.layout.state.rename(aside)
        try:
            other = stage.session("say hello")
            stage.processes.wish(session.session_id)
            await until(lambda: stage.posts(other), "the words")
            assert "moved" in stage.posts(other)[0]
            assert stage.manager.decide(request, "allowed")
            await stage.settles(session)
            assert (
                locks.holder(aside / stage.layout.session(session.session_id).lock.relative_to(stage.layout.state))
                == worker
            )
        finally:
            aside.rename(stage.layout.state)
        await stage.settles(other)


@awaited
async def test_a_session_that_sleeps_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    async with folder_of_a_stage() as stage, stage.running():
        asleep = [stage.session("") for _ in range(50)]
        looked: list[Path] = []
        holder = locks.holder

        def seen(path: Path) -> int:
            looked.append(path)
            return holder(path)

        await asyncio.sleep(0)
        await until(lambda: not stage.processes._wished, "a look at the new ones")
        monkeypatch.setattr(locks, "holder", seen)
        stage.processes.wish(asleep[7].session_id)
        await until(lambda: looked, "a look at the one")
        await asyncio.sleep(3 * processes.LOOK_INTERVAL_S)
        assert looked == [stage.layout.session(asleep[7].session_id).lock]


@awaited
async def test_a_sleeping_session_that_the_operator_ends_is_ended_at_once() -> None:
    async with backstage() as stage:
        session = stage.session("")
        row = next(row for row in session_list.rows(stage.layout) if row.session.session_id == session.session_id)
        assert ending.end(stage.layout, row) == ending.Ended()
        await until(lambda: stage.manager.row(session.session_id).ended_at, "its end")


@awaited
async def test_a_death_that_the_sick_store_could_not_note_is_seen_to_once_it_is_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with backstage() as stage:
        session = stage.session("run touch made.txt")
        await stage.asks(session)
        worker, gone, sick = stage.worker_pid(session), stage.manager.worker_gone, [True]

        def cannot(session_id: str, start: str) -> None:
            if sick:
                sick.clear()
                raise StoreError("the disk is full")
            gone(session_id, start)

        monkeypatch.setattr(stage.manager, "worker_gone", cannot)
        os.kill(worker, signal.SIGKILL)
        await until(lambda: not sick, "the failed note")
        await until(lambda: stage.worker_pid(session) not in (0, worker), "the next worker")
