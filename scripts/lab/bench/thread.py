"""Plays a day's work in a thread, with a person who answers what is asked, and counts what that person had to bear.

Posts, edits, pings and taps are those of the Discord on loopback; pixels are the height of the thread on the
playground's page in a window of a phone's width.
"""

import asyncio
import sys
from collections.abc import Sequence

import msgspec

from bridge.protocol.errors import UserError
from lab.bench.turn import START_S
from lab.pictures.browser import Browser
from playground.host import claude as host_claude
from playground.host import place as host_place
from playground.host import shown
from playground.host.bridge_host import Host, hosted
from playground.page.server import Page
from twins.discord.model import Channel, Message

PHONE = (390, 844)
TURN_S = 120.0
LOOK_S = 0.1
QUIET_S = 1.5
"""Nothing changed in the thread for so long: it is over."""
_WRITES = [f"write part{n}.py def part{n}():" for n in range(5)]
_EDITS = [f"edit part{n}.py def part{n}(): => def part{n}() -> None:" for n in range(5)]
_TEST = "run python3 -m unittest -q"


type Shown = tuple[int, tuple[str, ...]]
"""A card by its id, with what can be pressed on it."""


class Work(msgspec.Struct, frozen=True):
    """``prompt`` is what the scripted claude is told; ``turns``: how many it makes of it."""

    name: str
    prompt: str
    turns: int = 1


class Manner(msgspec.Struct, frozen=True):
    """How somebody answers: on each card the first of these labels that is on it. ``mode``: set before, with /mode."""

    name: str
    presses: Sequence[str]
    mode: str = ""


class Borne(msgspec.Struct, frozen=True):
    """``posts`` in the thread; ``beside``: in its channel. ``edits`` of both."""

    posts: int
    beside: int
    edits: int
    pings: int
    taps: int
    pixels: int

    @property
    def screens(self) -> float:
        return self.pixels / PHONE[1]


class Most(msgspec.Struct, frozen=True):
    """What somebody may have to bear at most, in the thread."""

    posts: int
    pings: int
    taps: int
    screens: float


EDITS = Work("ten edits, a test run", "\n".join(["Make five parts", *_WRITES, *_EDITS, _TEST, "say Done."]))
WORKS = (
    EDITS,
    Work(
        "40 tools",
        "\n".join(
            ["Move it all", *(f"{_EDITS[0]}\nread part1.py\n{_WRITES[2]}\n{_TEST}\n" * 10).splitlines(), "say Done."]
        ),
    ),
    Work(
        "four subagents",
        "\n".join(["Look at it", *(f"subagent ask touch s{n}.txt" for n in range(4)), "say Begun."]),
        5,
    ),
    Work(
        "a question, a plan",
        "Think\nquestion Which cache? | Redis = a server | Memory = nothing to install\n"
        "plan ## The plan\\n\\n1. Measure\\n2. Add the cache\nsay As you wish.",
    ),
)
_ANSWERS = ("Allow all", "Allow", "Approve", "1. Redis")
MANNERS = (
    Manner("each card", ("Allow", "Approve", "1. Redis")),
    Manner("accept edits, once", ("Accept edits", *_ANSWERS)),
    Manner("acceptEdits from the start", _ANSWERS, "acceptEdits"),
)
TARGETS = {(EDITS.name, MANNERS[1].name): Most(posts=5, pings=2, taps=2, screens=2.0)}


async def play(work: Work, manner: Manner) -> Borne:
    """Raises UserError when something does not start, NotReachedError when it does not come to an end."""
    with host_place.temporary() as place:
        claude = host_claude.scripted(place.home)
        async with hosted(place, claude) as host, Page(host) as page, Browser() as browser:
            await host.until_ready(START_S)
            for n in range(5):
                (place.project / f"part{n}.py").write_text(f"def part{n}():\n")
            if manner.mode:
                await host.you.runs("mode", {"mode": manner.mode, "for_channel": True}, host.channel.id)
                await host.discord.until(lambda: _posts(host, host.channel.id), START_S, "the word of it")
            before = {message.id for message in host.discord.messages(host.channel.id)}
            thread, taps = await _work(host, work, manner)
            await browser.open(f"{page.url}#{thread.id}", *PHONE)
            await browser.until("document.querySelector('#messages').children.length > 1", START_S)
            pixels = await browser.evaluate("document.querySelector('#messages').scrollHeight")
            return _borne(host, thread, before, taps, int(pixels))


