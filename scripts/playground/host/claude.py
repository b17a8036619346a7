"""Which Claude a playground talks to: the one of this machine if it is there and logged in, else the scripted one."""

import asyncio
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from bridge.protocol.errors import UserError
from supervisor.workers import claude_cli

SCRIPT = Path(__file__).resolve().parents[2] / "twins/claude/program.py"
STATUS_DEADLINE_S = 15.0
"""For `claude auth status`; 0.6 s were measured with claude 2.1.330 on an idle machine."""
VERSION_DEADLINE_S = 5.0
PLACEHOLDER_KEY = "sk-ant-placeholder-for-loopback"
"""Makes the CLI believe that it is logged in. Only the scripted model ever sees it."""

type Wish = Literal["auto", "real", "scripted"]

_PLAIN = re.compile(r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_.*|TERM|TZ|TMPDIR|XDG_RUNTIME_DIR")
_SWITCHED_OFF = (
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC",
    "DISABLE_AUTOUPDATER",
    "DISABLE_ERROR_REPORTING",
    "DISABLE_TELEMETRY",
)


class Chosen(msgspec.Struct, frozen=True):
    """The CLI's argv and what is added to its environment. `what` tells a person which one it is."""

    what: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}
    uses_login: bool = False
    """It is the person's own, and their environment may hold their login."""
    is_scripted: bool = False
    containment: Literal["project", "none"] = "project"
    readable: tuple[str, ...] = ()
    """What it needs to run, besides what the machine has."""
    git_push: Literal["off", "ask"] = "off"


def scripted(home: Path, why: str = "") -> Chosen:
    """It understands a few lines such as `run touch made.txt`, and tells which."""
    command = (sys.executable, "-S", "-E", str(SCRIPT))
    what = f"the scripted one{why and f' ({why})'}"
    return Chosen(what, command, {"HOME": str(home)}, is_scripted=True, readable=needed_by_scripts())


def needed_by_scripts() -> tuple[str, ...]:
    """The scripted Claude is a Python program of ours: its folder, this environment, and the Python below that."""
    prefixes = {sys.prefix, sys.base_prefix} - {"/usr", "/usr/local"}
    return (str(SCRIPT.parents[2]), *sorted(prefixes))


def hermetic(program: str, home: Path, base_url: str) -> Chosen:
    """The real CLI without any login, talking to a scripted model at `base_url`."""
    environment = {
        "HOME": str(home),
        "ANTHROPIC_API_KEY": PLACEHOLDER_KEY,
        "ANTHROPIC_BASE_URL": base_url,
        "NO_PROXY": "127.0.0.1",
        "IS_SANDBOX": "1",  # lets root use the CLI's permission modes
        **dict.fromkeys(_SWITCHED_OFF, "1"),
    }
    return Chosen(f"the real one ({program}) against a scripted model", (program,), environment)


def within(chosen: Chosen, refusal: str) -> Chosen:
    """What this machine lets it run in. ``refusal``: why no Claude can be shut in here; empty when it can.

    The scripted one does only what a person types, so it may run uncontained; Raises UserError for a real one.
    """
    if not refusal or chosen.containment == "none":
        return chosen
    if not chosen.is_scripted:
        raise UserError(f"{chosen.what} is not started, because it cannot be shut in: {refusal}; or give --uncontained")
    return msgspec.structs.replace(chosen, what=f"{chosen.what}, uncontained ({_why(refusal)})", containment="none")


def _why(refusal: str) -> str:
    """Without what to do about it."""
    return refusal.partition(". ")[0]


def uncontained(chosen: Chosen) -> Chosen:
    """By a person's own word."""
    return msgspec.structs.replace(chosen, what=f"{chosen.what}, uncontained", containment="none")


async def choose(
    wish: Wish, home: Path, environ: Mapping[str, str] = os.environ, *, refusal: str = "", may_be_free: bool = False
) -> Chosen:
    """``refusal``: as in ``within``; ``may_be_free``: a real one runs uncontained all the same.

    Raises UserError when the real one is wished for and not there.
    """
    found = await _choose(wish, home, environ)
    if found.is_scripted:
        return found
    if may_be_free:
        return uncontained(found)
    if refusal and wish == "auto":
        why = f"the machine's claude runs only shut in: {_why(refusal)}; --uncontained lets it run all the same"
        return scripted(home, why)
    return found


async def _choose(wish: Wish, home: Path, environ: Mapping[str, str]) -> Chosen:
    if wish == "scripted":
        return scripted(home)
    program = shutil.which("claude", path=environ.get("PATH", os.defpath))
    if wish == "real" and not program:
        raise UserError("there is no claude on the path; install Claude Code, or leave out --claude real")
    if not program:
        return scripted(home, "there is no claude on the path")
    if refusal := await refusal_of(program, environ):
        if wish == "real":
            raise UserError(refusal)
        return scripted(home, refusal)
    if wish == "real" or await is_logged_in(program, environ):
        return Chosen(f"the real one ({program}), with its login", (program,), uses_login=True)
    return scripted(home, f"{program} is not logged in; run `claude` and log in, then start again")


async def refusal_of(program: str, environ: Mapping[str, str] = os.environ) -> str:
    """Why that version is not started (too old); empty for one that may be, or does not say."""
    return (await asyncio.to_thread(claude_cli.ask, (program,), environ, VERSION_DEADLINE_S)).refusal


async def is_logged_in(program: str, environ: Mapping[str, str] = os.environ) -> bool:
    """What `claude auth status` says. No answer in STATUS_DEADLINE_S seconds is a no."""
    try:
        process = await asyncio.create_subprocess_exec(
            *(program, "auth", "status"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            env=dict(environ),
        )
    except OSError:
        return False
    try:
        return await asyncio.wait_for(process.wait(), STATUS_DEADLINE_S) == 0
    except TimeoutError:
        return False
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def supervisor_environment(chosen: Chosen, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Ours, less what would mislead it. Only a Claude that uses the person's login gets the person's settings."""
    if chosen.uses_login:
        return {name: value for name, value in environ.items() if not name.startswith(("PYTHON", "THREADBRIDGE_"))}
    return {name: value for name, value in environ.items() if _PLAIN.fullmatch(name)}
