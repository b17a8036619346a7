"""What the supervisor asks of Linux about its own process: see prctl(2).

``worker/prctl.py`` is the worker's. It stands twice because neither side imports the other, and what both import
(``bridge/``) does nothing to the machine.
"""

import ctypes
import os

_PR_SET_DUMPABLE = 4


def undumpable() -> None:
    """No process of the same user reads the token from our memory. Raises OSError with the kernel's reason."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_DUMPABLE, ctypes.c_ulong(0), 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
