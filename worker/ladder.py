"""The stop ladder: how a child is ended, and why it was.

    interrupt (with what is queued) ─▶ end_session ─▶ SIGTERM ─▶ SIGKILL of everything below us

Each rung has a deadline. Who stops begins at the top; a shutdown interrupts nothing, since the turn is lost and not
given up; a child that does not answer is not asked again, one that pours out more than is read is not asked at all, for
its answer would stand behind all that; one that must not act any more is killed at once.
"""

import asyncio
import contextlib
from collections.abc import Callable

from bridge.protocol import events as e
from worker.child import Child, Record
from worker.child_end import SHUT_DOWN, TERMINATED
from worker.history import History
from worker.owed_answers import DEADLINES_S
from worker.steps import Take
from worker.stream import Stream

END_SESSION_DEADLINE_S = 5.0
SIGNAL_DEADLINE_S = 0.5
TOLD_TO_END = "the worker was told to end"


class Ladder:
    """``is_marked``: ``threadbridge kill`` left its mark. ``is_held_up``: what the child says is read with pauses.
    ``failure``: what the child was ended for, in words; the first reason counts. ``is_killed``: it was sent a
    signal, so what it still says has an end.
    """

    def __init__(
        self,
        child: Child,
        stream: Stream,
        history: History,
        record: Record,
        take: Take,
        is_marked: Callable[[], bool],
        is_held_up: Callable[[], bool],
    ) -> None:
        self._child = child
        self._stream = stream
        self._history = history
        self._record = record
        self._take = take
        self._is_marked = is_marked
        self._is_held_up = is_held_up
        self._turn_over = asyncio.Event()
        self.failure = ""
        self.is_final = False
        self.is_killed = False

    @property
    def is_descending(self) -> bool:
        return self._history.stopping is not None

    def turn_ended(self) -> None:
        self._turn_over.set()

    async def stop(self, reason: str, command_id: str = "") -> None:
        """All rungs."""
        if self.is_descending:
            return
        self._record(e.WorkerStopping(reason, command_id))
        if self._is_held_up():
            await self._kill()
            return
        if self._stream.in_turn:
            self._turn_over.clear()
            await self._take(self._stream.interrupt(keep_queued=False))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._turn_over.wait(), DEADLINES_S["interrupt"])
        await self._end_session()

    async def obey_signal(self) -> None:
        """A signal is ``threadbridge kill``, which leaves a mark first, or the end of the machine or the service."""
        if self._is_marked():
            await self.stop(TOLD_TO_END)
        else:
            await self._shut_down()

    async def _shut_down(self) -> None:
        """Nobody wished for it: the turn is lost, not interrupted, and what waits is not dropped."""
        if self.is_descending:
            return
        self._record(e.WorkerStopping(SHUT_DOWN))
        if self._stream.in_turn:
            await self._kill()
        else:
            await self._end_session()

    async def end_hung(self, why: str) -> None:
        """Who does not even answer is not asked to end by itself."""
        self._fail(f"{why}, so its process was ended")
        if self._stream.unanswered:
            await self._kill()
        else:
            await self._end_session()

    async def end_at_limit(self, why: str) -> None:
        """Of a bomb nothing may run on for a moment."""
        self._fail(why)
        self._kill_now()
        await self._kill()

    async def end_deaf(self, why: str) -> None:
        """It takes no input, so nothing can be asked of it."""
        self._fail(why)
        await self._kill()

    def condemn(self, why: str) -> None:
        """At once: no rung would keep it from acting. Another child would do the same."""
        self._fail(why)
        self.is_final = True
        self._kill_now()

    async def reap(self, signalled: asyncio.Event) -> int:
        """The child closed its stdout; it has a moment to exit, and nothing of it may stay.

        A shutdown tells all processes at once, so the child may be gone before we heard of it.
        """
        code = await self._child.exited(END_SESSION_DEADLINE_S)
        if code is None:
            return await self._child.kill()
        await self._child.end_rest()
        if code in TERMINATED and not self.is_descending:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(signalled.wait(), SIGNAL_DEADLINE_S)
                if not self.is_descending:
                    self._record(e.WorkerStopping(TOLD_TO_END if self._is_marked() else SHUT_DOWN))
        return code

    async def _end_session(self) -> None:
        await self._take(self._stream.end_session())
        if await self._child.exited(END_SESSION_DEADLINE_S) is None:
            await self._kill()

    async def _kill(self) -> None:
        self.is_killed = True
        await self._child.kill()

    def _kill_now(self) -> None:
        self.is_killed = True
        self._child.kill_now()

    def _fail(self, why: str) -> None:
        self.failure = self.failure or why
