"""What the logs know and the store does not: a database that is missing, or that comes from a backup.

The ordinary path tells a supervisor what a worker did while it was away: the worker's hello. But a session without a
worker says nothing, and one that the store does not know at all would be begun a second time by the next read-back of
its channel. So before anything else is done, each session's folder is looked at:

    the store does not know it     a new row, folded from the log
    its row could not be read      folded into that row (``supervisor.sessions.mended_rows``)
    acked by us, and not folded    folded: those records were shown by a later state of this database
    anything else                  nothing; the worker's hello tells

What was acknowledged before is folded *quietly*: posts that we know are brought to their newest text, and nothing is
posted a second time. What was never acknowledged is folded as if it happened now. Without a note of what was
acknowledged all of a log counts as history.
"""

import logging
from collections.abc import Collection, Sequence

from bridge.protocol import events as e
from bridge.protocol.layout import Layout, SessionLayout, short_id
from supervisor.sessions import session_logs
from supervisor.sessions.manager import SessionManager

log = logging.getLogger(__name__)


def recall(layout: Layout, manager: SessionManager, mended: Collection[str] = ()) -> int:
    """How many sessions were recalled. A log that cannot be read is said, and left alone. Raises StoreError.

    ``mended``: those whose row could not be read.
    """
    return sum(_recall(paths, manager, mended) for paths in session_logs.folders(layout))


def _recall(paths: SessionLayout, manager: SessionManager, mended: Collection[str]) -> bool:
    if (began := session_logs.beginning(paths.log)) is None:
        if paths.log.exists():
            log.error("%s does not begin as a log does; `threadbridge check` says more", paths.log)
        return False
    if short_id(began.created.session_id) != paths.folder.name:
        log.error("%s says that it is of session %s; it is left alone", paths.log, began.created.session_id)
        return False
    acked = session_logs.acked(paths, began.generation)
    session = manager.get_session(began.created.session_id)
    if session is None:
        return _recall_unknown(paths, began, acked, manager)
    if session.session_id in mended:
        history, news = _split(session_logs.read_log(paths.log, generation=began.generation), acked)
        manager.reports.tell_anew(session.session_id, history)
        manager.reports.record(session.session_id, news)
        return True
    applied = session.applied if session.generation == began.generation else 0
    if acked is None or acked <= applied:
        return False
    records = [r for r in session_logs.read_log(paths.log, applied, began.generation) if r.seq <= acked]
    log.warning("session %s: the store is older than the log; %d records are history", session.session_id, len(records))
    manager.reports.restore(session.session_id, records, acked)
    return True


def _recall_unknown(
    paths: SessionLayout, began: session_logs.Beginning, acked: int | None, manager: SessionManager
) -> bool:
    created = began.created
    if other := manager.session_of_thread(created.thread_id):
        log.error("%s is of thread %d, which session %s has", paths.log, created.thread_id, other.session_id)
        return False
    records = session_logs.read_log(paths.log, generation=began.generation)
    history, news = _split(records, acked)
    log.warning("session %s: not in the store; recalled from its log", created.session_id)
    manager.reports.recall(created, began.at, history, records)
    manager.reports.record(created.session_id, news)
    return True


def _split(records: Sequence[e.Record], acked: int | None) -> tuple[list[e.Record], list[e.Record]]:
    history = [r for r in records if acked is None or r.seq <= acked]
    return history, list(records[len(history) :])
