"""A supervisor without Discord: real store, real sockets, real worker processes; a test plays the people."""

import asyncio
import contextlib
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from bridge.protocol.layout import Layout, SessionLayout, short_id
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.permission import PermissionRequest, Person
from bridge.session.rights import Policy
from lab.configured import configuration
from playground.host.claude import needed_by_scripts
from stages.forked import ForkedMachine
from stages.support import scripted_claude, until
from supervisor import locks
from supervisor.assembly import session_manager, workers
from supervisor.config import Config
from supervisor.config_in_force import Settings
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store import Store
from supervisor.workers import trees
from supervisor.workers.curve import server_keys
from supervisor.workers.downlink import Downlink
from supervisor.workers.processes import Processes
from supervisor.workers.starts import Surroundings

CHANNEL_ID = 222
GUILD_ID = 777
ADA = Person(111, "Ada", GUILD_ID)
_ids = itertools.count(1_000_000_000_000_000)


class Backstage:
    """One state directory and, inside ``running``, one supervisor's worth of loops over it."""

    def __init__(self, folder: Path, config: Config) -> None:
        self.around = Surroundings()
        self.folder = folder
        self.config = config
        self.layout = config.layout
        self.project = Path(config.channels[CHANNEL_ID].directory)
        self.manager: SessionManager
        self.store: Store
        self.downlink: Downlink
        self.processes: Processes

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Backstage"]:
        self.store = Store(self.layout.database)
        self.manager = session_manager(self.store)
        self.downlink, self.processes = workers(
            Settings(self.config), self.manager, server_keys(self.store), self.around, machine=ForkedMachine
        )
        ready, done = asyncio.Event(), asyncio.Event()

        async def serve() -> None:
            loop = asyncio.create_task(self.processes.run())
            ready.set()
            await done.wait()
            loop.cancel()

        running = asyncio.create_task(self.downlink.run(serve))
        await ready.wait()
        try:
            yield self
        finally:
            done.set()
            await running
            self.store.close()

    # --- people --------------------------------------------------------------------------------------

    def session(self, text: str, directory: Path | None = None) -> ManagedSession:
        """A new session whose first prompt is ``text``."""
        channel = self.config.channels[CHANNEL_ID]
        if directory:
            channel = msgspec.structs.replace(channel, directory=str(directory))
        return self.manager.create_session(CreateSession(next(_ids), GUILD_ID, channel, ADA, text, text[:95]))

    def prompt(self, session: ManagedSession, text: str) -> int:
        prompt_id = next(_ids)
        self.manager.prompt(session.session_id, prompt_id, text, ADA)
        return prompt_id

    async def asks(self, session: ManagedSession) -> PermissionRequest:
        """The session's next open request."""
        live = self.live(session)
        requests = await until(lambda: list(self.live(live).requests.values()), "a permission request")
        return requests[0]

    async def settles(self, session: ManagedSession, turns: int = 1) -> ManagedSession:
        """The session, once so many turns have ended and nothing is running."""
        await until(
            lambda: self.live(session).turn_count >= turns and not self.live(session).is_processing,
            f"{turns} ended turns",
            lambda: str(self.live(session)),
        )
        return self.live(session)

    def live(self, session: ManagedSession) -> ManagedSession:
        found = self.manager.get_session(session.session_id)
        assert found
        return found

    def worker_pid(self, session: ManagedSession) -> int:
        return self.holder(session.session_id)

    def holder(self, session_id: str) -> int:
        return locks.holder(self.layout.session(session_id).lock)

    def posts(self, session: ManagedSession) -> list[str]:
        rows = self.store.posts_like(session.session_id, "")
        return [row.desired.content for row in rows if row.key != "thread"]

    async def end_all(self) -> None:
        """Side by side, and while the supervisor goes on: a worker that ends waits until it was heard."""
        names = {short_id(session.session_id): session.session_id for session in self.known()}
        async with asyncio.TaskGroup() as ends:
            for folder in self.layout.sessions.glob("*"):
                holder = locks.holder(SessionLayout(folder).lock)
                ends.create_task(asyncio.to_thread(trees.end, names.get(folder.name, ""), holder))

    def known(self) -> list[ManagedSession]:
        return self.manager.get_all_sessions()


def make(folder: Path, containment: str = "project", **changes: object) -> Backstage:
    """A state directory below a short ``folder``, with the scripted claude as the CLI."""
    project, home = folder / "project", folder / "home"
    for path in (project, home, folder / "state/sessions", folder / "state/sockets"):
        path.mkdir(parents=True, exist_ok=True)
    config = configuration(
        folder,
        policy=Policy(frozenset({ADA.user_id})),
        channels={CHANNEL_ID: Channel(CHANNEL_ID, str(project), containment=containment)},
        command=scripted_claude(),
        environment={"HOME": str(home)},
        layout=Layout(folder / "state"),
        readable=needed_by_scripts(),
    )
    return Backstage(folder, msgspec.structs.replace(config, **changes))


@contextlib.asynccontextmanager
async def folder_of_a_stage(containment: str = "project", **changes: object) -> AsyncIterator[Backstage]:
    """A stage whose supervisor the test starts and ends itself; the folder is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="tb", dir=os.environ.get("TMPDIR", "/tmp")))
    try:
        yield make(folder, containment, **changes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.asynccontextmanager
async def backstage(
    containment: str = "project", around: Surroundings | None = None, **changes: object
) -> AsyncIterator[Backstage]:
    """A running supervisor without Discord; whatever it started is gone afterwards."""
    async with folder_of_a_stage(containment, **changes) as stage:
        stage.around = around or stage.around
        async with stage.running():
            try:
                yield stage
            finally:
                await stage.end_all()
