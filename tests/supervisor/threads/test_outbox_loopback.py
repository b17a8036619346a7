"""Outbox and REST together against the loopback Discord: what becomes of posts when people and faults interfere."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.render.posts import Post
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from stages.support import awaited, beside
from supervisor.assembly import session_manager
from supervisor.discord.pace import Pace
from supervisor.discord.rest import Rest
from supervisor.sessions.store import Store
from supervisor.threads import carrier, outbox, refusals, store_well
from supervisor.threads.outbox import Outbox
from twins.discord.faults import LOSE
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Message, Permission

pytestmark = pytest.mark.slow

STEP_DEADLINE_S = 15.0


class Scene:
    """A channel with Ada's message, a session in its thread, and the outbox that serves it."""

    def __init__(self, folder: Path, discord: LoopbackDiscord) -> None:
        self.discord = discord
        self.store = Store(folder / "db")
        self.manager = session_manager(self.store)
        self.channel = discord.add_channel("general")
        self.ada = discord.add_person("Ada")
        self.thread_id = 0
        self.session_id = ""

    async def begin(self) -> None:
        message = await self.ada.says(self.channel.id, "hello")
        self.thread_id = message.id
        channel = Channel(self.channel.id, "/srv")
        ada = Person(self.ada.id, "Ada", self.discord.guild_id)
        action = CreateSession(message.id, self.discord.guild_id, channel, ada, "", "hello")
        self.session_id = self.manager.create_session(action).session_id
        await self.settled()

    def show(self, key: str, text: str) -> None:
        self.manager.show(self.session_id, key, Post(text))

    async def settled(self) -> None:
        await self.discord.until(lambda: not self.store.unsettled_sessions(), STEP_DEADLINE_S, "all is shown")

    async def shown(self, key: str, text: str) -> Message:
        self.show(key, text)
        await self.settled()
        return self.posts()[-1]

    def posts(self) -> list[Message]:
        return [m for m in self.discord.messages(self.thread_id) if m.author is self.discord.bot and not m.deleted]

    def texts(self) -> list[str]:
        return [message.content for message in self.posts()]

    def said_in_channel(self) -> str:
        mine = [m for m in self.discord.messages(self.channel.id) if m.author is self.discord.bot]
        return "\n".join(message.content for message in mine)


