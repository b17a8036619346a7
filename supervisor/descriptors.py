"""How many files and sockets we may have open, which bounds how many sessions can run at once.

libzmq ends the whole process when it gets no descriptor for a socket of its own, so we never go there: the soft limit
is raised to the hard one at the start, and a session that would come too near is refused before anything is opened.
*Measured* (pyzmq 27, libzmq 4.3): a session that runs takes 4.6 descriptors; a new socket takes them a moment later,
in libzmq's own thread, so those of what was just opened are counted before they are there.
"""

import resource
from pathlib import Path

RESERVED = 128
"""For the store, Discord's connections, downloads, and what is read for a moment."""
A_SESSION = 6


def raise_limit() -> int:
    """Raise the soft limit to the hard one; what it was before, for programs that expect no more (select(2))."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft


def most_sessions() -> int:
    """How many can run at once below the limit of this moment."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(0, (soft - RESERVED) // A_SESSION)


def has_room(running: int) -> bool:
    """Whether one more session fits beside ``running`` ones, by number and by what is really open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return running < most_sessions() and _open() + RESERVED // 2 < soft


def _open() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
