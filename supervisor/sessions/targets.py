"""Which session somebody means: by its thread's id, or by the beginning of its own."""

from collections.abc import Iterable

from bridge.protocol.errors import UserError
from bridge.session.managed import ManagedSession

THREAD_ID_DIGITS = 15
"""A target of so many digits, and digits only, is a thread id; fewer may be the beginning of a session id."""


def find(sessions: Iterable[ManagedSession], target: str) -> ManagedSession | None:
    """None for no session's. Raises UserError for the beginning of more than one's id."""
    wanted = target.replace("-", "").lower()
    if target.isdecimal() and len(target) >= THREAD_ID_DIGITS:
        matches = [session for session in sessions if session.thread_id == int(target)]
    else:
        matches = [session for session in sessions if session.session_id.replace("-", "").startswith(wanted)]
    if len(matches) > 1 and wanted:
        some = ", ".join(session.session_id for session in matches[:4])
        raise UserError(f"{target!r} is the beginning of {len(matches)} sessions' ids ({some}); give more of it")
    return matches[0] if matches and wanted else None
