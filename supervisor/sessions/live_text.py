"""Text that Claude is writing right now: lossy, in no log, and only in memory until it is shown."""

import logging
from collections.abc import Callable

from bridge.protocol import wire
from bridge.render.posts import Post
from bridge.session.display import Display
from supervisor.sessions.rows import Sessions
from supervisor.sessions.sessions_table import SessionRow

log = logging.getLogger(__name__)


class LiveText:
    """Of all sessions. ``display_of`` says what a channel shows."""

    def __init__(self, sessions: Sessions, display_of: Callable[[int], Display]) -> None:
        self._sessions = sessions
        self._display_of = display_of
        self._blocks: dict[str, dict[str, str]] = {}

    def of(self, session_id: str) -> dict[str, str]:
        """What there is of each open block; to be changed in place."""
        return self._blocks.setdefault(session_id, {})

    def hear(self, session_id: str, delta: wire.Delta) -> None:
        """A piece that does not fit on is left for the record."""
        live = self.of(session_id)
        have = live.get(delta.block, "")
        if delta.offset <= len(have):
            live[delta.block] = have[: delta.offset] + delta.text
            self._sessions.changes.streamed(session_id)

    def render(self, session_id: str) -> None:
        """Write the streaming text into the outbox; the outbox asks for it when the pace allows a send."""
        row, live = self._sessions.rows[session_id], self._blocks.get(session_id)
        if not live:
            return
        with self._sessions.transaction():
            display = self._display_of(row.session.channel_id)
            for key, post in self._drawn(row, live, display).items():
                self._sessions.store.desire(session_id, key, post)
            self._sessions.store.save(row)

    @staticmethod
    def _drawn(row: SessionRow, live: dict[str, str], display: Display) -> dict[str, Post]:
        """Text that cannot be drawn while it streams is left to its record."""
        try:
            return row.view.live_posts(row.session, live, display)
        except Exception:
            log.exception("session %s: the text that streams cannot be shown", row.session.session_id)
            live.clear()
            return {}
