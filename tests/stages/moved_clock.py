"""Clocks that a test moves on: twenty minutes pass at once, for the loopback Discord and for each supervisor.

How far they are ahead stands in a file, which a supervisor's process looks at whenever it asks for the time. Workers
keep the real one.
"""

import mmap
import struct
import sys
import time
from pathlib import Path

from twins.discord.clock import HandClock

STAGE = Path(__file__).resolve().parents[1]
RUN = f"import sys; sys.path.insert(0, {str(STAGE)!r}); from stages import moved_clock; moved_clock.run({{path!r}})"


class MovedClock(HandClock):
    """``command`` is the argv of a `threadbridge` whose clocks are these."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._write()
        self.command = (sys.executable, "-c", RUN.format(path=str(path)))

    def advance(self, seconds: float) -> None:
        super().advance(seconds)
        self._write()

    def _write(self) -> None:
        """In place: it is looked at all the while."""
        with self._path.open("r+b" if self._path.exists() else "w+b") as file:
            file.write(struct.pack("d", self._ahead_s))


def run(path: str) -> None:
    """`threadbridge` in this process, by clocks that are ahead."""
    with Path(path).open("rb") as file:
        ahead = mmap.mmap(file.fileno(), 8, prot=mmap.PROT_READ)
    wall, monotonic = time.time, time.monotonic
    time.time = lambda: wall() + float(struct.unpack("d", ahead)[0])
    time.monotonic = lambda: monotonic() + float(struct.unpack("d", ahead)[0])
    from supervisor.operator import cli  # noqa: PLC0415 - it takes the clocks as they are when it is imported

    cli.main()
