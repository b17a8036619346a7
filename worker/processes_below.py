"""Every process below this one, and their end. For the case without a PID namespace.

A process that calls setsid and forks twice leaves its process group and its parent; signals to groups and
walks from the child downwards both miss it. But a *subreaper* (`prctl.become_subreaper`) inherits every orphan
below it, so whatever the child has left behind is found under us, as long as we live. What is found is killed,
its children then come to us, and that again until the kernel says that we have no child: a look into /proc is
no snapshot, and whoever forks meanwhile is missed by it.

Who forks and exits faster than we look is caught by its process group, which a signal reaches at once. Who
calls setsid each time as well may outrun us until the deadline; only a PID namespace or a cgroup ends that.

A pid may be given to a stranger between the look and the signal. So each process is held by a pidfd, and the
signal is sent only when its start time is still the one that was seen.
"""

import os
import select
import signal
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

import msgspec

_DEAD = frozenset("ZX")


class Process(msgspec.Struct, frozen=True):
    """One line of /proc/PID/stat; ``started`` is in clock ticks since boot."""

    pid: int
    parent: int
    group: int
    session: int
    state: str
    started: int


def kill_descendants(deadline_s: float) -> list[int]:
    """Kill every process below this one, again and again until there is none. Blocks.

    Reaps every child, so collect the status of those that matter before. Returns the pids that are left after
    ``deadline_s`` seconds; 0 stands for one that was never seen.
    """
    end = time.monotonic() + deadline_s
    while not _reap():
        found = below(os.getpid(), _processes())
        if time.monotonic() >= end:
            return [process.pid for process in found if process.state not in _DEAD] or [0]
        _kill_groups(found)
        held = _hold_all(found)
        _signal(held, signal.SIGSTOP)  # nobody forks while we kill the others
        _signal(held, signal.SIGKILL)
        _wait(held, end)
        for pidfd in held:
            os.close(pidfd)
    return []


def _reap() -> bool:
    """Let our dead children go. True when no child is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def below(root: int, processes: Collection[Process]) -> list[Process]:
    """Those of ``processes`` whose ancestor is ``root``, parents before children."""
    children: dict[int, list[Process]] = {}
    for process in processes:
        children.setdefault(process.parent, []).append(process)
    found = list(children.get(root, ()))
    for process in found:
        found.extend(children.get(process.pid, ()))
    return found


def _processes() -> list[Process]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return [process for pid in pids if (process := _read(pid)) is not None]


def _read(pid: int) -> Process | None:
    """Fields as in proc_pid_stat(5); the name in parentheses may hold blanks and parentheses itself."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    fields = text[text.rindex(")") + 2 :].split()
    parent, group, session = map(int, fields[1:4])
    return Process(pid, parent, group, session, state=fields[0], started=int(fields[19]))


def _kill_groups(found: list[Process]) -> None:
    """Sessions are only inherited: whoever is in another than ours is in one that began below us."""
    ours = os.getsid(0)
    for group in {process.group for process in found if process.session != ours}:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


def _hold_all(found: list[Process]) -> list[int]:
    """The pidfds of those that live and are still who they were."""
    held = (_hold(process) for process in found if process.state not in _DEAD)
    return [pidfd for pidfd in held if pidfd is not None]


def _hold(process: Process) -> int | None:
    try:
        pidfd = os.pidfd_open(process.pid)
    except OSError:
        return None
    now = _read(process.pid)
    if now is not None and now.started == process.started:
        return pidfd
    os.close(pidfd)
    return None


def _signal(held: list[int], number: signal.Signals) -> None:
    for pidfd in held:
        with suppress(ProcessLookupError, PermissionError):  # gone, or set-uid: we look again
            signal.pidfd_send_signal(pidfd, number)


def _wait(held: list[int], end: float) -> None:
    """Until every one has ended, or for a moment: whoever cannot be killed must not hide new ones."""
    waiting = set(held)
    poll = select.poll()
    for pidfd in waiting:
        poll.register(pidfd, select.POLLIN)
    until = min(end, time.monotonic() + 0.2)
    while waiting and (left := until - time.monotonic()) > 0:
        for pidfd, _ in poll.poll(left * 1000):
            poll.unregister(pidfd)
            waiting.discard(pidfd)
