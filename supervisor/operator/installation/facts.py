"""What is known of this machine and this installation before a service is made of it."""

import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bridge.protocol.errors import UserError
from supervisor import config as configuration
from supervisor.config.document import Known, known
from supervisor.operator.installation.unit import NAME, OF_SYSTEM, SYSTEM_PATH, Kind
from supervisor.operator.setup import claude

ANSWER_DEADLINE_S = 10.0
SYSTEM_UNIT = Path("/etc/systemd/system") / NAME


class Facts(msgspec.Struct, frozen=True):
    """``systemd``: its version, 0 where it does not run. ``user``: who the service is to be, who may not be there yet.

    ``home``: theirs, or what it would be.
    """

    kind: Kind
    systemd: int
    command: tuple[str, ...]
    config: Path
    known: Known
    unit: Path
    user: str
    home: Path
    path: str
    is_there: bool = True
    can_encrypt: bool = False
    lingers: bool = False
    closed: str = ""
    """What of the way to the program other users may not enter; "" when they can."""
    foreign: tuple[str, ...] = ()
    """Directories of channels in which that user cannot write."""
    claude: tuple[str, ...] = ()
    """The argv of the service's Claude; empty when it was not found."""


def gather(kind: Kind, config: Path, user: str, environ: Mapping[str, str] = os.environ) -> Facts:
    """Raises UserError for a configuration that cannot be read; one that is not there says nothing."""
    us = pwd.getpwuid(os.getuid()).pw_name
    user = us if kind == "user" else user
    home = _home(user)
    command = our_command()
    said = _without_anothers_claude(known(_text(config), config), home or Path("/home", user))
    path = _path(kind, home or Path("/home", user), said, environ)
    return Facts(
        kind=kind,
        systemd=systemd_version(),
        command=command,
        config=config,
        known=said,
        unit=unit_path(kind, environ),
        user=user,
        home=home or Path("/home", user),
        path=path,
        is_there=home is not None,
        can_encrypt=bool(shutil.which("systemd-creds")),
        lingers=Path("/var/lib/systemd/linger", user).exists(),
        closed=closed_to_others(Path(command[0])) if kind == "system" and user != us else "",
        foreign=tuple(d for d in said.channels.values() if _is_foreign(Path(d).expanduser(), user)),
        claude=claude.find(said.command, {"HOME": str(home), "PATH": path}) if home else (),
    )


def our_command() -> tuple[str, ...]:
    """The argv of `threadbridge` in this installation; an upgrade makes it anew at the same place."""
    beside = Path(sys.executable).with_name("threadbridge")
    if beside.is_file():
        return (str(beside),)
    return (sys.executable, "-m", "supervisor.operator.cli")


def systemd_version() -> int:
    """0 where systemd does not run: sd_booted(3)."""
    if not Path("/run/systemd/system").is_dir() or not (systemctl := shutil.which("systemctl")):
        return 0
    try:
        asked = subprocess.run([systemctl, "--version"], capture_output=True, timeout=ANSWER_DEADLINE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(rb"systemd (\d+)", asked.stdout)
    return int(found[1]) if found else 0


def status(kind: Kind) -> str:
    """What the running service says of itself; empty when it says nothing."""
    user = ("--user",) if kind == "user" else ()
    argv = ("systemctl", *user, "show", "--property=StatusText", "--value", NAME)
    try:
        asked = subprocess.run(
            argv, capture_output=True, env=with_bus(os.environ), timeout=ANSWER_DEADLINE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.decode(errors="replace").strip()


def with_bus(environ: Mapping[str, str]) -> dict[str, str]:
    """A shell of `sudo` or `su` does not know where the user's manager listens."""
    place = f"/run/user/{os.getuid()}"
    known = {"XDG_RUNTIME_DIR": place} if Path(place).is_dir() else {}
    return {**known, **environ}


def closed_to_others(program: Path) -> str:
    """The first directory on the way to it that not everybody may enter, or the program that not everybody may run."""
    for part in [*reversed(program.resolve().parents), program.resolve()]:
        try:
            if not part.stat().st_mode & stat.S_IXOTH:
                return str(part)
        except OSError:
            return str(part)
    return ""


def default_config(kind: Kind, environ: Mapping[str, str] = os.environ) -> Path:
    """The one that is there, for a service of that kind; where none is, the one that would be."""
    of_system = OF_SYSTEM / "config.toml"
    if kind == "system" and of_system.is_file():
        return of_system
    try:
        return configuration.find(None, environ).absolute()
    except UserError:
        return of_system if kind == "system" else Path(environ.get("HOME", "/"), ".config/threadbridge/config.toml")


def unit_path(kind: Kind, environ: Mapping[str, str] = os.environ) -> Path:
    if kind == "system":
        return SYSTEM_UNIT
    config = environ.get("XDG_CONFIG_HOME") or f"{environ.get('HOME', '/')}/.config"
    return Path(config, "systemd/user", NAME)


def _home(user: str) -> Path | None:
    try:
        return Path(pwd.getpwnam(user).pw_dir)
    except KeyError:
        return None


def _without_anothers_claude(said: Known, home: Path) -> Known:
    """Set-up by root found root's own, which no other user may run."""
    program = Path(said.command[0]) if said.command else None
    is_anothers = program and program.match(f"*/{claude.VENDORS}") and not program.is_relative_to(home)
    return msgspec.structs.replace(said, command=()) if is_anothers else said


def _is_foreign(directory: Path, user: str) -> bool:
    """As far as owner and mode tell: groups and access lists are not looked at where they may let somebody in."""
    try:
        found = directory.stat()
        is_theirs = found.st_uid == pwd.getpwnam(user).pw_uid
    except OSError:
        return False
    except KeyError:
        is_theirs = False
    return not is_theirs and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _path(kind: Kind, home: Path, said: Known, environ: Mapping[str, str]) -> str:
    """A user's service finds what their shell finds; the machine's what the system has; both the vendor's claude."""
    own = environ.get("PATH", "").split(os.pathsep) if kind == "user" else []
    program = said.command[0] if said.command else ""
    named = [str(Path(program).parent)] if program.startswith("/") else []
    usable = [part for part in own if part.startswith("/") and Path(part).is_dir() and ":" not in part]
    return ":".join(dict.fromkeys([*named, str(home / ".local/bin"), *usable, *SYSTEM_PATH.split(":")]))


def _text(config: Path) -> str:
    try:
        return config.read_text("utf-8-sig")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{config} cannot be read: {error}") from None
