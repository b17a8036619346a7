"""What the configured ids are on Discord, against the loopback one: names for what is right, words for what is not."""

from pathlib import Path

import msgspec
import pytest

from bridge.routing.channel import Channel
from bridge.session.rights import Policy
from stages.gateway_stage import Stage, stage
from stages.support import awaited
from supervisor.discord.survey import Survey
from supervisor.discord.survey import survey as look_at_ids
from twins.discord.model import ChannelType, Permission

pytestmark = pytest.mark.slow


async def survey(s: Stage) -> Survey:
    async with s.back():
        return await look_at_ids(s.config, s.ears.guilds, s.rest, 1.0)


def may(s: Stage, users: set[int], roles: set[int] | None = None) -> None:
    s.config = msgspec.structs.replace(s.config, policy=Policy(frozenset(users), frozenset(roles or set())))


def names(s: Stage, *channel_ids: int) -> None:
    for channel_id in channel_ids:
        s.config.channels[channel_id] = Channel(channel_id, str(s.project))


def trouble(found: Survey) -> str:
    (one,) = found.troubles
    return f"{one.what}: {one.todo}"


@awaited
async def test_what_is_right_is_told_by_name(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        found = await survey(s)
        told = "\n".join(found.lines)
        assert f"the bot 'Threadbridge' ({s.discord.bot.id}), in the servers 'Loopback' ({s.discord.guild_id})" in told
        assert f"channel #general ({s.channel.id}) of 'Loopback': {s.project}, containment project" in told
        assert f"channel #quiet ({s.quiet.id}) of 'Loopback', where it is mentioned: {s.other}" in told
        assert f"may talk to Claude: 'Ada' ({s.ada.id}), the role 'claude' ({s.bob.user.roles[0]})" in told
        assert (found.troubles, found.usable) == ((), 2)


@pytest.mark.parametrize("kind", ["VOICE", "CATEGORY", "STAGE", "FORUM", "MEDIA"])
@awaited
async def test_a_channel_that_cannot_have_sessions(tmp_path: Path, kind: str) -> None:
    async with stage(tmp_path) as s:
        names(s, s.discord.add_channel("wrong", ChannelType[kind]).id)
        found = await survey(s)
        assert "give the id of a text channel" in trouble(found)
        assert found.usable == 2


@awaited
async def test_a_thread_and_an_archived_one_name_their_channel(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        thread = await s.ada.starts_thread(await s.ada.says(s.unrelated.id, "x"), "a thread")
        names(s, thread.id)
        assert (
            f"is a thread, and Claude begins a thread for each session: give the id of its channel, {s.unrelated.id}"
            in (trouble(await survey(s)))
        )
        s.discord.archive(thread.id)
        assert f"give the id of its channel, {s.unrelated.id}" in trouble(await survey(s))


@awaited
async def test_a_channel_that_is_hidden_and_one_that_is_not_there(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        hidden = s.discord.add_channel("hidden")
        s.discord.deny(hidden.id, Permission.VIEW_CHANNEL)
        names(s, hidden.id)
        assert "the bot may not see: give the bot View Channel there" in trouble(await survey(s))
        s.discord.delete_channel(hidden.id)
        assert "is no channel that there is (any more)" in trouble(await survey(s))


@awaited
async def test_an_id_of_something_else_in_place_of_a_channels(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        names(s, s.discord.guild_id, s.bob.user.roles[0], s.ada.id)
        told = " ".join(one.what for one in (await survey(s)).troubles)
        assert f"{s.discord.guild_id} is the server 'Loopback'" in told
        assert f"{s.bob.user.roles[0]} is the role 'claude'" in told
        assert f"{s.ada.id} is a person's" in told


@awaited
async def test_a_role_among_the_users(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        may(s, {s.bob.user.roles[0]})
        assert "is the role 'claude', and not a person: put it under access.roles" in trouble(await survey(s))


@awaited
async def test_a_person_among_the_roles_and_a_role_that_is_not_there(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        may(s, {s.ada.id}, {s.bob.id})
        assert "is a person, and not a role: put it under access.users" in trouble(await survey(s))
        may(s, {s.ada.id}, {12345})
        assert "is no role of the bot's servers" in trouble(await survey(s))
        may(s, {s.ada.id}, {s.discord.guild_id})
        assert "is the server itself" in trouble(await survey(s))


@awaited
async def test_ids_among_the_users_that_are_nobody_who_could_write(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        robot = s.discord.add_person("Robot", bot=True)
        left = s.discord.add_person("Grace")
        s.discord.world.strangers[left.id] = s.discord.world.members.pop(left.id)
        for user_id, words in (
            (robot.id, "is the bot 'Robot', and bots are not listened to"),
            (left.id, "is 'Grace', who is in no server with a channel of ours (any more)"),
            (12345, "is nobody's"),
            (s.channel.id, "is the channel 'general', and not a person"),
            (s.discord.guild_id, "is the server 'Loopback', and not a person"),
            (s.discord.bot.id, "is the bot itself, and not a person"),
        ):
            may(s, {user_id})
            assert words in trouble(await survey(s)), user_id


@awaited
async def test_what_discord_does_not_answer_now_is_no_finding(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        names(s, 12345)
        async with s.back():
            s.rest.hold("Discord is away")
            found = await look_at_ids(s.config, s.ears.guilds, s.rest, 1.0)
        assert found.troubles == ()
        assert "could not be looked up" in "\n".join(found.lines)
