"""Logs and files of sessions that ended long ago are removed. The session stays: its row, its thread, the journal.

    ended, nothing waits, nothing runs ──▶ one transaction: it has no history  ──▶  its folder is renamed  ──▶ removed
                                                                                   └─ into ``pruned/``, emptied again
                                                                                      and again until it is empty

Whoever writes into its thread wakes it, and is told first that Claude begins anew. A death behind the transaction
leaves the folder where it was, and the next look finds it.
"""

import asyncio
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from bridge.journal.entries import SessionPruned
from bridge.protocol.layout import Layout
from bridge.render.view import ThreadView
from bridge.session.remainder import without_history
from supervisor import locks
from supervisor.discord.snowflakes import surely_before
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.sessions_table import SessionRow
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError

FIRST_S = 600.0
"""After a start there is more to do."""
EVERY_S = 6 * 3600.0
MOST_APART_S = 3600.0
"""Of our clock and Discord's, while something is removed by its age."""

log = logging.getLogger(__name__)


def due(layout: Layout, store: Store, rows: Iterable[SessionRow], before: float) -> list[SessionRow]:
    """Those that ended before that time (Unix seconds) and still have a log or files. Raises StoreError."""
    busy = store.sessions_with_wishes() | set(store.unsettled_sessions())
    return [
        row
        for row in rows
        if row.ended_at is not None
        and row.ended_at < before
        and not row.attached
        and row.session.session_id not in busy
        and _is_still_there(layout, row.session.session_id)
    ]


def _is_still_there(layout: Layout, session_id: str) -> bool:
    paths = layout.session(session_id)
    return paths.folder.is_dir() and not locks.holder(paths.lock)


def bytes_below(folder: Path) -> int:
    """Of all files, as far as we may look."""
    found = 0
    for below, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                found += os.lstat(os.path.join(below, name)).st_size  # noqa: PTH118 - of many files
    return found


class Pruning:
    """``keep_s()``: how long they are kept, in seconds; None: for ever. ``apart_s()``: by how much our clock is ahead
    of Discord's, about; None: not known. A clock that is set wrongly for an hour removes nothing.
    """

    def __init__(
        self,
        layout: Layout,
        manager: SessionManager,
        keep_s: Callable[[], float | None],
        apart_s: Callable[[], float | None] = lambda: 0.0,
    ) -> None:
        self._layout = layout
        self._manager = manager
        self._keep_s = keep_s
        self._apart_s = apart_s
        self._wake = asyncio.Event()
        """There is something to be emptied."""

    async def run(self) -> None:
        """Seldom, until cancelled."""
        pause_s = FIRST_S
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), pause_s)
            self._wake.clear()
            pause_s = EVERY_S
            try:
                self.prune_by_itself()
                self._wake.clear()
                await asyncio.to_thread(self.empty)
            except (OSError, StoreError) as error:
                log.warning("what ended long ago is kept for now: %s", error)

    def prune_by_itself(self) -> None:
        """As the configuration says. Raises StoreError and OSError."""
        keep_s, apart_s = self._keep_s(), self._apart_s()
        if keep_s is None:
            return
        if apart_s is None or abs(apart_s) > MOST_APART_S:
            log.warning("what ended long ago is kept for now: it is not known whether our clock is right")
            return
        self.prune(self._manager.clock() - keep_s)

    def prune(self, before: float) -> int:
        """How many. Their folders are out of the way then, and still to be emptied. Raises StoreError and OSError."""
        found = due(self._layout, self._manager.store, self._manager.rows.values(), before)
        for row in found:
            self._prune(row)
        if found:
            self._wake.set()
            log.info("the logs and files of %d ended sessions are removed", len(found))
        return len(found)

    def _prune(self, row: SessionRow) -> None:
        session, ended_at = row.session, row.ended_at or 0.0
        store = self._manager.store
        with self._manager.transaction(
            SessionPruned(session.session_id, session.channel_id, ended_at=ended_at),
        ):
            row.session, row.view, row.fresh = without_history(session), ThreadView(), True
            store.forget_posts(session.session_id, surely_before(self._manager.clock()))
            store.remove_dropped(session.session_id, store.dropped_prompts(session.session_id))
            self._manager.reports.lost_history.note_pruned(session.session_id, ended_at)
            store.save(row)
        self._layout.pruned.mkdir(mode=0o700, exist_ok=True)
        self._layout.session(session.session_id).folder.rename(self._layout.pruned / secrets.token_hex(8))

    def empty(self) -> None:
        """What a child made so that it cannot be removed stays there, and is tried again. May take long."""
        with suppress(FileNotFoundError):
            for folder in self._layout.pruned.iterdir():
                _remove(folder)


def _remove(folder: Path) -> None:
    """As far as it goes. Directories that their owner may not enter are opened first: they are ours too."""
    for _ in range(2):
        with suppress(OSError, RecursionError):
            shutil.rmtree(folder)
            return
        for below, names, _ in os.walk(folder):
            for name in names:
                with suppress(OSError):
                    if not os.path.islink(path := os.path.join(below, name)):  # noqa: PTH114, PTH118
                        os.chmod(path, 0o700)  # noqa: PTH101
