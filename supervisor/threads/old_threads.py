"""Threads in which nobody spoke for long and nothing waits: whether they are still there is asked seldom, one by one.

A server does not list an archived thread, so one that was deleted while we did not listen looks like all those that
sleep. To read all of them back at each start would take as many requests as there are; so each is asked after once, at
a pace that nobody notices, and again only after a day, or behind all others where Discord did not say. Which is next is
drawn by lot: a thousand take hours, and a bridge that starts anew before that would always ask after the same ones.

Only a server that we are in can say that a thread is gone: of others Discord tells nothing, or that there is none.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

from bridge.protocol.errors import RemoteError
from supervisor.discord.asking import Reading
from supervisor.discord.errors import Unavailable
from supervisor.sessions.store_health import StoreError

EVERY_S = 20.0
AGAIN_S = 86_400.0

log = logging.getLogger(__name__)


class OldThreads:
    """``gone(thread_id)`` hears of those that are no more; it may raise StoreError.

    ``can_say``: whether we are in a thread's server. ``lot`` gives a number; the smallest is next.
    """

    def __init__(
        self,
        rest: Reading,
        gone: Callable[[int], Awaitable[None]],
        can_say: Callable[[int], bool],
        lot: Callable[[], float] = random.random,
    ) -> None:
        self._rest = rest
        self._can_say = can_say
        self._gone = gone
        self._lot = lot
        self._to_look: dict[int, tuple[int, float]] = {}
        """How often it was asked after in vain, and its lot."""
        self._looked_at: dict[int, float] = {}
        self._wake = asyncio.Event()

    def sleeps(self, thread_id: int) -> None:
        """A thread that nobody shows us."""
        if _now() - self._looked_at.get(thread_id, float("-inf")) >= AGAIN_S:
            self._to_look.setdefault(thread_id, (0, self._lot()))
            self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            while self._to_look:
                await asyncio.sleep(EVERY_S)
                await self._look(min(self._to_look, key=self._to_look.__getitem__))
            self._wake.clear()
            await self._wake.wait()

    async def _look(self, thread_id: int) -> None:
        tries, _ = self._to_look.pop(thread_id)
        try:
            if self._can_say(thread_id):
                await self._ask(thread_id)
        except (Unavailable, StoreError) as error:
            log.info("whether thread %s is still there is asked again: %s", thread_id, error)
            self._to_look[thread_id] = (tries + 1, self._lot())
        except RemoteError as error:
            log.info("whether thread %s is still there is asked another day: %s", thread_id, error)
            self._looked_at[thread_id] = _now()

    async def _ask(self, thread_id: int) -> None:
        is_gone = await self._rest.is_gone(thread_id)
        if not self._can_say(thread_id):
            return  # it is asked anew once we are back there
        self._looked_at[thread_id] = _now()
        if is_gone:
            await self._gone(thread_id)


def _now() -> float:
    return asyncio.get_running_loop().time()
