"""Where bubblewrap is: a program that only root can have put there.

It runs before there are any walls, so what a child could plant must not be taken for it: ``~/.local/bin`` often stands
first in PATH. A program counts when it and each directory above it, links on the way included, belong to root and can
be written by nobody else. What the walls are tried with (``SYSTEM_PATH``) comes from such places too.
"""

import os
import stat
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from bridge.protocol.layout import MOST_LINKS

NAME = "bwrap"
ANSWER_DEADLINE_S = 5.0
PLACES = ("/usr/bin", "/bin", "/usr/local/bin", "/run/current-system/sw/bin")
"""Before any entry of PATH. The last is NixOS's."""
SYSTEM_PATH = os.pathsep.join((*PLACES, "/usr/sbin", "/sbin"))


def find(path: str, places: tuple[str, ...] = PLACES, name: str = NAME) -> str:
    """The real path of bwrap (``name``: of another program); "" when there is none that can be trusted.

    ``path``: as the variable PATH. Root's own is not looked at: what root's child plants is root's too.
    """
    for folder in (*places, *(path.split(os.pathsep) if os.geteuid() != 0 else ())):
        if Path(folder).is_absolute() and (program := _trusted(Path(folder, name))):
            return str(program)
    return ""


@cache
def takes(program: str, option: str) -> bool:
    """Whether this bubblewrap knows an option (``--ro-bind-fd`` since 0.7.0). Raises OSError, TimeoutExpired."""
    if not program:
        return False
    asked = subprocess.run([program, "--help"], capture_output=True, timeout=ANSWER_DEADLINE_S, check=False)
    return f" {option} " in (asked.stdout + asked.stderr).decode(errors="replace")


def _trusted(path: Path) -> Path | None:
    try:
        real = path.resolve(strict=True)
        if not stat.S_ISREG(real.stat().st_mode) or not os.access(real, os.X_OK):
            return None
        return real if all(_is_roots(part) for part in _parts(path)) else None
    except (OSError, RuntimeError):  # RuntimeError: links in a circle
        return None


def _parts(path: Path) -> Iterator[Path]:
    """The path, all that is above it, and the same for wherever a link on the way leads."""
    waiting, seen = [path], 0
    while waiting and seen <= MOST_LINKS:
        for part in (here := waiting.pop(), *here.parents):
            yield part
            if part.is_symlink():
                seen += 1
                waiting.append(part.parent / part.readlink())
    if waiting:
        raise OSError("too many links")


def _is_roots(path: Path) -> bool:
    """Root's own, and nobody else can write it; in a sticky directory nobody else can rename what is root's."""
    status = path.lstat()
    if status.st_uid != 0:
        return False
    if stat.S_ISLNK(status.st_mode):
        return True
    loose = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    by_us = os.geteuid() != 0 and os.access(path, os.W_OK)  # as an access list may say
    sticky = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    return not (loose or by_us) or bool(sticky)
