"""One state directory and one Discord, on which supervisors of several versions run one after the other."""

import json
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from bridge.protocol.layout import Layout
from lab.faults.eyes import Eyes
from lab.upgrade.earlier import Version
from playground.host import claude as host_claude
from playground.host import place as host_place
from playground.host import shown as host_shown
from playground.host.place import Place
from playground.host.supervisor import Supervisor, Threadbridge
from supervisor import locks
from twins.discord.clock import Clock
from twins.discord.kept import KeptGuild, world_of
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Channel, Message
from twins.discord.person import Person
from worker import shutting_in

STEP_S = 30.0
TOKEN_BYTES = 24


class Stage:
    """``discord`` and ``place`` go on while versions change."""

    def __init__(self, place: Place, discord: LoopbackDiscord, channel: Channel, you: Person, containment: str) -> None:
        self.place = place
        self.discord = discord
        self.channel = channel
        self.you = you
        self.layout = Layout(place.state)
        self.eyes = Eyes(self.layout)
        self._containment = containment
        self._claude = host_claude.scripted(place.home)
        self._starts = 0

    def configure(self, more: str = "") -> None:
        """What each version since 0.1 understands; ``more`` is TOML."""
        quoted = json.dumps
        host_place.write_private(self.place.token_file, self.discord.token)
        text = f"""\
[discord]
token_file = {quoted(str(self.place.token_file))}
api_base = {quoted(self.discord.api_base)}
[access]
users = [{self.you.id}]
[[channels]]
id = {self.channel.id}
directory = {quoted(str(self.place.project))}
containment = {quoted(self._containment)}
[claude]
command = {quoted(self._claude.command)}
environment = {{ HOME = {quoted(str(self.place.home))} }}
[containment]
readable = {quoted(self._claude.readable)}
[state]
directory = {quoted(str(self.place.state))}
{more}"""
        host_place.write_private(self.place.config, text)

    # --- supervisors ---------------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self, version: Version) -> AsyncIterator[None]:
        """That version's supervisor; its workers outlive it. Raises UserError when it does not become ready."""
        self._starts += 1
        socket = self.place.root / f"notify{self._starts}"
        async with Supervisor(self._command(version), self.place.log, socket) as supervisor:
            await supervisor.until_ready()
            await self.until(lambda: self.discord.connected, "the bot is connected")
            yield

    def kill_all(self) -> None:
        """All workers at one instant, as a power cut does."""
        for path in self.layout.sessions.glob("*/lock"):
            if pid := locks.holder(path):
                os.kill(pid, signal.SIGKILL)

    async def listed(self, version: Version) -> dict[int, dict[str, object]]:
        """What ``list`` says of each session, by its thread."""
        answer = await self._command(version).ask("list", "--json")
        assert answer.code == 0, answer.err
        return {int(line["thread"]): line for line in json.loads(answer.out)}

    async def end_sessions(self, version: Version) -> None:
        answer = await self._command(version).ask("kill", "--all")
        assert answer.code == 0, answer.err

    # --- what lies on the disk -----------------------------------------------------------------------

    def worker(self, session_id: str) -> int:
        """The pid of the session's worker; 0 for none."""
        return self.eyes.holder(session_id)

    def kill_worker(self, session_id: str) -> None:
        os.kill(self.worker(session_id), signal.SIGKILL)

    def session_of(self, thread_id: int) -> str:
        return self.eyes.session_of(thread_id)

    def accepted(self, session_id: str) -> int:
        """How many prompts its worker has taken into its log."""
        return len(self.eyes.log(session_id).of("PromptAccepted"))

    def _command(self, version: Version) -> Threadbridge:
        environment = host_claude.supervisor_environment(self._claude)
        return Threadbridge(self.place.config, environment, version.threadbridge)

    # --- what threads show ---------------------------------------------------------------------------

    async def until[T](self, look: Callable[[], T], what: str) -> T:
        return await self.discord.until(look, STEP_S, what)

    def posts(self, thread_id: int) -> list[Message]:
        """The bot's own, oldest first."""
        found = self.discord.messages(thread_id) if thread_id in self.discord.world.channels else []
        return [message for message in found if message.author is self.discord.bot]

    def text(self, thread_id: int) -> str:
        return "\n".join(host_shown.shown(post) for post in self.posts(thread_id))

    def said(self, thread_id: int) -> str:
        """What Claude said. A card speaks to a person, and repeats what was asked."""
        return "\n".join(post.content for post in self.posts(thread_id) if not post.content.startswith("<@"))

    async def says(self, thread_id: int, part: str) -> None:
        await self.until(lambda: part in self.said(thread_id), f"that Claude says {part!r} in {thread_id}")

    async def settled(self) -> None:
        """Every post is shown as it should be."""
        await self.until(lambda: not self.eyes.has_unsettled_posts(), "that all posts are shown")

    async def shows(self, thread_id: int, part: str) -> None:
        await self.until(lambda: part in self.text(thread_id), f"{part!r} in the thread {thread_id}")

    def card(self, thread_id: int, label: str) -> Message | None:
        """The newest post with that button."""
        return next((p for p in reversed(self.posts(thread_id)) if host_shown.choice(p, label)), None)

    async def press(self, thread_id: int, label: str) -> None:
        card = await self.until(lambda: self.card(thread_id, label), f"the button {label!r} in {thread_id}")
        found = card and host_shown.choice(card, label)
        assert card and found
        await self.you.clicks(card, *found)


@asynccontextmanager
async def staged(place: Place, kept: KeptGuild | None = None) -> AsyncIterator[Stage]:
    """Without a supervisor yet. ``kept``: a Discord that was there before, with its one channel and person."""
    token = f"upgrade.{secrets.token_urlsafe(TOKEN_BYTES)}"
    containment = "none" if shutting_in.refusal_in_words(place.state) else "project"
    world = world_of(kept, Clock()) if kept else None
    async with LoopbackDiscord(token, world=world) as discord:
        if kept:
            discord.guild_commands.overwrite(kept.commands)
            channel = next(one for one in discord.world.channels.values() if one.thread is None)
            you = Person(discord, next(user for user in discord.world.members.values() if not user.bot))
        else:
            channel, you = discord.add_channel("upgrade"), discord.add_person("You")
        stage = Stage(place, discord, channel, you, containment)
        stage.configure()
        try:
            yield stage
        finally:
            stage.eyes.close()
