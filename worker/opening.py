"""A path, opened component by component, so that no link of a child's leads us elsewhere.

What a child can write in, it can also plant a symbolic link in, and the next start would follow it: then something else
is covered, or nothing at all can be. So each part is opened by itself, as a place only, and never as a link
(``O_PATH | O_NOFOLLOW``, openat(2)). A link that the user could not have made, such as root's ``/home``, is followed.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from bridge.protocol.errors import UserError
from bridge.protocol.layout import MOST_LINKS

Make = Literal["", "directory", "file"]
_PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
EMPTY_SETTINGS = b"{}\n"


def could_plant(folder: os.stat_result, uid: int) -> bool:
    """May the user put something into the folder? Who may write it, or owns it and could allow it to himself."""
    return uid in {0, folder.st_uid} or bool(folder.st_mode & 0o022)


def place(path: Path) -> int:
    """A descriptor of the very thing at ``path``, a real path without links, to be bound whatever stands there later.

    The caller closes it. Raises UserError when a link is on the way by now, or nothing is there.
    """
    with _opened(path.parent) as folder:
        try:
            fd = os.open(path.name, _PLACE, dir_fd=folder)
        except OSError as error:
            raise UserError(f"{path} cannot be looked at: {error.strerror}") from error
    if stat.S_ISLNK(os.fstat(fd).st_mode):
        os.close(fd)
        raise UserError(f"{path} was replaced by a symbolic link at this moment")
    return fd


def real(path: Path, uid: int, make: Make = "") -> Path | None:
    """The path without links; None when it is not there. ``make``: what to make of it when it is missing.

    Raises UserError for a link that the user, and so Claude, could have made.
    """
    waiting, done, links = list(path.absolute().parts[1:]), Path("/"), 0
    while waiting:
        name = waiting.pop(0)
        with _opened(done) as folder:
            is_last = not waiting
            status = _look(folder, name) or _made(folder, name, make if is_last or not make else "directory")
            if status is None:
                return None
            if not stat.S_ISLNK(status.st_mode):
                done = done.parent if name == ".." else done / name
                continue
            _refuse_planted(path, done / name, os.fstat(folder), uid)
            target = Path(os.readlink(name, dir_fd=folder))
        if (links := links + 1) > MOST_LINKS:
            raise UserError(f"{path} is reached through symbolic links that lead in a circle")
        done = Path("/") if target.is_absolute() else done
        waiting = [part for part in target.parts if part != "/"] + waiting
    return done


def _refuse_planted(path: Path, link: Path, folder: os.stat_result, uid: int) -> None:
    if could_plant(folder, uid):
        through = "" if link == path else f" on the way to {path}"
        raise UserError(
            f"{link}{through} is a symbolic link, which Claude could have made to get out of its walls;"
            " put what it leads to there itself, or remove it"
        )


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """``folder`` has no links: that was seen a moment ago, and a part that became one since is not followed."""
    fd = os.open("/", _PLACE | os.O_DIRECTORY)
    try:
        for name in folder.parts[1:]:
            below = _open_below(fd, name, folder)
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def _open_below(fd: int, name: str, folder: Path) -> int:
    try:
        return os.open(name, _PLACE | os.O_DIRECTORY, dir_fd=fd)
    except OSError as error:
        raise UserError(f"{folder} cannot be looked at: {error.strerror}") from error


def _look(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR}:
            return None
        raise UserError(f"{name} cannot be looked at: {error.strerror}") from error


def _made(folder: int, name: str, make: Make) -> os.stat_result | None:
    """Where we may not write, the child may not either."""
    try:
        if make == "directory":
            os.mkdir(name, 0o700, dir_fd=folder)
        elif make == "file":
            _write_settings(folder, name)
    except OSError as error:
        if error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST}:
            raise UserError(f"{name} could not be made: {error.strerror}") from error
    return _look(folder, name)


def _write_settings(folder: int, name: str) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=folder)
    with os.fdopen(fd, "wb") as file:
        file.write(EMPTY_SETTINGS)
