"""Marks that leave nothing behind: a reaction on a prompt that waits, and posts beside it that are taken away again.

A reaction is a row of the outbox's table like any post, and so is a post that is over (``Post.is_over``); what is to be
done follows from the row, and to do it twice is harmless:

    reaction, waits, not shown     set it                   message, over, shown       delete it, and forget the row
    reaction, over, perhaps set    take it away, forget     message, over, not begun   forget it

Where Discord does not let us react, that is found out by the first try and kept until we are started again: there marks
stay the messages that they always were. Discord takes about one reaction in 0.25 s and channel, so all of this goes
after text and cards.
"""

import asyncio
import contextlib
import logging

from bridge.protocol.errors import RemoteError
from bridge.session.managed import ManagedSession
from supervisor.discord.asking import Reacting
from supervisor.discord.errors import Forbidden, Unavailable
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.posts_table import PostRow
from supervisor.sessions.store_health import StoreError

LOOK_AGAIN_S = 1.0

log = logging.getLogger(__name__)


class MayReact:
    """In which channels, and the threads below them. Yes, until Discord says no."""

    def __init__(self, manager: SessionManager) -> None:
        self._manager = manager
        self._not_in: set[int] = set()

    def refused(self, channel_id: int) -> None:
        self._not_in.add(channel_id)

    def is_left_to_us(self, row: PostRow) -> bool:
        """Whether the row is none of the outbox's: nothing to be posted or edited."""
        if row.desired.reaction:
            return True
        is_under_way = row.message_id is None and row.attempted_at is not None
        session = self._manager.get_session(row.session_id)
        may = session is not None and session.channel_id not in self._not_in
        return row.desired.is_over and may and not is_under_way


class Reactions:
    def __init__(self, manager: SessionManager, discord: Reacting, may: MayReact) -> None:
        self._manager = manager
        self._store = manager.store
        self._discord = discord
        self._may = may
        self._woken: set[str] = set()
        self._wake = asyncio.Event()
        manager.changes.hear_posts(self._look)

    def _look(self, session_id: str) -> None:
        self._woken.add(session_id)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. What could not be done, or is still being posted, is looked at again soon."""
        self._woken |= {session.session_id for session in self._manager.active_sessions()}
        while True:
            self._wake.clear()
            woken, self._woken = self._woken, set()
            left = {session_id for session_id in sorted(woken) if not await self._is_settled(session_id)}
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S if left else None):
                    await self._wake.wait()
            self._woken |= left

    async def _is_settled(self, session_id: str) -> bool:
        """Whether nothing is left to be done. Never raises."""
        session = self._manager.get_session(session_id)
        try:
            rows = self._store.unsettled_posts(session_id) if session else []
            for row in sorted(rows, key=lambda row: not row.desired.reaction):  # it tells whether we may
                if session and self._may.is_left_to_us(row):
                    await self._settle(row, session)
        except (Unavailable, StoreError) as error:
            log.debug("session %s: a mark waits: %s", session_id, error)
            return False
        except Exception:
            log.exception("session %s: a mark cannot be shown", session_id)
            return True
        return not any(row.desired.is_over for row in rows if not self._may.is_left_to_us(row))

    async def _settle(self, row: PostRow, session: ManagedSession) -> None:
        """Raises Unavailable, StoreError."""
        post = row.desired
        where = (row.shown or post).where  # it is taken away where it was set
        channel_id = session.channel_id if where == "channel" else session.thread_id
        try:
            if post.reaction and not post.is_over:
                with self._store.transaction():
                    self._store.attempt(row.id, row.attempt, self._manager.clock())
                await self._discord.react(channel_id, post.reply_to, post.reaction)
                with self._store.transaction():
                    self._store.note_shown(row.id, 0, post)
                return
            if post.reaction and row.attempted_at is not None:
                await self._discord.take_back(channel_id, post.reply_to, post.reaction)
            elif not post.reaction and row.message_id:
                await self._discord.delete(channel_id, row.message_id)
        except Unavailable:
            raise
        except Forbidden:
            self._may.refused(session.channel_id)
            log.info("channel %s: the bot may not react there (Add Reactions); marks are messages", session.channel_id)
            self._manager.changes.posted(session.session_id)
        except RemoteError as error:
            log.debug("session %s: its mark %r comes to nothing: %s", session.session_id, row.key, error)
        with self._store.transaction():
            self._store.drop_post(row.id)
