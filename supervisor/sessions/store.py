"""The supervisor's store: what was folded, what is wanted, what threads should show.

Every method runs inside the caller's ``transaction``; SessionManager decides what belongs together. Each table is a
file of its own; how the database is opened, migrated and written is ``supervisor.sessions.database``.
"""

from supervisor.sessions.inbox_table import InboxTable
from supervisor.sessions.posts_table import PostsTable
from supervisor.sessions.sessions_table import SessionsTable
from supervisor.sessions.starts_table import StartsTable


class Store(SessionsTable, InboxTable, PostsTable, StartsTable):
    """All tables. Raises as ``supervisor.sessions.database.Database`` does."""

    def cursor(self, channel_id: int) -> int:
        rows = self._execute("SELECT message_id FROM cursors WHERE channel_id = ?", (channel_id,))
        return int(rows[0][0]) if rows else 0

    def move_cursor(self, channel_id: int, message_id: int) -> None:
        self._execute(
            "INSERT INTO cursors (channel_id, message_id) VALUES (?, ?) ON CONFLICT (channel_id)"
            " DO UPDATE SET message_id = max(message_id, excluded.message_id)",
            (channel_id, message_id),
        )

    def fact(self, name: str) -> str:
        rows = self._execute("SELECT value FROM facts WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else ""

    def facts(self, prefix: str) -> list[str]:
        """The names that begin so."""
        rows = self._execute("SELECT name FROM facts WHERE substr(name, 1, ?) = ?", (len(prefix), prefix))
        return [str(name) for (name,) in rows]

    def remember(self, name: str, value: str) -> None:
        self._execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))

    def forget(self, name: str) -> None:
        self._execute("DELETE FROM facts WHERE name = ?", (name,))
