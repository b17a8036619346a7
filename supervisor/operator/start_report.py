"""What the log says once, when everything is there: who we are, where, for whom, and with which Claude.

*ready* is the last word, and said only when a session could begin. (systemd hears READY=1 before: Discord may be away
for long, and nothing that is started again would change that.)
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

from supervisor.config import Config
from supervisor.discord.survey import Survey
from supervisor.login import keeper as login
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError
from supervisor.workers import walls
from supervisor.workers.claude_cli import ClaudeCli

FACT = "survey"
LOOK_INTERVAL_S = 0.2

log = logging.getLogger(__name__)


class StartReport:
    """``was_back`` is set once Discord is there and read back; ``survey`` looks at it then."""

    def __init__(
        self,
        config: Config,
        manager: SessionManager,
        cli: ClaudeCli,
        was_back: asyncio.Event,
        survey: Callable[[], Awaitable[Survey]],
        refusal: Callable[[], str] | None = None,
    ) -> None:
        """``refusal`` blocks, and tells why Claude cannot be shut in here; empty when it can."""
        self._config = config
        self._manager = manager
        self._cli = cli
        self._was_back = was_back
        self._survey = survey
        self._refusal = refusal or (lambda: walls.refusal(config.layout))

    async def run(self) -> None:
        """To the last word; then nothing more is said."""
        hindrances = [*await self._containment(), *await self._claude()]
        await self._was_back.wait()
        found = await self._survey()
        for line in found.lines:
            log.info("%s", line)
        for trouble in found.troubles:
            log.warning("%s: %s", trouble.what, trouble.todo)
        with suppress(StoreError):  # `check` knows less then
            self._manager.remember(FACT, msgspec.json.encode(found).decode())
        if not found.usable:
            hindrances.append("no configured channel can have sessions")
        self._last_word(found, hindrances)

    def _last_word(self, found: Survey, hindrances: list[str]) -> None:
        if hindrances:
            log.error("not ready: %s", "; ".join(hindrances))
        elif found.usable < len(self._config.channels):
            log.warning("ready, in %d of %d channels", found.usable, len(self._config.channels))
        else:
            log.info("ready")

    async def _containment(self) -> list[str]:
        """What keeps every session from its start."""
        levels = {channel.containment for channel in self._config.channels.values()}
        if levels == {"none"}:
            log.warning("containment: none; Claude can do whatever this user can")
            return []
        if why := await asyncio.to_thread(self._refusal):
            log.error("Claude cannot be shut in on this machine, so its sessions wait: %s", why)
            return [] if "none" in levels else ["Claude cannot be shut in"]
        log.info("containment: %s; it was tried, and works", ", ".join(sorted(levels)))
        return []

    async def _claude(self) -> list[str]:
        """Its version is said when it is known (``supervisor.workers.claude_cli``)."""
        if told := login.in_words(self._config.layout):
            log.info("%s", told)
        while self._cli.answer is None:  # noqa: ASYNC110 - it has a deadline, and is asked again anyway
            await asyncio.sleep(LOOK_INTERVAL_S)
        return ["Claude Code is too old"] if self._cli.answer.refusal else []
