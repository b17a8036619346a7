"""A session whose row in the store cannot be read: its log tells it anew, and no other session hears of that.

Snapshot and view are folded from the log, so they can be folded again; what stands beside them in the row and in the
other tables (the wishes, the posts, that it ended, who is invited) is kept as it is. So before the store is loaded such
a row begins as its log does; ``recall`` folds the log, and ``remembered`` the clicks that only the journal tells. Until
then the store keeps its name, so that a start that died between the two is made again from its beginning.

Where there is no log to be read the store counts as damaged.
"""

import logging

import msgspec

from bridge.protocol.layout import Layout
from bridge.session.managed import ManagedSession, session_from
from supervisor.sessions import session_logs
from supervisor.sessions.database import REBUILD, DamagedStoreError
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.store import Store

log = logging.getLogger(__name__)


def mend_rows(layout: Layout, store: Store) -> frozenset[str]:
    """The sessions that are to be told anew. Raises DamagedStoreError, StoreError."""
    cut_off = dict.fromkeys(_begun(store), "the last start did not come to its end")
    due = cut_off | store.unreadable_sessions()
    anew = [_anew(layout, store, session_id, why) for session_id, why in due.items()]
    if anew:
        with store.transaction():
            store.remember(Fact.TOLD_ANEW, " ".join(sorted(due)))
            for session in anew:
                store.begin_anew(session)
    return frozenset(due)


def _begun(store: Store) -> set[str]:
    """Those that an earlier start began to tell anew, and died in that: nobody knows how far it came."""
    return set(store.fact(Fact.TOLD_ANEW).split()) & set(store.session_ids())


def _anew(layout: Layout, store: Store, session_id: str, why: str) -> ManagedSession:
    began = session_logs.beginning(layout.session(session_id).log)
    if began is None or began.created.session_id != session_id:
        raise DamagedStoreError(
            f"the store {store.path} cannot be used: session {session_id} in it cannot be read ({why}), and neither"
            f" can its log; {REBUILD}"
        )
    log.error("session %s could not be read in the store (%s); it is told anew by its log", session_id, why)
    return msgspec.structs.replace(session_from(began.created, began.at), generation=began.generation)
