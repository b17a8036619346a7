"""The end of what runs, as an operator wants it: sessions, strays, and workers that no session explains.

It needs no supervisor, and takes the same path with one: a mark in the session's folder, then the kernel. A supervisor
that runs obeys the mark. What one session's end meets does not keep the others from theirs.
"""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import msgspec

from bridge.protocol.layout import Layout, short_id
from supervisor import locks, state_directory
from supervisor.operator.session_list import known, running, strays
from supervisor.private_files import write_private
from supervisor.sessions import session_logs
from supervisor.sessions.sessions_table import SessionRow
from supervisor.workers import trees

AT_ONCE = 16


class Ended(msgspec.Struct, frozen=True):
    """What became of a session, a stray tree or an unknown worker."""

    left: tuple[tuple[int, str], ...] = ()
    """The pids that are still there, each with why."""
    unmarked: str = ""
    """Why the operator's mark could not be written; empty when it was, or is none of its."""

    def in_words(self) -> str:
        pids = ", ".join(f"{pid} ({why})" for pid, why in self.left)
        what = f"could not end {pids}" if pids else "ended; nothing of it is left"
        mark = f"; that it is to stay ended could not be noted ({self.unmarked}): a supervisor may start it again"
        return what + (mark if self.unmarked else "")


def end_all(layout: Layout) -> dict[str, Ended]:
    """End whatever runs or is about to: each session, stray tree and unknown worker."""
    ended = end_together(layout, running(layout)) | end_unknown_workers(layout)
    return ended | {one: _both(ended.get(one, Ended()), stray) for one, stray in end_strays(layout).items()}


def _both(session: Ended, strays: Ended) -> Ended:
    """A session's own end, and that of what it left behind."""
    return Ended(tuple({**dict(session.left), **dict(strays.left)}.items()), session.unmarked)


def end_together(layout: Layout, rows: Sequence[SessionRow]) -> dict[str, Ended]:
    """End these sessions for good, side by side."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        ended = pool.map(lambda row: end(layout, row), rows)
        return {row.session.session_id: one for row, one in zip(rows, ended, strict=True)}


def end(layout: Layout, row: SessionRow) -> Ended:
    """End a session for good: leave the operator's mark, then end its processes, also where that takes no mark."""
    session_id = row.session.session_id
    paths, unmarked = layout.session(session_id), ""
    try:
        paths.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_private(paths.stop_mark, f"{time.time()}\n".encode())
    except OSError as error:
        unmarked = error.strerror or str(error)
    left = trees.end(session_id, locks.holder(paths.lock))
    # Not before: a worker that is told to end looks for the mark, which the supervisor takes away.
    with suppress(OSError):
        state_directory.ring(layout)  # it finds the mark without that, too, only later
    return Ended(_with_reasons(left), unmarked)


def _with_reasons(pids: Sequence[int]) -> tuple[tuple[int, str], ...]:
    return tuple((pid, trees.why_there(pid)) for pid in pids)


def end_strays(layout: Layout) -> dict[str, Ended]:
    """End them, of each session that had some."""
    ids = [row.session.session_id for row in known(layout)]
    ended = {session_id: trees.kill(processes) for session_id, processes in strays(layout, ids).items()}
    again = {session_id: trees.kill(processes) for session_id, processes in strays(layout, ids).items()}
    left = ended | again  # what was forked in the moment between
    return {session_id: Ended(_with_reasons(pids)) for session_id, pids in left.items()}


def end_unknown_workers(layout: Layout) -> dict[str, Ended]:
    """End workers in folders that no session explains, and what is below them."""
    explained = {short_id(row.session.session_id) for row in known(layout)}
    held = {p.folder.name: locks.holder(p.lock) for p in session_logs.folders(layout) if p.folder.name not in explained}
    return {name: Ended(_with_reasons(trees.end(name, pid))) for name, pid in held.items() if pid}
