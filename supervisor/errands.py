"""Work that nothing waits for: begun within a call that must not wait, and ended with the process."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


class Errands:
    """``run`` must be running before anything is begun. What an errand raises ends ``run``: it handles what it can."""

    def __init__(self) -> None:
        self._tasks: asyncio.TaskGroup | None = None

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._tasks, "errands are not running"
        self._tasks.create_task(work)

    async def run(self) -> None:
        """Until cancelled."""
        async with self.running():
            await asyncio.Event().wait()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What was begun within has ended after it."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                yield
        finally:
            self._tasks = None
