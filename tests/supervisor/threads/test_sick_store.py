"""While the store takes no writes and Claude works, the channel hears that its threads stand still."""

import asyncio
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.render.posts import Post
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from stages.jumping_clock import jumping
from supervisor.assembly import session_manager
from supervisor.sessions.store import Store
from supervisor.threads.channel_words import ChannelWords
from supervisor.threads.sick_store import SAID_AFTER_S, STANDS_STILL, SickStore

BUSY, IDLE = 600, 700


@pytest.mark.parametrize("failures", [1, 2])
@jumping
async def test_a_channel_in_which_claude_works_hears_it_once_a_failure(tmp_path: Path, failures: int) -> None:
    store, told = Store(tmp_path / "db"), list[tuple[int, Post]]()
    manager = session_manager(store)
    for number, channel_id in enumerate((BUSY, BUSY, IDLE)):
        action = CreateSession(10**18 + number, 9, Channel(channel_id, "/srv"), Person(1, "Ada", 9), "", "a name")
        session = manager.create_session(action)
        if channel_id == BUSY:
            manager.reports.record(session.session_id, [e.Record("g", 1, 1.0, e.TurnStarted())])
    words = ChannelWords(manager, lambda channel_id, post, *_: told.append((channel_id, post)))
    running = asyncio.create_task(SickStore(manager, words).run())
    for number in range(1, failures + 1):
        store.health.failed("the disk is full", 0.0)
        await asyncio.sleep(SAID_AFTER_S - 2)
        assert len(told) == number - 1, "nobody notices yet"
        await asyncio.sleep(600.0)
        assert told == [(BUSY, STANDS_STILL)] * number
        store.health.well()
        await asyncio.sleep(600.0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    store.close()
