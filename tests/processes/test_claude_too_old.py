"""A Claude Code that is too old is started by nobody: the thread says so, and goes on by itself after an update."""

import shlex
from pathlib import Path

from playground.host import claude as host_claude
from playground.host.claude import Chosen
from playground.host.place import Place
from stages.playhouse import playhouse
from stages.support import awaited


def installed(folder: Path, version: str) -> str:
    """A ``claude`` of that version, which is the scripted one otherwise."""
    folder.mkdir(exist_ok=True)
    scripted = shlex.join(host_claude.scripted(folder).command)
    new = folder / "new"
    new.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo "{version} (Claude Code)" || exec {scripted} "$@"\n')
    new.chmod(0o755)
    new.rename(folder / "claude")
    return str(folder / "claude")


@awaited
async def test_one_that_is_too_old_is_not_started_and_an_update_is_noticed() -> None:
    tools: list[Path] = []

    def choose(place: Place) -> Chosen:
        tools.append(place.root / "tools")
        program = installed(tools[0], "2.1.246")
        readable = (*host_claude.needed_by_scripts(), str(tools[0]))
        return Chosen("an old one", (program,), {"HOME": str(place.home)}, is_scripted=True, readable=readable)

    async with playhouse(choose) as house:
        thread = await house.starts("say hello")
        await house.shows(thread, "is Claude Code 2.1.246, and the oldest that works here is 2.1.248")
        assert "hello" not in house.text(thread)
        assert "is Claude Code 2.1.246" in house.host.place.log.read_text()
        checked = await house.host.threadbridge.ask("check")
        assert (checked.code, "wrong: " in checked.out) == (1, True)
        assert "is Claude Code 2.1.246, and the oldest" in checked.out
        installed(tools[0], "2.1.330")
        await house.done(thread)
        assert "hello" in house.text(thread)
