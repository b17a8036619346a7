"""The service in a real systemd, chapter by chapter (scripts/test-systemd).

./scripts/test-systemd --short
"""

import argparse
import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from bridge.protocol.errors import UserError
from lab.systemd import beginning, root, story
from lab.systemd.machine import CommandError, Machine
from lab.systemd.root import CannotError
from lab.systemd.stage import CONFIG, TOKEN, Stage
from playground.__main__ import run
from playground.host.place import INSTALLATION
from twins.discord.loopback import LoopbackDiscord

FAILED, NOT_TRIED = 1, 77
CHAPTER_S = 300.0


def cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or f"{os.environ.get('HOME', '/')}/.cache"
    return Path(os.environ.get("THREADBRIDGE_CACHE") or f"{base}/threadbridge")


async def play(folder: Path, chapters: Mapping[str, story.Chapter]) -> list[str]:
    """The names of the chapters that failed."""
    machine, failed = Machine(folder), list[str]()
    async with LoopbackDiscord(TOKEN) as discord:
        stage = Stage(machine, discord, discord.add_channel("web-app"), discord.add_person("Ada"))
        _say_where_discord_is(stage)
        print(f"booted in {await machine.boot():.1f} s", flush=True)
        try:
            if not await _told("docs/start.md", lambda it: beginning.page_is_followed(it, _page()), stage):
                return ["docs/start.md"]
            for name, chapter in chapters.items():
                if not await _told(name, chapter, stage):
                    failed.append(name)
        finally:
            await machine.end()
    return failed


def _page() -> Path:
    return INSTALLATION / "docs/start.md"


def _say_where_discord_is(stage: Stage) -> None:
    """The one line that stands in for the network."""
    path = stage.machine.root / CONFIG
    path.parent.mkdir(parents=True)
    path.write_text(f'[discord]\napi_base = "{stage.discord.api_base}"\n')
    owner = (stage.machine.root / "home/ada").stat()
    for made in (path, path.parent, path.parent.parent):
        os.chown(made, owner.st_uid, owner.st_gid)


async def _told(name: str, chapter: story.Chapter, stage: Stage) -> bool:
    begun = time.monotonic()
    try:
        words = await asyncio.wait_for(chapter(stage), CHAPTER_S)
    except (AssertionError, CommandError, TimeoutError, UserError) as error:
        print(f"✗ {name} ({time.monotonic() - begun:.0f} s): {error or 'took too long'}", flush=True)
        await _tell_more(stage)
        return False
    print(f"✓ {name} ({time.monotonic() - begun:.0f} s): {words}", flush=True)
    return True


async def _tell_more(stage: Stage) -> None:
    print(stage.discord.picture(), flush=True)
    with contextlib.suppress(AssertionError):
        print(await stage.journal(), flush=True)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser("scripts/test-systemd", description="The service in a real systemd.")
    parser.add_argument("--short", action="store_true", help="what CI runs, in under two minutes")
    parser.add_argument("--prepare", action="store_true", help="only make the Debian that is booted")
    parser.add_argument("--only", metavar="WORDS", default="", help="chapters whose name has these words")
    parser.add_argument("--debian", metavar="SUITE", default=root.SUITE, help="another than trixie: bookworm")
    options = parser.parse_args(argv)
    chapters = story.SHORT if options.short else story.WHOLE
    try:
        root.check()
        base = root.made(cache(), INSTALLATION, options.debian)
        if options.prepare:
            return 0
        wanted = {name: chapter for name, chapter in chapters.items() if options.only in name}
        temporary = tempfile.TemporaryDirectory(prefix="threadbridge-machine-")
        with temporary as folder, root.layered(base, Path(folder), INSTALLATION) as machine:
            failed = run(play(machine, wanted))  # also when it is told to end, the machine is ended first
    except CannotError as error:
        print(f"NOT TRIED, so not passed: {error}", file=sys.stderr)
        return NOT_TRIED
    print(f"FAILED: {', '.join(failed)}" if failed else "All of it was seen.")
    return FAILED if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
