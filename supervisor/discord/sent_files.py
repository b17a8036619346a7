"""The files that Claude sends, as the supervisor opens them: only copies whose names a worker of ours makes.

A record names its copy, and nothing that a worker says is a path of ours: the name must be of the one form that
``worker/sending.py`` gives, it is joined to the session's own folder, and no link is followed below that.
"""

import os
import re
import stat
from pathlib import Path

from bridge.discord_numbers import MOST_MEGABYTES
from supervisor.discord.errors import Refused

_STORED = re.compile(r"sent/[0-9a-f]{8}-(?![. ])[\w.()@+=,~ -]{1,100}")
MOST_BYTES = MOST_MEGABYTES << 20


def place_of(stored: str, folder: Path) -> Path:
    """Where the copy of this name lies in the session's folder. Raises Refused for any other name."""
    if not _STORED.fullmatch(stored):
        raise Refused("its record names no file that the bridge made")
    return folder / stored


def read(path: Path) -> bytes:
    """A regular file, whole; neither it nor its folder is a link. Raises OSError."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fd = os.open(path.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    finally:
        os.close(folder)
    with os.fdopen(fd, "rb") as file:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            raise OSError(0, "it is no ordinary file, or far too large")
        return file.read(MOST_BYTES)
