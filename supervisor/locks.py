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


def take(path: Path) -> int | None:
    """The descriptor that holds the lock until the process ends, or None when another process has it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd


def holder(path: Path) -> int:
    """The pid of the process that has the lock; 0 for nobody (we ourselves count as nobody).

    Asking needs no right to write (only F_SETLK does), so it also works where the disk takes no writes.
    """
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return 0
    try:
        asked = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(fd, fcntl.F_GETLK, asked))
    finally:
        os.close(fd)
    return 0 if kind == fcntl.F_UNLCK else pid
