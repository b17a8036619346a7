"""What people's prompts were when they were last heard: an edit is told from a preview that Discord put below one.

A message that was edited once carries the time of that in each later update, also in those that change nothing. In
memory only, of the newest; of what was written before our start, an edit that is younger than that is one.
"""

import contextlib
import datetime

from bridge.newest import note_newest
from supervisor.discord.shapes import Edit, Message

MOST_KEPT = 2048


class HeardTexts:
    """``started_at``: Unix seconds since when each edit is heard."""

    def __init__(self, started_at: float) -> None:
        self._started_at = started_at
        self._heard: dict[int, tuple[str, int]] = {}

    def note(self, message: Message | Edit, session_id: str) -> None:
        """A prompt of the session's, as it was written or edited."""
        note_newest(self._heard, message.id, (session_id, _hash(message)), MOST_KEPT)

    def session_of(self, message_id: int) -> str:
        """Whose prompt it was; empty when that is not known."""
        return self._heard.get(message_id, ("", 0))[0]

    def is_another(self, edit: Edit) -> bool:
        """Whether a person changed its words or files since it was last heard."""
        if edit.id in self._heard:
            return self._heard[edit.id][1] != _hash(edit)
        with contextlib.suppress(ValueError, TypeError):
            return datetime.datetime.fromisoformat(edit.edited_timestamp or "").timestamp() > self._started_at
        return False


def _hash(message: Message | Edit) -> int:
    return hash((message.content, frozenset(file.id for file in message.attachments)))
