"""What the log says once, when everything is there: who we are, where, for whom, and with which Claude.

*ready* is the last word, and said only when a session could begin. (systemd hears READY=1 before: Discord may be away
for long, and nothing that is started again would change that.)
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

from supervisor.config_in_force import Settings
from supervisor.discord.survey import Survey
from supervisor.login import keeper as login
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError
from supervisor.workers import walls
from supervisor.workers.claude_cli import ClaudeCli

LOOK_INTERVAL_S = 0.2
LOOK_AGAIN_S = 60.0
"""While it is not ready: each look takes a few requests, and a trial of the walls, whose outcome counts so long."""

log = logging.getLogger(__name__)


class StartReport:
    """``was_back`` is set once Discord is there and read back; ``survey`` looks at it then."""

    def __init__(
        self,
        settings: Settings,
        manager: SessionManager,
        cli: ClaudeCli,
        was_back: asyncio.Event,
        survey: Callable[[], Awaitable[Survey]],
        refusal: Callable[[], str] | None = None,
    ) -> None:
        """``refusal`` blocks, and tells why Claude cannot be shut in here; empty when it can."""
        self._settings = settings
        self._manager = manager
        self._cli = cli
        self._was_back = was_back
        self._survey = survey
        self._try_walls = refusal or (lambda: walls.refusal(settings.now.layout))
        self._tried: tuple[float, str] | None = None

    async def run(self) -> None:
        """Until the last word is *ready*: what keeps it from that may be mended while we run."""
        await self._say_what_claude_has()
        await self._was_back.wait()
        said = ""
        while True:
            hindrances = [*await self._walls(), *await self._claude()]
            found = await self._survey()
            if not said:
                self._say_what_was_found(found)
            if not found.usable:
                hindrances.append("no configured channel can have sessions")
            if (word := self._last_word(found, hindrances)) != said:
                said = word
                log.log(logging.ERROR if hindrances else logging.INFO, "%s", word)
            if not hindrances:
                return
            await asyncio.sleep(LOOK_AGAIN_S)

    async def _say_what_claude_has(self) -> None:
        levels = self._levels()
        why = "" if levels == {"none"} else await self._refusal()
        if why:
            log.error("Claude cannot be shut in on this machine, so its sessions wait: %s", why)
        elif levels == {"none"}:
            log.warning("containment: none; Claude can do whatever this user can")
        else:
            log.info("containment: %s; it was tried, and works", ", ".join(sorted(levels)))
        if told := login.in_words(self._settings.now.layout):
            log.info("%s", told)

    def _say_what_was_found(self, found: Survey) -> None:
        for line in found.lines:
            log.info("%s", line)
        for trouble in found.troubles:
            log.warning("%s: %s", trouble.what, trouble.todo)
        with suppress(StoreError):  # `check` knows less then
            self._manager.remember(Fact.SURVEY, msgspec.json.encode(found).decode())

    def _last_word(self, found: Survey, hindrances: list[str]) -> str:
        if hindrances:
            return f"not ready: {'; '.join(hindrances)}"
        configured = len(self._settings.now.channels)
        return "ready" if found.usable == configured else f"ready, in {found.usable} of {configured} channels"

    def _levels(self) -> set[str]:
        return {channel.containment for channel in self._settings.now.channels.values()}

    async def _walls(self) -> list[str]:
        """Whether they keep every session from its start."""
        if "none" in self._levels():
            return []
        return ["Claude cannot be shut in"] if await self._refusal() else []

    async def _refusal(self) -> str:
        """Of a trial that is no older than a look."""
        now = asyncio.get_running_loop().time()
        if not self._tried or now - self._tried[0] >= LOOK_AGAIN_S:
            self._tried = now, await asyncio.to_thread(self._try_walls)
        return self._tried[1]

    async def _claude(self) -> list[str]:
        """Its version is said when it is known (``supervisor.workers.claude_cli``)."""
        while self._cli.answer is None:  # noqa: ASYNC110 - it has a deadline, and is asked again anyway
            await asyncio.sleep(LOOK_INTERVAL_S)
        return ["Claude Code is too old"] if self._cli.answer.refusal else []
