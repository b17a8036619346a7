"""A session whose row in the store cannot be read: its log tells it anew, and no other session hears of that.

Snapshot and view are folded from the log, so they can be folded again; what stands beside them in the row and in the
other tables (the wishes, the posts, that it ended, who is invited) is kept as it is. So before the store is loaded such
a row begins as its log does; ``recall`` folds the log, and ``remembered`` the clicks that only the journal tells.

Where there is no log to be read the store counts as damaged.
"""

import logging

import msgspec

from bridge.protocol.layout import Layout
from bridge.session.managed import session_from
from supervisor.sessions import session_logs
from supervisor.sessions.database import REBUILD, DamagedStoreError
from supervisor.sessions.store import Store

log = logging.getLogger(__name__)


def mend_rows(layout: Layout, store: Store) -> frozenset[str]:
    """The sessions that are to be told anew. Raises DamagedStoreError, StoreError."""
    unreadable = store.unreadable_sessions()
    for session_id, why in unreadable.items():
        began = session_logs.beginning(layout.session(session_id).log)
        if began is None or began.created.session_id != session_id:
            raise DamagedStoreError(
                f"the store {store.path} cannot be used: session {session_id} in it cannot be read ({why}), and neither"
                f" can its log; {REBUILD}"
            )
        session = session_from(began.created, began.at)
        with store.transaction():
            store.begin_anew(msgspec.structs.replace(session, generation=began.generation))
        log.error("session %s could not be read in the store (%s); it is told anew by its log", session_id, why)
    return frozenset(unreadable)
