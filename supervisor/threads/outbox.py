"""Makes each thread show its posts.

The table ``posts`` says what threads *should* show; it is no queue of operations. What is to be done follows from a
row alone, so that a restart at any instant goes on where it stopped:

    NEW      no message id          → create it; creates keep the rows' order
    STALE    shown ≠ desired        → edit it, to the newest text
    SETTLED  shown = desired        → nothing

**Nothing twice.** A create may have happened although no answer came: the reply was lost, or we died before the
commit. So ``attempted_at`` is committed before each create, and its nonce follows from (session, key, attempt).
Discord knows a nonce for some minutes, and answers a repeat with the message of the *first* time. Hence: within
``NONCE_S`` the create is repeated under the same nonce, and what comes back is taken as shown (it may be old, and is
edited then). Later the thread is read back. While a post of a session is NEW no later one is created, so a message of
ours after the last one that we know must be the lost one; it is adopted. There being none, the post is created under
a new nonce.

**How often**, and what goes together, stands in ``supervisor.threads.writes``. The text is rendered when it may go,
never before, so what goes is always the newest.

**What Discord will not do.** A message that was deleted is posted again when it changes; an archived thread is opened
again; a thread or channel that is gone ends the session. What becomes of any other refusal stands in
``supervisor.threads.refusals``: no post is ever given up while there is a place for it. What points to an answer (the
summary in the channel) waits until the answer stands there.
"""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Callable, Sequence

import msgspec

from bridge.protocol.errors import RemoteError
from bridge.protocol.layout import Layout
from bridge.render.posts import Post, payload
from bridge.session.managed import ManagedSession
from bridge.text import escape, one_line
from supervisor.discord import sent_files
from supervisor.discord.asking import Showing
from supervisor.discord.errors import Archived, BadToken, Forbidden, Found, MessageGone, Refused, Unavailable
from supervisor.discord.pace import Priority
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.posts_table import PostRow
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError
from supervisor.threads.kept_thread import KeptThread
from supervisor.threads.refusals import Again, GiveUp, in_words
from supervisor.threads.tries import LONGEST_BACKOFF_S, as_found, backoff_s, lost_among, nonce_of
from supervisor.threads.writes import Write, goes_along, plan, text_due_at, together, too_early

NONCE_S = 60.0
"""How long after a first try a nonce is surely still known (docs/discord-api.md, "Threads and nonces")."""
LOOK_S = 0.05
"""Deltas wake us many times a second; we look at most every so often."""
TROUBLE = "⚠"
"""How the words in the channel begin while something cannot be shown."""
STORE_LOOK_S = 1.0
"""How often to look whether a store that takes no writes does again; nothing is sent until then."""

_log = logging.getLogger(__name__)


