"""The end of a child that is gone already: was it the end of all?"""

import asyncio

import pytest

from bridge.protocol import events as e
from stages.jumping_clock import jumping
from stages.scripted_worker import CLAUDE, CREATED, STARTED, ScriptedChild, ScriptedLog
from worker.child_end import SHUT_DOWN
from worker.history import History
from worker.ladder import TOLD_TO_END, Ladder
from worker.steps import Step
from worker.stream import Stream


class Stage:
    def __init__(self, *, is_marked: bool = False) -> None:
        self.log = ScriptedLog(CREATED, STARTED)
        self.child = ScriptedChild()
        self.history = History.of(self.log.read())
        stream = Stream(11, claude_id=CLAUDE, resuming=False)
        self.ladder = Ladder(self.child, stream, self.history, self._record, self._take, lambda: is_marked, bool)

    def _record(self, event: e.AnyEvent) -> e.Record:
        record = self.log.append(event)
        self.history.apply(record)
        return record

    async def _take(self, steps: list[Step]) -> None:
        raise AssertionError(f"a child that is gone is asked {steps}")


@pytest.mark.parametrize(("is_marked", "reason"), [(False, SHUT_DOWN), (True, TOLD_TO_END)])
def test_a_child_that_ended_by_the_signal_that_we_heard_too_was_told_to(is_marked: bool, reason: str) -> None:
    @jumping
    async def play() -> None:
        stage = Stage(is_marked=is_marked)
        signalled = asyncio.Event()
        signalled.set()
        stage.child.exit(143)
        assert await stage.ladder.reap(signalled) == 143
        assert stage.log.events(e.WorkerStopping) == [e.WorkerStopping(reason)]

    play()


@pytest.mark.parametrize("code", [143, -15, 0, 1])
def test_a_child_that_ends_while_nobody_told_us_anything_ended_by_itself(code: int) -> None:
    @jumping
    async def play() -> None:
        stage = Stage()
        stage.child.exit(code)
        assert await stage.ladder.reap(asyncio.Event()) == code
        assert stage.log.events(e.WorkerStopping) == []
        assert asyncio.get_running_loop().time() < 1

    play()


@jumping
async def test_a_child_that_closed_its_output_and_does_not_exit_is_ended() -> None:
    stage = Stage()
    assert await stage.ladder.reap(asyncio.Event()) == -15
    assert stage.child.ends == [("SIGTERM", 5.0)]


@jumping
async def test_the_first_reason_for_which_a_child_is_ended_counts() -> None:
    stage = Stage()
    stage.ladder.condemn("it went into a looser mode")
    await stage.ladder.end_deaf("its input is closed")
    assert stage.ladder.failure == "it went into a looser mode" and stage.ladder.is_final
