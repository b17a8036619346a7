"""History that this store lost, got back from a log, or removed: what is said of it in a thread, and when."""

from bridge.render import notices
from bridge.render.posts import Post
from supervisor.sessions.rows import Sessions

_RESTORED = Post(
    "-# What the bridge's database had of this session was lost or came from a backup: it was read again from its log."
    " What stands above still holds, and open buttons still decide.",
    silent=True,
)
_UNKNOWN = Post(
    "-# The bridge's database came from a backup that does not know this thread: Claude remembers nothing of what"
    " stands above.",
    silent=True,
)
_IS_UNKNOWN, _IS_PRUNED = "unknown:", "pruned:"


class LostHistory:
    """It is noted at once, and said when somebody writes there. Each method: within the caller's transaction."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def note(self, session_id: str) -> None:
        """Not said now: a post would open each archived thread again, and a server has only so many open ones."""
        self._sessions.store.keep_restored(session_id, str(int(self._sessions.clock())))

    def say(self, session_id: str) -> None:
        """Somebody writes here. Within the caller's transaction."""
        if at := self._sessions.store.restored(session_id):
            self._sessions.store.keep_restored(session_id, "")
            self._sessions.store.desire(session_id, f"restored:{at}", _told_of(at))

    def note_unknown(self, session_id: str) -> None:
        """As ``note``, of a thread of which not even a log is left."""
        self._sessions.store.keep_restored(session_id, f"{_IS_UNKNOWN}{int(self._sessions.clock())}")

    def note_pruned(self, session_id: str, ended_at: float) -> None:
        """As ``note``, of a session whose log was removed."""
        mark = f"{_IS_PRUNED}{int(ended_at)}:{int(self._sessions.clock())}"
        self._sessions.store.keep_restored(session_id, mark)


def _told_of(mark: str) -> Post:
    """What is said of a thread whose history was lost, restored or removed."""
    if mark.startswith(_IS_PRUNED):
        ended_at, _, at = mark.removeprefix(_IS_PRUNED).partition(":")
        return notices.pruned(float(ended_at), float(at))
    return _UNKNOWN if mark.startswith(_IS_UNKNOWN) else _RESTORED
