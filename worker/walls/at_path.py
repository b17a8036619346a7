"""What is at a path, as far as we may look: where we may not, nothing is there for a child of ours either."""

import os
import stat
from contextlib import suppress
from pathlib import Path


def exists(path: Path) -> bool:
    return _mode(path) != 0


def is_folder(path: Path) -> bool:
    return stat.S_ISDIR(_mode(path))


def is_file(path: Path) -> bool:
    return stat.S_ISREG(_mode(path))


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return 0


def is_link(path: Path) -> bool:
    try:
        return stat.S_ISLNK(path.lstat().st_mode)
    except (OSError, ValueError):
        return False


def text(path: Path, most_bytes: int) -> str:
    """Of a regular file, so much of its beginning; empty for anything else, such as a pipe that a child left there."""
    with suppress(OSError, ValueError):
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                return file.read(most_bytes).decode(errors="replace")
    return ""
