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
    name: str = ""
    threads: int = 1
    resident_pages: int = 0


def kill_descendants(deadline_s: float) -> list[int]:
    """Kill every process below this one, again and again until there is none. Blocks.

    Reaps every child, so collect the status of those that matter before. Returns the pids that are left after
    ``deadline_s`` seconds; 0 stands for one that was never seen.
    """
    end = time.monotonic() + deadline_s
    while not _reap():
        found = below(os.getpid(), processes())
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


def kill_tree(top: Process, deadline_s: float) -> bool:
    """Kill a process and all below it: first frozen, until nobody new is found, so that none has children that are
    missed. Blocks. False when somebody was not seen to end within the deadline in seconds.
    """
    end = time.monotonic() + deadline_s
    held: dict[int, int] = {}
    try:
        while new := [p for p in _tree(top) if p.pid not in held and p.state not in _DEAD]:
            frozen = {process.pid: pidfd for process in new if (pidfd := _hold(process)) is not None}
            _signal([*frozen.values()], signal.SIGSTOP)
            held |= frozen
            if not frozen or time.monotonic() >= end:
                break
        _signal([*held.values()], signal.SIGKILL)
        return _wait([*held.values()], end)
    finally:
        for pidfd in held.values():
            os.close(pidfd)


def _tree(top: Process) -> list[Process]:
    everybody = processes()
    return [p for p in everybody if (p.pid, p.started) == (top.pid, top.started)] + below(top.pid, everybody)


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


def processes() -> list[Process]:
    """All of this machine that are visible."""
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return [process for pid in pids if (process := read(pid)) is not None]


def read(pid: int) -> Process | None:
    """Fields as in proc_pid_stat(5); the name in parentheses may hold blanks and parentheses itself."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as file:  # noqa: PTH123 - thousands of them are read at once
            text = file.read().decode(errors="replace")
    except OSError:
        return None
    name, fields = text[text.index("(") + 1 : text.rindex(")")], text[text.rindex(")") + 2 :].split()
    parent, group, session = map(int, fields[1:4])
    threads, started, resident = (int(fields[at]) for at in (17, 19, 21))
    return Process(pid, parent, group, session, fields[0], started, name, threads, resident)


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
    now = read(process.pid)
    if now is not None and now.started == process.started:
        return pidfd
    os.close(pidfd)
    return None


def _signal(held: list[int], number: signal.Signals) -> None:
    for pidfd in held:
        with suppress(ProcessLookupError, PermissionError):  # gone, or set-uid: we look again
            signal.pidfd_send_signal(pidfd, number)


def _wait(held: list[int], end: float) -> bool:
    """Until every one has ended, or for a moment: whoever cannot be killed must not hide new ones. Whether all have."""
    waiting = set(held)
    poll = select.poll()
    for pidfd in waiting:
        poll.register(pidfd, select.POLLIN)
    until = min(end, time.monotonic() + 0.2)
    while waiting and (left := until - time.monotonic()) > 0:
        for pidfd, _ in poll.poll(left * 1000):
            poll.unregister(pidfd)
            waiting.discard(pidfd)
    return not waiting
