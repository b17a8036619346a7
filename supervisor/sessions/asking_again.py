"""Sessions that run in a mode in which they would not ask what two people must allow, since the configuration says so.

Their Claude is told to ask again; one that begins later begins so by itself (``supervisor.workers.starts``).
"""

import logging
from collections.abc import Callable
from uuid import uuid4

from bridge.protocol.modes import DEFAULT
from bridge.session.rights import Access
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

log = logging.getLogger(__name__)


def ask_again(manager: SessionManager, access_of: Callable[[int], Access]) -> None:
    """What cannot be noted now is left to the next start, or change."""
    barred = [s for s in manager.get_all_sessions() if s.worker_pid and access_of(s.channel_id).bars(s.admitted_mode)]
    for session in barred:
        try:
            manager.configure(session.session_id, uuid4().hex, "permission_mode", DEFAULT)
        except StoreError as error:
            log.warning("session %s asks less than its channel lets for now: %s", session.session_id, error)
