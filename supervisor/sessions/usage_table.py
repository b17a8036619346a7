"""The table of what was said of usage limits: of each limit, the newest window."""

import msgspec

from supervisor.sessions.database import Database


class Said(msgspec.Struct, frozen=True):
    """The highest mark (percent) of a limit's newest window, and when that ends, or was said. Unix seconds."""

    mark: int
    resets_at: float
    at: float


class UsageTable(Database):
    def usage_said(self, name: str) -> Said | None:
        """``name``: the limit's."""
        rows = self._execute("SELECT mark, resets_at, said_at FROM usage_said WHERE limit_name = ?", (name,))
        return Said(*rows[0]) if rows else None

    def note_usage_said(self, name: str, said: Said) -> None:
        self._execute(
            "INSERT OR REPLACE INTO usage_said (limit_name, mark, resets_at, said_at) VALUES (?, ?, ?, ?)",
            (name, said.mark, said.resets_at, said.at),
        )
