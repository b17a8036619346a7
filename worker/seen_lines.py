"""Lines that came already: each has a uuid of its own, so the same bytes again are no second fact. No I/O."""

import hashlib

from bridge.newest import note_newest

LINES_REMEMBERED = 2000


class SeenLines:
    def __init__(self) -> None:
        self._seen: dict[bytes, None] = {}

    def is_repeated(self, uuid: str, line: bytes) -> bool:
        """False for a line without a uuid, of which nobody can tell."""
        if not uuid:
            return False
        name = hashlib.sha256(line).digest()
        if name in self._seen:
            return True
        note_newest(self._seen, name, None, LINES_REMEMBERED)
        return False
