"""What ``threadbridge check`` looks for: whatever should not be, in words, with what to do about it.

It changes nothing, needs no supervisor, and may run beside one. A *note* is worth knowing and not wrong.
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout, short_id
from bridge.text import one_line, reveal
from bridge.trust.decision import Trusted
from supervisor import locks, state_directory
from supervisor.operator import session_list, status
from supervisor.sessions import session_logs, trust
from supervisor.sessions.sessions_table import SessionRow
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError
from supervisor.workers import cgroups, trees, walls

TRUSTED_CHARS = 500
"""Of what one project's files do."""


class Finding(msgspec.Struct, frozen=True):
    """``kind`` is for programs and stays what it is; ``what`` and ``todo`` are for people."""

    kind: str
    what: str
    todo: str
    session: str = ""
    pids: tuple[int, ...] = ()
    is_wrong: bool = True


class Seen(msgspec.Struct, frozen=True):
    """What every look needs."""

    layout: Layout
    rows: list[SessionRow]
    stored: frozenset[str]
    """The ids of the sessions that the store knows; all of them when there is none."""


def findings(layout: Layout) -> list[Finding]:
    """The gravest first. Raises UserError for a state of a newer version."""
    rows = session_list.rows(layout)
    store = _store(layout)
    stored = _stored_ids(layout)
    seen = Seen(layout, rows, frozenset(r.session.session_id for r in rows) if stored is None else stored)
    return [*store, *(finding for look in _LOOKS for finding in look(seen))]


def in_words(finding: Finding) -> str:
    """One line, and what to do on the next."""
    mark = "wrong" if finding.is_wrong else "note"
    whose = f"session {finding.session}: " if finding.session else ""
    return f"{mark}: {whose}{finding.what}\n       {finding.todo}"


_CLOSED = (
    *(".ssh", ".npmrc", ".netrc", ".pypirc", ".git-credentials", ".aws", ".azure", ".kube", ".docker/config.json"),
    *(".config/gh", ".config/gcloud", ".config/pip", ".config/hub", ".terraform.d", ".gnupg", ".password-store"),
)
"""What a project may need and does not see at the level ``project``."""


def closed_in_words(home: Path, opened: Sequence[str]) -> str:
    """What of the user's is there and not open to Claude; empty when there is nothing."""
    found = [f"~/{name}" for name in _CLOSED if os.path.exists(home / name)]  # noqa: PTH110 - False where we may not look
    closed = [name for name in found if name not in opened]
    if not closed:
        return ""
    return f"closed to Claude at the level project: {', '.join(closed)} ([containment] readable opens one by name)"


def limits_in_words(layout: Layout) -> str:
    """Who holds the sessions of the running supervisor to their limits; empty when none runs."""
    pid = locks.holder(layout.supervisor_lock)
    return cgroups.in_words(cgroups.of_supervisor(pid)) if pid else ""


def _store(layout: Layout) -> list[Finding]:
    if not layout.database.exists():
        if not session_logs.folders(layout):
            return []
        what = f"there is no store {layout.database}, and there are sessions"
        return [Finding("store_missing", what, "start `threadbridge run`: it is rebuilt from the sessions' logs")]
    try:
        store = Store(layout.database, read_only=True)
        try:
            damage = store.damage()
            unreadable = {} if damage else store.unreadable_sessions()
        finally:
            store.close()
    except UserError as error:
        return [Finding("store_damaged", str(error), "stop the supervisor before you move it")]
    except StoreError as error:
        return [Finding("store_unreadable", str(error), "mend that, and check again")]
    todo = "stop the supervisor, move the store away, and start again: it is rebuilt from the sessions' logs"
    found = [Finding("store_damaged", f"the store is damaged: {line}", todo) for line in damage[:1]]
    return found + [_unreadable(layout, session_id, why) for session_id, why in unreadable.items()]


def _unreadable(layout: Layout, session_id: str, why: str) -> Finding:
    """As ``supervisor.sessions.mended_rows`` will take it."""
    began = session_logs.beginning(layout.session(session_id).log)
    if began and began.created.session_id == session_id:
        todo = "the next start of the supervisor tells it anew by its log"
    else:
        todo = (
            "nor can its log, so the next start fails: stop the supervisor; the store has to be rebuilt: move it away"
        )
    return Finding("session_unreadable", f"it cannot be read in the store ({why})", todo, session_id)


def _stored_ids(layout: Layout) -> frozenset[str] | None:
    try:
        store = Store(layout.database, read_only=True)
    except (UserError, StoreError):
        return None
    try:
        return frozenset(store.session_ids())
    except StoreError:
        return None
    finally:
        store.close()


def _supervisor(seen: Seen) -> list[Finding]:
    if locks.holder(seen.layout.supervisor_lock) or not seen.rows:
        return []
    return [Finding("no_supervisor", "no supervisor runs here", "`threadbridge run` starts it", is_wrong=False)]


