"""What waited for Claude when a backup was made: the state that comes from it does not send it.

It may have been answered after the backup, and to ask again would do again what Claude did then. So at the first start
on a restored state, before anything is delivered: wishes are dropped, and of prompts that a worker's log took over the
next worker is told that they are void; a turn that a usage limit or an outage ended is not taken up by itself. Each
thread says so, with the words that waited, and whoever wrote them writes again what is still wanted. (What people wrote
after the backup is read back: ``supervisor.threads.restored``.)
"""

import logging
from contextlib import suppress

from bridge.protocol.layout import Layout
from bridge.render import limits, notices
from supervisor.sessions.manager import SessionManager

_POST = "held_back:"

log = logging.getLogger(__name__)


def hold_back(layout: Layout, manager: SessionManager) -> int:
    """In how many sessions something was. Raises StoreError; then it is done at the next start."""
    if not layout.restored.exists():
        return 0
    restored_at = int(layout.restored.stat().st_mtime)
    count = sum(_hold_back(session_id, restored_at, manager) for session_id in manager.rows)
    if count:
        log.warning("the state came from a backup: what waited for Claude in %d sessions is not sent, and said", count)
    with suppress(FileNotFoundError):
        layout.restored.unlink()
    return count


def _hold_back(session_id: str, restored_at: int, manager: SessionManager) -> bool:
    waiting, row = manager.waiting.all(session_id), manager.rows[session_id]
    with manager.transaction():
        if settled := row.view.settle_limit(limits.RESTORED):
            for key, post in settled.items():
                manager.store.desire(session_id, key, post)
            manager.store.save(row)
        manager.waiting.drop_all(session_id)
        key = f"{_POST}{restored_at}"
        if waiting and manager.store.post(session_id, key) is None:
            accepted = row.session.prompts
            void = [one.prompt_id for one in waiting if one.prompt_id in accepted]
            manager.store.keep_void(session_id, void)
            manager.store.desire(session_id, key, notices.held_back([one.text for one in waiting]))
    return bool(waiting)
