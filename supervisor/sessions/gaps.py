"""Places whose history cannot be read: they are heard live, and what was missed stays missed until it can be read.

    read-back fails ──a few times, or for want of a permission──▶ GAP ──a read-back comes to its end──▶ closed

While a gap is open the cursor stands before it: moving it would say that what lies in the gap was handled. A message
that is handled live meanwhile is noted as handled *ahead* of the cursor, in the same transaction, so that neither the
later read-back nor one after a restart handles it again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from bridge.protocol.errors import RemoteError
from supervisor.discord.errors import Forbidden
from supervisor.discord.snowflakes import given_at, has_time
from supervisor.sessions.store import Store

TRIES_BEFORE_LIVE = 4
PAUSE_S, LONGEST_PAUSE_S = 5.0, 600.0
SAID_AFTER = 2
"""Tries within a gap after which it is said; a missing permission is said at once."""
MOST_AHEAD = 2000


class Gap(msgspec.Struct, eq=False):
    """``not_before`` in seconds of the loop."""

    not_before: float
    tries: int = 0
    is_said: bool = False

    def failed(self, now: float) -> None:
        self.not_before = now + min(PAUSE_S * 2.0 ** min(self.tries, 20), LONGEST_PAUSE_S)
        self.tries += 1

    def is_to_be_said(self, error: RemoteError) -> bool:
        return not self.is_said and (isinstance(error, Forbidden) or self.tries >= SAID_AFTER)


class Cursors:
    """How far each channel and thread was handled. Methods that write run inside the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._gaps: set[int] = set()
        self._at_start: dict[int, int] = {}

    def open_gap(self, channel_id: int) -> None:
        self._gaps.add(channel_id)

    def close_gap(self, channel_id: int) -> None:
        """All of it was handled."""
        self._gaps.discard(channel_id)
        if ahead := self._store.handled_ahead(channel_id):
            self._store.move_cursor(channel_id, max(ahead))
            self._store.keep_handled_ahead(channel_id, ())

    def move(self, channel_id: int, message_id: int) -> None:
        """This message was handled, and (without a gap) those before it."""
        self._at_start.setdefault(channel_id, self._store.cursor(channel_id))
        if channel_id not in self._gaps:
            self._store.move_cursor(channel_id, message_id)
            return
        ahead = sorted({*self._store.handled_ahead(channel_id), message_id})[-MOST_AHEAD:]
        self._store.keep_handled_ahead(channel_id, ahead)

    @contextmanager
    def in_order(self, channel_id: int) -> Iterator[None]:
        """What is handled now comes right after the cursor, gap or not."""
        was_open = channel_id in self._gaps
        self._gaps.discard(channel_id)
        try:
            yield
        finally:
            if was_open:
                self._gaps.add(channel_id)

    def is_handled(self, channel_id: int, message_id: int) -> bool:
        """By a process before us, or ahead of the cursor. What we handled ourselves is remembered elsewhere."""
        at_start = self._at_start.setdefault(channel_id, self._store.cursor(channel_id))
        return message_id <= at_start or message_id in self._store.handled_ahead(channel_id)


def in_words(error: RemoteError, cursor: int) -> str:
    """What people are told of a gap that begins behind this message."""
    since = f" since <t:{given_at(cursor)}:R>" if has_time(cursor) else ""
    why = (
        "the bot lacks the permission *Read Message History*"
        if isinstance(error, Forbidden)
        else "Discord answers with an error"
    )
    return (
        f"⚠ What was written here{since}, while I was away, cannot be read: {why}. I go on trying, and take it up then."
        " What you write now reaches Claude."
    )


CLOSED = "-# ✓ What was written here while I was away has been read."