def _strays(seen: Seen) -> list[Finding]:
    found = session_list.strays(seen.layout, [row.session.session_id for row in seen.rows])
    return [
        Finding(
            "stray",
            f"{len(processes)} of its processes run that no worker minds: {', '.join(map(trees.told, processes))}",
            "`threadbridge check --end-strays` ends them",
            session_id,
            tuple(process.pid for process in processes),
        )
        for session_id, processes in found.items()
    ]


def _unknown_workers(seen: Seen) -> list[Finding]:
    """Workers of sessions that neither the store nor a log of theirs explains."""
    known = {short_id(session_id) for session_id in seen.stored}
    found = []
    for paths in session_logs.folders(seen.layout):
        if paths.folder.name not in known and (pid := locks.holder(paths.lock)):
            began = session_logs.beginning(paths.log)
            todo = (
                "restart the supervisor: it takes the session up from its log"
                if began
                else f"its log says nothing; end the process {pid}, and look into {paths.folder}"
            )
            session_id = began.created.session_id if began else paths.folder.name
            found.append(
                Finding("unknown_worker", "a worker runs that the store does not know", todo, session_id, (pid,))
            )
    return found


def _logs(seen: Seen) -> list[Finding]:
    found = []
    for paths in session_logs.folders(seen.layout):
        damage = session_logs.damage(paths.log)
        if not damage and paths.log.exists() and paths.log.stat().st_size and not session_logs.beginning(paths.log):
            damage = "it does not begin with the session's own record"
        if damage:
            todo = "the session's next worker cuts it there, keeps the rest beside it, and says so in the thread"
            found.append(Finding("log_damaged", f"{paths.log}: {damage}", todo, paths.folder.name))
    return found


def _sockets(seen: Seen) -> list[Finding]:
    todo = "the next start of the supervisor removes it"
    return [
        Finding("stale_socket", f"{path} is of a worker that is gone", todo, is_wrong=False)
        for path in state_directory.stale_sockets(seen.layout)
    ]


def _modes(seen: Seen) -> list[Finding]:
    todo = "the next start of the supervisor shuts it; if it is somebody else's, give it to the user who runs this"
    return [
        Finding("exposed", f"{path} can be read by others, or is not ours", todo)
        for path in state_directory.exposed(seen.layout)
    ]


def _walls(seen: Seen) -> list[Finding]:
    """Looked at as who runs this command: root may where the service's user may not."""
    if not (why := walls.refusal(seen.layout)):
        return []
    what, _, todo = why.partition(". ")
    words = f'Claude cannot be shut in here, so sessions whose channel has not containment = "none" wait: {what}'
    return [Finding("no_containment", words, todo or "mend that")]


def _uncontained(seen: Seen) -> list[Finding]:
    found = []
    for row in seen.rows:
        session = row.session
        if not session.contained and session.child_pid and locks.holder(seen.layout.session(session.session_id).lock):
            what = f"Claude runs without containment: {session.containment or 'no reason is known'}"
            todo = (
                "it can do whatever its user can, read the token and decide for other sessions included;"
                ' containment = "project" for its channel ends that at its next start'
            )
            found.append(Finding("uncontained", what, todo, session.session_id, (session.child_pid,), is_wrong=False))
    return found


def _trusts(seen: Seen) -> list[Finding]:
    """Where a project's own files act."""
    return [
        Finding(
            "trusts",
            f"channel {channel_id} trusts files of {one.directory} that act (since {_date(one.since)}, by {one.by}):"
            f" {one_line(reveal('; '.join(one.acts)), TRUSTED_CHARS)}",
            "`/trust` in the channel lists and revokes it",
            is_wrong=False,
        )
        for channel_id, trusted in sorted(_trusted(seen.layout).items())
        for one in trusted
    ]


def _trusted(layout: Layout) -> dict[int, list[Trusted]]:
    try:
        store = Store(layout.database, read_only=True)
    except (UserError, StoreError):  # which is told already
        return {}
    try:
        return trust.trusted_in(store)
    except StoreError:
        return {}
    finally:
        store.close()


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _beside(seen: Seen) -> list[Finding]:
    channels = session_list.uncontained_channels(seen.layout)
    if not channels:
        return []
    named = ", ".join(map(str, channels))
    what = f"the Claudes of channel {named} run without containment, beside all other sessions"
    todo = "each can do whatever its user can, read the token and decide for other sessions included"
    return [Finding("beside", what, todo, is_wrong=False)]


def _running(seen: Seen) -> list[Finding]:
    """What users of a running supervisor would notice, as ``status`` tells it."""
    if not locks.holder(seen.layout.supervisor_lock):
        return []
    told = status.look(seen.layout, time.time())
    wrong = [Finding("status", what, "`threadbridge logs` tells more") for what in told.troubles]
    return wrong + [Finding("status", what, "`threadbridge status` tells more", is_wrong=False) for what in told.notes]


_LOOKS: tuple[Callable[[Seen], list[Finding]], ...] = (
    _strays,
    _unknown_workers,
    _logs,
    _modes,
    _beside,
    _supervisor,
    _running,
    _sockets,
    _walls,
    _uncontained,
    _trusts,
)
