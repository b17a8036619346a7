"""Rows of the store that this Threadbridge cannot read, as a newer one's.

A store's version says what its tables are, not which kinds of wishes and posts lie in them; after a downgrade there may
be some that nobody here knows. They stay as they are for the version that knows them, and stop nothing else.
"""

import logging

import msgspec

from bridge.protocol.errors import UNREADABLE

log = logging.getLogger(__name__)


class Unread:
    """Those that were met since the store was opened; each is said once."""

    def __init__(self) -> None:
        self._numbers: dict[str, set[int]] = {}
        self._texts = set[str]()
        self.sessions = set[str]()
        """Whose wishes or posts were met."""

    def note(self, table: str, number: int, session_id: str, error: Exception) -> None:
        self.sessions.add(session_id)
        numbers = self._numbers.setdefault(table, set())
        if number not in numbers:
            numbers.add(number)
            words = "session %s: row %d of the store's %s is kept, and waits for the Threadbridge that can read it: %s"
            log.error(words, session_id, number, table, error)

    def read[T](self, text: str, kind: type[T]) -> T | None:
        """What is kept as JSON text; None for what cannot be read, or is empty: it counts for nothing until then."""
        if not text:
            return None
        try:
            return msgspec.json.decode(text, type=kind)
        except UNREADABLE as error:
            self._say(text, kind.__name__, error)
            return None

    def _say(self, text: str, kind: str, error: Exception) -> None:
        if text not in self._texts:
            self._texts.add(text)
            log.error("a %s in the store is kept, counts for nothing and cannot be read: %s", kind, error)

    def list_of(self, table: str) -> str:
        """As SQL has lists: ``(3, 7)``."""
        return f"({', '.join(map(str, sorted(self._numbers.get(table, ()))))})"
