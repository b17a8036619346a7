"""A store that takes no writes while Claude works: the channel hears of it, for what its threads show stands still.

What Discord takes must be noted, so the outbox waits too, and a tool that ended long ago is still shown as running.
Whoever writes hears that it waits (``supervisor.threads.handling``); this is for those who only look.
"""

import asyncio
import logging

from bridge.render.posts import Post
from supervisor.sessions.manager import SessionManager
from supervisor.threads.channel_words import ChannelWords
from supervisor.threads.quiet import Quiet

LOOK_S = 1.0
SAID_AFTER_S = 15.0
"""So long a disk may be sick, and nobody notices; and so long it must be well before a failure is over: on a full disk
small writes may go, and others not."""
PERIOD_S = 600.0
"""A channel hears it no oftener, however often the disk fails."""
STANDS_STILL = Post(
    "⚠ The bridge can keep nothing at the moment (its disk may be full; its log says why). What the threads below show"
    " is of before that, also what they show as running; they go on by themselves when it is over.",
    silent=True,
)

log = logging.getLogger(__name__)


class SickStore:
    def __init__(self, manager: SessionManager, words: ChannelWords) -> None:
        self._manager = manager
        self._words = words
        self._quiet = Quiet(lambda: asyncio.get_running_loop().time())
        self._since: float | None = None
        self._last = 0.0
        self._is_said = False

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._look(asyncio.get_running_loop().time())
            await asyncio.sleep(LOOK_S)

    def _look(self, now: float) -> None:
        if not self._manager.store.health.problem:
            if now - self._last >= SAID_AFTER_S:
                self._since, self._is_said = None, False
            return
        self._since, self._last = now if self._since is None else self._since, now
        if not self._is_said and now - self._since >= SAID_AFTER_S:
            self._is_said = True
            self._say()

    def _say(self) -> None:
        """Once a failure, in each channel in whose threads Claude was at work."""
        at_work = {one.channel_id for one in self._manager.get_all_sessions() if one.is_processing}
        for channel_id in sorted(at_work):
            if not self._quiet.may_say(0, channel_id, STANDS_STILL.content, PERIOD_S):
                continue
            self._words.tell(channel_id, STANDS_STILL, f"s{channel_id % 10**9}.{int(self._manager.clock())}")
