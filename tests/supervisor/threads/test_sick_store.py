"""While the store takes no writes and Claude works, the channel hears that its threads stand still."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.render.posts import Post
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from stages.jumping_clock import jumping
from stages.support import beside
from supervisor.assembly import session_manager
from supervisor.sessions.store import Store
from supervisor.threads.channel_words import ChannelWords
from supervisor.threads.sick_store import PERIOD_S, SAID_AFTER_S, STANDS_STILL, SickStore

BUSY, IDLE = 600, 700


@asynccontextmanager
async def looked_at(folder: Path) -> AsyncIterator[tuple[Store, list[tuple[int, Post]]]]:
    """Claude works in two threads of one channel, and in none of another's. What is told in channels."""
    told = list[tuple[int, Post]]()
    with closing(Store(folder / "db")) as store:
        manager = session_manager(store)
        for number, channel_id in enumerate((BUSY, BUSY, IDLE)):
            action = CreateSession(10**18 + number, 9, Channel(channel_id, "/srv"), Person(1, "Ada", 9), "", "a name")
            session = manager.create_session(action)
            if channel_id == BUSY:
                manager.reports.record(session.session_id, [e.Record("g", 1, 1.0, e.TurnStarted())])

        def tell(channel_id: int, post: Post, _nonce: str, ended: Callable[[bool], None] = lambda _: None) -> None:
            told.append((channel_id, post))
            ended(True)

        words = ChannelWords(manager, tell)
        async with beside(SickStore(manager, words).run()):
            yield store, told


@pytest.mark.parametrize("failures", [1, 2])
@jumping
async def test_a_channel_in_which_claude_works_hears_it_once_a_failure(tmp_path: Path, failures: int) -> None:
    async with looked_at(tmp_path) as (store, told):
        for number in range(1, failures + 1):
            store.health.failed("the disk is full", 0.0)
            await asyncio.sleep(SAID_AFTER_S - 2)
            assert len(told) == number - 1, "nobody notices yet"
            await asyncio.sleep(600.0)
            assert told == [(BUSY, STANDS_STILL)] * number
            store.health.well()
            await asyncio.sleep(600.0)


@pytest.mark.parametrize(("sick_s", "well_s"), [(2.0, 2.0), (10.0, 1.0), (20.0, 20.0), (1.0, 10.0)])
@jumping
async def test_a_disk_that_takes_some_writes_and_others_not_is_one_failure(
    tmp_path: Path, sick_s: float, well_s: float
) -> None:
    async with looked_at(tmp_path) as (store, told):
        for _ in range(int(PERIOD_S / 2 / (sick_s + well_s))):
            store.health.failed("the disk is full", 0.0)
            await asyncio.sleep(sick_s)
            store.health.well()
            await asyncio.sleep(well_s)
        assert told == [(BUSY, STANDS_STILL)]


@jumping
async def test_a_disk_that_fails_for_a_moment_now_and_then_is_said_nowhere(tmp_path: Path) -> None:
    async with looked_at(tmp_path) as (store, told):
        for _ in range(10):
            store.health.failed("the disk is full", 0.0)
            await asyncio.sleep(3.0)
            store.health.well()
            await asyncio.sleep(SAID_AFTER_S + 2.0)
        assert told == []
