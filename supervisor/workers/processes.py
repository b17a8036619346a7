"""Worker processes: ensure, find, stop.

One loop makes the processes match what is wanted, a step at a time as ``seats`` says. It asks the kernel who holds a
session's lock, so a worker that was started by an earlier supervisor is found the same way as one that was started a
moment ago. From then on its pidfd alone tells whether it lives. A session that sleeps costs nothing: it is looked at
when something is wished of it, when the operator rings, and once in a while. Nothing is resurrected that an operator
stopped: ``threadbridge kill`` leaves a mark that is looked at before every start.

Who may speak for a worker is noted in the store before its start, and in a file of its session's folder, which
outlives the store. A worker that cannot reach us all the same (our keys are lost, or it hangs) is ended by the
ladder, and the next one goes on where its log stands.

What hinders one session (a folder that is gone, no memory for a process) is tried again, more and more seldom, and
hinders no other. A store that takes no writes makes everything wait.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import msgspec

from bridge.protocol.errors import LocalError
from bridge.protocol.start import WorkerStart
from bridge.render.posts import Post
from bridge.session.managed import ManagedSession
from bridge.text import one_line
from supervisor.sessions import log_lines
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.starts_table import StartRow
from supervisor.sessions.store_health import StoreError
from supervisor.workers import seats
from supervisor.workers.claude_cli import ClaudeCli
from supervisor.workers.curve import new_keys
from supervisor.workers.downlink import Downlink
from supervisor.workers.host import Host
from supervisor.workers.seat_facts import Looks
from supervisor.workers.seats import Held, Seat, Spawned

LOOK_INTERVAL_S = seats.LOOK_AGAIN_S
LOOK_AT_ALL_INTERVAL_S = 30.0
HINDRANCES_BEFORE_SAYING_SO = 3
MOST_STEPS = 8
"""At one look at one seat; the longest way (a death, its judgement, a start, a wait) takes four."""
MOST_WORDS = 500
_OWN_FAULT = "the bridge met a fault of its own, which its log describes"
_UNREACHABLE = Post(
    "⚠ This session's worker could not be reached any more and was ended, so a turn that ran is interrupted."
    " Write here to go on where the conversation stands."
)

type Tell = Callable[[ManagedSession, str], Awaitable[WorkerStart]]
"""What a worker is told, and how the one before it died (``supervisor.workers.starts``)."""

log = logging.getLogger(__name__)


class Processes:
    """The loop over all sessions. ``cli``: which Claude Code it is; without it nothing is asked of that."""

    def __init__(
        self, manager: SessionManager, downlink: Downlink, host: Host, tell: Tell, cli: ClaudeCli | None = None
    ) -> None:
        self._manager = manager
        self._downlink = downlink
        self._host = host
        self._tell = tell
        self._looks = Looks(manager, downlink, host, cli)
        self._seats: dict[str, Seat] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._wake = asyncio.Event()
        self._wished: set[str] = set()
        self._rung = 0
        manager.changes.hear_wishes(self.wish)

    def wish(self, session_id: str) -> None:
        """Something changed for this session; look soon."""
        self._wished.add(session_id)
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled. Workers run on."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await self._keep()
        finally:
            for seat in self._seats.values():
                if seat.held:
                    seat.held.watch.close()
            self._seats.clear()

    # --- when to look --------------------------------------------------------------------------------

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        look_at = all_at = loop.time()
        while True:
            wished, self._wished = self._wished, set()
            self._wake.clear()
            now = loop.time()
            try:
                if now >= all_at or self._operator_rang():
                    await self._look_at([s.session_id for s in self._manager.get_all_sessions()])
                    all_at = now + LOOK_AT_ALL_INTERVAL_S
                else:
                    await self._look_at(wished | self._under_way() if now >= look_at else wished)
            except StoreError:
                self._wished |= wished
                all_at = now  # what was begun and could not be noted stands in none of our lists
                await asyncio.sleep(LOOK_INTERVAL_S)
            look_at = now + LOOK_INTERVAL_S if now >= look_at else look_at
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), max(0.0, look_at - loop.time()))

    def _under_way(self) -> set[str]:
        """Sessions for which waiting alone changes something."""
        return {
            key for key, seat in self._seats.items() if seats.changes_by_waiting(seat, is_well=self._looks.is_well(key))
        }

    def _operator_rang(self) -> bool:
        """``threadbridge kill`` leaves its marks in the sessions' folders, and then rings."""
        rung, self._rung = self._rung, self._host.bell()
        return rung != self._rung

    async def _look_at(self, session_ids: Iterable[str]) -> None:
        for session_id in session_ids:
            session = self._manager.get_session(session_id)
            if session is None:
                continue
            seat = self._seats.setdefault(session_id, Seat(session_id))
            try:
                await self._look(seat, session)
            except StoreError:
                raise
            except OSError as error:
                self._hindered(seat, f"the host says: {error.strerror}" if error.strerror else _OWN_FAULT, repr(error))
            except LocalError as error:
                self._hindered(seat, str(error))
            except Exception as error:
                self._hindered(seat, _OWN_FAULT, repr(error), error)

    def _hindered(self, seat: Seat, why: str, logged: str = "", fault: Exception | None = None) -> None:
        """``why`` for people, who need no path of this host; ``logged``, and where a ``fault`` arose, for the log."""
        if why != seat.hindrance:
            words = logged or why
            log.error("session %s: its worker cannot be seen to: %s", seat.session_id, words, exc_info=fault)
        seat.hinder(why, _now())
        if seat.hindrances >= HINDRANCES_BEFORE_SAYING_SO and self._manager.has_work(seat.session_id):
            self._say_hindered(seat.session_id, f"Claude cannot be started now: {one_line(why, MOST_WORDS)}")

    def _say_hindered(self, session_id: str, why: str) -> None:
        key = f"hindered:{self._manager.row(session_id).session.applied}"
        self._manager.show(session_id, key, Post(f"⚠ {why}. It is tried again by itself."))

    # --- one look ------------------------------------------------------------------------------------

    async def _look(self, seat: Seat, session: ManagedSession) -> None:
        for _ in range(MOST_STEPS):
            if not await self._take(seat, session, seats.next_step(seat, self._looks.at(seat, session, _now()))):
                return
        log.error("session %s: its worker's seat comes to no rest (%s)", seat.session_id, seat.state)

    async def _take(self, seat: Seat, session: ManagedSession, step: seats.Step) -> bool:
        """Whether there may be another step now."""
        match step:
            case seats.Wait():
                return False
            case seats.Spawn():
                await self._spawn(seat, session)
            case seats.Adopt(pid):
                self._adopt(seat, pid)
            case seats.Obey():
                self._manager.stopped_by_operator(seat.session_id)
                self._host.unmark(seat.session_id)
            case seats.Hold(why):
                self._hold(seat, why)
            case seats.End(reason):
                self._end(seat, reason)
            case seats.Listen():
                self._listen_again(seat)
            case seats.Part() | seats.EndStray():
                self._part(seat)
            case seats.BackOff() | seats.Hinder() | seats.GiveUp():
                self._judge(seat, step)
        return True

    # --- a start -------------------------------------------------------------------------------------

    async def _spawn(self, seat: Seat, session: ManagedSession) -> None:
        told = await self._tell(session, seat.died)
        keys = new_keys()
        start = StartRow(session.session_id, secrets.token_hex(4), keys.public, time.time())
        self._host.make_folder(session.session_id)
        self._manager.starting(start)
        self._host.note(start)
        message = msgspec.structs.replace(
            told,
            start=start.start,
            endpoint=self._downlink.open(start),
            server_key=self._downlink.public_key,
            public_key=keys.public,
            secret_key=keys.secret,
        )
        pid = await self._host.spawn(message)
        seat.spawned = Spawned(pid, start.start, _now())
        seat.died, seat.hindrances, seat.hindrance = "", 0, ""

    def _hold(self, seat: Seat, why: str) -> None:
        seat.not_before = _now() + LOOK_INTERVAL_S
        if why and seat.hindrance != why:
            seat.hindrances, seat.hindrance = 0, why
            self._say_hindered(seat.session_id, f"Claude cannot be started now: {one_line(why, MOST_WORDS)}")

    def _adopt(self, seat: Seat, pid: int) -> None:
        start = self._open_for_holder(seat.session_id)
        if start is None:
            log.error("session %s: pid %d has its lock, and nobody knows by which start", seat.session_id, pid)
        if watch := self._host.watch(pid, lambda: self.wish(seat.session_id)):
            seat.held = Held(pid, start.start if start else "", _now(), watch)

    def _listen_again(self, seat: Seat) -> None:
        """It knocks several times a second; where its lock names another start by now, what we opened is not its door.

        What is its door already stays open: a worker may take longer, over a long log on a busy machine.
        """
        assert seat.held
        seat.held.listened_at = _now()
        if start := self._open_for_holder(seat.session_id):
            seat.held.start = start.start

    def _open_for_holder(self, session_id: str) -> StartRow | None:
        """The start of whichever worker has the lock, at whose door we listen; None: nobody knows it."""
        start = self._host.start_of_holder(session_id) or self._stored_start(session_id)
        if start and not self._downlink.is_open(session_id, start.start):
            self._downlink.open(start)
        return start

    def _stored_start(self, session_id: str) -> StartRow | None:
        return next((s for s in self._manager.starts() if s.session_id == session_id), None)

    # --- an end --------------------------------------------------------------------------------------

    def _end(self, seat: Seat, reason: str) -> None:
        assert seat.held and self._tasks
        session_id, pid = seat.session_id, seat.held.pid
        log.error("session %s: its worker (pid %d) does not reach us, and is ended", session_id, pid)
        if reason == "unheard":  # of an older one the downlink has told
            self._manager.show(session_id, f"unreachable:{pid}:{seat.held.start}", _UNREACHABLE)
        self._tasks.create_task(self._host.end(session_id, pid))
        seat.held.is_ending = True

    def _part(self, seat: Seat) -> None:
        """What the store cannot note is seen to again: until then the seat stays as it is."""
        session_id, spawned = seat.session_id, seat.spawned
        gone = seat.held or spawned
        assert gone
        if spawned and spawned.code is None:
            spawned.code = self._host.end_child(spawned.pid)
        self._downlink.close(session_id)
        self._manager.worker_gone(session_id, gone.start)
        if gone.start:
            self._host.forget(session_id, gone.start)
        seat.code = (spawned.code if spawned else None) or 0
        if seat.code and (last_words := self._host.last_words(session_id)):
            log.warning("session %s: its worker's last words: %s", session_id, last_words)
        if seat.held:
            seat.died = seats.worker_end_in_words(seat.code)
            if session := self._manager.get_session(session_id):
                log_lines.worker_ended(session, seat.died)
            seat.held.watch.close()
        seat.held = seat.spawned = None

    def _judge(self, seat: Seat, step: seats.BackOff | seats.Hinder | seats.GiveUp) -> None:
        """Of a worker that ended: what that means for the next one."""
        match step:
            case seats.BackOff(pause_s, failures, refusals):
                seat.failures, seat.refusals = failures, refusals
                seat.not_before = _now() + pause_s if pause_s else seat.not_before
            case seats.Hinder(why):
                self._hindered(seat, why)
                self._say_hindered(seat.session_id, f"{why[0].upper()}{why[1:]}")
            case seats.GiveUp(pause_s, why):
                self._manager.worker_failed(seat.session_id, why)
                seat.failures, seat.not_before = 0, _now() + pause_s
        seat.code = None


def _now() -> float:
    """Seconds of the running loop's clock."""
    return asyncio.get_running_loop().time()
