"""Channels and threads that were deleted: their sessions end, and there is nowhere left to say so."""

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
            manager.destroy_session(session.session_id, THREAD_DELETED)
        elif session.channel_id == channel_id:
            manager.destroy_session(session.session_id, CHANNEL_DELETED)
