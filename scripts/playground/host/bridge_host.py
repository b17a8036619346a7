"""The playground's host: a Discord on loopback, two people in it, and the real supervisor on that.

Everything that acts on a playground (the terminal, the conversation of `--once`, the web page) takes a Host.
"""

import asyncio
import secrets
import shlex
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from playground.host import claude as host_claude
from playground.host import place as host_place
from playground.host.claude import Chosen
from playground.host.place import BURST, TITLES, Facts, Place
from playground.host.supervisor import EXECUTED, THREADBRIDGE, Starts, Supervisor, Threadbridge
from supervisor.operator import ending
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Channel
from twins.discord.person import Person
from worker import shutting_in

CHANNEL = "playground"
READY_S = 60.0
UNCONTAINED = "Claude is not shut in here: it can do whatever you can on this machine."


class Host(msgspec.Struct, frozen=True):
    """A playground that runs. `you` may talk to Claude and decide; `mallory` may not."""

    place: Place
    claude: Chosen
    discord: LoopbackDiscord
    channel: Channel
    you: Person
    mallory: Person
    threadbridge: Threadbridge
    supervisor: Supervisor

    async def until_ready(self, deadline_s: float = READY_S) -> None:
        """The bot is connected, said what it does, and its slash commands are there. Raises UserError, with the log."""
        try:
            await self.supervisor.until_ready(deadline_s)
        except UserError as error:
            raise UserError(f"{error}; {self.supervisor.log_tail()}") from None
        discord = self.discord
        await discord.until(lambda: discord.greeted, deadline_s, "the bot is connected")
        await discord.until(discord.guild_commands.all, deadline_s, "the bot's slash commands")

    def where(self, page: str = "") -> str:
        """Where things are, for a person. `page` is the address of the web page, if there is one."""
        place = self.place
        channel = f"guild {self.discord.guild_id}, #{self.channel.name} {self.channel.id}"
        rows = {
            **({"the page": page} if page else {}),
            "Discord": f"{self.discord.api_base} (on loopback; {channel})",
            "Claude": self.claude.what,
            "project": f"{place.project} (Claude works here)",
            "configuration": str(place.config),
            "state": str(place.state),
            "log": str(place.log),
            "supervisor": f"pid {self.supervisor.pid}",
            "look at it": shlex.join([*_threadbridge(), "--config", str(place.config), "list"]),
        }
        return "\n".join(f"  {name:<14} {what}" for name, what in rows.items())


@asynccontextmanager
async def hosted(
    place: Place,
    claude: Chosen,
    command: Sequence[str] = THREADBRIDGE,
    burst: str = BURST,
    titles: str = TITLES,
    starts: Starts = EXECUTED,
    discord_of: Callable[[str], LoopbackDiscord] = LoopbackDiscord,
) -> AsyncIterator[Host]:
    """Start everything; at the end end this playground's workers and stop the supervisor.

    `command` is the argv of `threadbridge`; `burst`: within what time messages are one prompt; `titles`: whose words
    threads are named with; `starts`: how `threadbridge` is started; `discord_of`: gets the bot's token.
    """
    threadbridge = Threadbridge(place.config, host_claude.supervisor_environment(claude), command, starts)
    await _end_sessions(place)
    host_place.renew(place)
    token = f"playground.{secrets.token_urlsafe(24)}"
    claude = host_claude.within(claude, await asyncio.to_thread(shutting_in.refusal_in_words, place.state))
    async with discord_of(token) as discord:
        channel, you, mallory = discord.add_channel(CHANNEL), discord.add_person("You"), discord.add_person("Mallory")
        if claude.containment == "none":
            channel.topic = UNCONTAINED
        facts = Facts(discord.api_base, token, you.id, [channel.id], claude, burst, titles)
        host_place.write_configuration(place, facts)
        try:
            async with _supervised(place, threadbridge) as supervisor:
                yield Host(place, claude, discord, channel, you, mallory, threadbridge, supervisor)
        finally:
            await _end_sessions(place)  # what began meanwhile


@asynccontextmanager
async def _supervised(place: Place, threadbridge: Threadbridge) -> AsyncIterator[Supervisor]:
    async with Supervisor(threadbridge, place.log, place.notify_socket) as supervisor:
        try:
            yield supervisor
        finally:
            # Workers whose supervisor listens end at once; later ones wait for it a while.
            await _end_sessions(place)


async def _end_sessions(place: Place) -> None:
    """Workers outlive their supervisor, and a playground that was killed could not do this."""
    if not place.state.is_dir():
        return
    try:
        ended = await asyncio.to_thread(ending.end_all, Layout(place.state))
    except UserError as error:
        print(f"playground: its sessions could not be ended: {error}", file=sys.stderr)
        return
    for session_id, one in ended.items():
        if one.left:
            print(f"playground: {session_id}: {one.in_words()}", file=sys.stderr)


def _threadbridge() -> Sequence[str]:
    """How a person calls the command."""
    beside = Path(sys.executable).with_name("threadbridge")
    return (str(beside),) if beside.exists() else THREADBRIDGE
