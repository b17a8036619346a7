"""Each kind of place of a server: as a configured channel, and where people use commands; and channels that change."""

from pathlib import Path

import pytest

from bridge.routing.channel import Channel
from stages.gateway_stage import DEADLINE_S, Stage, stage
from stages.support import awaited
from twins.discord.model import Channel as Place
from twins.discord.model import ChannelType, Message

pytestmark = pytest.mark.slow

WITHOUT_SESSIONS = {
    ChannelType.VOICE: "a voice channel",
    ChannelType.STAGE: "a stage channel",
    ChannelType.FORUM: "a forum",
    ChannelType.MEDIA: "a media channel",
}


async def answers(s: Stage, command: str, where: Place, **options: object) -> str:
    made = await s.ada.runs(command, options, where.id)
    assert made.answer
    return made.answer.content


async def written_in(s: Stage, place: Place) -> Place:
    """Where somebody wrote and mentioned the bot: in a forum that is a post."""
    text = f"{s.discord.bot.mention} fix it"
    if place.type in (ChannelType.FORUM, ChannelType.MEDIA):
        return await s.ada.starts_post(place, "Broken", text)
    await s.ada.says(place.id, text)
    return place


async def told(s: Stage, place: Place) -> str:
    def ours() -> list[Message]:
        return [m for m in s.discord.messages(place.id) if m.author is s.discord.bot]

    (line,) = await s.discord.until(ours, DEADLINE_S, "words")
    return line.text


@pytest.mark.parametrize("kind", WITHOUT_SESSIONS)
@awaited
async def test_nobody_is_told_to_configure_a_place_that_cannot_have_sessions(tmp_path: Path, kind: ChannelType) -> None:
    async with stage(tmp_path) as s:
        place = s.discord.add_channel("place", kind)
        async with s.back():
            where = await written_in(s, place)
            why = f"<#{place.id}> is {WITHOUT_SESSIONS[kind]}, in which Claude cannot begin threads."
            said = await told(s, where)
            assert why in said
            assert "the id of a text channel" in said
            assert await answers(s, "new", where, prompt="fix it") == f"No session can begin here: {why}"


@awaited
async def test_in_a_text_channel_of_no_project_and_its_threads_the_id_is_that_of_the_channel(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        thread = await s.eve.starts_thread(await s.eve.says(s.unrelated.id, "look"), "by hand")
        for where in (thread, s.unrelated):
            await written_in(s, where)
            assert f"with the id {s.unrelated.id}" in await told(s, where)
            assert "can add it under [[channels]]" in await answers(s, "new", where, prompt="fix it")


@pytest.mark.parametrize("kind", [ChannelType.VOICE, ChannelType.STAGE])
@awaited
async def test_where_no_session_can_begin_nothing_is_chosen_for_those_that_begin(
    tmp_path: Path, kind: ChannelType
) -> None:
    async with stage(tmp_path) as s:
        place = s.discord.add_channel("talk", kind)
        s.config.channels[place.id] = Channel(place.id, str(s.project))
        async with s.back():
            for name, value in (("model", "opus"), ("mode", "plan"), ("effort", "high")):
                words = await answers(s, name, place, **{name: value})
                assert f"the configured id {place.id} is {WITHOUT_SESSIONS[kind]}" in words
            assert not s.manager.default(place.id, "model")
            assert "nothing to continue" in await answers(s, "continue", place)


@pytest.mark.parametrize("kind", ["unrelated channel", "channel in a configured category", "post"])
@awaited
async def test_what_is_no_thread_is_not_called_one(tmp_path: Path, kind: str) -> None:
    async with stage(tmp_path) as s:
        category = s.discord.add_channel("w", ChannelType.CATEGORY)
        inside = s.discord.add_channel("inside", category=category)
        s.config.channels[category.id] = Channel(category.id, str(s.project))
        async with s.back():
            post = await s.ada.starts_post(s.discord.add_channel("help", ChannelType.FORUM), "Broken", "fix it")
            where = {"unrelated channel": s.unrelated, "post": post}.get(kind, inside)
            assert (
                await answers(s, "continue", where)
                == "There is no session of Claude's here, so there is nothing to continue."
            )


@awaited
async def test_an_announcement_channels_sessions_stand_in_threads_of_its_kind(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        news = s.discord.add_channel("news", ChannelType.ANNOUNCEMENT)
        s.config.channels[news.id] = Channel(news.id, str(s.project))
        async with s.back():
            session = await s.session("fix it", news.id)
            (thread,) = s.discord.threads(news.id)
            assert thread.type is ChannelType.ANNOUNCEMENT_THREAD
            await s.ada.says(thread.id, "and this")
            await s.discord.until(lambda: s.prompts(session) == ["fix it", "and this"], DEADLINE_S, "a second prompt")
            assert "counts from the next prompt" in await answers(s, "model", thread, model="opus")


@awaited
async def test_a_channel_that_is_moved_renamed_and_made_one_of_announcements_stays_ours(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back() as standing:
        old = await s.session("before")
        category = s.discord.add_channel("archive", ChannelType.CATEGORY)
        s.discord.change_channel(s.channel, name="renamed", parent_id=category.id, type=ChannelType.ANNOUNCEMENT)
        await s.ada.says(old.thread_id, "go on")
        await s.discord.until(lambda: "go on" in s.prompts(old), DEADLINE_S, "a prompt in a thread from before")
        new = await s.session("after")
        assert (new.channel_id, standing.status) == (s.channel.id, "connected to Discord")
        s.discord.change_channel(s.channel, parent_id=None, type=ChannelType.TEXT)
        await s.session("and back")
        assert standing.status == "connected to Discord"
