"""Carries out one write of the outbox's: makes a thread, creates a post or edits it, and notes what is shown.

**Nothing twice.** A create may have happened although no answer came: the reply was lost, or we died before the
commit. So ``attempted_at`` is committed before each create, and its nonce follows from (session, key, attempt).
Discord knows a nonce for some minutes, and answers a repeat with the message of the *first* time. Hence: within
``NONCE_S`` the create is repeated under the same nonce, and what comes back is taken as shown (it may be old, and is
edited then). Later the thread is read back. While a post of a session is NEW no later one is created, so a message of
ours after the last one that we know must be the lost one; it is adopted. There being none, the post is created under
a new nonce.

A message that was deleted is posted again when it changes; an archived thread is opened again.
"""

import contextlib
import logging
from collections.abc import Callable

import msgspec

from bridge.protocol.errors import RemoteError
from bridge.protocol.layout import Layout
from bridge.render.posts import Post, payload
from bridge.session.managed import ManagedSession
from supervisor.discord import sent_files
from supervisor.discord.asking import Showing
from supervisor.discord.errors import Archived, BadToken, Forbidden, Found, MessageGone, Refused, StaysArchived
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.posts_table import PostRow
from supervisor.sessions.store import Store
from supervisor.threads.kept_thread import KeptThread, now
from supervisor.threads.tries import as_found, lost_among, nonce_of
from supervisor.threads.writes import Write

NONCE_S = 60.0
"""How long after a first try a nonce is surely still known (docs/discord-api.md, "Threads and nonces")."""

_log = logging.getLogger(__name__)


class Carrier:
    """``clock`` gives Unix seconds; ``layout``: where files lie."""

    def __init__(
        self,
        store: Store,
        manager: SessionManager,
        discord: Showing,
        clock: Callable[[], float],
        layout: Layout | None,
    ) -> None:
        self._store = store
        self._manager = manager
        self._discord = discord
        self._clock = clock
        self._layout = layout

    async def carry_out(self, thread: KeptThread, write: Write, session: ManagedSession) -> None:
        """Once, and noted. Raises what Discord refused, or did not answer."""
        try:
            await self._do(thread, write, session)
        except Archived:
            await self._unarchive(channel_of(write.row, session))
            await self._do(thread, write, session)

    async def _unarchive(self, thread_id: int) -> None:
        try:
            await self._discord.unarchive(thread_id)
        except Forbidden as error:
            raise StaysArchived(str(error), error.code) from error

    async def _do(self, thread: KeptThread, write: Write, session: ManagedSession) -> None:
        match write.action:
            case "thread":
                name = thread.troubles.post(write.row).thread_name
                is_first = write.row.attempted_at is None
                if is_first:
                    self._attempt(write.row, write.row.attempt, self._clock())
                was_ours = await self._discord.make_thread(session.channel_id, session.thread_id, name)
                if was_ours and is_first:
                    self._manager.begun_before(session.session_id)
                await self._let_in(session)
                self._note_shown(write.row, session.thread_id, write.row.desired)
                self._manager.delivery.place_made(session.session_id)
            case "create":
                await self._create(thread, write, session)
            case "edit":
                await self._edit(thread, write, session)

    async def _let_in(self, session: ManagedSession) -> None:
        """Whoever began it is a member of the thread, which so stands in their list. Else they find it all the same."""
        if session.owner_id:
            with contextlib.suppress(RemoteError):
                await self._discord.add_member(session.thread_id, session.owner_id)

    async def _edit(self, thread: KeptThread, write: Write, session: ManagedSession) -> None:
        row = write.row
        assert row.message_id is not None
        post = thread.troubles.post(row, editing=True)
        if row.shown is None or payload(row.shown, editing=True) != payload(post, editing=True):
            channel_id = channel_of(row, session)
            try:
                await self._discord.edit(channel_id, row.message_id, post, write.priority)
            except MessageGone:
                _log.info("session %s: post %r was deleted and is posted again", row.session_id, row.key)
                self._forget(row)
                return
        self._note_shown(row, row.message_id, thread.troubles.note_shown(row, post, now()))

    async def _create(self, thread: KeptThread, write: Write, session: ManagedSession) -> None:
        row, at, attempt = write.row, self._clock(), write.row.attempt
        may_exist = row.attempted_at is not None
        if row.attempted_at is not None and not 0 <= at - row.attempted_at < NONCE_S:
            if lost := await self._read_back(row, session):
                self._note_shown(row, lost.message_id, as_found(row.desired, lost.content))
                return
            attempt, may_exist = attempt + 1, False
        if not may_exist:
            self._attempt(row, attempt, at)
        post = thread.troubles.post(row)
        channel_id = channel_of(row, session)
        try:
            sent = self._with_paths(row.session_id, post)
            found = await self._discord.create(channel_id, sent, nonce_of(row, attempt), write.priority)
        except MessageGone:  # it was made, its answer was lost, and somebody deleted it
            self._forget(row)
            return
        except (Refused, Forbidden, BadToken):
            if not may_exist:
                self._attempt(row, attempt, None)  # surely it was not made
            raise
        shown = as_found(post, found.content) if may_exist else post
        self._note_shown(row, found.message_id, thread.troubles.note_shown(row, shown, now()))

    def _attempt(self, row: PostRow, attempt: int, at: float | None) -> None:
        with self._store.transaction():
            self._store.attempt(row.id, attempt, at)

    def _with_paths(self, session_id: str, post: Post) -> Post:
        """The post with its files where they lie on this host. Raises Refused for what is none of ours."""
        if self._layout is None or not any(file.path for file in post.files):
            return post
        folder = self._layout.session(session_id).folder
        files = [
            msgspec.structs.replace(f, path=str(sent_files.place_of(f.path, folder))) if f.path else f
            for f in post.files
        ]
        return msgspec.structs.replace(post, files=tuple(files))

    async def _read_back(self, row: PostRow, session: ManagedSession) -> Found | None:
        known = [
            other.message_id or 0
            for other in self._store.posts_like(row.session_id, "")
            if other.desired.where == row.desired.where
        ]
        found = await self._discord.own_messages(channel_of(row, session), max([session.thread_id, *known]))
        return lost_among(found, row)

    def _note_shown(self, row: PostRow, message_id: int, post: Post) -> None:
        with self._store.transaction():
            self._store.note_shown(row.id, message_id, post)

    def _forget(self, row: PostRow) -> None:
        with self._store.transaction():
            self._store.forget_message(row.id)


def channel_of(row: PostRow, session: ManagedSession) -> int:
    """The channel or thread in which the post is to stand."""
    return session.channel_id if row.desired.where == "channel" else session.thread_id
