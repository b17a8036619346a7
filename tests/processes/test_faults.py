"""The fault matrix in short: each kind of fault at some boundaries of the path, and a little soak (scripts/faults)."""

import asyncio

import msgspec
import pytest

from lab.faults import run as faults
from lab.faults import soak as faults_soak
from lab.faults.table import Column, Row, totals
from stages import forked

SEED, SESSIONS = 3, 5
KIND = faults.Kind(starts=forked)
WHOLE_S = 100.0
"""On a machine that is busy with other things; by itself each takes 10 to 20 s."""
CELLS = {
    Row.SUPERVISOR: (Column.SPAWN, Column.LOGGED, Column.POSTED, Column.SHOWN, Column.DECIDED),
    Row.WORKER: (Column.STORED, Column.DELIVERED, Column.SENT, Column.COMMITTED, Column.CLICKED),
    Row.CHILD: (Column.HELLO, Column.DELTA, Column.SHOWN, Column.TOLD, Column.ENDED),
    Row.REST: (Column.DELIVERED, Column.DELTA, Column.COMMITTED, Column.POSTED, Column.DECIDED),
    Row.GATEWAY: (Column.STORED, Column.POSTED, Column.SHOWN, Column.CLICKED, Column.ANYWHERE),
    Row.DISK: (Column.STORED, Column.LOGGED, Column.SHOWN),
}


@pytest.mark.parametrize("row", CELLS)
def test_nothing_is_lost_or_twice_wherever_it_strikes(row: Row) -> None:
    plan = [(row, list(CELLS[row]))]
    result = asyncio.run(asyncio.wait_for(faults.matrix(plan, SEED, SESSIONS, stages=1, kind=KIND), WHOLE_S))
    assert result.is_clean, faults.in_words(result)
    assert totals(result.outcomes)["faults"] > len(CELLS[row]) // 2


def test_nothing_of_a_prompt_in_several_messages_is_lost_or_twice_when_the_supervisor_dies() -> None:
    plan = [(Row.SUPERVISOR, [Column.STORED, Column.SPAWN, Column.DELIVERED, Column.POSTED, Column.ANYWHERE])]
    kind = msgspec.structs.replace(KIND, in_bursts=True)
    result = asyncio.run(asyncio.wait_for(faults.matrix(plan, SEED, SESSIONS, stages=1, kind=kind), WHOLE_S))
    assert result.is_clean, faults.in_words(result)
    assert totals(result.outcomes)["faults"] >= 1


def test_streaming_sessions_are_attached_again_after_each_kill_of_the_supervisor() -> None:
    soaked = asyncio.run(asyncio.wait_for(faults_soak.soak(6, 4, SEED, forked), WHOLE_S))
    assert not soaked.findings and not soaked.failures, soaked.in_words()
    assert soaked.recoveries
