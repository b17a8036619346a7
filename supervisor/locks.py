"""Who holds a lock file, by the kernel: POSIX record locks, which end with their process.

The same question serves the one supervisor of a state directory and the one worker of a session; the answer
is a pid that cannot be stale (F_GETLK; fcntl(2)). A worker takes its lock by itself (``worker/lock.py``): neither side
imports the other, and ``bridge/``, which both import, opens no file. What the two agree on is the lock's path and what
stands in it, in ``bridge.protocol.layout``.
"""

import fcntl
import os
import struct
from pathlib import Path

# struct flock of Linux on 64-bit machines: l_type, l_whence, l_start, l_len, l_pid
_FLOCK = struct.Struct("hhqqi4x")
_TOLD = 1
"""The byte of a lock file whose lock tells one thing of its holder; there need not be such a byte."""


def take(path: Path) -> int | None:
    """The descriptor that holds the lock until the process ends, or None when another process has it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def tell(fd: int, *, is_so: bool) -> None:
    """Let whoever asks know one thing of us, without a disk: the holder keeps the byte, but for reading only."""
    fcntl.lockf(fd, (fcntl.LOCK_SH if is_so else fcntl.LOCK_EX) | fcntl.LOCK_NB, 1, _TOLD)


def is_told(path: Path) -> bool:
    """Whether the lock's holder tells that one thing. Raises OSError."""
    is_held = _first(path, fcntl.F_WRLCK, _TOLD)[0] != fcntl.F_UNLCK
    return is_held and _first(path, fcntl.F_RDLCK, _TOLD)[0] == fcntl.F_UNLCK


def holder(path: Path) -> int:
    """The pid of the process that has the lock; 0 for nobody (we ourselves count as nobody).

    Asking needs no right to write (only F_SETLK does), so it also works where the disk takes no writes.
    """
    try:
        kind, pid = _first(path, fcntl.F_WRLCK, 0)
    except FileNotFoundError:
        return 0
    return 0 if kind == fcntl.F_UNLCK else pid


def _first(path: Path, wanted: int, start: int) -> tuple[int, int]:
    """(kind, pid) of the first lock from that byte on that keeps us from the wanted kind. Raises OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        asked = _FLOCK.pack(wanted, os.SEEK_SET, start, 1 if start else 0, 0)
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, asked))
    finally:
        os.close(fd)
    return kind, pid
