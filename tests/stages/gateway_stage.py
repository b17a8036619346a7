"""A gateway with real REST, manager and store against the loopback Discord; no workers: a test writes their log."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.errors import UserError, first_of
from bridge.protocol.requests import digest_of
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.rights import Policy
from lab.configured import configuration
from supervisor.assembly import Ears, Run, ears, session_manager
from supervisor.config_in_force import Settings
from supervisor.discord.gateway import Times
from supervisor.discord.pace import Pace
from supervisor.discord.rest import Rest
from supervisor.discord.standing import Standing
from supervisor.reload import Reload
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store import Store
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Message

DEADLINE_S = 10.0
GENERATION = "0123456789abcdef"


class Stage:
    """Ada is on the list, Bob has a role that is, Eve is nobody."""

    def __init__(self, folder: Path, discord: LoopbackDiscord) -> None:
        self.discord = discord
        self.folder = folder
        self.project = folder / "project"
        self.project.mkdir()
        self.other = folder / "other"
        self.other.mkdir()
        role = discord.add_role("claude")
        self.ada = discord.add_person("Ada")
        self.bob = discord.add_person("Bob", [role])
        self.eve = discord.add_person("Eve")
        self.channel = discord.add_channel("general")
        self.quiet = discord.add_channel("quiet")
        self.unrelated = discord.add_channel("unrelated")
        self.config = configuration(
            folder,
            api_base=discord.api_base,
            policy=Policy(frozenset({self.ada.id}), frozenset({role.id})),
            channels={
                self.channel.id: Channel(self.channel.id, str(self.project)),
                self.quiet.id: Channel(self.quiet.id, str(self.other), mention_only=True),
            },
        )
        self.store: Store
        self.manager: SessionManager
        self.rest: Rest
        self.settings: Settings
        self.ears: Ears
        self.times = Times(identify_gap_s=0.01, presence_s=0.01)
        self.task: asyncio.Task[None]

    @contextlib.asynccontextmanager
    async def running(self, token: str = "") -> AsyncIterator[Standing]:
        """One supervisor's life, as far as Discord sees it."""
        self.store = Store(self.config.layout.database)
        self.manager = session_manager(self.store)
        token = token or self.discord.token
        try:
            async with Rest(self.config.api_base, token, Pace()) as self.rest:
                self.settings = Settings(self.config)
                self.ears = ears(Reload(self.settings), self.manager, self.rest, token, self.times)
                running = self.task = asyncio.create_task(beside_each_other(self.ears.runs))
                try:
                    yield self.ears.standing
                finally:
                    running.cancel()
                    await asyncio.gather(running, return_exceptions=True)
        finally:
            self.store.close()

    @contextlib.asynccontextmanager
    async def back(self) -> AsyncIterator[Standing]:
        async with self.running() as standing:
            await self.is_back()
            yield standing

    @property
    def standing(self) -> Standing:
        return self.ears.standing

    async def is_back(self) -> None:
        await self.discord.until(lambda: self.standing.back_at, DEADLINE_S, "connected and read back")

    # --- sessions ------------------------------------------------------------------------------------

    async def session_of(self, message: Message) -> ManagedSession:
        found = await self.discord.until(
            lambda: self.manager.session_of_thread(message.id), DEADLINE_S, f"a session for {message.text!r}"
        )
        assert found
        return found

    async def session(self, text: str = "fix it", channel_id: int = 0) -> ManagedSession:
        """A session of Ada's, with its thread, as the outbox would make it."""
        where = channel_id or self.channel.id
        message = await self.ada.says(where, text, mention_bot=True)
        session = await self.session_of(message)
        await self.make_thread(session)
        return session

    async def make_thread(self, session: ManagedSession) -> None:
        post = self.store.post(session.session_id, "thread")
        assert post
        await self.rest.make_thread(session.channel_id, session.thread_id, post.desired.thread_name)
        with self.store.transaction():
            self.store.note_shown(post.id, session.thread_id, post.desired)

    def happens(self, session: ManagedSession, *events: e.AnyEvent) -> None:
        """What the session's worker reports."""
        records = [e.Record(GENERATION, session.applied + n, 1.0, event) for n, event in enumerate(events, 1)]
        assert self.manager.reports.record(session.session_id, records) is not None

    def begins_turn(self, session: ManagedSession) -> None:
        self.happens(
            session,
            e.WorkerStarted(1, contained=False, containment="none"),
            e.ChildStarted(2, "claude-id", resumed=False),
            e.TurnStarted((session.thread_id,)),
        )

    async def asks(self, session: ManagedSession, command: str) -> Message:
        """A permission request of a session in a turn, once those that were decided are over; its card, as the outbox
        would post it."""
        for one in self.decisions(session):
            self.happens(session, e.PermissionResolved(one.seq, one.verdict, decided_by=one.decided_by))
        tool_input = f'{{"command": "{command}"}}'
        self.happens(session, e.PermissionRequested("r", "Bash", tool_input, digest_of(tool_input)))
        post = self.store.post(session.session_id, f"card:{GENERATION}:{session.applied}")
        assert post
        found = await self.rest.create(session.thread_id, post.desired, f"c{session.thread_id}.{session.applied}")
        return next(m for m in self.discord.messages(session.thread_id) if m.id == found.message_id)

    def prompts(self, session: ManagedSession) -> list[str]:
        return [i.command.text for i in self.store.inbox(session.session_id) if isinstance(i.command, c.Prompt)]

    def decisions(self, session: ManagedSession) -> list[c.Decide]:
        return [i.command for i in self.store.inbox(session.session_id) if isinstance(i.command, c.Decide)]

    def interrupts(self, session: ManagedSession) -> list[c.Interrupt]:
        return [i.command for i in self.store.inbox(session.session_id) if isinstance(i.command, c.Interrupt)]

    async def heard(self, channel_id: int, message: Message) -> None:
        """Until the gateway has dealt with this message."""
        await self.discord.until(
            lambda: self.manager.cursor(channel_id) >= message.id, DEADLINE_S, f"{message.text!r} was handled"
        )


async def beside_each_other(runs: Iterable[Run]) -> None:
    """Until cancelled, or until one of them raises UserError."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for run in runs:
                tasks.create_task(run())
    except* UserError as errors:
        raise first_of(errors) from None


@contextlib.asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Stage]:
    async with LoopbackDiscord(limits=False) as discord:
        yield Stage(folder, discord)


def buttons(message: Message) -> dict[str, str]:
    """The custom_ids of a message's buttons, by their labels."""
    return {
        part["label"]: part["custom_id"]
        for row in message.components
        for part in row["components"]
        if part["type"] == 2
    }
