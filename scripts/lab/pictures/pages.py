"""Takes the README's pictures of the page: a real conversation on a phone and on a desktop.

PYTHONPATH=scripts .venv/bin/python -m lab.pictures.pages [FOLDER]      (docs/pictures, if none is given)
"""

import asyncio
import sys
from pathlib import Path

from lab.pictures.browser import Browser
from playground.host import claude as host_claude
from playground.host import place as host_place
from playground.host.bridge_host import Host, hosted
from playground.page.server import Page
from twins.discord.model import Channel

FOLDER = Path(__file__).resolve().parents[3] / "docs/pictures"
STEP_S = 30.0
PHONE, DESKTOP = (390, 844), (1280, 800)
TOLD = (
    "I'll begin with the **endpoint**, then the test:\\n\\n"
    "1. `GET /health` answers `200` while the database does\\n2. a test that runs *without* one\\n\\n"
    '```python\\n@app.get("/health")\\nasync def health() -> dict[str, str]:\\n    await database.ping()  # raises\\n'
    '    return {"status": "ok"}\\n```'
)
PROMPT = f"""\
Add a health check to the API, with a test that needs no database; then run all the tests, please.
say {TOLD}
read app.py
edit app.py routes = [] => routes = [health]
run python3 -m unittest -q
say All tests pass. The check is in `app.py`; ||it took two tries||."""

SECOND = """\
Which of our tests take longer than a second, and what in them takes so long? Tell me the five worst.
run python3 -m unittest --durations 5"""


async def take(folder: Path) -> None:
    """Play the conversation, and leave `page-desktop.png` and `page-phone.png` in `folder`."""
    with host_place.temporary() as place:
        claude = host_claude.scripted(place.home)
        async with hosted(place, claude) as host, Page(host) as page, Browser() as browser:
            await host.until_ready()
            await _write_project(host)
            await browser.open(page.url, *DESKTOP)
            thread = await _begin(host, PROMPT)
            await _begin(host, SECOND)
            await browser.click(".place", f"↳{thread.name[:20]}")
            await browser.click(".components .button", "Allow")
            await browser.shows("allowed by @You")
            await browser.until("document.querySelector('.components .button.success')", STEP_S)
            await browser.shows("✓ Edit")  # the lines of tools follow the cards
            await browser.picture(folder / "page-desktop.png")
            await browser.open(page.url, *PHONE)
            await browser.evaluate(f"location.hash = '#{thread.id}'; location.reload()")
            await browser.until("document.querySelector('.components .button.success')", STEP_S)
            await browser.picture(folder / "page-phone.png")


async def _write_project(host: Host) -> None:
    (host.place.project / "app.py").write_text("routes = []\n")


async def _begin(host: Host, prompt: str) -> Channel:
    """Say it in the channel, and wait until something is asked in the thread that it starts."""
    asked = await host.you.says(host.channel.id, prompt)
    thread = await host.discord.until(lambda: host.discord.thread_of(asked), STEP_S, "a thread")
    assert thread is not None

    def asks() -> bool:
        return any(post.components for post in host.discord.messages(thread.id))

    await host.discord.until(asks, STEP_S, "a card")
    return thread


if __name__ == "__main__":
    wanted = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    wanted.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(wanted))
