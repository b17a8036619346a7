"""Two supervisors with one token: on one machine the kernel tells them apart, across machines their posts do."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from bridge.discord_numbers import NONCE_CHARS
from bridge.protocol.layout import Layout
from bridge.render.posts import Post
from stages.gateway_stage import DEADLINE_S, Stage, stage
from stages.support import awaited
from supervisor.discord.alone import GRACE_S, Claim, Name, Nonces, NotAloneError, claim_of
from supervisor.discord.guilds import Guilds
from supervisor.discord.twins import Twins

pytestmark = pytest.mark.slow


@contextlib.asynccontextmanager
async def another(s: Stage, folder: Path) -> AsyncIterator[Stage]:
    """Another state directory, and the same bot, Discord and people."""
    folder.mkdir()
    twin = Stage.__new__(Stage)
    twin.__dict__.update(s.__dict__)
    twin.config = msgspec.structs.replace(s.config, layout=Layout(folder))
    async with twin.running():
        yield twin


def words_about_two(s: Stage) -> list[str]:
    return [m.content for m in s.discord.messages(s.channel.id) if "Two bridges answer" in m.content]


def test_a_name_is_had_by_one_and_is_free_when_that_one_is_gone() -> None:
    one, two = Name(), Name()
    one.claim(7, "http://here")
    one.claim(7, "http://here")
    with pytest.raises(NotAloneError, match="another supervisor on this machine"):
        two.claim(7, "http://here")
    two.claim(8, "http://here")
    one.release()
    three = Name()
    three.claim(7, "http://here")
    for name in (two, three):
        name.release()


def test_whoever_is_in_another_pid_namespace_keeps_nobody_from_working(monkeypatch: pytest.MonkeyPatch) -> None:
    squatter, name = Name(), Name()
    squatter.claim(7, "http://there")
    monkeypatch.setattr("supervisor.discord.alone._namespace", str)
    name.claim(7, "http://there")
    squatter.release()


def test_of_two_claims_the_earlier_one_stays() -> None:
    old, new = Claim.at(1_800_000_000.0), Claim.at(1_800_000_000.5)
    assert old < new
    assert claim_of(old.nonce) == old
    assert len(old.nonce) <= NONCE_CHARS
    assert claim_of("0123456789abcdef01234567") is None


@awaited
async def test_the_second_on_one_machine_does_not_answer_and_takes_over_when_the_first_is_gone(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as s, contextlib.AsyncExitStack() as stack:
        s.times.longest_retry_s = 0.2
        async with s.back():
            twin = await stack.enter_async_context(another(s, tmp_path / "twin"))
            await s.discord.until(lambda: "another supervisor" in twin.standing.state, DEADLINE_S, "words about it")
            session = await s.session_of(await s.ada.says(s.channel.id, "hello"))
            assert twin.manager.session_of_thread(session.thread_id) is None
        await s.discord.until(lambda: twin.standing.back_at, DEADLINE_S, "the second takes over")


@awaited
async def test_of_two_on_two_machines_the_one_that_was_started_later_stops_answering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Name, "claim", lambda *_: None)
    monkeypatch.setattr("supervisor.discord.twins.GRACE_S", 0.0)
    async with stage(tmp_path) as s, s.back(), another(s, tmp_path / "twin") as twin:
        s.times.leave_s = 0.0
        await s.discord.until(lambda: twin.standing.back_at, DEADLINE_S, "both are connected")
        await twin.rest.create(s.channel.id, Post("an answer"), "0123456789abcdef01234567")
        await s.discord.until(lambda: "not answering" in twin.standing.state, DEADLINE_S, "the later one stops")
        await s.discord.until(lambda: len(words_about_two(s)) == 2, DEADLINE_S, "both say it")
        session = await s.session_of(await s.ada.says(s.channel.id, "hello"))
        assert twin.manager.session_of_thread(session.thread_id) is None
        assert "connected to Discord" in s.standing.state


@awaited
async def test_our_own_posts_and_answers_are_nobody_elses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.discord.twins.GRACE_S", 0.0)
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        s.begins_turn(session)
        await s.asks(session, "ls")
        await s.heard(s.channel.id, await s.ada.says(s.channel.id, "and on"))
        assert not [m for m in s.discord.messages(s.channel.id) if "Two bridges" in m.content]


def test_another_one_is_noticed_also_when_the_clock_is_set_back() -> None:
    now, passed, told = [1e9], [0.0], list[str]()
    guilds = Guilds()
    guilds.bot_id = 5

    def tell(_channel_id: int, post: Post, _nonce: str) -> None:
        told.append(post.content)

    twins = Twins(Nonces(), guilds, lambda _: True, tell, lambda: now[0], lambda: passed[0])
    twins.ready()
    now[0], passed[0] = now[0] - 3 * 3600, GRACE_S
    author = {"id": "5", "username": "bot", "bot": True}
    message = {"id": "9", "channel_id": "7", "author": author, "content": "", "type": 0}
    twins.heard({**message, "nonce": "0123456789abcdef01234567"})
    assert len(told) == 1
