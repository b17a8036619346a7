"""The tables of what is kept by channel: cursors, what was handled ahead of them, defaults, projects, who trusts what.

What is kept as text is JSON of the module that is named beside it in ``schema_2.sql``.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from supervisor.sessions.database import Database

type TrustColumn = Literal["asked", "trusted"]


class ClosedBurst(msgspec.Struct, frozen=True):
    """The last prompt that somebody began in a channel and that is closed: its session, its first and last message."""

    session_id: str
    first: int
    last: int


class ChannelsTable(Database):
    # --- how far it was handled ----------------------------------------------------------------------

    def cursor(self, channel_id: int) -> int:
        rows = self._execute("SELECT message_id FROM cursors WHERE channel_id = ?", (channel_id,))
        return int(rows[0][0]) if rows else 0

    def move_cursor(self, channel_id: int, message_id: int) -> None:
        self._execute(
            "INSERT INTO cursors (channel_id, message_id) VALUES (?, ?) ON CONFLICT (channel_id)"
            " DO UPDATE SET message_id = max(message_id, excluded.message_id)",
            (channel_id, message_id),
        )

    def handled_ahead(self, channel_id: int) -> list[int]:
        """Messages behind a gap that were handled while the cursor stood, the oldest first."""
        rows = self._execute(
            "SELECT message_id FROM handled_ahead WHERE channel_id = ? ORDER BY message_id", (channel_id,)
        )
        return [int(number) for (number,) in rows]

    def keep_handled_ahead(self, channel_id: int, message_ids: Iterable[int]) -> None:
        """These, and no others."""
        self._execute("DELETE FROM handled_ahead WHERE channel_id = ?", (channel_id,))
        for message_id in message_ids:
            self._execute(
                "INSERT OR IGNORE INTO handled_ahead (channel_id, message_id) VALUES (?, ?)", (channel_id, message_id)
            )

    def project_of(self, channel_id: int) -> str:
        """The directory that the channel had when it was last looked at; empty before that."""
        rows = self._execute("SELECT directory FROM channel_projects WHERE channel_id = ?", (channel_id,))
        return str(rows[0][0]) if rows else ""

    def note_project(self, channel_id: int, directory: str) -> None:
        self._execute(
            "INSERT OR REPLACE INTO channel_projects (channel_id, directory) VALUES (?, ?)", (channel_id, directory)
        )

    def closed_burst(self, channel_id: int, author_id: int) -> ClosedBurst | None:
        rows = self._execute(
            "SELECT session_id, first_id, last_id FROM closed_bursts WHERE channel_id = ? AND author_id = ?",
            (channel_id, author_id),
        )
        return ClosedBurst(*rows[0]) if rows else None

    def keep_closed_burst(self, channel_id: int, author_id: int, burst: ClosedBurst) -> None:
        self._execute(
            "INSERT OR REPLACE INTO closed_bursts (channel_id, author_id, session_id, first_id, last_id)"
            " VALUES (?, ?, ?, ?, ?)",
            (channel_id, author_id, burst.session_id, burst.first, burst.last),
        )

    # --- what sessions get that begin there ----------------------------------------------------------

    def channel_default(self, channel_id: int, setting: str) -> str:
        """Empty when nobody chose one."""
        rows = self._execute(
            "SELECT value FROM channel_defaults WHERE channel_id = ? AND setting = ?", (channel_id, setting)
        )
        return str(rows[0][0]) if rows else ""

    def keep_channel_default(self, channel_id: int, setting: str, value: str) -> None:
        self._execute(
            "INSERT OR REPLACE INTO channel_defaults (channel_id, setting, value) VALUES (?, ?, ?)",
            (channel_id, setting, value),
        )

    # --- what is allowed, and what acts --------------------------------------------------------------

    def read[T](self, text: str, kind: type[T]) -> T | None:
        """What these methods give; None for nothing, and for what cannot be read: that allows nothing, and is said."""
        return self._unread.read(text, kind)

    def rule(self, rule_id: str) -> str:
        """Empty when there is none (any more)."""
        rows = self._execute("SELECT rule FROM rules WHERE rule_id = ?", (rule_id,))
        return str(rows[0][0]) if rows else ""

    def rules(self) -> list[str]:
        return [str(rule) for (rule,) in self._execute("SELECT rule FROM rules")]

    def keep_rule(self, rule_id: str, rule: str) -> None:
        """Without text it is revoked."""
        if rule:
            self._execute("INSERT OR REPLACE INTO rules (rule_id, rule) VALUES (?, ?)", (rule_id, rule))
        else:
            self._execute("DELETE FROM rules WHERE rule_id = ?", (rule_id,))

    def trust(self, column: TrustColumn, channel_id: int, directory: str) -> str:
        """Empty when there is no such word. ``directory``: its digest."""
        condition = "channel_id = ? AND directory = ?"
        return next((text for _, text in self._trust(column, condition, channel_id, directory)), "")

    def trust_in(self, column: TrustColumn, channel_id: int) -> list[str]:
        return [text for _, text in self._trust(column, "channel_id = ?", channel_id)]

    def all_trust(self, column: TrustColumn) -> list[tuple[int, str]]:
        """(channel, text)."""
        return self._trust(column, "1")

    def _trust(self, column: TrustColumn, condition: str, *values: object) -> list[tuple[int, str]]:
        rows = self._execute(
            f"SELECT channel_id, {column} FROM trust WHERE {condition} AND {column} <> ''",  # noqa: S608
            values,
        )
        return [(int(channel_id), str(text)) for channel_id, text in rows]

    def keep_trust(self, column: TrustColumn, channel_id: int, directory: str, text: str) -> None:
        """Without text there is no such word any more."""
        self._execute(
            f"INSERT INTO trust (channel_id, directory, {column}) VALUES (?, ?, ?)"  # noqa: S608
            f" ON CONFLICT (channel_id, directory) DO UPDATE SET {column} = excluded.{column}",
            (channel_id, directory, text),
        )
        self._execute("DELETE FROM trust WHERE asked = '' AND trusted = ''")
