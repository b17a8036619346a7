"""The table of starts: one of each worker, committed before the spawn."""

import msgspec

from supervisor.sessions.database import Database


class StartRow(msgspec.Struct, frozen=True):
    session_id: str
    start: str
    public_key: str
    started_at: float


class StartsTable(Database):
    def add_start(self, start: StartRow) -> None:
        self._execute(
            "INSERT OR REPLACE INTO starts (session_id, start, public_key, started_at) VALUES (?, ?, ?, ?)",
            (start.session_id, start.start, start.public_key, start.started_at),
        )

    def starts(self) -> list[StartRow]:
        rows = self._execute("SELECT session_id, start, public_key, started_at FROM starts")
        return [StartRow(*row) for row in rows]

    def remove_start(self, session_id: str, start: str) -> None:
        self._execute("DELETE FROM starts WHERE session_id = ? AND start = ?", (session_id, start))
