"""SIGHUP means two things: the operator wants the configuration read again, or the terminal we were started in is gone.

A service has no terminal, so there it always means the first. Which one it is at a terminal, the kernel tells: a
terminal that was hung up is none any more (tty_ioctl(4): isatty(3) fails with EIO).
"""

import os

STDERR = 2


class Terminal:
    """The one that we were started in, if there was one. ``fd`` is where it is looked for."""

    def __init__(self, fd: int = STDERR) -> None:
        self._fd = fd
        self._was_there = os.isatty(fd)

    def is_gone(self) -> bool:
        return self._was_there and not os.isatty(self._fd)
