"""The end of what runs, as an operator wants it: sessions, strays, and workers that no session explains.

It needs no supervisor, and takes the same path with one: a mark in the session's folder, then the kernel. A supervisor
that runs obeys the mark.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from bridge.protocol.layout import Layout, short_id
from supervisor import locks, state_directory
from supervisor.operator.session_list import known, running, strays
from supervisor.private_files import write_private
from supervisor.sessions import session_logs
from supervisor.sessions.sessions_table import SessionRow
from supervisor.workers import trees

AT_ONCE = 16


def end_all(layout: Layout) -> dict[str, list[int]]:
    """End whatever runs or is about to; the survivors' pids of each session, stray tree and unknown worker."""
    ended = end_together(layout, running(layout))
    return ended | end_unknown_workers(layout) | end_strays(layout)


def end_together(layout: Layout, rows: Sequence[SessionRow]) -> dict[str, list[int]]:
    """End these sessions for good, side by side; the survivors' pids of each."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        left = pool.map(lambda row: end(layout, row), rows)
        return {row.session.session_id: pids for row, pids in zip(rows, left, strict=True)}


def end(layout: Layout, row: SessionRow) -> list[int]:
    """End a session for good: leave the operator's mark, then end its processes. Returns survivors' pids."""
    session_id = row.session.session_id
    paths = layout.session(session_id)
    paths.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(paths.stop_mark, f"{time.time()}\n".encode())
    left = trees.end(session_id, locks.holder(paths.lock))
    # Not before: a worker that is told to end looks for the mark, which the supervisor takes away.
    state_directory.ring(layout)
    return left


def end_strays(layout: Layout) -> dict[str, list[int]]:
    """End them; the pids that are still there, of each session that had some."""
    ids = [row.session.session_id for row in known(layout)]
    ended = {session_id: trees.kill(processes) for session_id, processes in strays(layout, ids).items()}
    again = {session_id: trees.kill(processes) for session_id, processes in strays(layout, ids).items()}
    return ended | again  # what was forked in the moment between


def end_unknown_workers(layout: Layout) -> dict[str, list[int]]:
    """End workers in folders that no session explains, and what is below them; the pids that are still there."""
    explained = {short_id(row.session.session_id) for row in known(layout)}
    held = {p.folder.name: locks.holder(p.lock) for p in session_logs.folders(layout) if p.folder.name not in explained}
    return {name: trees.end(name, pid) for name, pid in held.items() if pid}
