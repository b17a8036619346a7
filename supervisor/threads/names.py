"""What threads are called: a title of Claude's, given once, and whatever people call them from then on.

The name that a thread should have stands in its row of the outbox's table, with what Discord was told last. A row that
differs is renamed here and not by the outbox: Discord takes two renames of a thread in ten minutes, and no post may
wait for that. A name that Discord tells and that is neither of the two is a person's, and is never changed again.

An archived thread is not opened for a name, and keeps what it has. One whose session waits for somebody is told of in
its channel, because nobody looks there any more.
"""

import asyncio
import contextlib
import logging

from bridge.protocol.errors import RemoteError
from bridge.render import notices
from bridge.session.managed import ManagedSession
from supervisor.discord.asking import Renaming
from supervisor.discord.errors import Unavailable
from supervisor.discord.shapes import GuildShown, PlaceShown, ThreadsShown, read
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

PAUSE_S, LONGEST_PAUSE_S = 30.0, 600.0
TRIES = 5
ARCHIVED = "archived"
"""The key of the post in the channel."""

log = logging.getLogger(__name__)


class Names:
    def __init__(self, manager: SessionManager, discord: Renaming) -> None:
        self._manager = manager
        self._discord = discord
        self._woken: set[str] = set()
        self._tries: dict[str, int] = {}
        self._not_before: dict[str, float] = {}
        self._wake = asyncio.Event()
        manager.changes.hear_posts(self._look)

    def _look(self, session_id: str) -> None:
        self._woken.add(session_id)
        self._wake.set()

    # --- what Discord tells ----------------------------------------------------------------------------

    def seen(self, data: object) -> None:
        """A THREAD_UPDATE. Raises msgspec.ValidationError, StoreError."""
        self._seen(read(data, PlaceShown))

    def listed(self, data: object) -> None:
        """A THREAD_LIST_SYNC. Raises msgspec.ValidationError, StoreError."""
        for thread in read(data, ThreadsShown).threads:
            self._seen(thread)

    def guild_seen(self, data: object) -> None:
        """A GUILD_CREATE lists the threads that are not archived. Raises msgspec.ValidationError, StoreError."""
        guild = read(data, GuildShown)
        for thread in guild.threads:
            self._seen(thread)
        shown = {thread.id for thread in guild.threads}
        for session in self._manager.active_sessions():
            is_made = session.guild_id == guild.id and self._manager.has_thread(session.session_id)
            if is_made and session.requests and session.thread_id not in shown:
                self._tell_archived(session)

    def _seen(self, thread: PlaceShown) -> None:
        if (session := self._manager.session_of_thread(thread.id)) is None:
            return
        if thread.name:
            self._manager.thread_is_called(session.session_id, thread.name)
        if thread.thread_metadata.archived and session.requests:
            self._tell_archived(session)
        elif not thread.thread_metadata.archived and self._manager.store.post(session.session_id, ARCHIVED):
            self._manager.show(session.session_id, ARCHIVED, notices.opened_again(session))

    def _tell_archived(self, session: ManagedSession) -> None:
        self._manager.show(session.session_id, ARCHIVED, notices.archived(session))

    # --- renaming --------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled."""
        self._woken |= {session.session_id for session in self._manager.active_sessions()}
        while True:
            self._wake.clear()
            woken, self._woken = self._woken, set()
            for session_id in sorted(woken):
                await self._rename(session_id)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min(self._not_before.values(), default=None)):
                    await self._wake.wait()
            due = {i for i, at in self._not_before.items() if at <= _now()}
            self._woken |= due
            for session_id in due:
                del self._not_before[session_id]

    async def _rename(self, session_id: str) -> None:
        """Never raises."""
        session = self._manager.get_session(session_id)
        if session is None or session_id in self._not_before:
            return
        try:
            if (name := self._manager.name_to_give(session_id)) is None:
                return
            await self._discord.rename(session.thread_id, name)
            self._manager.thread_is_called(session_id, name)
            self._tries.pop(session_id, None)
        except (Unavailable, StoreError) as error:
            self._try_again(session_id, error)
        except RemoteError as error:
            self._give_up(session_id, error)

    def _try_again(self, session_id: str, error: RemoteError | StoreError) -> None:
        tries = self._tries[session_id] = self._tries.get(session_id, 0) + 1
        if tries >= TRIES:
            self._give_up(session_id, error)
            return
        told_s = error.retry_after if isinstance(error, Unavailable) else 0.0
        self._not_before[session_id] = _now() + min(max(told_s, PAUSE_S * 2**tries), LONGEST_PAUSE_S)

    def _give_up(self, session_id: str, error: Exception) -> None:
        """The thread keeps the name that it has."""
        log.info("session %s: its thread cannot be renamed: %s", session_id, error)
        self._tries.pop(session_id, None)
        with contextlib.suppress(StoreError):
            self._manager.keep_name(session_id)


def _now() -> float:
    return asyncio.get_running_loop().time()
