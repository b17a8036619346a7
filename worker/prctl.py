"""What we ask of Linux about our own process: see prctl(2)."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38

# Loaded at import: between fork and exec (a preexec function) nothing may be loaded any more.
_libc = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int) -> None:
    """Raises OSError with the kernel's reason."""
    if _libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def die_with_parent(parent: int | None = None) -> None:
    """Let the kernel kill this process when its parent ends. Usable as a preexec function.

    "Parent" means the *thread* that spawned us: spawn on the main thread. With ``parent`` (its pid)
    the moment between fork and this call is covered too: if that parent is gone, we end at once.
    The wish survives exec, except of a set-uid program.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def undumpable() -> None:
    """Shut this process's memory, environment and descriptors in /proc to others of the same user.

    Not inherited through exec. Root with CAP_SYS_PTRACE still reads them.
    """
    _prctl(_PR_SET_DUMPABLE, 0)


def become_subreaper() -> None:
    """Orphans below this process become its own children, not init's. Not inherited by fork."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def no_new_privileges() -> None:
    """No exec gives this process or what it starts any right that it does not have: no set-uid bit counts. For good."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
