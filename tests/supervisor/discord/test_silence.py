"""Against the loopback Discord: each kind of silence is one quiet line where the person is, and one in the log."""

import logging
from pathlib import Path

import pytest

from bridge.routing.channel import Channel
from stages.gateway_stage import DEADLINE_S, Stage, stage
from stages.support import awaited
from twins.discord.model import ChannelType, Message, MessageFlag

pytestmark = pytest.mark.slow


def ours(s: Stage, channel_id: int) -> list[Message]:
    return [m for m in s.discord.messages(channel_id) if m.author is s.discord.bot]


async def told(s: Stage, channel_id: int) -> Message:
    """The one line there: silent, and pinging nobody."""
    found = await s.discord.until(lambda: ours(s, channel_id), DEADLINE_S, "a quiet line")
    assert len(found) == 1
    assert found[0].flags & MessageFlag.SUPPRESS_NOTIFICATIONS
    assert not found[0].pinged.users
    return found[0]


async def is_past(s: Stage) -> None:
    """Whatever was written before is dealt with: a later message has become a session."""
    await s.session()


@awaited
async def test_a_mention_in_a_channel_that_is_not_configured(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with stage(tmp_path) as s, s.back():
        for _ in range(3):
            await s.ada.says(s.unrelated.id, "do it", mention_bot=True)
            await s.ada.says(s.unrelated.id, "a chat of theirs")
        line = await told(s, s.unrelated.id)
        assert f"with the id {s.unrelated.id}" in line.text
        await is_past(s)
        assert len(ours(s, s.unrelated.id)) == 1
    assert caplog.text.count("not answered: 'Ada'") == 1


@awaited
async def test_a_stranger_elsewhere_is_noted_and_told_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with stage(tmp_path) as s, s.back():
        for _ in range(3):
            await s.eve.says(s.unrelated.id, "do it", mention_bot=True)
        await is_past(s)
        assert ours(s, s.unrelated.id) == []
    assert caplog.text.count("not answered: 'Eve'") == 1


@awaited
async def test_a_stranger_in_our_channel_is_told_once_without_having_mentioned_anybody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with stage(tmp_path) as s, s.back():
        for text in ("hello", "is anybody there?", "hm"):
            await s.eve.says(s.channel.id, text)
        assert str(s.eve.id) in (await told(s, s.channel.id)).text
        await is_past(s)
        assert len(ours(s, s.channel.id)) == 1
    assert caplog.text.count("may not talk;") == 1


@awaited
async def test_a_thread_by_hand_below_our_channel(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        begun = await s.eve.says(s.quiet.id, "for us people")
        silent = await s.eve.starts_thread(begun, "only with a mention")
        await s.ada.says(silent.id, "we talk")
        thread = await s.eve.starts_thread(await s.eve.says(s.channel.id, "look"), "by hand")
        await s.ada.says(thread.id, "Claude, fix it")
        await s.ada.says(thread.id, "hello?")
        await s.eve.says(thread.id, "me too", mention_bot=True)
        assert f"<#{s.channel.id}>" in (await told(s, thread.id)).text
        await is_past(s)
        assert (len(ours(s, thread.id)), ours(s, silent.id)) == (1, [])


@pytest.mark.parametrize("kind", [ChannelType.VOICE, ChannelType.STAGE])
@awaited
async def test_a_configured_channel_in_which_no_thread_can_begin(tmp_path: Path, kind: ChannelType) -> None:
    async with stage(tmp_path) as s:
        wrong = s.discord.add_channel("talk", kind)
        s.config.channels[wrong.id] = Channel(wrong.id, str(s.project))
        async with s.back() as standing:
            await s.ada.says(wrong.id, "fix it")
            assert f"the configured id {wrong.id} is a {kind.name.lower()} channel" in (await told(s, wrong.id)).text
            assert not s.manager.has_any_sessions()
            assert f"channel {wrong.id} is a {kind.name.lower()} channel" in standing.status
            refused = await s.ada.runs("new", {"prompt": "fix it"}, wrong.id)
            assert refused.answer and "No session can begin here" in refused.answer.content


@awaited
async def test_a_configured_thread_names_its_channel(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        thread = await s.ada.starts_thread(await s.ada.says(s.unrelated.id, "x"), "a thread")
        s.config.channels[thread.id] = Channel(thread.id, str(s.project))
        async with s.back():
            await s.ada.says(thread.id, "fix it")
            assert f"give the id of its channel, {s.unrelated.id}" in (await told(s, thread.id)).text
            assert not s.manager.has_any_sessions()


@awaited
async def test_a_configured_forum_and_a_category_are_told_where_people_write(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        forum, category = (
            s.discord.add_channel("help", ChannelType.FORUM),
            s.discord.add_channel("w", ChannelType.CATEGORY),
        )
        inside = s.discord.add_channel("inside", category=category)
        for wrong in (forum, category):
            s.config.channels[wrong.id] = Channel(wrong.id, str(s.project))
        async with s.back() as standing:
            await s.ada.says(inside.id, "fix it", mention_bot=True)
            assert f"this channel's id, {inside.id}" in (await told(s, inside.id)).text
            assert f"channel {forum.id} is a forum" in standing.status
            assert f"channel {category.id} is a category" in standing.status


@awaited
async def test_a_configured_channel_that_is_deleted_is_told_at_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage(tmp_path) as s, s.back() as standing:
        assert standing.status == "connected to Discord"
        s.discord.delete_channel(s.quiet.id)
        await s.discord.until(lambda: f"no channel {s.quiet.id}" in standing.status, DEADLINE_S, "the channel's end")
    assert f"the configured channel {s.quiet.id} was deleted" in caplog.text


@awaited
async def test_an_announcement_channel_has_sessions(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        news = s.discord.add_channel("news", ChannelType.ANNOUNCEMENT)
        s.config.channels[news.id] = Channel(news.id, str(s.project))
        async with s.back():
            await s.session_of(await s.ada.says(news.id, "fix it"))


@awaited
async def test_bots_and_webhooks_are_noted_and_never_answered(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with stage(tmp_path) as s, s.back():
        robot = s.discord.add_person("Robot", bot=True)
        for _ in range(3):
            await robot.says(s.channel.id, "do it", mention_bot=True)
            s.discord.webhook_says(s.channel.id, "Deploys", "done")
        await is_past(s)
        assert ours(s, s.channel.id) == []
    assert caplog.text.count("'Robot'") == 1
    assert "is a bot or webhook" in caplog.text


@awaited
async def test_a_direct_message_is_answered_with_where_to_write(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with stage(tmp_path) as s, s.back():
        mine, hers = s.discord.direct(s.ada), s.discord.direct(s.eve)
        for _ in range(3):
            await s.ada.says(mine.id, "fix it")
            await s.eve.says(hers.id, "fix it")
        assert f"Write in <#{s.channel.id}>" in (await told(s, mine.id)).text
        await is_past(s)
        assert (len(ours(s, mine.id)), ours(s, hers.id)) == (1, [])
    assert caplog.text.count("'Eve'") == 1
