"""Workers that are forked from a supervisor which has imported what they are made of (see ``forked``).

A copy of a supervisor that works is no clean place: nothing that it had open stays open, none of its objects is ever
collected, and the copy ends without coming back to it. What ``python -I -m worker`` does before all this is tried by
the tests whose supervisors are executed.
"""

import contextlib
import ctypes
import gc
import logging
import os
import random
import signal
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from supervisor.workers import this_machine
from worker import arguments

ROOM_FOR_ARGUMENTS = "-" * 500
"""An argument of a process that is to show others in ``/proc/PID/cmdline``: they are written over its own."""
_ABOVE_ALL_FDS = 1 << 30
_ARG_START, _ARG_END, _FIRST_AFTER_NAME = 48, 49, 3
"""Fields of ``/proc/PID/stat``, counted from one (proc_pid_stat(5))."""


def hold() -> None:
    """From now on this process's workers are forked."""
    vars(this_machine)["_spawn"] = _spawn


def _spawn(session_id: str, reading: int, stderr: Path, environment: Mapping[str, str]) -> int:
    """As ``supervisor.workers.this_machine`` has it."""
    with said_to(stderr) as said:
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # there are threads, which is known
            pid = os.fork()
        if not pid:
            work(session_id, reading, said, environment)
    return pid


@contextlib.contextmanager
def said_to(path: Path) -> Iterator[int]:
    """The descriptor of a worker's stderr."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        yield fd
    finally:
        os.close(fd)


def work(session_id: str, reading: int, said: int, environment: Mapping[str, str]) -> NoReturn:
    """In a fork: to the worker's end, and this process's."""
    code = 1
    try:
        gc.freeze()
        _become(reading, said, environment)
        argv = this_machine.argv_of(session_id)
        show_arguments(argv)
        sys.argv[:] = argv[3:]
        code = arguments.main()
    except BaseException:  # as a Python of its own would tell it
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _become(reading: int, said: int, environment: Mapping[str, str]) -> None:
    """As ``posix_spawn`` and the start of a Python would leave us."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    start, said = os.dup(reading), os.dup(said)
    for ours, wanted in ((nothing, 0), (nothing, 1), (said, 2), (start, this_machine.START_FD)):
        os.dup2(ours, wanted)
    os.closerange(this_machine.START_FD + 1, _ABOVE_ALL_FDS)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ.clear()
    os.environ.update(environment)
    logging.root.handlers.clear()
    logging.root.setLevel(logging.WARNING)
    random.seed()


def show_arguments(argv: Sequence[str]) -> None:
    """In ``/proc/PID/cmdline``, by which workers are found. What is left of its room is empty arguments."""
    stat = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    begin, end = (int(stat[field - _FIRST_AFTER_NAME]) for field in (_ARG_START, _ARG_END))
    shown = b"".join(os.fsencode(word) + b"\0" for word in argv)
    ctypes.memmove(begin, shown.ljust(end - begin, b"\0"), end - begin)
