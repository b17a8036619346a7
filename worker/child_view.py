"""A path that the child names, opened as the child sees it.

Outside, the same name may be something else: another file, or one that the child could never read. So the path is
walked in the child's own mounts, from ``/proc/PID/root``, and no link on the way leads out of that root (openat2(2),
``RESOLVE_IN_ROOT``, Linux 5.6). What is opened is only a place (``O_PATH``) until the caller knows what it is.
"""

import ctypes
import errno
import os
from pathlib import Path

from worker.processes_below import processes

_OPENAT2 = 437
"""The same number on every architecture (since 5.6 system calls share theirs)."""
_RESOLVE_NO_MAGICLINKS, _RESOLVE_NO_SYMLINKS, _RESOLVE_IN_ROOT = 0x02, 0x04, 0x10
_REACHES_NOTHING = (errno.ENOENT, errno.ENOTDIR, errno.EACCES)
_libc = ctypes.CDLL(None, use_errno=True)


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


class ChildView:
    """``pid``: what we started, bubblewrap or the CLI itself. 0: nothing runs, or it has no walls: our own view."""

    def __init__(self, pid: int = 0) -> None:
        self._pid = pid

    def place(self, path: Path) -> int:
        """A descriptor of what is at the absolute ``path``; the caller closes it. Raises OSError."""
        if not self._pid:
            return os.open(path, os.O_PATH | os.O_CLOEXEC)
        return self._walked(path)

    def status(self, path: Path) -> os.stat_result | None:
        """None when it cannot be looked at."""
        try:
            fd = self.place(path)
        except OSError:
            return None
        try:
            return os.fstat(fd)
        finally:
            os.close(fd)

    def has_link(self, path: Path) -> bool:
        """Whether the absolute ``path`` goes through a link, so that what it names can be changed behind it; also when
        that cannot be found out. Not when nothing is reached.
        """
        try:
            os.close(self._walked(path, _RESOLVE_NO_SYMLINKS))
        except OSError as error:
            return error.errno not in _REACHES_NOTHING
        return False

    def _walked(self, path: Path, resolve: int = 0) -> int:
        top = f"/proc/{self._inside()}/root" if self._pid else "/"
        root = os.open(top, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            return _opened_in(root, path, resolve)
        finally:
            os.close(root)

    def _inside(self) -> int:
        """The process of bubblewrap's that is inside already: it waits there for the child's own children.

        Raises FileNotFoundError when there is none.
        """
        for process in processes():
            if process.parent == self._pid:
                return process.pid
        raise FileNotFoundError(errno.ENOENT, "Claude's process has ended")


NO_WALLS = ChildView()


def _opened_in(root: int, path: Path, resolve: int) -> int:
    how = _OpenHow(os.O_PATH | os.O_CLOEXEC, 0, _RESOLVE_IN_ROOT | _RESOLVE_NO_MAGICLINKS | resolve)
    fd: int = _libc.syscall(_OPENAT2, root, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how))
    if fd < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return fd
