"""How much of this session is stored on the disk that it shares with all others, and how much more may be.

Counted are the log, the files that people sent and the copies of those that Claude sent. What Claude writes by itself
(its project, the session's scratch folder) is not ours to count.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bridge.protocol import limits as words
from bridge.protocol.errors import UserError
from bridge.protocol.layout import SessionLayout
from bridge.protocol.limits import Limits


class NoRoomError(UserError):
    """One file more would be too much."""


class Stored:
    def __init__(self, paths: SessionLayout, limits: Limits) -> None:
        self._paths = paths
        self._limits = limits

    def total(self) -> int:
        """In bytes. Blocks."""
        files = sum(_sizes(self._paths.files)) + sum(_sizes(self._paths.sent))
        with suppress(OSError):
            return files + self._paths.log.stat().st_size
        return files

    def check(self) -> None:
        """Raises UserError, in words for a person, when there is too much for anything to go on."""
        if self._limits.stored_bytes and (total := self.total()) > self._limits.stored_bytes:
            raise UserError(
                f"Claude is not started, because {words.stored_too_much(total, self._limits)}."
                " Go on in a new session, or raise that"
            )

    def object_to(self, size_bytes: int) -> None:
        """Raises NoRoomError, in words for Claude, when a file of this size has no room."""
        if self._limits.stored_bytes and (total := self.total()) + size_bytes > self._limits.stored_bytes:
            raise NoRoomError(words.no_room_for(size_bytes, total, self._limits))


def _sizes(folder: Path) -> Iterator[int]:
    """Of all files in it and below."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _sizes(Path(entry.path))
            else:
                yield entry.stat(follow_symlinks=False).st_size
