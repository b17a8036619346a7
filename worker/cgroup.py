"""The session's own cgroup: the child with all its tools is in it, and this worker is not, so that it can tell.

Whose it is, is settled by the session's lock, which we hold: whatever still runs in it was left by a worker that died,
and is ended before the next child enters. The child enters between fork and exec, so nothing of it is ever outside; a
contained one cannot leave, since it sees /sys read-only. How the directory above came to be:
supervisor/workers/cgroups.py.
"""

import os
import time
from contextlib import suppress
from pathlib import Path

import msgspec

from bridge.protocol.layout import short_id
from bridge.protocol.limits import Limits

REMOVAL_DEADLINE_S = 2.0
_PAUSE_S = 0.01


class Counted(msgspec.Struct, frozen=True):
    """Since the cgroup was made: processes that the kernel ended for memory, and forks that it refused."""

    ended: int = 0
    refused: int = 0


class Cgroup:
    """``held``: the controllers by which the kernel holds the limits. Made by ``make``."""

    def __init__(self, path: Path, held: frozenset[str]) -> None:
        self._path = path
        self.held = held

    def opened(self) -> int:
        """A descriptor by which a process enters: it writes "0" there. The caller closes it. Raises OSError."""
        return os.open(self._path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)

    def holds(self, pid: int) -> bool:
        """Whether the process is in it."""
        with suppress(OSError):
            return str(pid) in (self._path / "cgroup.procs").read_text().split()
        return False

    def counted(self) -> Counted:
        return Counted(_count(self._path / "memory.events", "oom_kill"), _count(self._path / "pids.events", "max"))

    def kill(self) -> None:
        """All at once, however fast they fork (Linux 5.14); an older kernel leaves it to the others."""
        with suppress(OSError):
            (self._path / "cgroup.kill").write_text("1")

    def remove(self) -> bool:
        """Kill what is in it, and remove it, within the deadline. Blocks. False: something does not end."""
        end = time.monotonic() + REMOVAL_DEADLINE_S
        while self._path.exists():
            self.kill()
            with suppress(OSError):
                os.rmdir(self._path)  # noqa: PTH106 - as the kernel has it: its files need no removal
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(_PAUSE_S)
        return True


def make(directory: str, session_id: str, limits: Limits) -> Cgroup | None:
    """The session's cgroup with its limits, new and empty; None where none can be had. Blocks."""
    if not directory:
        return None
    path = Path(directory, f"session-{short_id(session_id)}")
    try:
        if not Cgroup(path, frozenset()).remove():
            return None
        path.mkdir()
        return Cgroup(path, _limited(path, limits))
    except OSError:
        return None


def _limited(path: Path, limits: Limits) -> frozenset[str]:
    """Which limits the kernel took. Swap is none: what may be swapped is slow for everybody."""
    wanted = [
        ("memory", "memory.max", limits.memory_bytes),
        ("pids", "pids.max", limits.tasks),
        ("cpu", "cpu.weight", limits.cpu_weight),
    ]
    held = frozenset(name for name, file, value in wanted if value and _set(path / file, value))
    if "memory" in held:
        _set(path / "memory.swap.max", 0)
    return held


def _set(file: Path, value: int) -> bool:
    """Whether it was taken; no file of the kernel's is ever made here."""
    try:
        fd = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.write(fd, str(value).encode()) > 0
    except OSError:
        return False
    finally:
        os.close(fd)


def _count(file: Path, key: str) -> int:
    """0 where there is no such file, or no such line."""
    with suppress(OSError, ValueError):
        for line in file.read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == key:
                return int(value)
    return 0
