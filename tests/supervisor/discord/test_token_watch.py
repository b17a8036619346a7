"""A token that is refused: once, which means nothing; again and again, which is said; and before anybody was let in."""

from pathlib import Path

import pytest

from stages.gateway_stage import DEADLINE_S, stage
from stages.support import awaited
from supervisor.discord import token_watch
from supervisor.discord.token_watch import PAUSES_S, TRIES, TokenWatch
from twins.discord.faults import Fault
from twins.discord.session import Close

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_watch, "PAUSES_S", (0.05,))


@awaited
@pytest.mark.parametrize("times", [1, TRIES - 1])
async def test_a_refused_login_at_the_start_is_looked_at_again(tmp_path: Path, times: int) -> None:
    async with stage(tmp_path) as s:
        s.discord.faults.add(Fault("refuse", status=401), times=times)
        async with s.back():
            assert not s.task.done()


@awaited
async def test_one_close_with_4004_is_looked_at_again(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back() as standing:
        await s.discord.gateway.close(Close.AUTHENTICATION_FAILED)
        await s.discord.until(lambda: not standing.back_at, DEADLINE_S, "the close is noticed")
        await s.is_back()


@awaited
async def test_a_token_that_is_revoked_later_is_told_and_works_again_when_it_is_taken_again(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back() as standing:
        await s.discord.change_token("another")
        await s.discord.until(lambda: "does not accept the bot's token" in standing.status, DEADLINE_S, "words")
        before = s.discord.gateway.identified
        await s.discord.change_token(s.discord.token)
        await s.is_back()
        assert not s.task.done()
        assert s.discord.gateway.identified == before + 1


@awaited
async def test_an_intent_that_is_switched_off_later_ends_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back() as standing:
        s.discord.allow_intents(message_content=False)
        s.discord.gateway.invalidate_sessions()
        await s.discord.until(lambda: "Message Content Intent" in standing.status, DEADLINE_S, "words about it")
        s.discord.allow_intents()
        await s.is_back()


def test_refusals_at_once_count_as_one_and_a_revoked_token_is_tried_ever_more_seldom(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_watch, "PAUSES_S", PAUSES_S)
    now = [0.0]
    watch = TokenWatch(lambda: now[0])
    waits = []
    for _ in range(10):
        watch.refused()
        watch.refused()
        waits.append(watch.wait_s)
        assert bool(watch.trouble) == (len(waits) >= TRIES)
        now[0] += watch.wait_s
    assert waits == [*PAUSES_S, *[PAUSES_S[-1]] * (10 - len(PAUSES_S))]
    watch.accepted()
    assert not watch.trouble
    assert not watch.wait_s
