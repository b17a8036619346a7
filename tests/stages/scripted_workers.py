"""Workers without processes and sockets without a network: a test says what the machine and the workers do.

The supervisor's own loops, its manager and its store are the real ones, under a clock that jumps.
"""

import asyncio
import contextlib
import itertools
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.errors import LocalError
from bridge.protocol.start import WorkerStart
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from lab.configured import configuration
from stages.fake_discord import unix_time
from supervisor.assembly import session_manager
from supervisor.sessions.starts_table import StartRow
from supervisor.sessions.store import Store
from supervisor.workers.claude_cli import ClaudeCli, VersionCheck
from supervisor.workers.downlink import Downlink
from supervisor.workers.host import Watch
from supervisor.workers.processes import Processes
from supervisor.workers.sockets import Heard, Knock, WorkerSocket
from supervisor.workers.starts import bare_start

ADA = Person(111, "Ada", 777)
A_MOMENT_S = 0.01
_ids = itertools.count(1_000_000_000_000_000)


class ScriptedWatch:
    def __init__(self, on_end: Callable[[], None]) -> None:
        self.on_end = on_end
        self.is_over = False
        self.closed = False

    def has_ended(self) -> bool:
        return self.is_over

    def close(self) -> None:
        self.closed = True


class ScriptedHost:
    """Pids are counted from 1000. A spawned worker has no lock until ``takes_lock``."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.spawned: list[WorkerStart] = []
        self.holders: dict[str, int] = {}
        self.starts_in_locks: dict[str, StartRow] = {}
        self.watches: dict[int, ScriptedWatch] = {}
        self.codes: dict[int, int] = {}
        self.killed: list[int] = []
        self.laddered: list[int] = []
        self.marked: set[str] = set()
        self.rung = 0
        self.looked_at: list[str] = []
        self.trouble: dict[str, Exception] = {}
        """What spawning for a session raises; ``""``: what ``check`` does."""
        self.gates: dict[str, asyncio.Event] = {}
        """A spawn for the session ends only when its gate is open."""
        self._pids = itertools.count(1000)

    # --- what the test does --------------------------------------------------------------------------

    def starts_of(self, session_id: str) -> list[WorkerStart]:
        return [start for start in self.spawned if start.created.session_id == session_id]

    def takes_lock(self, session_id: str) -> int:
        """The last spawned worker of the session."""
        self.holders[session_id] = pid = 1000 + self.spawned.index(self.starts_of(session_id)[-1])
        return pid

    def dies(self, session_id: str, code: int) -> None:
        """The worker that has the lock, or else the last one that was spawned."""
        pid = self.holders.pop(session_id, 0) or 1000 + self.spawned.index(self.starts_of(session_id)[-1])
        self.codes[pid] = code
        if watch := self.watches.get(pid):
            watch.is_over = True
            watch.on_end()

    # --- the host ------------------------------------------------------------------------------------

    def check(self) -> None:
        if why := self.trouble.get(""):
            raise why

    def bell(self) -> int:
        return self.rung

    def holder(self, session_id: str) -> int:
        self.looked_at.append(session_id)
        return self.holders.get(session_id, 0)

    def start_of_holder(self, session_id: str) -> StartRow | None:
        return self.starts_in_locks.get(session_id)

    def watch(self, pid: int, on_end: Callable[[], None]) -> Watch | None:
        self.watches[pid] = ScriptedWatch(on_end)
        return self.watches[pid]

    def make_folder(self, session_id: str) -> None:
        self.calls.append("make folder")

    def note(self, start: StartRow) -> None:
        self.calls.append("note")
        self.starts_in_locks[start.session_id] = start

    def forget(self, session_id: str, start: str) -> None:
        self.starts_in_locks.pop(session_id, None)

    async def spawn(self, start: WorkerStart) -> int:
        self.calls.append("spawn")
        session_id = start.created.session_id
        if why := self.trouble.get(session_id):
            raise why
        if gate := self.gates.get(session_id):
            await gate.wait()
        self.spawned.append(start)
        return next(self._pids)

    def is_stopped(self, session_id: str) -> bool:
        return session_id in self.marked

    def unmark(self, session_id: str) -> None:
        self.marked.discard(session_id)

    def exit_code(self, pid: int) -> int | None:
        return self.codes.get(pid)

    def end_child(self, pid: int) -> int:
        if pid not in self.codes:
            self.killed.append(pid)
            self.codes[pid] = -9
        return self.codes[pid]

    async def end(self, session_id: str, pid: int) -> None:
        self.laddered.append(pid)

    def last_words(self, session_id: str) -> str:
        return LAST_WORDS


LAST_WORDS = "KeyError: '/srv/state'"


class ScriptedSocket:
    """``sent`` is what the supervisor said; a test says things by ``says``."""

    def __init__(self, session_id: str) -> None:
        self.session_id = session_id
        self.sent: list[wire.Down] = []
        self.takes = True
        self.is_closed = False
        self._said: asyncio.Queue[Heard] = asyncio.Queue()

    @property
    def closed(self) -> bool:
        return self.is_closed

    @property
    def orders(self) -> list[c.AnyCommand]:
        return [message.command for message in self.sent if isinstance(message, wire.Order)]

    def says(self, message: wire.Up, user_id: str | None = None) -> None:
        self._said.put_nowait(Heard(self.session_id if user_id is None else user_id, wire.encode(message)))

    async def receive(self) -> Heard:
        return await self._said.get()

    async def send(self, data: bytes) -> bool:
        if self.takes and not self.is_closed:
            self.sent.append(wire.decode_down(data))
        return self.takes and not self.is_closed

    def close(self) -> None:
        self.is_closed = True


class ScriptedSockets:
    """``last`` is the newest socket of each session."""

    public_key = "the supervisor's key"

    def __init__(self) -> None:
        self.last: dict[str, ScriptedSocket] = {}
        self.answers: list[str] = []
        self.knocks: asyncio.Queue[Knock] = asyncio.Queue()
        self.is_open = False

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    def bind(self, session_id: str, path: Path) -> WorkerSocket:
        self.last[session_id] = socket = ScriptedSocket(session_id)
        return socket

    async def knock(self) -> Knock:
        return await self.knocks.get()

    async def answer(self, knock: Knock, objection: str) -> None:
        self.answers.append(objection)


class Supervised:
    """A supervisor's workers' part over a scripted machine."""

    def __init__(self, folder: Path) -> None:
        self.uid = os.getuid()
        self.config = configuration(folder)
        self.store = Store(folder / "db")
        self.manager = session_manager(self.store, unix_time)
        self.host = ScriptedHost()
        self.sockets = ScriptedSockets()
        self.cli = ClaudeCli(("claude",), {})
        self.cli.answer = VersionCheck("claude")
        self.downlink = Downlink(self.manager, self.config.layout, self.sockets, self.host.holder)
        self.processes = Processes(self.manager, self.downlink, self.host, self._tell, self.cli)

    async def _tell(self, session: ManagedSession, died: str) -> WorkerStart:
        created = e.SessionCreated(session.session_id, session.thread_id, 777, 222, session.directory, 111)
        start = bare_start(self.config, created, "none", (), {"HOME": "/nowhere"})
        return msgspec.structs.replace(start, died=died, wake=self.manager.has_work(session.session_id))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Supervised"]:
        done = asyncio.Event()

        async def serve() -> None:
            loop = asyncio.create_task(self.processes.run())
            await done.wait()
            loop.cancel()

        running = asyncio.create_task(self.downlink.run(serve))
        await passes()
        try:
            yield self
        finally:
            done.set()
            await running

    def session(self, text: str = "go") -> str:
        """The id of a new one, whose first prompt this is; without text nobody waits for it."""
        channel = Channel(222, "/srv/nowhere", containment="none")
        return self.manager.create_session(CreateSession(next(_ids), 777, channel, ADA, text, "name")).session_id

    def prompt(self, session_id: str, text: str) -> int:
        prompt_id = next(_ids)
        self.manager.prompt(session_id, prompt_id, text, ADA)
        return prompt_id

    async def runs(self, session_id: str, generation: str = "g") -> ScriptedSocket:
        """The session's worker took its lock and said hello; its connection."""
        await passes()
        pid = self.host.takes_lock(session_id)
        socket = self.sockets.last[session_id]
        socket.says(hello(session_id, generation, last=self.manager.row(session_id).session.applied, pid=pid))
        await passes(1.0)
        return socket

    def posts(self, session_id: str) -> list[str]:
        rows = self.store.posts_like(session_id, "")
        return [row.desired.content for row in rows if row.key != "thread"]


@contextlib.asynccontextmanager
async def supervised(folder: Path) -> AsyncIterator[Supervised]:
    it = Supervised(folder)
    try:
        async with it.running():
            yield it
    finally:
        it.store.close()


def hello(session_id: str, generation: str = "g", *, last: int = 0, pid: int = 1000, protocol: int = 1) -> wire.Hello:
    return wire.Hello(session_id, protocol, generation, 1, last, pid)


def away() -> LocalError:
    return LocalError("the state directory was moved")


async def passes(seconds: float = A_MOMENT_S) -> None:
    """So much time goes by, at once (``stages.jumping_clock``)."""
    await asyncio.sleep(seconds)
