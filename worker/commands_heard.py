"""The commands that were heard and not yet obeyed, in their order. Without I/O, but for the waiting."""

import asyncio

from bridge.protocol import commands as c


class CommandsHeard:
    def __init__(self) -> None:
        self._queue: asyncio.Queue[c.AnyCommand] = asyncio.Queue()
        self.stop_heard = asyncio.Event()

    def hear(self, command: c.AnyCommand) -> None:
        self._queue.put_nowait(command)
        if isinstance(command, c.Stop):
            self.stop_heard.set()

    async def next(self) -> c.AnyCommand:
        return await self._queue.get()

    def drained(self) -> list[c.AnyCommand]:
        """All that wait; none waits any more."""
        return [self._queue.get_nowait() for _ in range(self._queue.qsize())]
