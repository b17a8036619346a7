"""What `check` asks Discord: each permission that is missing by its name, the intent, the token, the clock."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from bridge.routing.channel import Channel
from lab.configured import configuration
from stages.gateway_stage import Stage, stage
from stages.support import awaited
from supervisor.operator import on_discord
from supervisor.operator.checkup import Finding
from supervisor.operator.on_discord import Answers
from supervisor.operator.setup.offers import Offer
from supervisor.operator.setup.portal import READS_MESSAGES, Application
from twins.discord.model import Permission


async def asked(s: Stage, token: str = "", told: tuple[int, ...] = ()) -> list[Finding]:
    return await asyncio.to_thread(on_discord.findings, s.config, token or s.discord.token, told)


@awaited
async def test_what_the_bot_lacks_in_a_channel_is_named_as_discord_names_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        assert await asked(s) == []
        s.discord.deny(s.channel.id, Permission.CREATE_PUBLIC_THREADS | Permission.MANAGE_THREADS)
        (found,) = await asked(s)
        assert (found.kind, found.is_wrong) == ("permission", True)
        assert "in #general of" in found.what
        assert found.what.endswith("the bot lacks Manage Threads, Create Public Threads")


@awaited
async def test_a_wrong_token_and_a_missing_intent_are_told_with_what_to_do(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        (refused,) = await asked(s, "wrong")
        assert (refused.kind, "Reset Token" in refused.todo) == ("token_refused", True)
        s.discord.allow_intents(message_content=False)
        (intent,) = await asked(s)
        assert (intent.kind, "switch it on" in intent.todo) == ("intent", True)


def test_where_nobody_answers_that_is_a_note(tmp_path: Path) -> None:
    (found,) = on_discord.findings(configuration(tmp_path), "token")
    assert (found.kind, found.is_wrong) == ("discord_unasked", False)


@pytest.mark.parametrize(
    ("apart_s", "words"), [(0.0, ""), (59.0, ""), (3600.0, "1 h ahead of Discord's"), (-7200.0, "2 h behind Discord's")]
)
def test_a_clock_that_is_wrong_is_told(tmp_path: Path, apart_s: float, words: str) -> None:
    answers = Answers(Application(1, flags=READS_MESSAGES), {}, apart_s)
    found = list(on_discord._of_answers(configuration(tmp_path), answers, ()))
    assert [one.what.removeprefix("this machine's clock is ") for one in found] == ([words] if words else [])


def test_a_channel_that_is_not_shown_is_told_unless_the_supervisor_told_more(tmp_path: Path) -> None:
    config = msgspec.structs.replace(configuration(tmp_path), channels={5: Channel(5, "/srv"), 6: Channel(6, "/srv")})
    answers = Answers(Application(1, flags=READS_MESSAGES), {6: Offer(6, "x", "s")}, 0.0)
    (found,) = on_discord._of_answers(config, answers, ())
    assert found.what.endswith("with the id 5")
    assert list(on_discord._of_answers(config, answers, {5})) == []


def test_that_the_bot_may_not_react_is_noted_once_for_all_channels(tmp_path: Path) -> None:
    channels = {number: Channel(number, "/srv") for number in (5, 6, 7)}
    config = configuration(tmp_path, channels=channels)
    offered = {5: Offer(5, "a", "S", may_react=False), 6: Offer(6, "b", "S"), 7: Offer(7, "c", "S", may_react=False)}
    (found,) = on_discord._of_answers(config, Answers(Application(1, flags=READS_MESSAGES), offered, 0.0), ())
    assert (found.kind, found.is_wrong) == ("reactions", False)
    assert "#a of 'S', #c of 'S'" in found.what and "Add Reactions" in found.todo
