"""Places whose history cannot be read, messages that make no sense, and messages that come again after a restart."""

import asyncio
from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol.answers import key_of
from bridge.protocol.errors import RemoteError
from stages.support import awaited, until
from supervisor.discord.errors import Forbidden, Refused, Unavailable
from supervisor.sessions.gaps import TRIES_BEFORE_LIVE

from ..threads.test_inbound import CHANNEL, GUILD, THREAD, Desk, desk, said

SICK = Unavailable("500")


def live(d: Desk, number: int, text: str, channel_id: int = THREAD) -> None:
    d.inbound.live(said(number, text, channel_id=channel_id, guild_id=str(GUILD)))


def posts(d: Desk) -> dict[str, str]:
    return {row.key: row.desired.content for row in d.store.posts_like(d.session.session_id, "")}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.sessions.gaps.PAUSE_S", 0.005)


@awaited
@pytest.mark.parametrize("error", [SICK, Refused("400", 400), Refused("html", 404), Forbidden("50013", 50013)])
async def test_a_place_that_cannot_be_read_hears_live_messages_and_gets_what_was_missed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: RemoteError
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        errors = d.rest.errors[THREAD] = [error] * 1000
        d.rest.holds[THREAD] = [said(1001, "missed"), said(1002, "live")]
        d.sees_guild(thread_last=1001)
        live(d, 1002, "live")
        await until(lambda: d.prompts() == ["one", "live"], "the live message")
        assert d.manager.cursor(THREAD) < 1001
        await until(lambda: "cannot be read" in posts(d).get("gap", ""), "words about it")
        assert ("*Read Message History*" in posts(d)["gap"]) == isinstance(error, Forbidden)
        errors.clear()
        await until(lambda: d.prompts() == ["one", "live", "missed"], "what was missed")
        await until(lambda: d.manager.cursor(THREAD) == 1002, "the cursor")
        assert "has been read" in posts(d)["gap"]
        live(d, 1003, "and on")
        assert d.manager.cursor(THREAD) == 1003


@awaited
async def test_what_was_handled_within_a_gap_is_not_handled_again_after_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.errors[THREAD] = [SICK] * 1000
        d.sees_guild(thread_last=1001)
        live(d, 1002, "live")
        await until(lambda: d.prompts() == ["one", "live"], "the live message")
        with d.store.transaction():
            d.store.drop_wishes(d.session.session_id)  # Claude has done all of it
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.holds[THREAD] = [said(1001, "missed"), said(1002, "live"), said(1003, "new")]
        d.sees_guild(thread_last=1003)
        await d.caught_up()
        assert [text for text in d.prompts() if text != "one"] == ["missed", "new"]
        assert d.manager.cursor(THREAD) == 1003
        assert d.store.handled_ahead(THREAD) == []


@awaited
async def test_a_few_failures_open_no_gap_and_an_outage_is_not_told_in_quiet_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.errors[THREAD] = [SICK] * (TRIES_BEFORE_LIVE - 1)
        d.sees_guild(thread_last=1001)
        await d.caught_up()
        assert not d.inbound.gaps
        d.rest.errors[THREAD] = [SICK] * 6
        d.sees_guild()  # not listed: nobody knows that anything was written there
        await until(lambda: not d.rest.errors[THREAD] and not d.inbound.gaps, "it is read")
        assert "gap" not in posts(d)


@awaited
async def test_a_channel_of_ours_that_cannot_be_read_is_told_and_begins_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.manager.handled(CHANNEL, 900)
        errors = d.rest.errors[CHANNEL] = [SICK] * 1000
        d.rest.holds[CHANNEL] = [said(901, "missed", channel_id=CHANNEL), said(902, "live", channel_id=CHANNEL)]
        d.sees_guild(channel_last=901)
        live(d, 902, "live", CHANNEL)
        await until(lambda: d.manager.session_of_thread(902), "a session")
        await until(lambda: d.told, "words about it")
        assert d.manager.session_of_thread(901) is None
        errors.clear()
        await until(lambda: d.manager.session_of_thread(901), "what was missed")
        assert d.manager.active_session_count() == 3


@awaited
async def test_a_message_that_makes_no_sense_holds_nothing_up_and_its_writer_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        garbage: list[dict[str, object]] = [{"id": "1002", "author": 5}, {"id": "x"}, {"id": "1003", "content": 7}]
        d.rest.holds[THREAD] = [said(1001, "two"), garbage[0], said(1004, "three"), garbage[2]]
        d.sees_guild(thread_last=1004)
        await d.caught_up()
        assert d.prompts() == ["one", "two", "three"]
        assert {"refused:1002", "refused:1003"} <= posts(d).keys()
        d.inbound.live({"id": "1005", "channel_id": str(THREAD), "author": "?"})
        assert "refused:1005" in posts(d)
        live(d, 1006, "four")
        assert d.prompts()[-1] == "four"


@awaited
async def test_a_message_that_comes_again_after_a_restart_is_no_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        live(d, 1001, "two")
        with d.store.transaction():
            d.store.answered(d.session.session_id, key_of(c.Prompt(1001, "two", 1, "Ada")))
    async with desk(tmp_path, monkeypatch) as d:
        live(d, 1001, "two")
        live(d, 1002, "three")
        await asyncio.sleep(0)
        assert [text for text in d.prompts() if text != "one"] == ["three"]
        assert 1001 not in d.manager.waiting.messages(d.session.session_id)
