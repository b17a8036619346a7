"""The worker as a process: what it is told, its lock and its log before anything else, and how it ends.

Its exit code tells what stderr may not be able to: that lies on the disk that is full.
"""

import asyncio
import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from bridge.protocol import events as e
from bridge.protocol.errors import first_of
from bridge.protocol.layout import Layout, SessionLayout
from bridge.protocol.start import EXIT_DISK_FULL, EXIT_LOCKED, EXIT_LOG, WorkerStart, decode_start
from worker import claude as cli
from worker import lock, prctl
from worker.child_start import ChildStart
from worker.dealer import Dealer, Keys
from worker.log import Acked, EventLog, LogWriteError
from worker.main import Worker
from worker.processes_below import kill_descendants
from worker.stored import Stored


def read_start(fd: int) -> WorkerStart:
    """The start message from the inherited pipe; the pipe is read to its end and closed."""
    with os.fdopen(fd, "rb") as pipe:
        return decode_start(pipe.read())


def begin_log(start: WorkerStart, paths: SessionLayout) -> tuple[EventLog, Acked]:
    """The session's log, ready to be appended to: begun when it is new, and never below what is known of it.

    A supervisor that knows more of this log than the log holds has shown it and decided on it: what comes now gets
    higher numbers, so that no old button fits a new request. Raises LogWriteError.
    """
    log = EventLog(paths.log)
    acked = Acked(paths.acked, log.generation)
    known = max(start.applied if start.generation == log.generation else 0, acked.seq)
    if log.generation and known > log.last:
        log.skip_to(known)
    if not log.last:
        log.append(start.created)
        acked = Acked(paths.acked, log.generation)
        acked.begin()
    if log.damage:
        log.append(e.Noticed(log.damage))
    return log, acked


def run(start_fd: int) -> int:
    """The process's exit code; ``bridge.protocol.start`` has their meanings."""
    prctl.undumpable()
    os.chdir("/")
    os.umask(0o077)
    start = read_start(start_fd)
    _limit_open_files(start.open_files)
    paths = Layout(Path(start.state_directory)).session(start.created.session_id)
    try:
        paths.folder.mkdir(parents=True, exist_ok=True)
        if lock.take(paths.lock, start.start) is None:
            return _end("another worker has this session", EXIT_LOCKED)
        prctl.become_subreaper()
        log, acked = begin_log(start, paths)
        asyncio.run(_worker(start, paths, log, acked).run())
    except OSError as error:
        return _end_without_log(error)
    except BaseExceptionGroup as errors:
        if (failed := errors.subgroup(LogWriteError)) is None:
            raise
        return _end_without_log(first_of(failed))
    return 0


def _worker(start: WorkerStart, paths: SessionLayout, log: EventLog, acked: Acked) -> Worker:
    socket = Dealer(start.endpoint, Keys(start.public_key, start.secret_key, start.server_key))
    child_start = ChildStart(start, paths, Stored(paths, start.limits))
    return Worker(start, log, acked, socket, child_start, _on_signal)


def _on_signal(obey: Callable[[], object]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, obey)


def _limit_open_files(soft: int) -> None:
    """The supervisor's own limit is higher, and programs that use select(2) break above 1,024."""
    if soft:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def _end_without_log(error: OSError) -> int:
    """Nothing below us may act on: nobody would know of it."""
    kill_descendants(cli.KILL_DEADLINE_S)
    if not isinstance(error, LogWriteError):
        error = LogWriteError(error.errno, error.strerror or str(error), error.filename)
    return _end(error.in_words(), EXIT_DISK_FULL if error.is_full else EXIT_LOG)


def _end(words: str, code: int) -> int:
    """Stderr is a file, maybe on the disk that is full: then only the code tells."""
    with contextlib.suppress(OSError):
        os.write(sys.stderr.fileno(), f"{words}\n".encode())
    return code
