"""Threads in which nobody spoke for long and nothing waits: whether they are still there is asked seldom, one by one.

A server does not list an archived thread, so one that was deleted while we did not listen looks like all those that
sleep. To read all of them back at each start would take as many requests as there are; so each is asked after once, at
a pace that nobody notices, and again only after a day.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from bridge.protocol.errors import RemoteError
from supervisor.discord.asking import Reading
from supervisor.discord.shapes import WithId
from supervisor.sessions.store_health import StoreError

EVERY_S = 20.0
AGAIN_S = 86_400.0

log = logging.getLogger(__name__)


class OldThreads:
    """``gone(thread_id)`` hears of those that are no more; it may raise StoreError."""

    def __init__(self, rest: Reading, gone: Callable[[int], Awaitable[None]]) -> None:
        self._rest = rest
        self._gone = gone
        self._to_look: dict[int, None] = {}
        self._looked_at: dict[int, float] = {}
        self._wake = asyncio.Event()

    def sleeps(self, thread_id: int) -> None:
        """A thread that nobody shows us."""
        if _now() - self._looked_at.get(thread_id, float("-inf")) >= AGAIN_S:
            self._to_look[thread_id] = None
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            while self._to_look:
                await asyncio.sleep(EVERY_S)
                await self._look(next(iter(self._to_look)))
            self._wake.clear()
            await self._wake.wait()

    async def _look(self, thread_id: int) -> None:
        del self._to_look[thread_id]
        self._looked_at[thread_id] = _now()
        try:
            if await self._rest.look_up("/channels/{channel_id}", WithId, channel_id=thread_id) is None:
                await self._gone(thread_id)
        except (RemoteError, StoreError) as error:
            log.info("whether thread %s is still there is asked another time: %s", thread_id, error)


def _now() -> float:
    return asyncio.get_running_loop().time()
