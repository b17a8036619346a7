"""How much of the disk a session's own /tmp, $HOME and the like take: they lie where the state does.

A walk over many files takes a while, so the next one waits longer the longer the last one took; and it looks at so many
files only. Blocks are counted, as ``du`` does: a file with holes takes what it takes.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

LEAST_PAUSE_S = 2.0
PAUSE_FACTOR = 20.0
MOST_ENTRIES = 300_000
_BLOCK_BYTES = 512


class PrivateUsage:
    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._next = 0.0
        self._seen = 0

    def total(self) -> int:
        """In bytes, as the last walk saw it. Blocks while it walks."""
        if (began := self._clock()) >= self._next:
            self._seen = measured(self._folder)
            self._next = self._clock() + max(LEAST_PAUSE_S, PAUSE_FACTOR * (self._clock() - began))
        return self._seen


def measured(folder: Path) -> int:
    total = 0
    for number, taken in enumerate(_taken(folder)):
        total += taken
        if number >= MOST_ENTRIES:
            break
    return total


def _taken(folder: Path) -> Iterator[int]:
    """Of each entry in it and below; no link is followed, and what cannot be looked at counts nothing."""
    waiting = [folder]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    yield entry.stat(follow_symlinks=False).st_blocks * _BLOCK_BYTES
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(Path(entry.path))
