"""Makes each thread show its posts.

The table ``posts`` says what threads *should* show; it is no queue of operations. What is to be done follows from a
row alone, so that a restart at any instant goes on where it stopped:

    NEW      no message id          → create it; creates keep the rows' order
    STALE    shown ≠ desired        → edit it, to the newest text
    SETTLED  shown = desired        → nothing

**Nothing twice**, and what a message that was deleted and an archived thread lead to: ``supervisor.threads.carrier``.

**How often**, and what goes together, stands in ``supervisor.threads.writes``. The text is rendered when it may go,
never before, so what goes is always the newest.

**What Discord will not do** is said where people look, and what becomes of it stands in
``supervisor.threads.refusals``: no post is ever given up while there is a place for it. What points to an answer (the
summary in the channel) waits until the answer stands there.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence

from bridge.protocol.errors import RemoteError
from bridge.protocol.layout import Layout
from bridge.session.managed import ManagedSession
from supervisor.discord.asking import Showing
from supervisor.discord.errors import Unavailable
from supervisor.discord.pace import Priority
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.posts_table import PostRow
from supervisor.sessions.store_health import STORE_LOOK_S, StoreError
from supervisor.threads.carrier import Carrier, channel_of
from supervisor.threads.complaints import Complaints
from supervisor.threads.kept_thread import KeptThread, now
from supervisor.threads.store_well import until_well
from supervisor.threads.tries import LONGEST_BACKOFF_S, backoff_s
from supervisor.threads.writes import Write, goes_along, plan, text_due_at, together, too_early

LOOK_S = 0.05
"""Deltas wake us many times a second; we look at most every so often."""

_log = logging.getLogger(__name__)


class Outbox:
    """``run`` must be running for anything to be sent. ``clock`` gives Unix seconds; ``layout``: where files lie.

    ``others``: rows that somebody else looks after; ``lacks``: whether a server has no such channel, None if not known.
    """

    def __init__(
        self,
        manager: SessionManager,
        discord: Showing,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[], float] = random.random,
        layout: Layout | None = None,
        others: Callable[[PostRow], bool] = lambda row: bool(row.desired.reaction),
        lacks: Callable[[int, int], bool | None] = lambda _server, _channel: False,
    ) -> None:
        self._store = store = manager.store
        self._manager = manager
        self._discord = discord
        self._clock = clock
        self._jitter = jitter
        self._carrier = Carrier(store, manager, discord, clock, layout)
        self._complaints = Complaints(store, manager, lacks)
        self._others = others
        self._threads: dict[str, KeptThread] = {}
        self._tasks: asyncio.TaskGroup | None = None
        manager.changes.hear_posts(self.wake)
        manager.changes.hear_text(self.wake)

    def wake(self, session_id: str) -> None:
        """Something about the session's posts may have changed. Cheap; only a hint."""
        if not self._tasks:
            return
        thread = self._threads.setdefault(session_id, KeptThread(session_id))
        thread.woken.set()
        if not thread.running:
            thread.running, thread.noticed_at = True, now()
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
            except StoreError:  # what Discord takes must be noted, or it would be sent again and again
                await until_well(self._store, self._clock)
            except Exception:
                _log.exception("the outbox failed for session %s", thread.session_id)
                await asyncio.sleep(LONGEST_BACKOFF_S)

    async def _step(self, thread: KeptThread) -> None:
        """Look, and do the one best thing, or wait, or end."""
        await asyncio.sleep(max(0.0, thread.not_before - now()))
        thread.woken.clear()
        session = self._manager.get_session(thread.session_id)
        text_in = self._text_in(thread, session) if session else 0.0
        if session and text_in <= 0:
            self._manager.reports.live.render(thread.session_id)
        if session:
            self._complaints.bring_up_to_date(session, is_shown=False)
        rows = self._rows_of(thread) if session else []
        if session and (rows or text_in > 0):
            await self._best(thread, session, rows, text_in)
        elif not (session and self._complaints.bring_up_to_date(session, is_shown=True)):
            self._rest(thread, session)

    def _rows_of(self, thread: KeptThread) -> list[PostRow]:
        """What is not shown as it should be, and ours to show; and since when."""
        mine = [row for row in self._store.unsettled_posts(thread.session_id) if not self._others(row)]
        rows = [row for row in mine if row.message_id is None or not row.desired.thread_name]
        thread.since = {row.id: thread.since.get(row.id, now()) for row in rows}
        return rows

    async def _best(self, thread: KeptThread, session: ManagedSession, rows: list[PostRow], text_in: float) -> None:
        """Send what goes best now, or wait for what comes next."""
        shut_s = thread.troubles.shut_s(now())
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
        return max(self._wait_s(write, session), thread.troubles.wait_s(write.row, now()))

    def _text_in(self, thread: KeptThread, session: ManagedSession) -> float:
        """Seconds until text may be written; 0.0 once the turn is over."""
        if session.turn is None:
            return 0.0
        if session.turn.seq != thread.turn_seq:
            thread.turn_seq, thread.writes = session.turn.seq, 0
        due_at = text_due_at(thread.noticed_at, thread.written_at, thread.answered_at, thread.writes)
        return max(0.0, due_at - now())

    def _rest(self, thread: KeptThread, session: ManagedSession | None) -> None:
        """All is shown. The cadence is remembered while the turn runs."""
        thread.running = False
        if session is None or not session.is_processing:
            del self._threads[thread.session_id]

    def _wait_s(self, write: Write, session: ManagedSession) -> float:
        if write.action == "thread":
            return 0.0
        return self._discord.wait_s(write.action, channel_of(write.row, session), write.priority)

    async def _send_all(self, thread: KeptThread, writes: Sequence[Write], session: ManagedSession) -> None:
        """None of them has to wait for another's answer."""
        sent = await asyncio.gather(*(self._send(thread, w, session) for w in writes), return_exceptions=True)
        for outcome in sent:
            if outcome is not None:
                raise outcome

    async def _send(self, thread: KeptThread, write: Write, session: ManagedSession) -> None:
        began_at = now()
        try:
            await self._carrier.carry_out(thread, write, session)
        except Unavailable as error:
            thread.failures += 1
            pause_s = backoff_s(thread.failures, error.retry_after, self._jitter())
            thread.not_before = now() + pause_s
            _log.info("session %s: %s; again in %.1f s", session.session_id, error, pause_s)
        except RemoteError as error:
            self._complaints.refused(thread, write, session, error)
        else:
            thread.failures = 0
            if write.row.desired.where == "thread":
                thread.troubles.shut_times = 0
        thread.since.pop(write.row.id, None)
        if write.priority > Priority.URGENT:
            thread.writes, thread.written_at, thread.answered_at = thread.writes + 1, began_at, now()


async def _nap(thread: KeptThread, seconds: float) -> None:
    """So long, or until woken; but never less than ``LOOK_S`` for being woken."""
    await asyncio.sleep(min(seconds, LOOK_S))
    if seconds > LOOK_S:
        try:
            async with asyncio.timeout(seconds - LOOK_S):
                await thread.woken.wait()
        except TimeoutError:
            return
