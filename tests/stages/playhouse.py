"""The whole path for tests: loopback Discord, real supervisor, real workers; and eyes for what threads show."""

import contextlib
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Any

from playground.host import claude as host_claude
from playground.host import place as host_place
from playground.host import supervisor
from playground.host.bridge_host import Host, hosted
from playground.host.claude import Chosen
from playground.host.place import Place
from stages import forked
from stages.moved_clock import MovedClock
from twins.discord.interactions import Interaction
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Channel, Message
from twins.discord.person import Person

STEP_DEADLINE_S = 20.0


class Playhouse:
    """What people see and do. ``house.host`` has all the parts."""

    def __init__(self, host: Host, clock: MovedClock | None = None) -> None:
        self.host = host
        self.clock = clock
        self.discord = host.discord
        self.you = host.you
        self.mallory = host.mallory
        self.project = host.place.project

    async def connected(self) -> None:
        await self.until(lambda: self.discord.greeted, "the bot is connected")

    async def restarts(self) -> None:
        """The supervisor is killed, and the next one is here and connected."""
        ours = self.host.supervisor
        await ours.kill()
        await self.until(lambda: not self.discord.connected, "the end of the connection")
        await ours.start()
        await ours.until_ready()
        await self.connected()

    def passes(self, seconds: float) -> None:
        """For Discord, the supervisor and its successors; of a playhouse whose clocks are moved."""
        assert self.clock
        self.clock.advance(seconds)

    async def until[T](self, look: Callable[[], T | None], what: str) -> T:
        found = await self.discord.until(look, STEP_DEADLINE_S, what)
        assert found is not None
        return found

    async def starts(self, text: str, person: Person | None = None) -> Channel:
        """The thread that a message in the channel begins."""
        message = await (person or self.you).says(self.host.channel.id, text)
        return await self.until(lambda: self.discord.thread_of(message), f"a thread for {text!r}")

    def posts(self, thread: Channel) -> list[Message]:
        """Our own messages in it, oldest first."""
        return [m for m in self.discord.messages(thread.id) if m.author is self.discord.bot and not m.deleted]

    def text(self, thread: Channel) -> str:
        return "\n".join(m.content for m in self.posts(thread))

    async def shows(self, thread: Channel, part: str) -> Message:
        """The post that shows ``part``."""
        found = await self.until(
            lambda: [m for m in self.posts(thread) if part in m.content or part in str(m.embeds)],
            f"{part!r} in the thread {thread.name!r}",
        )
        return found[-1]

    async def card(self, thread: Channel) -> Message:
        """The newest open card."""
        found = await self.until(lambda: [m for m in self.posts(thread) if is_open(m)], "a card with buttons")
        return found[-1]

    async def press(self, card: Message, label: str, person: Person | None = None) -> Interaction:
        return await (person or self.you).clicks(card, buttons(card)[label])

    async def settled(self, card: Message, part: str) -> None:
        """``part`` calls you You, where the card mentions you."""
        await self.until(
            lambda: part in card.content.replace(self.you.mention, "You") and not is_open(card),
            f"a card that says {part!r}",
        )

    async def done(self, thread: Channel, turns: int = 1, how: str = "✓ done") -> None:
        await self.until(lambda: self.text(thread).count(how) >= turns, f"{turns} × {how!r} in {thread.name!r}")


def is_open(message: Message) -> bool:
    """Whether something can be answered; what was decided, and what changed, can only be shown."""
    return any(not label.startswith(("Show", "Diff", "Ask again", "For the whole")) for label in buttons(message))


def buttons(message: Message) -> dict[str, str]:
    """Label → custom_id of the buttons that a message shows now."""
    rows: list[dict[str, Any]] = list(message.components)
    return {
        str(part["label"]): str(part["custom_id"]) for row in rows for part in row["components"] if part["type"] == 2
    }


@contextlib.asynccontextmanager
async def playhouse(
    choose: Callable[[Place], Chosen] | None = None,
    burst: str = "0",
    titles: str = "words",
    *,
    moves_clocks: bool = False,
) -> AsyncIterator[Playhouse]:
    """A playground in a temporary folder; with the scripted claude, or the one that ``choose`` gives.

    ``burst``: within what time messages are one prompt; else each is its own. ``titles``: whose words
    threads are named with. ``moves_clocks``: time passes when the test says so, too.
    """
    with host_place.temporary() as place:
        chosen = choose(place) if choose else host_claude.scripted(place.home)
        clock = MovedClock(place.root / "clock") if moves_clocks else None
        command, starts = (clock.command, supervisor.EXECUTED) if clock else (supervisor.THREADBRIDGE, forked)
        discord_of = partial(LoopbackDiscord, clock=clock)
        async with hosted(place, chosen, command, burst, titles, starts, discord_of) as host:
            house = Playhouse(host, clock)
            await house.connected()
            yield house
