"""One round: a few sessions on one stage, each struck once, all by the same kind of fault."""

import asyncio
import itertools
import time
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from random import Random
from typing import Any

from lab.faults.session import SessionUnderFaults
from lab.faults.stage import POLL_S, Stage
from lab.faults.strike import Strike
from lab.faults.table import Column, Finding, Outcome, Row

SETTLE_S = 45.0
BEGIN_WITHIN_S = 1.5
MEANWHILE, CHANGED_MIND, IMPATIENT = 0.7, 0.3, 0.3
LONGEST_PATIENCE_S = 0.8
UP_S = 30.0
UNTOUCHED = (Row.SUPERVISOR, Row.REST, Row.GATEWAY, Row.REFUSALS, Row.MODERATORS)
"""Rows that leave workers and children alone: no turn may be lost."""
BEFORE_THE_TURN = (Column.STORED, Column.SPAWN, Column.HELLO)
"""Claude has taken nothing yet, if the blow comes in time: what was not taken must not be lost, whatever dies."""

_numbers = itertools.count(1)


async def play_round(stage: Stage, row: Row, columns: Sequence[Column], random: Random) -> list[Outcome]:
    """What came of it; at its end nothing of the round's sessions runs any more."""
    sessions = [
        SessionUnderFaults(stage, next(_numbers), stage.channels[i], Random(random.random()))
        for i in range(len(columns))
    ]
    pairs = [(s, Strike(row, column, s, s.random)) for column, s in zip(columns, sessions, strict=True)]
    keeper = asyncio.ensure_future(stage.keep_alive(lambda: random.uniform(0.0, 0.4)))
    try:
        found = await _all(keeper, [_play(session, strike) for session, strike in pairs])
        await _until_up(stage)
        for (session, _), findings in zip(pairs, found, strict=True):
            if not findings:  # nothing came twice while the others went on
                findings.extend([*session.findings(), *await session.findings_of_old_buttons()])
        for (session, strike), findings in zip(pairs, found, strict=True):
            findings.extend(_wrongly_lost(session, strike))
    finally:
        keeper.cancel()
        with suppress(asyncio.CancelledError):
            await keeper
    left = await stage.end_sessions()
    found[0] += [Finding("orphan", line) for line in left]
    for (session, _), findings in zip(pairs, found, strict=True):
        if findings:
            print(session.picture(), flush=True)
    return [
        Outcome(row, strike.column, strike.struck, strike.how, strike.settled_s, tuple(findings))
        for (_, strike), findings in zip(pairs, found, strict=True)
    ]


async def _all(
    keeper: "asyncio.Future[None]", plays: Sequence[Coroutine[None, None, list[Finding]]]
) -> list[list[Finding]]:
    """What all plays found; raises what ended the keeper."""
    together = asyncio.gather(*plays)
    both: set[asyncio.Future[Any]] = {keeper, together}
    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
    if keeper.done():
        together.cancel()
        keeper.result()
    return together.result()


def _wrongly_lost(session: SessionUnderFaults, strike: Strike) -> list[Finding]:
    """Turns are lost only with the worker or the child, and only if Claude had taken the prompt up."""
    lost = [prompted for prompted in session.prompts if session.is_lost(prompted) and not prompted.moderated]
    if strike.row not in UNTOUCHED:
        is_early = strike.column in BEFORE_THE_TURN
        lost = [prompted for prompted in lost[:1] if is_early and not session.was_taken(prompted)]
    return [Finding("lost", f"{prompted.mark}, for no reason") for prompted in lost]


async def _until_up(stage: Stage) -> None:
    async with asyncio.timeout(UP_S):
        await stage.is_up.wait()


async def _play(session: SessionUnderFaults, strike: Strike) -> list[Finding]:
    await asyncio.sleep(session.random.uniform(0.0, BEGIN_WITHIN_S))
    await session.begins()
    others = [asyncio.ensure_future(session.play())]
    if session.random.random() < IMPATIENT:
        others.append(asyncio.ensure_future(_say_more_in_the_turn(session)))
    try:
        await strike.run()
        if session.thread and session.random.random() < MEANWHILE:
            await _say_more(session, strike)
        await strike.is_over()
        missing = await session.settles(SETTLE_S)
        strike.settled_s = time.monotonic() - strike.at if strike.struck else 0.0
        if not missing and strike.row not in UNTOUCHED:
            await session.goes_on()
            await session.settles(SETTLE_S)
        return session.findings() if missing else []
    finally:
        for task in others:
            task.cancel()


async def _say_more_in_the_turn(session: SessionUnderFaults) -> None:
    """While Claude works, so that it waits in Claude's queue when it strikes."""
    while not (session.thread and session.logged("TurnStarted")):  # noqa: ASYNC110 - outside our loop
        await asyncio.sleep(POLL_S)
    await asyncio.sleep(session.random.uniform(0.0, LONGEST_PATIENCE_S))
    await session.goes_on()


async def _say_more(session: SessionUnderFaults, strike: Strike) -> None:
    """While nobody reads, or right after the blow."""
    more = await session.goes_on()
    nobody_reads = strike.row is Row.SUPERVISOR and not session.stage.is_up.is_set()
    if nobody_reads and session.random.random() < CHANGED_MIND:
        await session.changes_their_mind(more)
