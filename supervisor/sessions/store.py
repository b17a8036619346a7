"""The supervisor's store: what was folded, what is wanted, what threads should show.

Every method runs inside the caller's ``transaction``; SessionManager decides what belongs together. Each table is a
file of its own; how the database is opened, migrated and written is ``supervisor.sessions.database``.
"""

from supervisor.sessions.channels_table import ChannelsTable
from supervisor.sessions.facts_table import FactsTable
from supervisor.sessions.inbox_table import InboxTable
from supervisor.sessions.posts_table import PostsTable
from supervisor.sessions.sessions_table import SessionsTable
from supervisor.sessions.starts_table import StartsTable
from supervisor.sessions.usage_table import UsageTable


class Store(SessionsTable, InboxTable, PostsTable, StartsTable, ChannelsTable, UsageTable, FactsTable):
    """All tables. Raises as ``supervisor.sessions.database.Database`` does."""

    def letter_answer(self, number: int) -> str:
        """What became of a letter; empty while it was not carried out."""
        rows = self._execute("SELECT answer FROM letter_answers WHERE number = ?", (number,))
        return str(rows[0][0]) if rows else ""

    def keep_letter_answer(self, number: int, answer: str) -> None:
        self._execute("INSERT OR REPLACE INTO letter_answers (number, answer) VALUES (?, ?)", (number, answer))

    def answered_letters(self) -> set[int]:
        return {int(number) for (number,) in self._execute("SELECT number FROM letter_answers")}

    def forget_letter(self, number: int) -> None:
        self._execute("DELETE FROM letter_answers WHERE number = ?", (number,))

    def registration(self, guild_id: int) -> str:
        """The digest of the slash commands that a server has of us; empty when it has none."""
        rows = self._execute("SELECT digest FROM registrations WHERE guild_id = ?", (guild_id,))
        return str(rows[0][0]) if rows else ""

    def keep_registration(self, guild_id: int, digest: str) -> None:
        self._execute("INSERT OR REPLACE INTO registrations (guild_id, digest) VALUES (?, ?)", (guild_id, digest))
