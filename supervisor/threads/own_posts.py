"""Posts of ours that somebody deletes: what still matters is posted anew.

    MESSAGE_DELETE of ours ──▶ does it still matter? ──no──▶ it stays deleted
                                    │ yes
                                    ▼
                               the row is NEW again, and the outbox posts it

A moderator may delete what Claude said; that is theirs to do. But a card that waits for an answer, or the answer that
is being written, is owed to a person. What was deleted while we did not listen is found out by looking, after each new
connection: only what can still be answered, or belongs to a running turn, is looked at.

A bot that deletes each of our posts at once would have us post for ever: each time the pause grows.
"""

import asyncio
import logging
from collections.abc import Iterable

from bridge.protocol.errors import RemoteError
from bridge.render.flow import keys_of
from bridge.session.custom_ids import answers_nothing
from bridge.session.managed import ManagedSession
from supervisor.discord.asking import Reading
from supervisor.discord.errors import ChannelGone, MessageGone
from supervisor.discord.shapes import Deletion, read
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.posts_table import PostRow
from supervisor.sessions.store_health import StoreError

FREE_TIMES = 2
PAUSE_S, LONGEST_PAUSE_S = 5.0, 600.0
RETRY_S = 5.0

log = logging.getLogger(__name__)


def still_matters(row: PostRow, session: ManagedSession) -> bool:
    """Whether a person waits for this post: it can be answered, or it is of the turn that runs."""
    if row.desired.is_over:
        return False
    answers = [one for one in row.desired.buttons if not one.disabled and not answers_nothing(one.custom_id)]
    if answers or row.desired.selects:
        return True
    turn = session.turn
    return turn is not None and row.key.startswith(keys_of(session.generation, turn.seq))


def pause_s(times: int) -> float:
    """Before it is posted anew, when it was made anew so many times before."""
    return 0.0 if times < FREE_TIMES else min(PAUSE_S * 2.0 ** min(times - FREE_TIMES, 20), LONGEST_PAUSE_S)


class OwnPosts:
    """``run`` must be running for anything to be done."""

    def __init__(self, manager: SessionManager, rest: Reading) -> None:
        self._manager = manager
        self._rest = rest
        self._due: dict[int, float] = {}
        self._is_to_look = False
        self._wake = asyncio.Event()

    def heard_deleted(self, data: object) -> None:
        """A MESSAGE_DELETE or MESSAGE_DELETE_BULK. Raises msgspec.ValidationError."""
        gone = read(data, Deletion)
        self.deleted((*gone.ids, gone.id))

    def deleted(self, message_ids: Iterable[int]) -> None:
        """Messages that are gone; most are nobody's post. Never raises StoreError: then it is done later."""
        for message_id in message_ids:
            try:
                row = self._manager.store.post_of_message(message_id)
            except StoreError:
                self._due[message_id] = _now() + RETRY_S
                continue
            if row is not None:
                self._due[message_id] = _now() + pause_s(row.attempt)
        self._wake.set()

    def look(self) -> None:
        """We did not listen for a while."""
        self._is_to_look = True
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._wake.clear()
            if self._is_to_look:
                await self._look_at_all()
            for message_id in [i for i, at in self._due.items() if at <= _now()]:
                self._post_anew(message_id)
            left = [max(0.0, at - _now()) for at in self._due.values()] + ([RETRY_S] if self._is_to_look else [])
            try:
                async with asyncio.timeout(min(left, default=None)):
                    await self._wake.wait()
            except TimeoutError:
                continue

    def _post_anew(self, message_id: int) -> None:
        try:
            row = self._manager.store.post_of_message(message_id)
            session = self._manager.get_session(row.session_id) if row else None
            if row and session and still_matters(row, session):
                log.info("session %s: post %r was deleted and is posted again", row.session_id, row.key)
                with self._manager.transaction():
                    self._manager.store.forget_message(row.id)
                self._manager.changes.posted(row.session_id)
        except StoreError:
            self._due[message_id] = _now() + RETRY_S
        else:
            self._due.pop(message_id, None)

    async def _look_at_all(self) -> None:
        self._is_to_look = False
        for session in self._manager.active_sessions():
            try:
                rows = self._manager.store.posts_like(session.session_id, "")
                for row in [row for row in rows if row.message_id and still_matters(row, session)]:
                    await self._look_at(row, session)
            except ChannelGone:
                continue
            except (RemoteError, StoreError) as error:
                log.info("session %s: whether its posts still stand is seen later: %s", session.session_id, error)
                self._is_to_look = True

    async def _look_at(self, row: PostRow, session: ManagedSession) -> None:
        channel_id = session.channel_id if row.desired.where == "channel" else session.thread_id
        assert row.message_id
        try:
            await self._rest.message(channel_id, row.message_id)
        except MessageGone:
            self.deleted([row.message_id])


def _now() -> float:
    return asyncio.get_running_loop().time()
