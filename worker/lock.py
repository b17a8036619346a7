"""One worker per session, by the kernel: a POSIX record lock on the session's lock file.

The lock is the process's, not a file's content: it ends with the process, and ``fcntl(F_GETLK)`` tells anybody
the holder's pid. So there are no stored pids, and no stale ones. The supervisor looks at it with
``supervisor/locks.py``; its path and what stands in it are agreed on in ``bridge.protocol.layout``.
"""

import fcntl
import os
from pathlib import Path

from bridge.protocol.layout import START_NAME_BYTES


def take(path: Path, start: str) -> int | None:
    """The descriptor that holds the lock until the process ends, or None when another process has it.

    Whoever has it writes there which start of the session it is: a supervisor that died between a spawn and this
    moment may have been followed by one that spawned a second worker, and only one of the two gets here.
    Raises OSError when that cannot be written.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    os.ftruncate(fd, 0)
    os.pwrite(fd, start.encode()[:START_NAME_BYTES], 0)
    return fd
