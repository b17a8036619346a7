"""One supervisor that is killed and started again, on one state directory, and a Discord that goes on meanwhile."""

import asyncio
import os
import secrets
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext, suppress

import msgspec

from bridge.protocol.layout import Layout
from lab.faults.disk import Disk, small_disk
from lab.faults.eyes import Eyes, forget_identifies, left_of
from playground.host import claude as host_claude
from playground.host import place as host_place
from playground.host.claude import Chosen
from playground.host.place import Facts, Place
from playground.host.supervisor import EXECUTED, Starts, Supervisor, Threadbridge
from supervisor.config.file import DiscordTable, DisplayTable
from twins.discord.faults import Fault, Moment
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Channel, User
from twins.discord.person import Person

READY_S = 30.0
ATTACH_S = 20.0
POLL_S = 0.002
IDENTIFIES_BEFORE_A_NEW_DAY = 60
AS_WRITTEN = DiscordTable().burst, DisplayTable().titles
"""Messages that follow closely are one prompt and Claude makes titles: a configuration that says nothing of either."""
APART = "0", "words"

type Watcher = Callable[[Moment], Fault | None]


class Recovery(msgspec.Struct, frozen=True):
    """Seconds from READY=1 until every session whose worker lives was attached, and of how many."""

    ready_s: float
    attached_s: float
    sessions: int


class Stage:
    """`kill` may be called from anywhere, also from a hook of the Discord; whoever plays `keep_alive` starts anew."""

    def __init__(
        self, place: Place, discord: LoopbackDiscord, user: User, threadbridge: Threadbridge, disk: Disk
    ) -> None:
        self.place = place
        self.discord = discord
        self.layout = Layout(place.state)
        self.eyes = Eyes(self.layout)
        self.disk = disk
        self.user = user
        self.in_bursts = False
        """People write each prompt as two messages that belong together."""
        self.kills = 0
        self.is_up = asyncio.Event()
        self.recoveries: list[Recovery] = []
        self.session_ids: set[str] = set()
        self.watchers: list[Watcher] = []
        self.channels: list[Channel] = []
        self.holds: list[Callable[[], bool]] = []
        """While one of these is true, a killed supervisor stays down."""
        self.failures: list[str] = []
        self._threadbridge = threadbridge
        self._supervisor: Supervisor | None = None
        self._killed = asyncio.Event()
        self._starts = 0
        discord.faults.hook = self._hook

    def person(self) -> Person:
        return Person(self.discord, self.user)

    @property
    def pid(self) -> int:
        return self._supervisor.pid if self._supervisor and self.is_up.is_set() else 0

    def _hook(self, moment: Moment) -> Fault | None:
        for watcher in list(self.watchers):
            if fault := watcher(moment):
                return fault
        return None

    # --- the supervisor ------------------------------------------------------------------------------

    def kill(self) -> bool:
        """SIGKILL, at this very instant. Whether there was somebody to kill."""
        if not (pid := self.pid):
            return False
        self.is_up.clear()
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        self.kills += 1
        self._killed.set()
        return True

    @asynccontextmanager
    async def standing_still(self) -> AsyncIterator[None]:
        """The supervisor gets no time (SIGSTOP), unless it is killed meanwhile."""
        pid = self.pid
        if pid:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if pid and pid == self.pid:
                os.kill(pid, signal.SIGCONT)

    async def start(self) -> None:
        """Raises UserError when it does not become ready."""
        self._starts += 1
        if self._starts % IDENTIFIES_BEFORE_A_NEW_DAY == 0:
            self.eyes.close()
            forget_identifies(self.layout)
        socket = self.place.root / f"notify{self._starts}"
        self._supervisor = await Supervisor(self._threadbridge, self.place.log, socket).__aenter__()
        began = time.monotonic()
        await self._supervisor.until_ready(READY_S)
        self._ready_s = time.monotonic() - began
        self.is_up.set()

    async def keep_alive(self, pause_s: Callable[[], float]) -> None:
        """Start it again whenever it was killed, after a pause, until cancelled."""
        while True:
            await self._killed.wait()
            self._killed.clear()
            assert self._supervisor
            await self._supervisor.ended()
            await self._supervisor.stop()
            await asyncio.sleep(pause_s())
            async with asyncio.timeout(READY_S):
                while any(hold() for hold in self.holds):  # noqa: ASYNC110 - what they look at is outside
                    await asyncio.sleep(POLL_S)
            await self.start()
            await self._watch_recovery()

    async def _watch_recovery(self) -> None:
        """Until all that lives is attached: connected, and folded as far as its log reached at READY."""
        began = time.monotonic()
        alive = [key for key in self.session_ids if self.eyes.holder(key)]
        wanted = {key: self._last_of(key) for key in alive}
        waiting = set(wanted)
        while waiting and not self._killed.is_set():
            waiting = {key for key in waiting if not self._is_attached(key, wanted[key])}
            if time.monotonic() - began > ATTACH_S:
                self.failures.append(f"not attached {ATTACH_S:g} s after READY: {sorted(waiting)}")
                break
            await asyncio.sleep(0.01)
        if not self._killed.is_set():
            self.recoveries.append(Recovery(self._ready_s, time.monotonic() - began, len(wanted)))

    def _last_of(self, session_id: str) -> int:
        tail = self.eyes.log(session_id)
        tail.look()
        return tail.last

    def _is_attached(self, session_id: str, seq: int) -> bool:
        if not self.eyes.holder(session_id):
            return True  # its worker has ended meanwhile
        return self.eyes.applied(session_id) >= seq and self.eyes.is_connected(session_id)

    async def stop(self) -> None:
        if self._supervisor:
            self.is_up.clear()
            await self._supervisor.stop()

    # --- the end of sessions -------------------------------------------------------------------------

    def add_channels(self, count: int) -> list[int]:
        """Their ids."""
        self.channels = [self.discord.add_channel(f"faults-{number}") for number in range(count)]
        return [channel.id for channel in self.channels]

    async def end_sessions(self) -> list[str]:
        """`threadbridge kill --all`; what is left of the stage's sessions afterwards, in words."""
        answer = await self._threadbridge.ask("kill", "--all")
        left = left_of(self.session_ids)
        return [*left, *([f"kill --all: exit code {answer.code}: {answer.err.strip()}"] if answer.code else [])]

    def log_tail(self) -> str:
        return self._supervisor.log_tail() if self._supervisor else ""


@asynccontextmanager
async def staged(
    place: Place,
    channels: int,
    claude: Chosen | None = None,
    *,
    on_small_disk: bool = False,
    in_bursts: bool = False,
    starts: Starts = EXECUTED,
) -> AsyncIterator[Stage]:
    """A running stage with so many channels; whatever it started is gone afterwards.

    `on_small_disk`: its state can be filled up, if we may mount. `in_bursts`: AS_WRITTEN. `starts`: `threadbridge`.
    """
    claude = claude or host_claude.scripted(place.home)
    threadbridge = Threadbridge(place.config, host_claude.supervisor_environment(claude), starts=starts)
    host_place.renew(place)
    token = f"playground.{secrets.token_urlsafe(24)}"
    with small_disk(place.state) if on_small_disk else nullcontext(Disk(place.state)) as disk:
        async with LoopbackDiscord(token) as discord:
            you = discord.add_person("You")
            stage = Stage(place, discord, you.user, threadbridge, disk)
            stage.in_bursts, ids = in_bursts, stage.add_channels(channels)
            facts = Facts(discord.api_base, token, you.id, ids, claude, *(AS_WRITTEN if in_bursts else APART))
            host_place.write_configuration(place, facts)
            try:
                await stage.start()
                await discord.until(lambda: discord.connected, READY_S, "the bot is connected")
                yield stage
            finally:
                await _leave(stage)


async def _leave(stage: Stage) -> None:
    """Nothing is broken any more, and nothing of it runs."""
    stage.discord.faults.end()
    stage.disk.heal_all()
    stage.watchers.clear()
    left = await stage.end_sessions()
    await stage.stop()
    stage.eyes.close()
    stage.failures += left
