"""One worker per session, by the kernel: a POSIX record lock on the session's lock file.

The lock is the process's, not a file's content: it ends with the process, and ``fcntl(F_GETLK)`` tells anybody
the holder's pid. So there are no stored pids, and no stale ones.
"""

import fcntl
import os
from pathlib import Path


def take(path: Path) -> int | None:
    """The descriptor that holds the lock until the process ends, or None when another process has it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd
