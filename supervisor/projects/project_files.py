"""The project's files that could act, read as a child may have left them: nothing is believed of their paths.

Each folder and file is opened below the one before it, as a place only (``O_PATH | O_NOFOLLOW``, openat(2)), so no link
is followed and no pipe or device is opened; only a regular file is read. What is too much is left out, and said.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.trust import acting, servers, settings
from bridge.trust.acting import Acting, Found

MOST_BYTES = 256 * 1024
"""Of one file."""
MOST_BYTES_IN_ALL = 2 * 1024 * 1024
MOST_FILES = 200
MOST_ENTRIES = 2000
"""Looked at in all folders together."""
MOST_DEPTH = 6
_PLACE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
CLAUDE_FOLDER = ".claude"


def read(directory: str, users_own: str = "") -> Acting:
    """What would act of the project. ``users_own``: the user's own ``.claude``, which is nobody else's project's.

    A directory that is not there, or cannot be looked at, has nothing that acts.
    """
    walk = _Walk()
    with _place(directory) as project:
        if project is not None:
            walk.file(project, servers.FILE, servers.FILE)
            with _place(CLAUDE_FOLDER, project) as folder:
                if folder is not None and not _is_same(folder, users_own):
                    walk.claude_folder(folder)
    return acting.understand(walk.found, directory, tuple(walk.not_read))


class _Walk:
    """What was found so far, and what is left of the limits."""

    def __init__(self) -> None:
        self.found: dict[str, Found] = {}
        self.not_read: list[str] = []
        self._bytes_left = MOST_BYTES_IN_ALL
        self._entries_left = MOST_ENTRIES

    def claude_folder(self, folder: int) -> None:
        for path in settings.FILES:
            self.file(folder, path.removeprefix(f"{CLAUDE_FOLDER}/"), path)
        for name in acting.FOLDERS:
            self._folder(folder, name, f"{CLAUDE_FOLDER}/{name}", MOST_DEPTH)

    def _folder(self, above: int, name: str, path: str, depth: int) -> None:
        with _place(name, above) as place:
            if place is None:
                return
            if stat.S_ISLNK(os.fstat(place).st_mode):
                self.not_read.append(f"{path}: it is a link")
            if not stat.S_ISDIR(os.fstat(place).st_mode):
                return
            if not depth:
                self.not_read.append(f"{path}: it lies too deep")
                return
            for inside in self._names(place, path):
                self._entry(place, inside, f"{path}/{inside}", depth - 1)

    def _names(self, place: int, path: str) -> list[str]:
        """Sorted, so that the same files always lead to the same copy."""
        try:
            names = sorted(os.listdir(f"/proc/self/fd/{place}"))  # noqa: PTH208 - of a descriptor
        except OSError as error:
            self.not_read.append(f"{path}: {error.strerror}")
            return []
        kept = names[: self._entries_left]
        self._entries_left -= len(kept)
        if len(kept) < len(names):
            self.not_read.append(f"{path}: it holds too much")
        return kept

    def _entry(self, folder: int, name: str, path: str, depth: int) -> None:
        if name.startswith(".") or not name.isprintable():
            self.not_read.append(f"{path!r}: its name")
            return
        try:
            mode = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
        except OSError:
            return
        if stat.S_ISDIR(mode):
            self._folder(folder, name, path, depth)
        else:
            self.file(folder, name, path)

    def file(self, folder: int, name: str, path: str) -> None:
        """Keep it when it is a regular file and within the limits."""
        with _place(name, folder) as place:
            if place is None:
                return
            found = os.fstat(place)
            if why := self._objection(found):
                self.not_read.append(f"{path}: {why}")
                return
            try:
                data = _content(place)
            except OSError as error:
                self.not_read.append(f"{path}: {error.strerror}")
                return
        if len(data) > MOST_BYTES:
            self.not_read.append(f"{path}: it is too large")
            return
        self._bytes_left -= len(data)
        self.found[path] = Found(data, bool(found.st_mode & stat.S_IXUSR))

    def _objection(self, found: os.stat_result) -> str:
        if stat.S_ISLNK(found.st_mode):
            return "it is a link"
        if not stat.S_ISREG(found.st_mode):
            return "it is no regular file"
        if found.st_size > min(MOST_BYTES, self._bytes_left):
            return "it is too large"
        return "" if len(self.found) < MOST_FILES else "there are too many files"


@contextmanager
def _place(name: str, folder: int | None = None) -> Iterator[int | None]:
    """A descriptor of what is there, to be looked at; None when nothing is, or it may not be."""
    flags = _PLACE if folder is not None else os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    try:
        place = os.open(name, flags, dir_fd=folder)
    except OSError:
        yield None
        return
    try:
        yield place
    finally:
        os.close(place)


def _content(place: int) -> bytes:
    with os.fdopen(os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
        return file.read(MOST_BYTES + 1)


def _is_same(folder: int, other: str) -> bool:
    """Whether the project's is the user's own: the project is their home."""
    try:
        one, another = os.fstat(folder), os.stat(other) if other else None  # noqa: PTH116 - a descriptor
    except OSError:
        return False
    return another is not None and (one.st_dev, one.st_ino) == (another.st_dev, another.st_ino)