@contextlib.asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    async with LoopbackDiscord(limits=False) as discord, Rest(discord.api_base, discord.token, Pace()) as rest:
        made = Scene(folder, discord)
        box = Outbox(made.manager, rest)
        try:
            async with beside(box.run()):
                await asyncio.sleep(0)
                await made.begin()
                yield made
        finally:
            made.store.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of minutes become moments."""
    monkeypatch.setattr(refusals, "PLACE_PAUSE_S", 0.2)


# --- people ------------------------------------------------------------------------------------------


@awaited
async def test_a_post_that_somebody_deleted_is_posted_again_when_it_changes(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        first = await s.shown("a", "one")
        s.discord.world.delete(first)
        again = await s.shown("a", "two")
        assert again.id != first.id
        assert s.texts() == ["two"]


@awaited
async def test_an_archived_thread_is_opened_for_an_edit_and_for_a_new_post(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.shown("a", "one")
        s.discord.archive(s.thread_id)
        await s.shown("a", "two")
        s.discord.archive(s.thread_id)
        await s.shown("b", "three")
        assert s.texts() == ["two", "three"]
        assert [thread.id for thread in s.discord.threads()] == [s.thread_id]


@awaited
async def test_a_deleted_thread_ends_its_session_with_one_request(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        await s.shown("a", "one")
        s.discord.delete_channel(s.thread_id)
        before = len(s.discord.requests)
        for text in ("two", "three", "four"):
            s.show(text, text)
        await s.settled()
        assert s.manager.row(s.session_id).end_reason == "its thread was deleted"
        assert len(s.discord.requests) - before == 1


@awaited
async def test_a_deleted_channel_ends_its_session(tmp_path: Path) -> None:
    async with scene(tmp_path) as s:
        for place in (s.thread_id, s.channel.id):  # its threads go with a channel
            s.discord.delete_channel(place)
        s.show("a", "one")
        await s.settled()
        assert s.manager.row(s.session_id).ended_at is not None


@awaited
async def test_a_permission_that_was_taken_away_is_said_in_the_channel_and_nothing_is_lost(
    tmp_path: Path, quick: None
) -> None:
    async with scene(tmp_path) as s:
        s.discord.deny(s.thread_id, Permission.SEND_MESSAGES_IN_THREADS)
        for text in ("one", "two", "three"):
            s.show(text, text)
        await s.discord.until(lambda: "I cannot write in" in s.said_in_channel(), STEP_DEADLINE_S, "words about it")
        assert f"/{s.thread_id}" in s.said_in_channel()
        s.discord.deny(s.thread_id, Permission.NONE)
        await s.settled()
        assert s.texts() == ["one", "two", "three"]
        await s.discord.until(lambda: "I can write in" in s.said_in_channel(), STEP_DEADLINE_S, "that it is over")
        assert len(s.discord.invalid_requests) < 6


@pytest.mark.parametrize("deleted", [False, True])
@awaited
async def test_the_words_in_the_channel_promise_nothing_more_of_a_session_that_is_over(
    tmp_path: Path, quick: None, *, deleted: bool
) -> None:
    async with scene(tmp_path) as s:
        s.discord.deny(s.thread_id, Permission.SEND_MESSAGES_IN_THREADS)
        s.show("one", "one")
        await s.discord.until(lambda: "I will try again" in s.said_in_channel(), STEP_DEADLINE_S, "words about it")
        if deleted:
            s.discord.delete_channel(s.thread_id)
            s.show("two", "two")
        else:
            s.manager.destroy_session(s.session_id, "ended by *Ada*")
        await s.discord.until(lambda: "I will try again" not in s.said_in_channel(), STEP_DEADLINE_S, "other words")
        assert (
            f"-# ⚠ I could not write in https://discord.com/channels/{s.discord.guild_id}/{s.thread_id}"
            in s.said_in_channel()
        )
        why = "its thread was deleted" if deleted else "ended by \\*Ada\\*"
        assert f"The session is over ({why})." in s.said_in_channel()
        assert ("What is missing there comes once I can" in s.said_in_channel()) is not deleted
        if deleted:
            await s.settled()
            assert "The session is over" in s.said_in_channel()
        else:
            s.discord.deny(s.thread_id, Permission.NONE)
            await s.settled()
            await s.discord.until(lambda: "I can write in" in s.said_in_channel(), STEP_DEADLINE_S, "that it is shown")


@awaited
async def test_where_nothing_may_be_said_at_all_the_requests_stay_few(tmp_path: Path, quick: None) -> None:
    async with scene(tmp_path) as s:
        s.discord.deny(s.channel.id, Permission.VIEW_CHANNEL)
        for n in range(4):
            s.show(f"key{n}", f"text {n}")
        await s.discord.until(lambda: len(s.discord.invalid_requests) >= 4, STEP_DEADLINE_S, "tries")
        s.discord.deny(s.channel.id, Permission.NONE)
        await s.settled()
        assert len(s.discord.invalid_requests) < 10
        assert s.texts() == [f"text {n}" for n in range(4)]


@awaited
async def test_a_thread_that_may_not_be_made_is_made_when_it_may(tmp_path: Path, quick: None) -> None:
    async with scene(tmp_path) as s:
        s.discord.deny(s.channel.id, Permission.CREATE_PUBLIC_THREADS)
        beginning = asyncio.create_task(s.begin())
        await s.discord.until(lambda: "I cannot make a thread in" in s.said_in_channel(), STEP_DEADLINE_S, "words")
        assert "*Create Public Threads*" in s.said_in_channel()
        s.discord.deny(s.channel.id, Permission.NONE)
        await beginning
        assert s.manager.row(s.session_id).ended_at is None
        assert s.thread_id in s.discord.world.channels


# --- faults ------------------------------------------------------------------------------------------

_MESSAGES = "/channels/{channel_id}/messages"


@awaited
@pytest.mark.parametrize("times", [1, 3])
async def test_posts_whose_answers_were_lost_stand_there_once_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr(outbox, "backoff_s", lambda *_: 0.02)
    async with scene(tmp_path) as s:
        s.discord.faults.add(LOSE, method="POST", channel_id=s.thread_id, times=times)
        s.show("a", "one")
        s.show("b", "two")
        await s.settled()
        assert s.texts() == ["one", "two"]
        assert sum(s.discord.faults.struck.values()) == times


@awaited
async def test_an_answer_that_was_lost_long_ago_is_found_by_reading_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "backoff_s", lambda *_: 0.02)
    monkeypatch.setattr(carrier, "NONCE_S", 0.0)
    async with scene(tmp_path) as s:
        s.discord.faults.add(LOSE, method="POST", channel_id=s.thread_id)
        s.show("a", "one")
        await s.settled()
        assert s.texts() == ["one"]
        await s.shown("a", "two")
        assert s.texts() == ["two"]


@awaited
async def test_a_thread_whose_creation_was_lost_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "backoff_s", lambda *_: 0.02)
    async with scene(tmp_path) as s:
        s.discord.faults.add(LOSE, method="POST", route=f"{_MESSAGES}/{{message_id}}/threads")
        await s.begin()
        await s.shown("a", "one")
        assert len(s.discord.threads()) == 2, "the scene's, and this one"


@awaited
async def test_nothing_is_sent_while_the_store_takes_no_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_well, "STORE_LOOK_S", 0.05)
    async with scene(tmp_path) as s:
        s.show("a", "x" * 1500)
        ((pages,),) = s.store._execute("PRAGMA page_count")
        s.store._execute(f"PRAGMA max_page_count = {pages}")
        await s.discord.until(lambda: s.store.health.problem or s.posts(), STEP_DEADLINE_S, "a full disk")
        s.store._execute("PRAGMA max_page_count = 1000000")
        await s.settled()
        assert s.texts() == ["x" * 1500]
