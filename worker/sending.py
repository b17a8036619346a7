"""``send_file``: a copy of a file of Claude's, to be shown to the person.

Claude names a path, and we have rights that Claude's contained child has not. So the path is opened in the child's own
view (``child_view``), and what counts is where the file that we *opened* really is (``/proc/self/fd``), however many
links led to it: it must be in the project, in the session's scratch folder or in what is private to the session, and
not in what is hidden from the child. It is first opened as a place only (O_PATH), so that a pipe blocks nobody and a
device notices nothing. Once it is copied, nothing that Claude does changes it.
"""

import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from uuid import uuid4

import msgspec

from bridge.protocol.errors import UserError
from worker.child_view import NO_WALLS, ChildView

MOST_BYTES = 10 * 1024 * 1024
"""Discord's limit of a bot's file (discord-api-docs, "Uploading Files")."""
NAME_CHARS = 100
KERNELS_OWN = ("/proc", "/sys", "/dev")
_OTHER_THAN_NAMES = re.compile(r"[^\w.()@+=,~ -]")


class Sent(msgspec.Struct, frozen=True):
    """``stored``: the copy, below the session's folder."""

    name: str
    stored: str
    size_bytes: int


class Places(msgspec.Struct, frozen=True):
    """Where files may lie (``project``, ``scratch``, ``private``), and where they may not (``hidden``). Real paths.

    ``folder`` is the session's, ``sent`` is below it.
    """

    project: Path
    scratch: Path
    hidden: tuple[Path, ...]
    folder: Path
    sent: Path
    private: tuple[Path, ...] = ()
    """Where the child's own /tmp and the like stand inside."""
    view: ChildView = NO_WALLS

    def in_words(self) -> str:
        private = "".join(f", {folder}" for folder in self.private)
        return f"{self.project}{private} or your scratch folder {self.scratch}"

    def allow(self, path: Path) -> bool:
        if any(_within(path, folder) for folder in (self.scratch, *self.private)):
            return True
        shut = (hidden for hidden in self.hidden if not _within(self.project, hidden))
        return _within(path, self.project) and not any(_within(path, hidden) for hidden in shut)


def places(project: str, folder: Path, scratch: Path, sent: Path, hidden: Sequence[str]) -> Places:
    return Places(
        Path(project).resolve(),
        scratch.resolve(),
        tuple(Path(path).resolve() for path in (*KERNELS_OWN, *hidden) if path),
        folder,
        sent,
    )


def copy(path: str, where: Places, object_to: Callable[[int], object] = lambda size_bytes: None) -> Sent:
    """``object_to`` a size: raises UserError when there is no room for it.

    Raises UserError, in words for Claude, when the file may not or cannot be sent.
    """
    data, name = _read(path, where)
    return keep(data, name, where, object_to)


def keep(data: bytes, name: str, where: Places, object_to: Callable[[int], object] = lambda size_bytes: None) -> Sent:
    """These bytes as a file of this name. Raises UserError as ``copy``."""
    if len(data) > MOST_BYTES:
        raise UserError(f"{name} has {len(data):,} bytes; at most {MOST_BYTES:,} (10 MB) can be sent")
    object_to(len(data))
    name = _OTHER_THAN_NAMES.sub("_", name)[-NAME_CHARS:].lstrip(". ") or "file"
    stored = where.sent / f"{uuid4().hex[:8]}-{name}"
    try:
        _write(stored, data)
    except OSError as error:
        raise UserError(f"the copy of {name} could not be written: {error.strerror}") from error
    return Sent(name, str(stored.relative_to(where.folder)), len(data))


def _read(path: str, where: Places) -> tuple[bytes, str]:
    if not path.strip() or "\0" in path:
        raise UserError("there is no path: name the file")
    given = where.project / path
    try:
        place = where.view.place(given)
    except OSError as error:
        raise UserError(f"{path} cannot be opened: {error.strerror}") from error
    try:
        real = Path(os.readlink(f"/proc/self/fd/{place}"))  # noqa: PTH115 - as the kernel says it, unresolved
        status = os.fstat(place)
        _object(path, real, status, where)
        return _content(path, place), given.name
    finally:
        os.close(place)


def _object(path: str, real: Path, status: os.stat_result, where: Places) -> None:
    """Before a byte of it is read."""
    if not where.allow(real):
        through = "" if str(real) == str(where.project / path) else f" (it is {real})"
        raise UserError(f"{path}{through} may not be sent: files are sent from {where.in_words()} only")
    if stat.S_ISDIR(status.st_mode):
        raise UserError(f"{path} is a directory: pack it into one file first")
    if not stat.S_ISREG(status.st_mode):
        raise UserError(f"{path} is no regular file")
    if not status.st_size:
        raise UserError(f"{path} is empty")
    if status.st_size > MOST_BYTES:
        raise UserError(f"{path} has {status.st_size:,} bytes; at most {MOST_BYTES:,} (10 MB) can be sent")


def _content(path: str, place: int) -> bytes:
    """Of the very file that was looked at."""
    try:
        fd = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    if not data or len(data) > MOST_BYTES:
        raise UserError(f"{path} changed while it was read: at most {MOST_BYTES:,} bytes (10 MB) can be sent")
    return data


def _write(path: Path, data: bytes) -> None:
    """There, whole and on the disk; before this returns nothing says that it was sent."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _within(path: Path, folder: Path) -> bool:
    return path.parts[: len(folder.parts)] == folder.parts
