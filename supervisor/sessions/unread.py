"""Rows of the store that a newer Threadbridge wrote and this one cannot read.

A store's version says what its tables are, not which kinds of wishes and posts lie in them; after a downgrade there may
be some that nobody here knows. They stay as they are for the version that knows them, and stop nothing else.
"""

import logging

import msgspec

log = logging.getLogger(__name__)


class Unread:
    """Those that were met since the store was opened; each is said once."""

    def __init__(self) -> None:
        self._numbers: dict[str, set[int]] = {}

    def note(self, table: str, number: int, session_id: str, error: msgspec.MsgspecError) -> None:
        numbers = self._numbers.setdefault(table, set())
        if number not in numbers:
            numbers.add(number)
            words = "session %s: row %d of the store's %s is kept, and waits for the Threadbridge that can read it: %s"
            log.error(words, session_id, number, table, error)

    def list_of(self, table: str) -> str:
        """As SQL has lists: ``(3, 7)``."""
        return f"({', '.join(map(str, sorted(self._numbers.get(table, ()))))})"
