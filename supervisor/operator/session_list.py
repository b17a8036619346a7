"""Which sessions there are, and what runs of them: the store, the logs' newest records, and the kernel.

It needs no supervisor. The store's snapshot may be older than a worker's log when the supervisor is down, so
the records above it are folded here too; which worker runs, the session's lock tells. What the store does not know,
or cannot tell because it is lost, the logs tell.
"""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout, short_id
from bridge.render.view import ThreadView
from bridge.session.managed import ManagedSession, session_from
from bridge.session.states import SessionState
from supervisor import locks, state_directory
from supervisor.places import NotHereError
from supervisor.sessions import session_logs, targets
from supervisor.sessions.database import DamagedStoreError
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.sessions_table import SessionRow
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError
from supervisor.workers import trees

WORKER_STARTS_S = 20.0
"""A worker that has no lock after that time (the supervisor gives it 15 s) will not take one."""


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
    title: str = ""
    """The thread's name."""
    channel: int = 0
    owner: int = 0
    """Who began it."""
    beside: tuple[int, ...] = ()
    """The channels whose Claudes run uncontained, and so can do to this one whatever they like."""


def rows(layout: Layout) -> list[SessionRow]:
    """All sessions, each folded up to its log's last record. Raises UserError for a state of a newer version."""
    state_directory.check_version(layout)
    found = _with_unstored(layout, _stored(layout))
    for row in found:
        _catch_up(row.session, layout.session(row.session.session_id).log)
    return found


def known(layout: Layout) -> list[SessionRow]:
    """All sessions as the store has them, for ``kill``: it reads no log but its first line.

    What a newer version wrote does not hinder it: then the logs' beginnings tell which sessions there are.
    """
    try:
        state_directory.check_version(layout)
        stored = _stored(layout)
    except UserError:
        stored = []
    return _with_unstored(layout, stored)


def running(layout: Layout) -> list[SessionRow]:
    """Those of ``known`` that have a worker, processes of their own, or something that would start one."""
    marked, wished = trees.all_marked(), _wished(layout)
    return [row for row in known(layout) if row.session.session_id in marked or _is_awake(layout, row, wished)]


def _is_awake(layout: Layout, row: SessionRow, wished: set[str]) -> bool:
    paths = layout.session(row.session.session_id)
    if locks.holder(paths.lock):
        return True
    return row.ended_at is None and not paths.stop_mark.exists() and row.session.session_id in wished


def _wished(layout: Layout) -> set[str]:
    """Nothing, when the store cannot tell."""
    try:
        store = Store(layout.database, read_only=True)
    except (UserError, StoreError):
        return set()
    try:
        return store.sessions_with_wishes()
    except StoreError:
        return set()
    finally:
        store.close()


def _with_unstored(layout: Layout, stored: list[SessionRow]) -> list[SessionRow]:
    ids = {row.session.session_id for row in stored}
    began = [began for paths in session_logs.folders(layout) if (began := session_logs.beginning(paths.log))]
    return stored + [
        SessionRow(session_from(b.created, b.at), ThreadView(), None, "", fresh=False, attached=0)
        for b in began
        if b.created.session_id not in ids
    ]


def _stored(layout: Layout) -> list[SessionRow]:
    """Without those that cannot be read; none, when there is no store or it cannot be read: `check` says why."""
    if not layout.database.exists():
        return []
    try:
        store = Store(layout.database, read_only=True)
        try:
            return store.readable_sessions()
        finally:
            store.close()
    except (DamagedStoreError, StoreError):
        return []


def listed(layout: Layout) -> list[Listed]:
    found = rows(layout)
    supervised = bool(locks.holder(layout.supervisor_lock))
    workers = {r.session.session_id: locks.holder(layout.session(r.session.session_id).lock) for r in found}
    strays = trees.marked(workers)
    usages = trees.usages({key: trees.tree_of(pid, strays[key]) for key, pid in workers.items()})
    lines = [_line(row, layout, workers, usages, supervised=supervised) for row in found]
    beside, titles = uncontained_channels(layout), _titles(layout, workers)
    return [
        msgspec.structs.replace(line, title=titles.get(line.session, ""), beside=beside if line.contained else ())
        for line in lines
    ]


def _titles(layout: Layout, session_ids: Iterable[str]) -> dict[str, str]:
    """Nothing, when the store cannot tell."""
    try:
        store = Store(layout.database, read_only=True)
    except (UserError, StoreError):
        return {}
    try:
        posts = {session_id: store.post(session_id, "thread") for session_id in session_ids}
        return {session_id: post.desired.thread_name for session_id, post in posts.items() if post}
    except StoreError:
        return {}
    finally:
        store.close()


def uncontained_channels(layout: Layout) -> tuple[int, ...]:
    """As the supervisor that ran last was configured."""
    try:
        store = Store(layout.database, read_only=True)
    except (UserError, StoreError):
        return ()
    try:
        return tuple(int(word) for word in store.fact(Fact.UNCONTAINED).split())
    except StoreError:
        return ()
    finally:
        store.close()


def find(layout: Layout, target: str) -> SessionRow:
    """The one session that a target names. Raises NotHereError when there is none, or more than one."""
    rows = {row.session.session_id: row for row in known(layout)}
    try:
        found = targets.find([row.session for row in rows.values()], target)
    except UserError as error:
        raise NotHereError(str(error)) from None
    if found is None:
        raise NotHereError(
            f"there is no session {target!r} in {layout.state}; `threadbridge list` shows the sessions there are"
        )
    return rows[found.session_id]


def strays(layout: Layout, session_ids: Iterable[str]) -> dict[str, list[trees.Process]]:
    """Processes of our sessions that no worker minds; other installations' are none of ours.

    Those with the mark of a session without a worker, and workers that never took their lock.
    """
    ours = {short_id(session_id) for session_id in session_ids} | {p.folder.name for p in session_logs.folders(layout)}
    marked, workers = trees.all_marked(), trees.workers(WORKER_STARTS_S)
    found: dict[str, list[trees.Process]] = {}
    for session_id in sorted(marked.keys() | workers.keys()):
        if short_id(session_id) in ours:
            worker = locks.holder(layout.session(session_id).lock)
            lost = [process for process in workers.get(session_id, []) if process.pid != worker]
            found[session_id] = lost if worker else marked.get(session_id, []) + lost
    return {session_id: processes for session_id, processes in found.items() if processes}


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
        channel=session.channel_id,
        owner=session.owner_id,
    )


def _state(row: SessionRow, layout: Layout, worker: int) -> str:
    session = row.session
    if worker:
        return "starting" if session.state is SessionState.DORMANT else session.shown_state()
    if row.ended_at is not None or layout.session(session.session_id).stop_mark.exists():
        return "ended"
    return session.shown_state() if session.state is SessionState.DORMANT else "dormant"


def _catch_up(session: ManagedSession, log: Path) -> None:
    """Fold what the supervisor has not folded yet. A line that is still being written is left for later."""
    try:
        for record in session_logs.read_log(log, after=session.applied, generation=session.generation):
            session.apply(record)
    except OSError:
        return
