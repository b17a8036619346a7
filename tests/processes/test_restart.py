"""The supervisor is killed and comes back: what people do meanwhile, and what `threadbridge list` and `kill` say."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from bridge.protocol.layout import Layout
from lab.faults.disk import FULL
from lab.faults.eyes import left_of
from lab.faults.session import SessionUnderFaults
from lab.faults.stage import Stage, staged
from playground.host import place as host_place
from stages import forked
from stages.playhouse import buttons, playhouse
from stages.support import awaited, until
from supervisor.operator import health_file
from twins.discord.model import Message

STEP_DEADLINE_S = 20.0
_numbers = itertools.count(1)


@contextlib.asynccontextmanager
async def restarting() -> AsyncIterator[Stage]:
    """A stage whose supervisor is started again whenever it was killed and nothing holds it down."""
    with host_place.temporary() as place:
        async with staged(place, 2, starts=forked) as stage:
            keeper = asyncio.ensure_future(stage.keep_alive(lambda: 0.0))
            try:
                yield stage
            finally:
                keeper.cancel()
                await asyncio.gather(keeper, return_exceptions=True)
            assert not stage.failures


@contextlib.asynccontextmanager
async def while_it_is_down(stage: Stage) -> AsyncIterator[None]:
    """Killed (SIGKILL) and held down inside; up again afterwards."""
    stage.holds.append(down := lambda: True)
    assert stage.kill()
    await until(lambda: not stage.discord.connected, "the gateway's end", deadline_s=STEP_DEADLINE_S)
    try:
        yield
    finally:
        stage.holds.remove(down)
    await asyncio.wait_for(stage.is_up.wait(), STEP_DEADLINE_S)


async def asks(stage: Stage) -> tuple[SessionUnderFaults, Message]:
    """A session in a turn, and its open card."""
    session = SessionUnderFaults(stage, number := next(_numbers), stage.channels[number % 2], Random(1))
    await session.begins()
    (card,) = await until(session._open_cards, "a card", deadline_s=STEP_DEADLINE_S)
    return session, card


async def listed(stage: Stage) -> dict[str, dict[str, Any]]:
    """What `list` says of each session, by its id."""
    answer = await stage._threadbridge.ask("list", "--json")
    assert answer.code == 0, answer.err
    lines: list[dict[str, Any]] = json.loads(answer.out)
    return {str(line["session"]): line for line in lines}


@awaited
async def test_a_click_while_the_supervisor_is_down_fails_and_the_next_one_decides() -> None:
    async with restarting() as stage:
        session, card = await asks(stage)
        allow = buttons(card)["Allow"]
        async with while_it_is_down(stage):
            failed = await session._you.clicks(card, allow, may_fail=True)
            assert failed.answer is None, "Discord tells the person that the interaction failed"
            assert buttons(card)["Allow"] == allow, "the card is open as before"
        assert not session.file.exists()
        await until(lambda: stage.discord.connected, "the gateway", deadline_s=STEP_DEADLINE_S)
        await session._you.clicks(card, allow)
        assert not await session.settles(STEP_DEADLINE_S), session.picture()
        assert session.findings() == []
        assert await session.findings_of_old_buttons() == []
        assert session.file.read_text().split() == [session.prompts[0].mark]


@awaited
async def test_list_and_kill_tell_the_truth_when_workers_and_the_supervisor_have_died() -> None:
    async with restarting() as stage:
        (waits, _), (dead, _) = await asks(stage), await asks(stage)
        pids = {one.know(): stage.eyes.holder(one.know()) for one in (waits, dead)}
        before = await listed(stage)
        assert {key: line["worker_pid"] for key, line in before.items()} == pids
        assert {line["state"] for line in before.values()} == {"awaiting"}
        async with while_it_is_down(stage):
            os.kill(pids[dead.know()], signal.SIGKILL)
            await until(lambda: not stage.eyes.holder(dead.know()), "the worker's end")
            lines = await listed(stage)
            assert lines[waits.know()]["worker_pid"] == pids[waits.know()]
            assert lines[dead.know()]["worker_pid"] is None
            assert not any(line["attached"] for line in lines.values())
        await until(lambda: "This turn was lost" in dead.text(), "the lost turn is said", deadline_s=STEP_DEADLINE_S)
        for _ in range(40):  # each look takes a process
            if (lines := await listed(stage))[waits.know()]["attached"]:
                break
        assert (lines[waits.know()]["state"], lines[waits.know()]["attached"]) == ("awaiting", True)
        assert await stage.end_sessions() == []
        assert left_of(pids) == []
        lines = await listed(stage)
        assert lines[waits.know()]["state"] == "ended"
        assert lines[dead.know()]["state"] == "dormant", "it slept, and is left alone"
        assert not any(line["worker_pid"] for line in lines.values())


@awaited
async def test_a_supervisor_that_starts_on_a_full_disk_ends_for_now_and_a_later_one_goes_on() -> None:
    with host_place.temporary() as place:
        async with staged(place, 2, on_small_disk=True, starts=forked) as stage:
            if FULL not in stage.disk.kinds:
                pytest.skip("may not mount here")
            keeper = asyncio.ensure_future(stage.keep_alive(lambda: 0.0))
            session, card = await asks(stage)
            async with while_it_is_down(stage):
                stage.disk.sicken(FULL, 0)
                refused = await stage._threadbridge.ask("run")
                assert (refused.code, "the disk is full" in refused.err) == (75, True), refused.err
                assert "Traceback" not in refused.err
                stage.disk.heal(FULL)
            await until(lambda: stage.discord.connected, "the gateway", deadline_s=STEP_DEADLINE_S)
            await session._you.clicks(card, buttons(card)["Allow"])
            assert not await session.settles(STEP_DEADLINE_S), session.picture()
            assert session.findings() == []
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)


@awaited
async def test_a_project_that_is_away_at_a_start_is_waited_for_when_the_same_configuration_ran_before() -> None:
    async with playhouse() as house:
        place = house.host.place
        await until(lambda: health_file.last(Layout(place.state)), "the supervisor's word", deadline_s=STEP_DEADLINE_S)
        away = place.project.rename(place.project.with_name("away"))
        first = await house.host.threadbridge.ask("run")
        assert (first.code, "ran here before, so it may be back soon" in first.err) == (75, True), first.err
        place.config.write_text(f"# changed\n{place.config.read_text()}")
        changed = await house.host.threadbridge.ask("run")
        assert (changed.code, f"{place.project} is not a directory" in changed.err) == (78, True), changed.err
        away.rename(place.project)