class Outbox:
    """``run`` must be running for anything to be sent. ``clock`` gives Unix seconds; ``layout``: where files lie.

    ``others``: rows that somebody else looks after.
    """

    def __init__(
        self,
        store: Store,
        manager: SessionManager,
        discord: Showing,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
        layout: Layout | None = None,
        others: Callable[[PostRow], bool] = lambda row: bool(row.desired.reaction),
    ) -> None:
        self._store = store
        self._manager = manager
        self._discord = discord
        self._clock = clock
        self._jitter = jitter
        self._layout = layout
        self._others = others
        self._threads: dict[str, KeptThread] = {}
        self._tasks: asyncio.TaskGroup | None = None
        manager.changes.hear_posts(self.wake)

    def wake(self, session_id: str) -> None:
        """Something about the session's posts may have changed. Cheap; only a hint."""
        if not self._tasks:
            return
        thread = self._threads.setdefault(session_id, KeptThread(session_id))
        thread.woken.set()
        if not thread.running:
            thread.running, thread.noticed_at = True, _now()
            self._tasks.create_task(self._keep(thread), name=f"outbox {session_id}")

    async def run(self) -> None:
        """A task for each session with unsettled posts, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            try:
                for session_id in await self._unsettled():
                    self.wake(session_id)
                await asyncio.Event().wait()
            finally:
                self._tasks = None

    async def _unsettled(self) -> list[str]:
        while True:
            try:
                with self._store.transaction():
                    self._store.revive()
                return self._store.unsettled_sessions()
            except StoreError:
                await asyncio.sleep(STORE_LOOK_S)

    # --- one session -----------------------------------------------------------------------------------

    async def _keep(self, thread: KeptThread) -> None:
        """Until the session is settled. A mistake of ours in one session leaves the others alone."""
        while thread.running:
            try:
                await self._step(thread)
            except StoreError:
                await self._store_is_well()
            except Exception:
                _log.exception("the outbox failed for session %s", thread.session_id)
                await asyncio.sleep(LONGEST_BACKOFF_S)

    async def _store_is_well(self) -> None:
        """What Discord takes must be noted, or it would be sent again and again: first the store, then Discord."""
        while True:
            await asyncio.sleep(STORE_LOOK_S)
            try:
                with self._store.transaction():
                    self._store.remember("outbox_waited_at", str(self._clock()))
            except StoreError:
                continue
            return

    async def _step(self, thread: KeptThread) -> None:
        """Look, and do the one best thing, or wait, or end."""
        await asyncio.sleep(max(0.0, thread.not_before - _now()))
        thread.woken.clear()
        session = self._manager.get_session(thread.session_id)
        text_in = self._text_in(thread, session) if session else 0.0
        if session and text_in <= 0:
            self._manager.reports.render_live(thread.session_id)
        unsettled = self._store.unsettled_posts(thread.session_id) if session else []
        mine = [row for row in unsettled if not self._others(row)]
        rows = [row for row in mine if row.message_id is None or not row.desired.thread_name]
        thread.since = {row.id: thread.since.get(row.id, _now()) for row in rows}
        if not session or (not rows and text_in <= 0):
            if not (session and self._say_it_is_over(session)):
                self._rest(thread, session)
            return
        shut_s = thread.troubles.shut_s(_now())
        open_rows = [r for r in rows if not shut_s or r.desired.where == "channel" or r.desired.thread_name]
        missing = [r for r in rows if r.desired.where == "thread" and not thread.troubles.is_shown_plainly(r)]
        early = too_early(open_rows, missing)
        may_go = [r for r in open_rows if r not in early]
        writes = plan(may_go, is_streaming=session.is_processing, since=thread.since)
        open_now = [w for w in writes if text_in <= 0 or w.priority <= Priority.URGENT]
        waits = [(self._ready_in(thread, w, session), w) for w in open_now]
        going = together([w for wait_s, w in waits if wait_s <= 0], is_streaming=session.is_processing)
        if not going:
            await _nap(thread, min([wait_s for wait_s, _ in waits] + [s for s in (text_in, shut_s) if s > 0]))
        elif session.is_processing:
            await self._send_all(thread, going, session)
        else:
            along = [r for r in early if goes_along(r, missing, going, thread.troubles.has)]
            also = plan(along, is_streaming=False, since=thread.since)
            ready = [w for w in also if self._ready_in(thread, w, session) <= 0]
            await self._send_all(thread, [*going, *ready], session)

    def _ready_in(self, thread: KeptThread, write: Write, session: ManagedSession) -> float:
        """Seconds until it may go, as far as Discord and what it refused let it."""
        return max(self._wait_s(write, session), thread.troubles.wait_s(write.row, _now()))

    def _text_in(self, thread: KeptThread, session: ManagedSession) -> float:
        """Seconds until text may be written; 0.0 once the turn is over."""
        if session.turn is None:
            return 0.0
        if session.turn.seq != thread.turn_seq:
            thread.turn_seq, thread.writes = session.turn.seq, 0
        due_at = text_due_at(thread.noticed_at, thread.written_at, thread.answered_at, thread.writes)
        return max(0.0, due_at - _now())

    def _rest(self, thread: KeptThread, session: ManagedSession | None) -> None:
        """All is shown. The cadence is remembered while the turn runs."""
        thread.running = False
        if session is None or not session.is_processing:
            del self._threads[thread.session_id]

    def _wait_s(self, write: Write, session: ManagedSession) -> float:
        if write.action == "thread":
            return 0.0
        return self._discord.wait_s(write.action, _channel(write.row, session), write.priority)

    async def _send_all(self, thread: KeptThread, writes: Sequence[Write], session: ManagedSession) -> None:
        """None of them has to wait for another's answer."""
        sent = await asyncio.gather(*(self._send(thread, w, session) for w in writes), return_exceptions=True)
        for outcome in sent:
            if outcome is not None:
                raise outcome

    async def _send(self, thread: KeptThread, write: Write, session: ManagedSession) -> None:
        began_at = _now()
        try:
            await self._send_unarchived(thread, write, session)
        except Unavailable as error:
            thread.failures += 1
            pause_s = backoff_s(thread.failures, error.retry_after, self._jitter())
            thread.not_before = _now() + pause_s
            _log.info("session %s: %s; again in %.1f s", session.session_id, error, pause_s)
        except RemoteError as error:
            self._refused(thread, write, session, error)
        else:
            thread.failures = 0
            if write.row.desired.where == "thread":
                thread.troubles.shut_times = 0
        thread.since.pop(write.row.id, None)
        if write.priority > Priority.URGENT:
            thread.writes, thread.written_at, thread.answered_at = thread.writes + 1, began_at, _now()

    async def _send_unarchived(self, thread: KeptThread, write: Write, session: ManagedSession) -> None:
        try:
            await self._carry_out(thread, write, session)
        except Archived:
            await self._discord.unarchive(_channel(write.row, session))
            await self._carry_out(thread, write, session)

    async def _carry_out(self, thread: KeptThread, write: Write, session: ManagedSession) -> None:
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

    # --- one post --------------------------------------------------------------------------------------

    async def _edit(self, thread: KeptThread, write: Write, session: ManagedSession) -> None:
        row = write.row
        assert row.message_id is not None
        post = thread.troubles.post(row, editing=True)
        if row.shown is None or payload(row.shown, editing=True) != payload(post, editing=True):
            channel_id = _channel(row, session)
            try:
                await self._discord.edit(channel_id, row.message_id, post, write.priority)
            except MessageGone:
                _log.info("session %s: post %r was deleted and is posted again", row.session_id, row.key)
                self._forget(row)
                return
        self._note_shown(row, row.message_id, thread.troubles.note_shown(row, post, _now()))

    async def _create(self, thread: KeptThread, write: Write, session: ManagedSession) -> None:
        row, now, attempt = write.row, self._clock(), write.row.attempt
        may_exist = row.attempted_at is not None
        if row.attempted_at is not None and not 0 <= now - row.attempted_at < NONCE_S:
            if lost := await self._read_back(row, session):
                self._note_shown(row, lost.message_id, as_found(row.desired, lost.content))
                return
            attempt, may_exist = attempt + 1, False
        if not may_exist:
            self._attempt(row, attempt, now)
        post = thread.troubles.post(row)
        channel_id = _channel(row, session)
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
        self._note_shown(row, found.message_id, thread.troubles.note_shown(row, shown, _now()))

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
        found = await self._discord.own_messages(_channel(row, session), max([session.thread_id, *known]))
        return lost_among(found, row)

    def _note_shown(self, row: PostRow, message_id: int, post: Post) -> None:
        with self._store.transaction():
            self._store.note_shown(row.id, message_id, post)

    def _forget(self, row: PostRow) -> None:
        with self._store.transaction():
            self._store.forget_message(row.id)

    # --- what cannot be done (now) ---------------------------------------------------------------------

    def _refused(self, thread: KeptThread, write: Write, session: ManagedSession, error: RemoteError) -> None:
        """``supervisor.threads.refusals`` says what is next; here it is said where people look."""
        row = write.row
        step = thread.troubles.refused(write.action, row, error, _now())
        _log.warning("session %s: post %r was refused: %s; next: %s", row.session_id, row.key, error, step)
        if write.action == "thread":
            self._manager.delivery.place_refused(session.session_id)
        match step:
            case GiveUp():
                self._give_up(write, session, error)
            case Again(is_said=True) if row.desired.where == "thread":
                words = in_words(write.action, row.desired, error)
                cannot = "make a thread in" if write.action == "thread" else "write in"
                where = f"<#{session.channel_id}>" if write.action == "thread" else session.url()
                text = f"{TROUBLE} I cannot {cannot} {where}: {words}. Nothing is lost; I will try again."
                self._say_in_channel(session, text)
            case _:
                pass

    def _give_up(self, write: Write, session: ManagedSession, error: RemoteError) -> None:
        """There is no place for it (any more)."""
        if write.action == "thread":
            self._give_up_thread(session, "no thread could be made for it")
            self._say_in_channel(session, f"{TROUBLE} I cannot make a thread here: {escape(one_line(str(error), 300))}")
        elif write.row.desired.where == "thread":
            self._give_up_thread(session, "its thread was deleted")
        else:
            with self._store.transaction():
                self._store.give_up(write.row.id)

    def _give_up_thread(self, session: ManagedSession, reason: str) -> None:
        with self._store.transaction():
            for row in self._store.unsettled_posts(session.session_id):
                if row.desired.where == "thread":
                    self._store.give_up(row.id)
        if self._manager.row(session.session_id).ended_at is None:
            self._manager.destroy_session(session.session_id, reason)

    def _say_in_channel(self, session: ManagedSession, text: str) -> None:
        """Once: it is one post, whatever happens again."""
        self._manager.show(session.session_id, "trouble", Post(text, where="channel"))

    def _say_it_is_over(self, session: ManagedSession) -> bool:
        """All is shown; whether the words in the channel said otherwise until now."""
        said = self._store.post(session.session_id, "trouble")
        if said is None or not said.desired.content.startswith(TROUBLE):
            return False
        if self._manager.row(session.session_id).ended_at is None:
            self._say_in_channel(session, f"-# ✓ I can write in {session.url()} again.")
            return True
        return False


def _channel(row: PostRow, session: ManagedSession) -> int:
    return session.channel_id if row.desired.where == "channel" else session.thread_id


def _now() -> float:
    return asyncio.get_running_loop().time()


async def _nap(thread: KeptThread, seconds: float) -> None:
    """So long, or until woken; but never less than ``LOOK_S`` for being woken."""
    await asyncio.sleep(min(seconds, LOOK_S))
    if seconds > LOOK_S:
        try:
            async with asyncio.timeout(seconds - LOOK_S):
                await thread.woken.wait()
        except TimeoutError:
            return
