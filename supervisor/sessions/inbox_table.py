"""The table of wishes: commands that no event has answered yet. The first of a key wins."""

import msgspec

from bridge.protocol import commands as c
from bridge.protocol.answers import key_of, keys_of
from bridge.protocol.commands import AnyCommand
from bridge.protocol.errors import UNREADABLE
from supervisor.sessions.database import Database

_json = msgspec.json.Encoder()
_command = msgspec.json.Decoder(AnyCommand)


class InboxRow(msgspec.Struct, frozen=True):
    id: int
    command: AnyCommand
    created_at: float


class InboxTable(Database):
    def wish(self, session_id: str, command: AnyCommand, at: float) -> bool:
        """Whether this is the first of its key; a repetition changes nothing."""
        done = self._execute(
            "INSERT INTO inbox (session_id, key, command, created_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING RETURNING id",
            (session_id, key_of(command), _json.encode(command), at),
        )
        return bool(done)

    def change_wish(self, session_id: str, command: AnyCommand) -> None:
        """The wish of this key, otherwise. It keeps its place."""
        self._execute(
            "UPDATE inbox SET command = ? WHERE session_id = ? AND key = ?",
            (_json.encode(command), session_id, key_of(command)),
        )

    def inbox(self, session_id: str) -> list[InboxRow]:
        """In the order in which they were wished for, without those that only a newer Threadbridge can read."""
        rows = self._execute(
            "SELECT id, command, created_at FROM inbox WHERE session_id = ? ORDER BY id", (session_id,)
        )
        found = []
        for number, command, at in rows:
            try:
                found.append(InboxRow(number, _command.decode(command), at))
            except UNREADABLE as error:
                self._unread.note("inbox", number, session_id, error)
        return found

    def sessions_with_wishes(self) -> set[str]:
        """Those for which something waits that would start a worker; a setting does not (bridge.protocol.commands)."""
        rows = self._execute(
            "SELECT DISTINCT session_id FROM inbox WHERE key NOT LIKE ?"  # noqa: S608 - only numbers
            f" AND id NOT IN {self._unread.list_of('inbox')}",
            (f"{keys_of(c.Configure)}%",),
        )
        return {str(session_id) for (session_id,) in rows}

    def answered(self, session_id: str, key: str) -> None:
        """An event answered the wish of this key."""
        self._execute("DELETE FROM inbox WHERE session_id = ? AND key = ?", (session_id, key))

    def drop_wishes(self, session_id: str, prefix: str = "") -> None:
        self._execute(
            "DELETE FROM inbox WHERE session_id = ? AND substr(key, 1, ?) = ?",
            (session_id, len(prefix), prefix),
        )
