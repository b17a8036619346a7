"""Takes the pictures of docs/commands.md: what a person can choose and steer, in a window of a phone's width.

PYTHONPATH=scripts .venv/bin/python -m lab.pictures.cards [FOLDER]      (docs/pictures, if none is given)
"""

import asyncio
import sys
from pathlib import Path

from lab.pictures.browser import Browser
from lab.pictures.pages import FOLDER, STEP_S
from playground.host import claude as host_claude
from playground.host import place as host_place
from playground.host.bridge_host import Host, hosted
from playground.page.server import Page
from twins.discord.model import Channel

PHONE = (390, 760)
SCENES = {
    "card-question": (
        "Add a cache to the API\n"
        "question Which cache? | Redis = shared by all workers, needs a server | In memory = nothing to install |"
        " Both = in memory first, then Redis || Which routes? (several) | /users | /orders | /search"
    ),
    "card-plan": (
        "Plan how to move the tests to pytest\n"
        "plan ## Moving the tests\\n\\n1. Add `pytest` to the development tools\\n2. Rename the classes,"
        " **one module at a time**\\n3. Drop `unittest` at the end\\n\\nNothing else changes."
    ),
    "card-together": "Look at this machine\nparallel read /etc/hostname /etc/os-release",
    "steering": "Run the slow tests\nsleep 60",
}


async def take(folder: Path) -> None:
    """Leave a picture of each scene in `folder`."""
    with host_place.temporary() as place:
        claude = host_claude.scripted(place.home)
        async with hosted(place, claude) as host, Page(host) as page, Browser() as browser:
            await host.until_ready()
            await browser.open(page.url, *PHONE)
            for name, prompt in SCENES.items():
                thread = await _play(host, name, prompt)
                await browser.evaluate(f"location.hash = '#{thread.id}'; location.reload()")
                await browser.until("document.querySelector('.components .button')", STEP_S)
                await browser.picture(folder / f"{name}.png")


async def _play(host: Host, name: str, prompt: str) -> Channel:
    """The thread, once it shows something to press."""
    asked = await host.you.says(host.channel.id, prompt)
    thread = await host.discord.until(lambda: host.discord.thread_of(asked), STEP_S, "a thread")
    assert thread is not None
    if name == "steering":
        await host.discord.until(lambda: _shows(host, thread, "sleep 60"), STEP_S, "a running tool")
        await host.you.says(thread.id, "and look at the linter's warnings, too")
    await host.discord.until(lambda: any(p.components for p in host.discord.messages(thread.id)), STEP_S, "a card")
    return thread


def _shows(host: Host, thread: Channel, part: str) -> bool:
    return any(part in post.content for post in host.discord.messages(thread.id) if post.author is host.discord.bot)


if __name__ == "__main__":
    wanted = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    wanted.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(wanted))