async def _work(host: Host, work: Work, manner: Manner) -> tuple[Channel, int]:
    """The thread, once all is done and rests, and how often somebody pressed."""
    asked = await host.you.says(host.channel.id, work.prompt)
    thread = await host.discord.until(lambda: host.discord.thread_of(asked), START_S, "a thread")
    assert thread is not None
    pressed: set[Shown] = set()
    loop = asyncio.get_running_loop()
    ends_at, rests_since, last = loop.time() + TURN_S, loop.time(), ""
    while not (_turns(host, thread) >= work.turns and loop.time() - rests_since > QUIET_S):
        if loop.time() > ends_at:
            raise UserError(f"{work.name!r} ({manner.name}) has no end:\n{host.discord.picture()}")
        await _press(host, thread, manner, pressed)
        now = host.discord.picture()
        rests_since, last = (rests_since, last) if now == last else (loop.time(), now)
        await asyncio.sleep(LOOK_S)
    return thread, len(pressed)


def _turns(host: Host, thread: Channel) -> int:
    return sum(post.content.count("✓ done") for post in _posts(host, thread.id))


async def _press(host: Host, thread: Channel, manner: Manner, pressed: set[Shown]) -> None:
    """Each card once, as it stands there: it changes a moment after it was pressed."""
    for post in _posts(host, thread.id):
        now = post.id, tuple(custom_id for _, custom_id, _ in shown.choices(post))
        found = next(filter(None, (shown.choice(post, label) for label in manner.presses)), None)
        if found and now not in pressed:
            pressed.add(now)
            await host.you.clicks(post, *found)


def _posts(host: Host, channel_id: int) -> list[Message]:
    return [m for m in host.discord.messages(channel_id) if m.author is host.discord.bot and not m.deleted]


def _borne(host: Host, thread: Channel, before: set[int], taps: int, pixels: int) -> Borne:
    inside = _posts(host, thread.id)
    beside = [m for m in _posts(host, host.channel.id) if m.id not in before]
    posts = [*inside, *beside]
    edits = sum(len(post.revisions) - 1 for post in posts)
    pings = sum(host.you.id in post.pinged.users for post in posts)
    return Borne(len(inside), len(beside), edits, pings, taps, pixels)


def missed(work: Work, manner: Manner, borne: Borne) -> list[str]:
    """Which targets it misses, in words."""
    most = TARGETS.get((work.name, manner.name))
    if most is None:
        return []
    pairs = {name: (float(getattr(borne, name)), float(getattr(most, name))) for name in most.__struct_fields__}
    over = {name: (value, limit) for name, (value, limit) in pairs.items() if value > limit}
    return [f"{work.name}, {manner.name}: {value:g} {name}, at most {limit:g}" for name, (value, limit) in over.items()]


def table(found: Sequence[tuple[Work, Manner, Borne]]) -> str:
    head = [
        "| work | how it is answered | posts | in the channel | edits | pings | taps | screens of 390 × 844 |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    return "\n".join([*head, *(_row(*one) for one in found)])


def _row(work: Work, manner: Manner, borne: Borne) -> str:
    numbers = f"{borne.posts} | {borne.beside} | {borne.edits} | {borne.pings} | {borne.taps} | {borne.screens:.1f}"
    return f"| {work.name} | {manner.name} | {numbers} |"


async def play_all(only: Sequence[str] = ()) -> list[tuple[Work, Manner, Borne]]:
    """``only``: names of works; all, if there are none."""
    found = []
    for work in WORKS:
        for manner in MANNERS:
            if not only or work.name in only:
                print(f"{work.name}, {manner.name} …", file=sys.stderr, flush=True)
                found.append((work, manner, await play(work, manner)))
    return found
