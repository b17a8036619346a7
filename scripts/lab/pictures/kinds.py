"""Takes a picture of each kind of card in each of its states, as a phone and as a desktop show it, to be looked at.

PYTHONPATH=scripts .venv/bin/python -m lab.pictures.kinds FOLDER [NAME…]      (all, if no name is given)
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from lab.pictures.browser import Browser
from lab.pictures.pages import DESKTOP, PHONE, STEP_S
from playground.host import claude as host_claude
from playground.host import place as host_place
from playground.host import shown
from playground.host.bridge_host import Host, hosted
from playground.page.server import Page
from twins.discord.model import Channel, Message

WIDTHS = {"phone": PHONE, "desktop": DESKTOP}
QUIET_S = 1.5
_LONG = "\\n".join(f"line {n} of a long file" for n in range(60))
_CHOICES = "Which cache? | Redis = a server for all | Memory = nothing to install"
_PLAN = "plan ## Moving the tests\\n\\n1. Add `pytest`\\n2. Rename them, **one by one**"
_READS = "parallel read /etc/hostname /etc/os-release /etc/group"


class Scene(msgspec.Struct, frozen=True):
    """``presses``: the labels that are pressed one after the other, each once it is there."""

    prompt: str
    presses: Sequence[str] = ()
    waits_for: str = ""
    """What the thread shows at its end; else a card."""


SCENES = {
    "command": Scene("run touch made.txt"),
    "command-allowed": Scene("run touch made.txt\nsay Done.", ("Allow",), "✓ done"),
    "command-denied": Scene("run rm -rf build\nsay Fine.", ("Deny",), "✓ done"),
    "command-failed": Scene("run touch /nowhere/x", ("Allow",), "✓ done"),
    "command-long": Scene("run touch a.txt; echo " + "word " * 600),
    "edit": Scene("edit app.py routes = [] => routes = [health]"),
    "edit-accepted": Scene("edit app.py routes => paths\nsay Done.", ("Accept edits",), "✓ done"),
    "write-outside": Scene("write /srv/data/notes.txt hello"),
    "write-outside-accepted": Scene(
        "write a.txt x\nwrite /srv/data/notes.txt hello", ("Accept edits",), "Allow this directory"
    ),
    "write-long": Scene(f"write big.txt {_LONG}"),
    "several": Scene(_READS),
    "several-allowed": Scene(f"{_READS}\nsay Read.", ("Allow all",), "✓ done"),
    "several-one-by-one": Scene(_READS, ("One by one",)),
    "question": Scene(f"question {_CHOICES}"),
    "question-answered": Scene(f"question {_CHOICES}\nsay As you wish.", ("1. Redis",), "✓ done"),
    "questions": Scene(f"question {_CHOICES} || Which routes? (several) | /users | /orders"),
    "plan": Scene(_PLAN),
    "plan-approved": Scene(f"{_PLAN}\nsay As you wish.", ("Approve",), "✓ done"),
    "failed": Scene("fail 529", (), "✗ failed"),
    "lost": Scene("say I begin.\ndie 3", (), "Continue"),
    "steering": Scene("sleep 20", (), "sleep 20"),
}


async def take(folder: Path, names: Sequence[str]) -> None:
    with host_place.temporary() as place:
        claude = host_claude.scripted(place.home)
        async with hosted(place, claude, burst="0") as host, Page(host) as page, Browser() as browser:
            await host.until_ready()
            for name in names:
                (place.project / "app.py").write_text("import flask\n\n\nroutes = []\n\n\ndef main():\n    pass\n")
                thread = await _play(host, SCENES[name])
                for width, size in WIDTHS.items():
                    await browser.open(f"{page.url}#{thread.id}", *size)
                    await browser.until("document.querySelector('#messages').children.length > 1", STEP_S)
                    await browser.picture(folder / f"{name}-{width}.png")


async def _play(host: Host, scene: Scene) -> Channel:
    asked = await host.you.says(host.channel.id, scene.prompt)
    thread = await host.discord.until(lambda: host.discord.thread_of(asked), STEP_S, "a thread")
    assert thread is not None
    for label in scene.presses:
        await _press(host, thread, label)
    if scene.waits_for:
        await host.discord.until(lambda: _shows(host, thread, scene.waits_for), STEP_S, scene.waits_for)
    else:
        await host.discord.until(lambda: any(p.components for p in host.discord.messages(thread.id)), STEP_S, "a card")
    await asyncio.sleep(QUIET_S)
    return thread


async def _press(host: Host, thread: Channel, label: str) -> None:
    post = await host.discord.until(lambda: _with(host, thread, label), STEP_S, f"a button {label}")
    found = shown.choice(post, label) if post else None
    assert post and found
    await host.you.clicks(post, *found)


def _with(host: Host, thread: Channel, label: str) -> Message | None:
    return next((post for post in host.discord.messages(thread.id) if shown.choice(post, label)), None)


def _shows(host: Host, thread: Channel, part: str) -> bool:
    return any(part in shown.shown(m) for m in host.discord.messages(thread.id) if m.author is host.discord.bot)


if __name__ == "__main__":
    wanted = Path(sys.argv[1])
    wanted.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(wanted, sys.argv[2:] or [*SCENES]))
