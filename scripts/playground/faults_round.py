"""One round: a few sessions on one stage, each struck once, all by the same kind of fault."""

import asyncio
import itertools
import time
from collections.abc import Sequence
from contextlib import suppress
from random import Random

from playground.faults_session import SessionUnderFaults
from playground.faults_stage import Stage
from playground.faults_strike import Strike
from playground.faults_table import Column, Finding, Outcome, Row

SETTLE_S = 45.0
BEGIN_WITHIN_S = 1.5
MEANWHILE, CHANGED_MIND = 0.5, 0.3
UP_S = 30.0

_numbers = itertools.count(1)


async def play_round(stage: Stage, row: Row, columns: Sequence[Column], random: Random) -> list[Outcome]:
    """What came of it; at its end nothing of the round's sessions runs any more."""
    sessions = [
        SessionUnderFaults(stage, next(_numbers), stage.channels[i], Random(random.random()))
        for i in range(len(columns))
    ]
    strikes = [Strike(row, column, session, session.random) for column, session in zip(columns, sessions, strict=True)]
    keeper = asyncio.ensure_future(stage.keep_alive(lambda: random.uniform(0.0, 0.4)))
    try:
        waits = [
            asyncio.ensure_future(_play(session, strike)) for session, strike in zip(sessions, strikes, strict=True)
        ]
        done, _ = await asyncio.wait([keeper, *waits], return_when=asyncio.FIRST_EXCEPTION)
        if keeper in done:
            for wait in waits:
                wait.cancel()
            keeper.result()
        found = [wait.result() for wait in waits]
        await _until_up(stage)
        for session, findings in zip(sessions, found, strict=True):
            if not findings:
                findings += session.findings()  # nothing came twice while the others went on
                findings += await session.findings_of_old_buttons()
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
    left = await stage.end_sessions()
    found[0] += [Finding("orphan", line) for line in left]
    for session, findings in zip(sessions, found, strict=True):
        if findings:
            print(session.picture(), flush=True)
    return [
        Outcome(row, strike.column, strike.struck, strike.how, settled_s, tuple(findings))
        for strike, findings, settled_s in zip(strikes, found, [s.settled_s for s in strikes], strict=True)
    ]


async def _until_up(stage: Stage) -> None:
    async with asyncio.timeout(UP_S):
        await stage.is_up.wait()


async def _play(session: SessionUnderFaults, strike: Strike) -> list[Finding]:
    await asyncio.sleep(session.random.uniform(0.0, BEGIN_WITHIN_S))
    await session.begins()
    playing = asyncio.ensure_future(session.play())
    try:
        await strike.run()
        if session.thread and session.random.random() < MEANWHILE:
            await _say_more(session, strike)
        missing = await session.settles(SETTLE_S)
        strike.settled_s = time.monotonic() - strike.at if strike.struck else 0.0
        if not missing and strike.row in (Row.WORKER, Row.CHILD):
            await session.goes_on()
            await session.settles(SETTLE_S)
        return session.findings() if missing else []
    finally:
        playing.cancel()


async def _say_more(session: SessionUnderFaults, strike: Strike) -> None:
    """While nobody reads, or right after the blow."""
    more = await session.goes_on()
    nobody_reads = strike.row is Row.SUPERVISOR and not session.stage.is_up.is_set()
    if nobody_reads and session.random.random() < CHANGED_MIND:
        await session.changes_their_mind(more)
