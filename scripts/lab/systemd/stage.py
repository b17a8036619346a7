"""What a story in the machine is played on: the machine, its service, a Discord and who writes there."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from lab.systemd.machine import Machine
from playground.host.shown import choice
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Channel, Message
from twins.discord.person import Person

STEP_S = 60.0
TOKEN = "MTIzNDU2.G1mQ0x.a-token-of-the-loopback"
UNIT = "threadbridge.service"
COMMAND = "~/.local/bin/threadbridge"
CONFIG = "home/ada/.config/threadbridge/config.toml"
RUNS_UNTIL_TOLD = "run while ! test -e {0}; do sleep 0.1; done\nsay {0} is done"


class Kind(msgspec.Struct, frozen=True):
    """Whose service it is. ``user``: who types; ``systemctl``: how they reach their manager."""

    user: str
    systemctl: str
    journalctl: str
    command: str
    project: str
    drop_ins: str


OF_ADA = Kind(
    *("ada", "systemctl --user", "journalctl --user", COMMAND, "~/web-app", f"~/.config/systemd/user/{UNIT}.d")
)
OF_MACHINE = Kind(
    *("root", "systemctl", "journalctl", "/opt/threadbridge/bin/threadbridge", "/srv/web-app", ""),
)


class Stage:
    """A service in the machine: Ada's, later the machine's."""

    def __init__(self, machine: Machine, discord: LoopbackDiscord, channel: Channel, ada: Person) -> None:
        self.machine = machine
        self.discord = discord
        self.channel = channel
        self.ada = ada
        self.kind = OF_ADA
        self._count = 0

    # --- the service -----------------------------------------------------------------------------------

    async def control(self, *words: str) -> str:
        return await self.machine.ran(f"{self.kind.systemctl} {' '.join(words)}", self.kind.user)

    async def properties(self) -> Mapping[str, str]:
        told = await self.control("show", UNIT)
        return dict(line.partition("=")[::2] for line in told.splitlines())

    async def pid(self) -> int:
        return int((await self.properties())["MainPID"])

    async def is_active(self) -> None:
        await self.sees("the service is active", lambda: self._has(ActiveState="active"))

    async def _has(self, **wanted: str) -> bool:
        found = await self.properties()
        return all(found.get(name) == value for name, value in wanted.items())

    async def is_failed(self) -> Mapping[str, str]:
        """And is not started again by itself."""
        await self.sees("the service is failed", lambda: self._has(ActiveState="failed"))
        return await self.properties()

    async def is_connected(self) -> None:
        await self.sees("the bot is connected", self._is_connected)

    async def _is_connected(self) -> bool:
        return self.discord.connected and "connected to Discord" in (await self.properties())["StatusText"]

    async def listed(self) -> dict[int, dict[str, Any]]:
        """What ``threadbridge list`` says, by thread."""
        told = await self.machine.ran(f"{self.kind.command} list --json 2>/dev/null", self.kind.user)
        return {row["thread"]: row for row in json.loads(told)}

    async def row(self, thread: Channel) -> dict[str, Any]:
        return (await self.listed())[thread.id]

    async def journal(self, lines: int = 60) -> str:
        asked = f"{self.kind.journalctl} -u threadbridge -n {lines} -o cat --no-pager"
        return await self.machine.ran(asked, self.kind.user)

    def write(self, path: str, text: str) -> None:
        """Into a file that is there already, so that it stays whose it is."""
        Path(self.machine.root, path).write_text(text)

    # --- people ----------------------------------------------------------------------------------------

    async def starts(self, text: str) -> Channel:
        return await self.thread_of(await self.ada.says(self.channel.id, text))

    async def thread_of(self, message: Message) -> Channel:
        what = f"a thread for {message.content!r}"
        found = await self.discord.until(lambda: self.discord.thread_of(message), STEP_S, what)
        assert found
        return found

    async def shows(self, thread: Channel, words: str) -> Message:
        def look() -> list[Message]:
            shown = [m for m in self.discord.messages(thread.id) if m.author is self.discord.bot]
            return [m for m in shown if words in m.content or words in str(m.embeds) + str(m.components)]

        return (await self.discord.until(look, STEP_S, f"{words!r} in the thread {thread.name!r}"))[-1]

    async def presses(self, thread: Channel, label: str) -> None:
        message = await self.shows(thread, label)
        found = choice(message, label)
        assert found, f"there is no button {label!r}"
        await self.ada.clicks(message, *found)

    async def finished(self) -> Channel:
        """A session whose turn is done."""
        self._count += 1
        thread = await self.starts(f"say answer {self._count}")
        await self.shows(thread, f"answer {self._count}")
        return thread

    async def working(self) -> tuple[Channel, str]:
        """A session in the middle of a turn, which ends once a file is there; the file's name."""
        self._count += 1
        name = f"go{self._count}"
        thread = await self.starts(RUNS_UNTIL_TOLD.format(name))
        await self.presses(thread, "Allow")
        await self.sees("it works", lambda: self._works(thread))
        return thread, name

    async def _works(self, thread: Channel) -> bool:
        return str((await self.row(thread))["state"]) == "busy"

    async def asking(self) -> Channel:
        """A session with an open card."""
        self._count += 1
        thread = await self.starts(f"run touch asked{self._count}\nsay it is allowed")
        await self.shows(thread, "Allow")
        return thread

    async def lets_go(self, thread: Channel, name: str) -> None:
        await self.machine.ran(f"touch {self.kind.project}/{name}", self.kind.user)
        await self.shows(thread, f"{name} is done")

    # --- waiting ---------------------------------------------------------------------------------------

    async def sees(self, what: str, look: Callable[[], Awaitable[object]], deadline_s: float = STEP_S) -> None:
        """Raises AssertionError, with what the service says, when it is not so in time."""
        end = asyncio.get_running_loop().time() + deadline_s
        while not await look():
            if asyncio.get_running_loop().time() > end:
                raise AssertionError(f"not within {deadline_s:g} s: {what}")
            await asyncio.sleep(0.2)
