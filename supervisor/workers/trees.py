"""The processes of a session as one tree: what it uses, and its certain end.

A tree is the worker, everything below it, and every process that carries the session's mark in its environment
(``THREADBRIDGE_SESSION``): what left the tree by a double fork still has that.

Ending is a ladder. SIGTERM lets the worker end Claude by its own ladder, which also closes the log. Then
everything is stopped before anything is killed, so nothing can fork away between a look and a signal, and the
worker is killed last: it is a subreaper, so its orphans come to it and are found at the next look. What cannot be ended
(another user's process, one that waits in the kernel) keeps it alive no longer than ``KILL_DEADLINE_S``.
"""

import os
import select
import time
from collections.abc import Iterable
from contextlib import suppress

import msgspec
import psutil

MARK = "THREADBRIDGE_SESSION"
SAMPLE_INTERVAL_S = 0.15
LADDER_DEADLINE_S = 30.0
KILL_DEADLINE_S = 10.0
LAST_DEADLINE_S = 1.0
POLL_INTERVAL_S = 0.02

Process = psutil.Process
_GONE = (psutil.NoSuchProcess, psutil.ZombieProcess)


class Usage(msgspec.Struct, frozen=True):
    """Of a whole tree: resident memory in bytes, CPU in percent of one core."""

    rss_bytes: int = 0
    cpu_percent: float = 0.0


def marked(session_ids: Iterable[str]) -> dict[str, list[psutil.Process]]:
    """The processes that carry each session's mark."""
    found: dict[str, list[psutil.Process]] = {session_id: [] for session_id in session_ids}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            session_id = process.environ().get(MARK, "")
            if session_id and session_id in found and process.status() != psutil.STATUS_ZOMBIE:
                found[session_id].append(process)
    return found


def all_marked() -> dict[str, list[psutil.Process]]:
    """Every process on this machine that carries a session's mark, ours or another installation's."""
    found: dict[str, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            session_id = process.environ().get(MARK, "")
            if session_id and process.status() != psutil.STATUS_ZOMBIE:
                found.setdefault(session_id, []).append(process)
    return found


def workers(older_than_s: float) -> dict[str, list[psutil.Process]]:
    """Every worker on this machine, by its command line: also one that never came to take its lock."""
    found: dict[str, list[psutil.Process]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            argv = process.cmdline()
            if argv[2:5] == ["-m", "worker", "--session"] and time.time() - process.create_time() > older_than_s:
                found.setdefault(argv[5], []).append(process)
    return found


def kill(processes: Iterable[psutil.Process]) -> list[int]:
    """Kill these and all below them at once; the pids that are still there."""
    deadline = time.monotonic() + KILL_DEADLINE_S
    roots = list(processes)
    while tree := tree_of(0, roots):
        if time.monotonic() > deadline:
            return [process.pid for process in tree]
        _kill(tree, 0)
        time.sleep(POLL_INTERVAL_S)
    return []


def told(process: psutil.Process) -> str:
    """Its pid and the beginning of its command line."""
    with suppress(psutil.Error, OSError):
        return f"{process.pid} ({' '.join(process.cmdline())[:60]})"
    return str(process.pid)


def why_there(pid: int) -> str:
    """Why a process that was killed is still there, as far as can be seen."""
    try:
        process = psutil.Process(pid)
        status = process.status()
        process.send_signal(0)
    except _GONE:
        return "it ended just now"
    except psutil.AccessDenied:
        return f"it is {_owner(pid)}'s; end it as that user or as root"
    if status == psutil.STATUS_DISK_SLEEP:
        return "it waits in the kernel, for a disk or a network share, and ends when that answers"
    return f"it was killed and is {status} still"


def _owner(pid: int) -> str:
    with suppress(psutil.Error, OSError, KeyError):
        return str(psutil.Process(pid).username())
    return "another user"


def tree_of(worker_pid: int, strays: Iterable[psutil.Process] = ()) -> list[psutil.Process]:
    """The worker (if it has a pid), all below it, and the strays with all below them. No zombies."""
    roots = list(strays)
    with suppress(*_GONE):
        if worker_pid:
            roots.insert(0, psutil.Process(worker_pid))
    tree: dict[int, psutil.Process] = {}
    for root in roots:
        with suppress(*_GONE):
            for process in (root, *root.children(recursive=True)):
                tree[process.pid] = process
    return [process for process in tree.values() if _lives(process)]


def usages(trees: dict[str, list[psutil.Process]]) -> dict[str, Usage]:
    """Memory now, and CPU over one short interval for all trees together (seconds: SAMPLE_INTERVAL_S)."""
    before = {key: _cpu_seconds(tree) for key, tree in trees.items()}
    began = time.monotonic()
    if any(trees.values()):
        time.sleep(SAMPLE_INTERVAL_S)
    took = max(time.monotonic() - began, 1e-6)
    return {
        key: Usage(_rss(tree), round(max(0.0, _cpu_seconds(tree) - before[key]) / took * 100, 1))
        for key, tree in trees.items()
    }


def end(session_id: str, worker_pid: int) -> list[int]:
    """End the session's whole tree; the pids that are still there afterwards (none, if all went well)."""
    with suppress(psutil.Error):
        if worker_pid:
            worker = psutil.Process(worker_pid)
            worker.terminate()
            _wait_until_gone(worker, LADDER_DEADLINE_S)
    deadline = time.monotonic() + KILL_DEADLINE_S
    while tree := _whole_tree(session_id, worker_pid):
        if time.monotonic() > deadline:
            return _kill_with_worker(tree)
        _kill(tree, worker_pid)
        time.sleep(POLL_INTERVAL_S)
    return []


def _kill_with_worker(tree: list[psutil.Process]) -> list[int]:
    """Where something does not end the worker waits for it no longer: it would stay frozen, with its session's lock.

    The pids that are still there after ``LAST_DEADLINE_S``.
    """
    deadline = time.monotonic() + LAST_DEADLINE_S
    _kill(tree, 0)
    while left := [process.pid for process in tree if _lives(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_INTERVAL_S)
    return left


def _whole_tree(session_id: str, worker_pid: int) -> list[psutil.Process]:
    return tree_of(worker_pid, marked([session_id])[session_id])


def _wait_until_gone(worker: psutil.Process, deadline_s: float) -> None:
    """Until it is, or the deadline. What was below it is not looked for here: that costs a walk over all processes."""
    with suppress(OSError):  # it went meanwhile
        pidfd = os.pidfd_open(worker.pid)
        try:
            gone = select.poll()
            gone.register(pidfd, select.POLLIN)
            if worker.is_running():  # else its number is another's by now
                gone.poll(deadline_s * 1000)
        finally:
            os.close(pidfd)


def _kill(tree: list[psutil.Process], worker_pid: int) -> None:
    for process in tree:
        with suppress(psutil.Error):
            process.suspend()
    for process in tree:
        if process.pid != worker_pid or len(tree) == 1:
            with suppress(psutil.Error):
                process.kill()


def _lives(process: psutil.Process) -> bool:
    with suppress(*_GONE):
        return bool(process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid())
    return False


def _cpu_seconds(tree: list[psutil.Process]) -> float:
    total = 0.0
    for process in tree:
        with suppress(*_GONE):
            times = process.cpu_times()
            total += times.user + times.system
    return total


def _rss(tree: list[psutil.Process]) -> int:
    total = 0
    for process in tree:
        with suppress(*_GONE):
            total += process.memory_info().rss
    return total
