"""Our end of Discord's gateway: one connection, kept up, whatever happens to it.

nextcord does the socket (heartbeats, compression, RESUME) and nothing else. Its parsers for what concerns us
are replaced by ours, which get Discord's own JSON in the order of arrival, within the call that received it:
nextcord would start a task for each event, drop what it has not in its cache, and wait up to 1,024 s between
two attempts to connect (docs/discord-api.md, "nextcord" and "Gateway").

Where a connection stands is told by the table of ``supervisor.discord.connection``; here its steps are seen and acted
on. What an event means to others is theirs (``supervisor.discord.hearing``).
"""

import asyncio
import logging
from typing import Any

import msgspec

from bridge.protocol.errors import RemoteError
from supervisor.discord.alone import Entry, NotAloneError
from supervisor.discord.attempts import Attempts
from supervisor.discord.client import NotLetInError, in_words
from supervisor.discord.connection import (
    LOSSES_WINDOW_S,
    MOST_LOSSES,
    WAITS_FOR_DISCORD,
    Connection,
    State,
    Step,
)
from supervisor.discord.current_client import PRESENCE_INTERVAL_S, CurrentClient
from supervisor.discord.hearing import Hearing
from supervisor.discord.identify_budget import IDENTIFY_GAP_S, TooManyIdentifiesError
from supervisor.discord.standing import Standing
from supervisor.errands import Errands
from supervisor.log_format import Folded

_ANSWERED = ("MESSAGE_CREATE", "INTERACTION_CREATE")
"""Events that whoever stands aside leaves to the other one."""

log = logging.getLogger(__name__)


class FlappingError(RemoteError):
    """Discord accepts the socket and drops it, again and again."""


class Times(msgspec.Struct):
    """In seconds. ``deadline_s``: of each step of a connection; ``leave_s``: from the word that we stop answering."""

    deadline_s: float = 45.0
    longest_retry_s: float = 30.0
    leave_s: float = 3.0
    identify_gap_s: float = IDENTIFY_GAP_S
    presence_s: float = PRESENCE_INTERVAL_S


class Gateway:
    def __init__(
        self,
        entry: Entry,
        connection: Connection,
        current: CurrentClient,
        standing: Standing,
        hearing: Hearing,
        errands: Errands,
        times: Times,
    ) -> None:
        self._entry = entry
        self._connection = connection
        self._current = current
        self._standing = standing
        self._hearing = hearing
        self._errands = errands
        self._times = times
        self._folded = Folded()
        self._attempts = Attempts(lambda: times.longest_retry_s)
        self._deadline: asyncio.Timeout | None = None

    async def run(self) -> None:
        """Until cancelled. Raises UserError when the token or an intent is refused, and nothing else."""
        try:
            while self._connection.state is not State.ASIDE:
                wait_s, reason = await self._attempt()
                self._away(f"Discord is away ({reason}); next attempt in {wait_s:.0f} s")
                if self._folded.words(reason):
                    log.warning("%s", self._standing.state)
                await asyncio.sleep(wait_s)
            await asyncio.Event().wait()
        finally:
            self._entry.release()

    # --- the connection ------------------------------------------------------------------------------

    async def _attempt(self) -> tuple[float, str]:
        """(seconds until the next one, why it ended). Raises UserError."""
        wait_s = self._attempts.next_pause_s()
        try:
            await self._connect()
        except NotLetInError as error:
            return self._attempts.refused(str(error)), str(error)
        except NotAloneError as error:
            return self._times.longest_retry_s, str(error)
        except TooManyIdentifiesError as error:
            return error.wait_s, str(error)
        except RemoteError as error:
            return wait_s, str(error)
        except TimeoutError:
            return wait_s, f"nothing was heard within {self._times.deadline_s:.0f} s"
        except Exception as error:
            log.debug("the connection ended", exc_info=True)
            return wait_s, in_words(error)
        return wait_s, "the connection ended"

    async def _connect(self) -> None:
        """One client, from its login to its end."""
        client = self._current.renew(self._entry.api_base, self.hear, self._entry.identifies.allow)
        self._forget_why()
        try:
            async with asyncio.timeout(None) as self._deadline:
                self._step(Step.ATTEMPT)
                await client.login(self._entry.token)
                self._entry.claim(client.bot_id)
                self._forget_why()
                self._step(Step.LOGGED_IN)
                await client.connect(reconnect=False)
        finally:
            self._deadline = None
            await self._current.let_go()

    def _forget_why(self) -> None:
        """What only a person, or another supervisor's end, can change is told while it is looked at again too."""
        if not (self._attempts.refusals or self._entry.trouble):
            self._connection.why = ""

    def _step(self, step: Step) -> bool:
        """Whether it leads anywhere; then the deadline is that of where it leads."""
        if not self._connection.happens(step):
            return False
        if self._deadline:
            waits = self._connection.state in WAITS_FOR_DISCORD
            now = asyncio.get_running_loop().time()
            self._deadline.reschedule(now + self._times.deadline_s if waits else None)
        self._standing.look()
        return True

    def _away(self, why: str) -> None:
        if self._step(Step.ENDED):
            self._connection.why = why

    def _stand_aside(self, words: str) -> None:
        """For good: whoever was started before us answers. A restart looks again."""
        self._connection.why = f"not answering: {words}; end one of the two, and start this one again"
        self._step(Step.STAND_ASIDE)
        log.error("%s", self._connection.why)
        self._errands.begin(self._leave())

    async def _leave(self) -> None:
        """Once what was to be said about it is said."""
        await asyncio.sleep(self._times.leave_s)
        self._entry.hold(self._connection.why)
        if self._current.client:
            await self._current.client.close()

    # --- what is heard -------------------------------------------------------------------------------

    def hear(self, event: str, data: Any) -> None:
        """Called by nextcord for each event, in order. A mistake of ours must not end its connection."""
        data = {} if data is None else data
        if not isinstance(data, dict):
            log.warning("an event %s that cannot be read: it is no object", event)
            return
        is_left_to_another = self._connection.state is State.ASIDE and event in _ANSWERED
        if is_left_to_another or not self._hearing.learn(event, data):
            return
        self._moved(event)
        if self._hearing.later_one and self._connection.state is not State.ASIDE:
            self._stand_aside(self._hearing.later_one)
        self._hearing.pass_on(event, data)

    def _moved(self, event: str) -> None:
        match event:
            case "READY":
                self._attempts.let_in()
                self._step(Step.READY)
            case "ready" if self._step(Step.SERVERS_HERE):
                self._standing.say_what_is_missing()
            case "RESUMED":
                self._attempts.connected()
                self._step(Step.RESUMED)
            case "disconnect":
                self._step(Step.LOST)
                if self._connection.is_flapping:
                    raise FlappingError(f"the connection was lost {MOST_LOSSES} times within {LOSSES_WINDOW_S:.0f} s")
