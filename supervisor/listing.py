"""What ``threadbridge list`` and ``kill`` know: the store, the logs' newest records, and the kernel.

It needs no supervisor. The store's snapshot may be older than a worker's log when the supervisor is down, so
the records above it are folded here too; which worker runs, the session's lock tells.
"""

import time
from pathlib import Path

import msgspec

from bridge import events as e
from bridge.errors import UserError
from bridge.layout import Layout
from bridge.session import ManagedSession, SessionState
from supervisor import locks, trees
from supervisor.store import SessionRow, Store

THREAD_ID_DIGITS = 15
"""A target of so many digits, and digits only, is a thread id; fewer may be the beginning of a session id."""


class Listed(msgspec.Struct, frozen=True):
    """One line of ``list``, and one object of ``list --json``. Times in Unix seconds, money in USD."""

    session: str
    thread: int
    directory: str
    state: str
    worker_pid: int | None
    child_pid: int | None
    started: float
    last_activity: float
    messages: int
    cost_usd: float
    input_tokens: int
    output_tokens: int
    rss_bytes: int
    cpu_percent: float
    attached: bool
    contained: bool


def rows(layout: Layout) -> list[SessionRow]:
    """All sessions, each folded up to its log's last record. Empty when there is no store yet."""
    if not layout.database.exists():
        return []
    store = Store(layout.database, read_only=True)
    try:
        found = store.sessions()
    finally:
        store.close()
    for row in found:
        _catch_up(row.session, layout.session(row.session.session_id).log)
    return found


def listed(layout: Layout) -> list[Listed]:
    found = rows(layout)
    supervised = bool(locks.holder(layout.supervisor_lock))
    workers = {r.session.session_id: locks.holder(layout.session(r.session.session_id).lock) for r in found}
    strays = trees.marked(workers)
    usages = trees.usages({key: trees.tree_of(pid, strays[key]) for key, pid in workers.items()})
    return [_line(row, layout, workers, usages, supervised=supervised) for row in found]


def find(layout: Layout, target: str) -> SessionRow:
    """The one session that a target names. Raises UserError when there is none, or more than one."""
    wanted = target.replace("-", "").lower()
    if target.isdigit() and len(target) >= THREAD_ID_DIGITS:
        matches = [row for row in rows(layout) if row.session.thread_id == int(target)]
    else:
        matches = [row for row in rows(layout) if row.session.session_id.replace("-", "").startswith(wanted)]
    if not wanted or not matches:
        raise UserError(f"there is no session {target!r}; `threadbridge list` shows the sessions there are")
    if len(matches) > 1:
        some = ", ".join(row.session.session_id for row in matches[:4])
        raise UserError(f"{target!r} is the beginning of {len(matches)} sessions' ids ({some}); give more of it")
    return matches[0]


def end(layout: Layout, row: SessionRow) -> list[int]:
    """End a session for good: leave the operator's mark, then end its processes. Returns survivors' pids."""
    session_id = row.session.session_id
    paths = layout.session(session_id)
    paths.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    paths.stopped.write_text(f"{time.time()}\n")
    return trees.end(session_id, locks.holder(paths.lock))


def _line(
    row: SessionRow, layout: Layout, workers: dict[str, int], usages: dict[str, trees.Usage], *, supervised: bool
) -> Listed:
    session, usage = row.session, usages[row.session.session_id]
    worker = workers[session.session_id]
    child_lives = worker and session.child_pid and session.state is not SessionState.DORMANT
    return Listed(
        session=session.session_id,
        thread=session.thread_id,
        directory=session.directory,
        state=_state(row, layout, worker),
        worker_pid=worker or None,
        child_pid=session.child_pid if child_lives else None,
        started=session.started_at,
        last_activity=session.last_activity,
        messages=session.message_count,
        cost_usd=session.total_cost_usd,
        input_tokens=session.input_tokens,
        output_tokens=session.output_tokens,
        rss_bytes=usage.rss_bytes,
        cpu_percent=usage.cpu_percent,
        attached=bool(supervised and worker and row.attached == worker),
        contained=bool(worker and session.contained),
    )


def _state(row: SessionRow, layout: Layout, worker: int) -> str:
    session = row.session
    if worker:
        return "starting" if session.state is SessionState.DORMANT else session.shown_state()
    if row.ended_at is not None or layout.session(session.session_id).stopped.exists():
        return "ended"
    return "broken" if session.is_broken else "dormant"


class _Generation(msgspec.Struct, frozen=True):
    generation: str
    seq: int


def _catch_up(session: ManagedSession, log: Path) -> None:
    """Fold what the supervisor has not folded yet. A line that is still being written is left for later."""
    for record in read_log(log, after=session.applied, generation=session.generation):
        session.apply(record)


def read_log(log: Path, after: int = 0, generation: str = "") -> list[e.Record]:
    """The records above ``after`` of a log that belongs to ``generation`` (any, when empty)."""
    records: list[e.Record] = []
    try:
        lines = log.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return records
    for line in lines:
        try:
            name = msgspec.json.decode(line, type=_Generation)
            if generation and name.generation != generation:
                return []
            if name.seq > after:
                records.append(msgspec.json.decode(line, type=e.Record))
        except msgspec.MsgspecError:
            break
    return records
