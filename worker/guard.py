"""Holds one child with its tools to the session's limits, and says what was done about it and why.

Once a second it looks: at what the kernel counted in the session's cgroup where there is one, else at all that runs
below us (`worker.usage`), and at what is stored. What follows from it is decided in `worker.excess`; what ends the
child is the worker's to do, since it closes the log behind it.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator

from bridge.protocol import limits as words
from bridge.protocol.limits import Limits
from worker import excess, usage
from worker.cgroup import Cgroup, Counted
from worker.excess import EndAll, EndTool, Tell, Verdict
from worker.private_usage import PrivateUsage
from worker.processes_below import kill_tree, read
from worker.stored import Stored

LOOK_INTERVAL_S = 1.0
KILL_DEADLINE_S = 5.0
REFUSALS_BORNE = 5
"""Looks in a row at which the kernel refused processes: then it is no peak, but a bomb."""


class Guard:
    """``child``: the pid of what was started. ``end``: ends it, for the reason given in words."""

    def __init__(
        self, limits: Limits, cgroup: Cgroup | None, stored: Stored, child: int, private: PrivateUsage | None = None
    ) -> None:
        self._private = private
        self._limits = limits
        self._cgroup = cgroup
        self._stored = stored
        self._child = child
        self._counted = Counted()
        self._told = 0
        self._refusals = 0
        held = cgroup.held if cgroup and cgroup.holds(child) else frozenset()
        self._own = Limits(
            memory_bytes=0 if "memory" in held else limits.memory_bytes,
            tasks=0 if "pids" in held else limits.tasks,
        )

    async def run(self, tell: Callable[[str], object], end: Callable[[str], Awaitable[None]]) -> None:
        """Until the child is to be ended, or we are cancelled."""
        while True:
            await asyncio.sleep(LOOK_INTERVAL_S)
            for verdict in await asyncio.to_thread(self.look):
                match verdict:
                    case Tell(why):
                        tell(why)
                    case EndTool(top, why):
                        tell(why)
                        await asyncio.to_thread(kill_tree, top, KILL_DEADLINE_S)
                    case EndAll(why):
                        await end(why)
                        return

    def look(self) -> list[Verdict]:
        """What is to be done now. Blocks."""
        kernels, own = list(self._of_kernel()), self._of_own()
        stored = self._stored.total()
        too_much = stored > self._limits.stored_bytes > 0
        full = [EndAll(words.stored_too_much(stored, self._limits))] if too_much else []
        return [*kernels, *([own] if own else []), *full, *self._of_private()]

    def _of_private(self) -> list[Verdict]:
        most = self._limits.private_bytes
        held = self._private.total() if self._private and most else 0
        return [EndAll(words.private_too_much(held, self._limits))] if held > most > 0 else []

    def why_it_died(self) -> str:
        """Of a child that a signal ended: in words when that was the kernel, for its memory; else empty."""
        counted = self._cgroup.counted() if self._cgroup else Counted()
        return words.kernel_ended_claude(self._limits) if counted.ended > self._told else ""

    def _of_kernel(self) -> Iterator[Verdict]:
        if not self._cgroup:
            return
        before, self._counted = self._counted, self._cgroup.counted()
        if self._told < self._counted.ended == before.ended and self._lives():  # a look later: was it Claude itself?
            self._told = self._counted.ended
            yield Tell(words.kernel_ended_a_tool(self._limits))
        if self._counted.refused == before.refused:
            self._refusals = 0
            return
        self._refusals += 1
        if self._refusals == 1:
            yield Tell(words.kernel_refused_tasks(self._limits))
        elif self._refusals == REFUSALS_BORNE:
            yield EndAll(words.ended_for_tasks(self._limits.tasks, self._limits, at_least=True))

    def _lives(self) -> bool:
        """Whether Claude does: bubblewrap's end is its end."""
        found = read(self._child)
        return found is not None and found.state not in "ZX"

    def _of_own(self) -> Verdict | None:
        if not (self._own.tasks or self._own.memory_bytes):
            return None
        census = usage.census(os.getpid(), self._own.tasks)
        if verdict := excess.too_many(census, self._own):
            return verdict
        if not self._own.memory_bytes:
            return None
        memory = usage.memory_of(census.processes, self._own.memory_bytes)
        return excess.too_large(census.processes, memory, self._child, self._own)
