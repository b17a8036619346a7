"""What the kernel's Landlock keeps a child from, where it can: sockets that no mount hides, and signals.

An abstract unix socket belongs to the network namespace, which a child shares. With the scopes of Landlock's ABI 6
(Linux 6.12) a process reaches those of its own domain only: what was started from here on (landlock(7)).
"""

import ctypes
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from worker import prctl

_CREATE_RULESET, _RESTRICT_SELF = 444, 446
"""The same numbers on every architecture."""
_VERSION = 1
_SCOPE_ABSTRACT_UNIX_SOCKET, _SCOPE_SIGNAL = 1, 2
_SCOPES_SINCE = 6

_libc = ctypes.CDLL(None, use_errno=True)


class _Attributes(ctypes.Structure):
    _fields_ = (("fs", ctypes.c_uint64), ("net", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


def has_scopes() -> bool:
    return bool(_libc.syscall(_CREATE_RULESET, None, 0, _VERSION) >= _SCOPES_SINCE)


@contextmanager
def scopes(program: str) -> Iterator[int]:
    """A descriptor to enter between fork and exec; -1 where there are no scopes, or ``program`` needs its set-uid bit.

    Who enters gives up gaining rights, and an old bubblewrap is set-uid root. "": there are no walls, so no scopes.
    """
    if not program or not has_scopes() or _is_set_uid(program):
        yield -1
        return
    wanted = _Attributes(0, 0, _SCOPE_ABSTRACT_UNIX_SOCKET | _SCOPE_SIGNAL)
    fd = int(_libc.syscall(_CREATE_RULESET, ctypes.byref(wanted), ctypes.sizeof(wanted), 0))
    try:
        yield fd
    finally:
        if fd >= 0:
            os.close(fd)


def enter(fd: int) -> None:
    """Nothing for -1. Usable as a part of a preexec function. Raises OSError."""
    if fd < 0:
        return
    prctl.no_new_privileges()
    if _libc.syscall(_RESTRICT_SELF, fd, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _is_set_uid(program: str) -> bool:
    return bool(Path(program).stat().st_mode & stat.S_ISUID)
