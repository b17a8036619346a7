"""The playground at a terminal: what you type is said by You, what the threads show is printed."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from playground import bridge, typed
from playground.host import shown as host_shown
from playground.host.bridge_host import Host
from twins.discord.forms import CannotError
from twins.discord.interactions import Interaction
from twins.discord.model import Channel, Json, Message, walk
from twins.discord.person import InteractionFailedError, Person

LOOK_INTERVAL_S = 0.2
QUIET_S = 0.8
"""A post that has not changed for so long is printed."""
RESTLESS_S = 6.0
"""A post that changes all the time is printed this often."""
TEXT_INPUT = 4
PASTED_GAP_S = 0.05
"""Lines that come closer together were not typed one after the other."""
HELP = """\
  What you type is said in the channel, which starts a session in a new thread; then it is said in that thread.
  A line that ends with \\ goes on in the next one, and lines that are pasted together are one message.
  /COMMAND [SUBCOMMAND] [OPTION:VALUE…] [TEXT]       any slash command of the bot; /commands lists them
  /threads   /in N   /in 0     list the threads, go into one, go back to the channel
  /click LABEL                 press a button (or pick an entry) of the newest post that has it
  /as mallory LINE             Mallory, who may not use the bridge, types this line
  /kill   /start               kill the bridge (kill -9), and start it again: a Claude that works goes on
  /keys  /quit                 this text; the end"""


class Talk:
    """One person (or two) at one terminal. `write` takes whole lines."""

    def __init__(self, host: Host, write: Callable[[str], None] = print) -> None:
        self._host = host
        self._discord = host.discord
        self._write = write
        self._where = host.channel.id
        self._screen = Screen(host)
        self._seen: set[int] = set()
        self._modal: tuple[Person, Interaction] | None = None

    async def run(self, lines: AsyncIterator[str]) -> None:
        """Until `/quit` or the end of the lines."""
        self._write(HELP)
        printing = asyncio.ensure_future(self._print())
        try:
            async for line in lines:
                if line.strip() == "/quit":
                    return
                await self.take(self._host.you, line.strip())
        finally:
            printing.cancel()

    async def take(self, who: Person, line: str) -> None:
        """What one line asks for. What a client would refuse is said."""
        try:
            await self._act(who, line)
        except (CannotError, InteractionFailedError) as error:
            self._write(f"  ! {error}")

    async def _act(self, who: Person, line: str) -> None:
        if self._modal is not None:
            await self._submit(line)
            return
        word, _, rest = line.partition(" ")
        own: dict[str, Callable[[Person, str], Awaitable[None]]] = {
            "/threads": self._list,
            "/in": self._go,
            "/click": self._click,
            "/as": self._act_as,
            "/kill": self._kill,
            "/start": self._start,
            "/commands": self._commands,
            "/keys": self._help,
        }
        if act := own.get(word):
            await act(who, rest.strip())
        elif word.startswith("/"):
            await self._run_command(who, word[1:], rest.strip())
        elif line:
            await who.says(self._where, line)

    # --- lines

    async def _help(self, _who: Person, _rest: str) -> None:
        self._write(HELP)

    async def _list(self, _who: Person, _rest: str) -> None:
        for n, thread in enumerate(self._threads(), 1):
            here = "*" if thread.id == self._where else " "
            self._write(f"  {here}{n}  {thread.name}")
        if not self._threads():
            self._write("  There are no threads yet.")

    async def _go(self, _who: Person, rest: str) -> None:
        places = [self._host.channel, *self._threads()]
        if not rest.isdecimal() or int(rest) >= len(places):
            raise CannotError(f"/in takes a number from 0 (the channel) to {len(places) - 1}")
        self._enter(places[int(rest)])

    async def _act_as(self, who: Person, rest: str) -> None:
        name, _, line = rest.partition(" ")
        people = {person.name.casefold(): person for person in (self._host.you, self._host.mallory)}
        if name.casefold() not in people:
            raise CannotError(f"/as takes one of {', '.join(people)}, and a line")
        await self._act(people.get(name.casefold(), who), line.strip())

    async def _click(self, who: Person, label: str) -> None:
        for message in reversed(self._visible(who)):
            if found := host_shown.choice(message, label):
                self._told(who, await who.clicks(message, *found))
                return
        raise CannotError(f"nothing here has a button {label!r}")

    async def _kill(self, _who: Person, _rest: str) -> None:
        self._write(f"  {await bridge.kill(self._host)}")

    async def _start(self, _who: Person, _rest: str) -> None:
        self._write(f"  {await bridge.start(self._host)}")

    async def _commands(self, _who: Person, _rest: str) -> None:
        for command in self._every_command():
            options = " ".join(str(one["name"]) for one in command.get("options") or [])
            self._write(f"  /{command['name']} {options}".rstrip() + f"   {command['description']}")

    def _every_command(self) -> list[Json]:
        return [*self._discord.guild_commands.all(), *self._discord.global_commands.all()]

    async def _run_command(self, who: Person, name: str, rest: str) -> None:
        command = next((one for one in self._every_command() if one["name"] == name), None)
        if command is None:
            raise CannotError(f"there is no command /{name}; /commands lists those there are")
        world = self._discord.world
        path, given = typed.options_of(command, rest, [*world.users.values()], [*world.channels.values()])
        self._told(who, await who.runs(" ".join([name, *path]), given, self._where))

    def _told(self, who: Person, made: Interaction) -> None:
        """A modal takes the next line."""
        if made.answer is not None and made.answer.modal is not None:
            self._modal = who, made
            self._write(f"  ? {made.answer.modal.get('title', '')}: type the answer, on one line")

    async def _submit(self, line: str) -> None:
        assert self._modal is not None
        (who, made), self._modal = self._modal, None
        assert made.answer is not None and made.answer.modal is not None
        inputs = [part["custom_id"] for part in walk(made.answer.modal["components"]) if part["type"] == TEXT_INPUT]
        await who.submits(made, {inputs[0]: line} if inputs else {})

    # --- places

    def _threads(self) -> list[Channel]:
        every = [*self._discord.threads(), *self._discord.threads(archived=True)]
        return sorted(every, key=lambda thread: thread.id)

    def _enter(self, place: Channel) -> None:
        self._where = place.id
        self._write(f"  → {host_shown.clipped(place.name, 60)}")

    def _visible(self, who: Person) -> list[Message]:
        """What can be clicked here, oldest first."""
        only = [message for message in self._discord.ephemerals(self._where) if message.ephemeral_for == who.id]
        return sorted([*self._discord.messages(self._where), *only], key=lambda message: message.id)

    # --- printing

    async def _print(self) -> None:
        while True:
            for thread in self._threads():
                if thread.id not in self._seen:
                    self._seen.add(thread.id)
                    self._enter(thread)
            for block in self._screen.due(time.monotonic()):
                self._write(block)
            await asyncio.sleep(LOOK_INTERVAL_S)


class Screen:
    """Which posts have changed and settled since they were printed."""

    def __init__(self, host: Host) -> None:
        self._discord = host.discord
        self._printed: dict[int, tuple[str, float]] = {}

    def due(self, now: float) -> list[str]:
        """What to print at `now` (seconds, as the revisions' times), and remember as printed."""
        return [block for channel, message in self._messages() if (block := self._block(channel, message, now))]

    def _messages(self) -> list[tuple[Channel, Message]]:
        channels = list(self._discord.world.channels.values())
        return [
            (channel, message)
            for channel in channels
            for message in (*self._discord.messages(channel.id), *self._discord.ephemerals(channel.id))
            if message.author is self._discord.bot
        ]

    def _block(self, channel: Channel, message: Message, now: float) -> str:
        text, at = host_shown.shown(message), message.revisions[-1].at
        old, printed_at = self._printed.get(message.id, ("", message.revisions[0].at))
        is_settled = now - at >= QUIET_S or now - printed_at >= RESTLESS_S
        if not text or text == old or not is_settled:
            return ""
        self._printed[message.id] = text, now
        mark = "~ " if old else ""
        return f"\n{mark}{host_shown.heading(message, channel)}\n{_indented(host_shown.fresh(old, text) or text)}"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


async def terminal_lines(fd: int | None = None) -> AsyncIterator[str]:
    """What is typed at the terminal, a message at a time, until its end (Ctrl-D).

    A line is one, but for those that end with a backslash, and those that were pasted together.
    """
    fd = sys.stdin.fileno() if fd is None else fd
    loop = asyncio.get_running_loop()
    read: asyncio.Queue[bytes] = asyncio.Queue()
    loop.add_reader(fd, lambda: read.put_nowait(_piece(fd)))
    text = b""
    try:
        while piece := await read.get():
            text += piece
            while not _is_whole(text) or await _more_comes(read):
                if not (piece := await read.get()):
                    break
                text += piece
            for message in _messages(text.decode(errors="replace")):
                yield message
            text = b""
    finally:
        loop.remove_reader(fd)


def _piece(fd: int) -> bytes:
    """Empty at its end, also where the terminal is gone."""
    try:
        return os.read(fd, 64 * 1024)
    except OSError:
        return b""


def _is_whole(text: bytes) -> bool:
    return text.endswith(b"\n") and not text.endswith(b"\\\n")


async def _more_comes(read: asyncio.Queue[bytes]) -> bool:
    """Whether the next line was pasted with this one."""
    if read.empty():
        await asyncio.sleep(PASTED_GAP_S)
    return not read.empty()


def _messages(text: str) -> list[str]:
    """Each command is one; other lines that stand together are one."""
    found: list[str] = []
    is_open = False
    for line in text.replace("\\\n", "\0").splitlines():
        is_command = line.startswith("/")
        if is_open and not is_command:
            found[-1] += f"\n{line}"
        else:
            found.append(line)
        is_open = not is_command
    return [message.replace("\0", "\n") for message in found]
