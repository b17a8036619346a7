"""When and how: cues are boundaries of the path, seen from outside; blows are what then dies or fails."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from random import Random

from lab.faults import discord as faults_discord
from lab.faults.eyes import starting_worker
from lab.faults.session import SENTENCE, SessionUnderFaults
from lab.faults.stage import POLL_S, Stage
from lab.faults.table import Column, Row
from twins.discord.faults import DROP, LOSE, TRUNCATE, Fault, Moment

CUE_S = 15.0
SENT_S = 0.04
"""Longer than a worker takes to hand a record to its socket (its own loop's turn; measured: below 10 ms)."""
ANYWHERE_S = 2.5
SLOW_WORKERS = 0.5
REFUSALS = 0.1
STILL_S, SLOWER_THAN_RESTART_S = 0.1, 1.0
PROCESSES_POLL_S = 0.02
"""Seldom: each look reads every process of this machine, while nothing else on this stage goes on."""
FROZEN_S = 4.0
"""The supervisor stands still for «a» no longer: the blow for another session may have ended this one's worker."""
SICK_S, REFILL_S = (0.2, 2.5), 0.01
"""How long a disk is sick; how often what was freed meanwhile is eaten."""
_MESSAGES = "/channels/{channel_id}/messages"
_MESSAGE = f"{_MESSAGES}/{{message_id}}"


class Strike:
    """One blow at one cue, for one session. `how` says afterwards what exactly was done."""

    def __init__(self, row: Row, column: Column, session: SessionUnderFaults, random: Random) -> None:
        self.row = row
        self.column = column
        self.how = ""
        self.at = 0.0
        self.settled_s = 0.0
        self._session = session
        self._stage: Stage = session.stage
        self._random = random
        self._done = asyncio.Event()
        self._interactions: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def struck(self) -> bool:
        return bool(self.how)

    async def run(self) -> None:
        """Until it was struck, or the cue did not come in time. What lasts then may last on: see `is_over`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CUE_S):
                await self._await_cue()
        if self.row is not Row.DISK:  # people go on while it is sick
            await self.is_over()

    async def is_over(self) -> None:
        """Wait until nothing of it lasts any more."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    # --- cues ----------------------------------------------------------------------------------------

    async def _await_cue(self) -> None:
        session, eyes = self._session, self._stage.eyes
        match self.column:
            case Column.STORED:
                await self._when(lambda: eyes.waits(session.know(), "prompt:"))
            case Column.SPAWN:
                if self.row is Row.SUPERVISOR and self._random.random() < SLOW_WORKERS:
                    await self._while_its_worker_is_slow()
                else:
                    await self._when_started()
            case Column.HELLO:
                await self._when(lambda: eyes.attached(session.know()))
            case Column.DELIVERED:
                await self._when(lambda: session.logged("PromptAccepted"))
            case Column.LOGGED | Column.SENT:
                await self._around_an_event()
            case Column.SHOWN:
                await self._when(lambda: eyes.shows_card(session.know()))
            case Column.TOLD:
                await self._when(lambda: session.logged("PermissionResolved"))
            case Column.ENDED:
                await self._when(lambda: session.logged("TurnEnded"))
            case Column.ANYWHERE:
                await asyncio.sleep(self._random.uniform(0.0, ANYWHERE_S))
                await self._when(lambda: True)
            case _:
                await self._at_a_moment()

    @property
    def _can(self) -> bool:
        """Whether there is anybody to be struck: another session's blow may have come first."""
        return self.row is not Row.SUPERVISOR or bool(self._stage.pid)

    async def _when(self, look: Callable[[], object]) -> None:
        while not (look() and self._can):  # noqa: ASYNC110 - what is looked at is another process's
            await asyncio.sleep(POLL_S)
        self._strike()

    async def _around_an_event(self) -> None:
        """«a» is logged while the supervisor has no time, or is not there."""
        session = self._session
        while not session.logged("TurnStarted"):  # noqa: ASYNC110 - outside our loop
            await asyncio.sleep(POLL_S)
        if self.row is Row.SUPERVISOR and (self.column is Column.LOGGED or not self._can):
            self._stage.holds.append(hold := lambda: not session.logged("TextWritten"))
            self._strike()
            while not session.logged("TextWritten"):  # noqa: ASYNC110 - outside our loop
                await asyncio.sleep(POLL_S)
            self._stage.holds.remove(hold)
            return
        async with self._stage.standing_still():
            async with asyncio.timeout(FROZEN_S):
                while not session.logged("TextWritten"):  # noqa: ASYNC110 - outside our loop
                    await asyncio.sleep(POLL_S)
            if self.column is Column.SENT:
                await asyncio.sleep(SENT_S)
            self._strike()

    async def _when_started(self) -> None:
        await self._when(lambda: self._stage.eyes.has_start(self._session.know()))

    async def _while_its_worker_is_slow(self) -> None:
        """On a busy machine a worker is still importing when the next supervisor looks for it."""
        while not (pid := starting_worker(self._session.know() or "none")):  # noqa: ASYNC110 - outside our loop
            await asyncio.sleep(PROCESSES_POLL_S)
        os.kill(pid, signal.SIGSTOP)
        try:
            await self._when_started()
            self.how += ", its worker slow"
            await self._until_looked_for(pid)
        finally:  # also when the cue came too late
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    async def _until_looked_for(self, pid: int) -> None:
        """The next supervisor has begun another worker, or has seen that it need not."""
        await asyncio.sleep(STILL_S)
        await self._stage.is_up.wait()
        give_up_at = time.monotonic() + SLOWER_THAN_RESTART_S
        while not starting_worker(self._session.session_id, but=pid) and time.monotonic() < give_up_at:  # noqa: ASYNC110
            await asyncio.sleep(PROCESSES_POLL_S)

    async def _at_a_moment(self) -> None:
        self._stage.watchers.append(self._watch)
        try:
            await self._done.wait()
        finally:
            self._stage.watchers.remove(self._watch)

    def _watch(self, moment: Moment) -> Fault | None:
        """Called for each request and frame, in the step that handles it."""
        if moment.route == "INTERACTION_CREATE" and moment.channel_id == self._session.thread_id:
            self._interactions.add(str(_member(moment.body, "d", "id")))
        if self._done.is_set() or not self._can or not self._is_moment(moment):
            return None
        self._done.set()
        if self.column is Column.CLICKED and self._random.random() < 0.5:
            asyncio.get_running_loop().call_later(self._random.uniform(0.0, 0.004), self._strike)
            return None
        return self._strike(moment)

    def _is_moment(self, moment: Moment) -> bool:
        is_here = moment.channel_id == self._session.thread_id
        is_write = is_here and (moment.method, moment.route) in (("POST", _MESSAGES), ("PATCH", _MESSAGE))
        mark = f"«{self._session.prompts[0].mark}"
        match self.column:
            case Column.DELTA:
                return is_write and moment.point == "done" and moment.shows(SENTENCE)
            case Column.COMMITTED:
                return is_write and moment.point == "came" and moment.shows(mark)
            case Column.POSTED:
                return is_write and moment.point == "done" and moment.shows(mark)
            case Column.CLICKED:
                return is_here and moment.point == "frame" and moment.route == "INTERACTION_CREATE"
            case Column.DECIDED:
                known = moment.parameters.get("interaction_id") in self._interactions
                return known and moment.point == "came"
        return False

    # --- blows ---------------------------------------------------------------------------------------

    def _strike(self, moment: Moment | None = None) -> Fault | None:
        """The blow itself, at once; for a request that stands at its moment, what is done to it."""
        self.at = time.monotonic()
        match self.row:
            case Row.SUPERVISOR:
                self.how = "kill -9" if self._stage.kill() else ""
                is_request = moment is not None and moment.point != "frame"
                return (LOSE if moment and moment.point == "done" else DROP) if is_request else None
            case Row.WORKER:
                self._later(self._kill(self._stage.eyes.worker))
            case Row.CHILD:
                self._later(self._kill(self._stage.eyes.child))
            case Row.REST:
                return self._spoil(moment)
            case Row.GATEWAY:
                self._later(self._trouble_gateway())
            case Row.DISK:
                self._sicken_disk()
            case Row.REFUSALS:
                self.how, fault = faults_discord.refuse(self._session, self._random, moment)
                return fault
            case Row.MODERATORS:
                self.how, undo = faults_discord.moderate(self._session, self._random)
                if undo:
                    self._later(faults_discord.later(self._random, undo))
        return None

    def _later(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.add(asyncio.ensure_future(work))

    async def _kill(self, find: Callable[[str], int]) -> None:
        """As soon as there is somebody to kill."""
        give_up_at = time.monotonic() + 5.0
        while not (pid := find(self._session.know())) and time.monotonic() < give_up_at:  # noqa: ASYNC110 - outside our loop
            await asyncio.sleep(POLL_S)
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.how = f"kill -9 {pid}"

    def _spoil(self, moment: Moment | None) -> Fault | None:
        if self._random.random() < REFUSALS:
            self._later(self._refuse_rest())
            return DROP if moment and moment.point == "came" else LOSE if moment and moment.point == "done" else None
        fault = self._some_fault(moment)
        self.how = str(fault)
        thread = self._session.thread_id
        times = self._random.choice((1, 1, 2, 3))
        if moment and moment.point in ("came", "done"):
            if times > 1:
                self._stage.discord.faults.add(fault, channel_id=thread, times=times - 1)
            return fault
        where = None if self.column in (Column.CLICKED, Column.STORED) else thread
        self._stage.discord.faults.add(fault, channel_id=where, times=times)
        return None

    async def _refuse_rest(self) -> None:
        self.how = "refuse"
        self._stage.discord.faults.refuses_rest = True
        await asyncio.sleep(self._random.uniform(0.2, 2.0))
        self._stage.discord.faults.refuses_rest = False

    def _sicken_disk(self) -> None:
        """At once; it is well again after a while."""
        disk, seconds = self._stage.disk, self._random.uniform(*SICK_S)
        kind = self._random.choice(disk.kinds)
        self.how = f"{kind} {seconds:.1f} s"
        disk.sicken(kind, self._stage.pid)
        self._later(self._heal_disk(kind, seconds))

    async def _heal_disk(self, kind: str, seconds: float) -> None:
        well_at = time.monotonic() + seconds
        while time.monotonic() < well_at:
            self._stage.disk.keep_sick()
            await asyncio.sleep(REFILL_S)
        self._stage.disk.heal(kind)

    def _some_fault(self, moment: Moment | None) -> Fault:
        pick, uniform = self._random.choice, self._random.uniform
        after = (
            LOSE,
            TRUNCATE,
            Fault("delay answer", uniform(0.2, 2.0)),
            Fault("error after", status=pick((500, 502, 503))),
        )
        before = (
            DROP,
            Fault("delay", uniform(0.2, 2.0)),
            Fault("error", status=pick((500, 502, 503))),
            Fault("limit", uniform(0.3, 1.5)),
            Fault("limit", uniform(0.3, 1.5), scope=pick(("shared", "global"))),
            Fault("limit", uniform(0.3, 1.5), has_headers=False),
        )
        if moment and moment.point == "done":
            return pick(after)
        return pick(before) if moment and moment.point == "came" else pick((*before, *after))

    async def _trouble_gateway(self) -> None:
        gateway, faults = self._stage.discord.gateway, self._stage.discord.faults
        kind = self._random.choice(("drop", "close", "op 7", "op 9", "op 9 resumable", "stall", "refuse"))
        self.how = kind
        match kind:
            case "drop":
                gateway.drop()
            case "close":
                code = self._random.choice((1001, 4000, 4007, 4008, 4009))
                self.how = f"close {code}"
                await gateway.close(code)
            case "op 7":
                gateway.ask_to_reconnect()
            case "op 9" | "op 9 resumable":
                gateway.invalidate_sessions(resumable=kind == "op 9 resumable")
            case "stall":
                faults.stall()
                await asyncio.sleep(self._random.uniform(0.3, 2.0))
                faults.flow()
            case "refuse":
                faults.refuses_gateway = True
                gateway.drop()
                await asyncio.sleep(self._random.uniform(0.3, 2.0))
                faults.refuses_gateway = False


def _member(value: object, *names: str) -> object:
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
