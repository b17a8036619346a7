"""Discord away: for an hour, in silence, or there and gone again all day; op 7 and op 9; under a clock that jumps."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, cast

import aiohttp
import pytest

from lab.configured import configuration
from stages import jumping_clock
from stages.fake_discord import unix_time
from stages.gateway_stage import DEADLINE_S, beside_each_other, stage
from stages.jumping_clock import jumping
from stages.support import awaited
from supervisor.assembly import Clocks, GatewayRest, ears, session_manager
from supervisor.config_in_force import Settings
from supervisor.discord.alone import Nonces
from supervisor.discord.gateway import Times
from supervisor.discord.identify_budget import IDENTIFY_BURST, IDENTIFY_EVERY_S
from supervisor.discord.standing import Standing
from supervisor.reload import Reload
from supervisor.sessions.store import Store

pytestmark = pytest.mark.slow

HOUR_S, DAY_S = 3600.0, 86_400.0
RESETS_TOKEN_AT = 1000
"""IDENTIFYs in 24 hours (documentation, "Session Start Limit")."""

LONGEST_S, SILENCE_S = Times().longest_retry_s, Times().deadline_s

type Weather = Literal["refuses", "is silent", "drops", "is well"]


class Sky:
    """How Discord is, and what it saw: the loop's time of each login and IDENTIFY."""

    def __init__(self) -> None:
        self.weather: Weather = "is well"
        self.logins: list[float] = []
        self.identifies: list[float] = []


class FakeClient:
    """As much of the gateway's client as it uses. A login is over the network, so it costs no IDENTIFY."""

    bot_id, answered_at = 0, None

    def __init__(self, sky: Sky, hear: Callable[[str, Any], None], allow_identify: Callable[[], float]) -> None:
        self._sky = sky
        self._hear = hear
        self._allow_identify = allow_identify

    async def login(self, _token: str) -> None:
        self._sky.logins.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0.1)
        if self._sky.weather == "refuses":
            raise aiohttp.ClientConnectionError("Connection refused")
        if self._sky.weather == "is silent":
            await asyncio.Event().wait()

    async def connect(self, *, reconnect: bool = True) -> None:
        assert not reconnect, "nextcord would wait up to 1,024 s"
        await asyncio.sleep(self._allow_identify())
        self._sky.identifies.append(asyncio.get_running_loop().time())
        self._hear("READY", {"application": {"id": "1"}, "user": {"id": "2"}})
        self._hear("ready", None)
        if self._sky.weather == "drops":
            raise ConnectionResetError("gone again")
        await asyncio.Event().wait()

    async def show(self, text: str) -> None:
        pass

    def sees(self, channel_id: int, guild_id: int, member: dict[str, Any]) -> bool:
        return False

    def hides(self, channel_id: int) -> bool:
        return False

    def reads(self, channel_id: int, guild_id: int, member: dict[str, Any]) -> bool:
        return False

    async def close(self) -> None:
        pass

    async def let_go(self) -> None:
        pass


@pytest.fixture
def sky(monkeypatch: pytest.MonkeyPatch) -> Sky:
    monkeypatch.setattr(jumping_clock, "LONGEST_TEST_S", 2 * DAY_S)
    return Sky()


@contextlib.asynccontextmanager
async def running(folder: Path, sky: Sky) -> AsyncIterator[Standing]:
    """One supervisor's life, as far as the gateway goes; the store is the folder's, and all clocks are the loop's."""
    config = configuration(folder)
    store = Store(config.layout.database)
    rest = cast(GatewayRest, SimpleNamespace(hold=lambda _: None, nonces=Nonces(), token_trouble=""))
    clocks = Clocks(unix_time, lambda: asyncio.get_running_loop().time())
    made = ears(
        Reload(Settings(config)),
        session_manager(store),
        rest,
        "token",
        clocks=clocks,
        client=lambda _, *more: FakeClient(sky, *more),
    )
    task = asyncio.create_task(beside_each_other(made.runs))
    try:
        yield made.standing
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        store.close()


def longest_gap(times: list[float]) -> float:
    return max(later - earlier for earlier, later in itertools.pairwise(times))


@jumping
async def test_an_hour_without_discord_is_tried_every_half_minute_and_costs_no_identify(
    tmp_path: Path, sky: Sky
) -> None:
    async with running(tmp_path, sky) as standing:
        sky.weather = "refuses"
        await asyncio.sleep(HOUR_S)
        assert "Discord is away (ClientConnectionError: Connection refused); next attempt in" in standing.state
        assert longest_gap(sky.logins) <= LONGEST_S + 1.0, "never nextcord's 1,024 s"
        assert HOUR_S / LONGEST_S <= len(sky.logins) <= 3 * HOUR_S / LONGEST_S
        assert not sky.identifies
        sky.weather = "is well"
        await asyncio.sleep(LONGEST_S + 1.0)
        assert standing.state == "connected to Discord" and standing.back_at
        assert len(sky.identifies) == 1


@jumping
async def test_an_hour_of_silence_is_ended_by_the_deadline_again_and_again(tmp_path: Path, sky: Sky) -> None:
    async with running(tmp_path, sky) as standing:
        sky.weather = "is silent"
        await asyncio.sleep(HOUR_S)
        assert longest_gap(sky.logins) <= SILENCE_S + LONGEST_S + 1.0
        assert not standing.back_at
        sky.weather = "is well"
        await asyncio.sleep(SILENCE_S + LONGEST_S + 1.0)
        assert standing.back_at


@jumping
async def test_a_day_of_connections_that_are_dropped_at_once_keeps_the_token(tmp_path: Path, sky: Sky) -> None:
    async with running(tmp_path, sky):
        sky.weather = "drops"
        await asyncio.sleep(DAY_S)
    assert IDENTIFY_BURST < len(sky.identifies) < RESETS_TOKEN_AT


@jumping
async def test_a_supervisor_that_crashes_again_and_again_spends_no_more_than_one_that_runs(
    tmp_path: Path, sky: Sky
) -> None:
    loop = asyncio.get_running_loop()
    while loop.time() < HOUR_S:
        async with running(tmp_path, sky):
            await asyncio.sleep(20.0)
    most = IDENTIFY_BURST + HOUR_S / IDENTIFY_EVERY_S
    assert IDENTIFY_BURST < len(sky.identifies) <= most


# --- against the loopback Discord --------------------------------------------------------------------


@awaited
@pytest.mark.parametrize("op", ["op 7", "op 9 that may be resumed"])
async def test_who_is_told_to_reconnect_resumes_and_hears_what_was_written_once(tmp_path: Path, op: str) -> None:
    async with stage(tmp_path) as s, s.back() as standing:
        session = await s.session("one")
        if op == "op 7":
            s.discord.gateway.ask_to_reconnect()
        else:
            s.discord.gateway.invalidate_sessions(resumable=True)
        await s.ada.says(session.thread_id, "two")
        await s.discord.until(lambda: s.discord.gateway.resumed, DEADLINE_S, "RESUMED")
        three = await s.ada.says(session.thread_id, "three")
        await s.heard(session.thread_id, three)
        assert standing.back_at
        assert s.prompts(session) == ["one", "two", "three"]
        assert s.discord.gateway.identified == 1


@awaited
async def test_a_socket_that_opens_and_says_nothing_is_given_up_at_the_deadline(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        s.times.deadline_s = 0.4
        s.discord.faults.stall()
        async with s.running() as standing:
            await s.discord.until(lambda: "nothing was heard" in standing.state, DEADLINE_S, "words about it")
            s.times.deadline_s = 10.0
            s.discord.faults.flow()
            await s.is_back()
