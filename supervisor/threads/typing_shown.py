"""That Claude works is shown as typing, in each thread whose turn runs and waits for nobody."""

import asyncio
import logging

from bridge.protocol.errors import RemoteError
from supervisor.discord.asking import Showing
from supervisor.sessions.manager import SessionManager

NEVER = float("-inf")
TYPING_EVERY_S = 9.0
"""Discord shows it for 10 s."""
TYPING_LOOK_S = 1.0

_log = logging.getLogger(__name__)


class TypingShown:
    def __init__(self, manager: SessionManager, discord: Showing) -> None:
        self._manager = manager
        self._discord = discord

    async def run(self) -> None:
        """Show typing in each thread whose turn runs and waits for nobody, until cancelled."""
        shown: dict[str, float] = {}
        while True:
            busy = [s for s in self._manager.active_sessions() if s.is_processing and not s.requests]
            shown = {s.session_id: shown.get(s.session_id, NEVER) for s in busy}
            due = [s for s in busy if _now() >= shown[s.session_id] + TYPING_EVERY_S]
            shown |= {s.session_id: _now() for s in due}
            async with asyncio.TaskGroup() as tasks:
                for session in due:
                    tasks.create_task(self._type(session.thread_id))
            await asyncio.sleep(TYPING_LOOK_S)

    async def _type(self, thread_id: int) -> None:
        try:
            await self._discord.typing(thread_id)
        except RemoteError as error:
            _log.debug("typing in %s: %s", thread_id, error)


def _now() -> float:
    return asyncio.get_running_loop().time()
