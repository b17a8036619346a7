"""One input at an edge: in bounded time and memory, and what came of it."""

import os
import resource
import shutil
import signal
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import msgspec

from lab.fuzz.edge import Edge

CPU_S, WALL_S = 3.0, 20.0
MOST_GROWTH_BYTES = 256 << 20
SHRINKING_TRIES, SHRINKING_S = 150, 5.0


_most_bytes = 0
"""After the input before."""


class HangError(BaseException):
    """No Exception: what catches everything must not catch it."""


class Finding(msgspec.Struct, frozen=True):
    """``what`` in a line; ``where`` tells it from others."""

    data: bytes
    what: str
    where: str


def tried(edge: Edge, data: bytes, folder: Path) -> Finding | None:
    """None: nothing but clean errors came of it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with _deadline():
            edge.feed(data, folder)
    except (Exception, HangError) as error:
        where = _place(error)
        return Finding(
            data, f"{type(error).__name__}: {error}"[:300].replace("\n", " "), f"{type(error).__name__} {where}"
        )
    global _most_bytes
    grown, _most_bytes = (now := _most_memory()) - (_most_bytes or now), now
    if grown > MOST_GROWTH_BYTES:
        return Finding(data, f"{grown >> 20} MB more memory", "memory")
    return None


def shrunk(edge: Edge, finding: Finding, folder: Path) -> Finding:
    """The same finding of less, as far as a few tries make it."""
    size, tries = len(finding.data) // 2, 0
    until = time.monotonic() + SHRINKING_S
    while (
        size and tries < SHRINKING_TRIES and time.monotonic() < until and not finding.where.startswith(("Hang", "mem"))
    ):
        begin = 0
        while begin < len(finding.data) and tries < SHRINKING_TRIES:
            tries += 1
            less = finding.data[:begin] + finding.data[begin + size :]
            found = tried(edge, less, folder)
            if found and found.where == finding.where:
                finding = found
            else:
                begin += size
        size //= 2
    return finding


def memory_bytes() -> int:
    """Resident now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _most_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _place(error: BaseException) -> str:
    """The file and function that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if "/site-packages/" not in one.filename and "/lib/python" not in one.filename]
    return " < ".join(f"{Path(one.filename).name}:{one.name}" for one in reversed(ours[-2:]))


@contextmanager
def _deadline() -> Iterator[None]:
    def hang(_number: int, _frame: FrameType | None) -> None:
        raise HangError(f"more than {CPU_S:g} s of CPU, or {WALL_S:g} s")

    before = [signal.signal(number, hang) for number in (signal.SIGPROF, signal.SIGALRM)]
    signal.setitimer(signal.ITIMER_PROF, CPU_S)
    signal.setitimer(signal.ITIMER_REAL, WALL_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGPROF, before[0])
        signal.signal(signal.SIGALRM, before[1])
