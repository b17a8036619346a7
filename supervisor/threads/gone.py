"""Channels and threads that were deleted: their sessions end.

Of a thread in which somebody waited for Claude it is said in its channel. Of a channel there is nowhere left to say so.
"""

from bridge.render import notices
from supervisor.sessions.manager import SessionManager

THREAD_DELETED = "its thread was deleted"
CHANNEL_DELETED = "its channel was deleted"


def is_gone(manager: SessionManager, session_id: str) -> bool:
    """Whether the session ended with its place."""
    return manager.row(session_id).end_reason in (THREAD_DELETED, CHANNEL_DELETED)


def end_sessions_of(manager: SessionManager, channel_id: int) -> None:
    """A channel's, or a thread's. Raises StoreError."""
    for session in manager.active_sessions():
        if session.thread_id == channel_id:
            end_in_deleted_thread(manager, session.session_id)
        elif session.channel_id == channel_id:
            manager.destroy_session(session.session_id, CHANNEL_DELETED, has_place=False)


def end_in_deleted_thread(manager: SessionManager, session_id: str) -> None:
    """Raises StoreError."""
    session, waiting = manager.row(session_id).session, len(manager.waiting.all(session_id))
    is_at_work = session.is_processing or bool(session.requests)
    said = notices.thread_deleted(manager.title(session_id), waiting, is_at_work=is_at_work)
    with manager.transaction():
        manager.destroy_session(session_id, THREAD_DELETED, has_place=False)
        if waiting or is_at_work:
            manager.store.desire(session_id, "thread_deleted", said)
    manager.changes.posted(session_id)
