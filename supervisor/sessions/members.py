"""Who may what now: what the configuration says, and the roles that Discord told, which are believed for ``FRESH_S``.

Where they are older nobody knows: they are fetched, and the sessions that wait for it are looked at again.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NamedTuple

from bridge.protocol.errors import RemoteError
from bridge.session.permission import Person
from bridge.session.rights import Access, Right, Rights
from supervisor.discord.asking import Reading
from supervisor.sessions.store_health import StoreError

FRESH_S = 60.0
RETRY_S = 5.0

log = logging.getLogger(__name__)


class Asked(NamedTuple):
    """Who says whether somebody may do something: the configuration, and Discord for the roles."""

    rights: Rights
    rest: Reading


class Members:
    """``wake`` is called with each session that waited for roles that are known now. ``clock``: seconds, monotonic.

    Without ``asked`` everybody may everything: no gateway lets anybody in.
    """

    def __init__(
        self, asked: Asked | None, wake: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._rights = asked.rights if asked else None
        self._rest = asked.rest if asked else None
        self._wake_session = wake
        self._clock = clock
        self._roles: dict[tuple[int, int], tuple[frozenset[int], float]] = {}
        self._unknown: dict[tuple[int, int], set[str]] = {}
        self._wake = asyncio.Event()

    def note(self, guild_id: int, user_id: int, roles: frozenset[int]) -> None:
        """Discord told these roles just now."""
        self._roles[guild_id, user_id] = roles, self._clock()

    def access(self, channel_id: int) -> Access:
        return self._rights.access(channel_id) if self._rights else Access()

    def may(self, right: Right, user_id: int, guild_id: int, channel_id: int) -> bool | None:
        """None: it depends on roles that are not known now. Nobody (0) may everything."""
        if self._rights is None or not user_id:
            return True
        grant = self._rights.access(channel_id).grant(right)
        if not grant.depends_on_roles(user_id):
            return user_id in grant.users
        roles, at = self._roles.get((guild_id, user_id), (frozenset(), float("-inf")))
        if self._clock() - at > FRESH_S:
            return None
        return grant.holds(Person(user_id, "", guild_id, roles), guild_id)

    def waits(self, session_id: str, guild_id: int, user_ids: Iterable[int]) -> None:
        """The session goes on when these people's roles are known."""
        for user_id in user_ids:
            self._unknown.setdefault((guild_id, user_id), set()).add(session_id)
            self._wake.set()

    async def run(self) -> None:
        """Fetch the roles that are waited for, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            for guild_id, user_id in list(self._unknown):
                await self.look(guild_id, user_id)
            if self._unknown:
                await asyncio.sleep(RETRY_S)
                self._wake.set()

    async def look(self, guild_id: int, user_id: int) -> None:
        """Fetch one's roles now. Where that fails they stay unknown, and who waits for them waits on."""
        assert self._rest
        try:
            found = await self._rest.member(guild_id, user_id)
            roles = found.roles if found else ()
        except RemoteError as error:
            log.info("the roles of user %s are fetched again later: %s", user_id, error)
            return
        self.note(guild_id, user_id, frozenset(roles))
        for session_id in self._unknown.pop((guild_id, user_id), ()):
            with suppress(StoreError):
                self._wake_session(session_id)
