"""Where this process's log goes: a unit's journal, or a file; in a word that another process can read."""

import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import msgspec

from supervisor.log_format import is_journal

OWN_CGROUP = Path("/proc/self/cgroup")


class LogPlace(msgspec.Struct, frozen=True):
    """``unit``: of systemd, the user's own if ``is_users``; else ``file``, an absolute path."""

    unit: str = ""
    is_users: bool = False
    file: str = ""


def of_this_process(
    stream: TextIO = sys.stderr, environ: Mapping[str, str] = os.environ, cgroup: Path = OWN_CGROUP
) -> str:
    """``unit:NAME``, ``user-unit:NAME`` or ``file:PATH``; empty for a terminal, a pipe, and where nobody can tell."""
    try:
        if is_journal(stream, environ):
            return unit_in(cgroup.read_text())
        if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
            return f"file:{os.readlink(f'/proc/self/fd/{stream.fileno()}')}"  # noqa: PTH115 - no path, but a link of proc's
    except (OSError, ValueError):
        pass
    return ""


def unit_in(cgroup: str) -> str:
    """The innermost unit of a process in this cgroup (cgroups(7), "/proc/[pid]/cgroup"); a subgroup is not one."""
    path = cgroup.strip().rpartition(":")[2]
    units = [part for part in path.split("/") if part.endswith(".service")]
    if not units or units[-1].startswith("user@"):
        return ""
    is_users = any(part.startswith("user@") for part in units)
    return f"{'user-unit' if is_users else 'unit'}:{units[-1]}"


def parse(word: str) -> LogPlace | None:
    """None for no place."""
    kind, _, name = word.partition(":")
    if not name:
        return None
    match kind:
        case "unit" | "user-unit":
            return LogPlace(unit=name, is_users=kind == "user-unit")
        case "file":
            return LogPlace(file=name)
        case _:
            return None
