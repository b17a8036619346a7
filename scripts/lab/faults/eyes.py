"""What can be seen of a supervisor and its workers from outside: the store, the logs, the kernel. Nothing is changed.

The boundaries of the path are hit by watching these, for production code has no hooks for tests. The store is read
through SQLite in read-only mode; a look that meets a supervisor in the middle of a commit sees the state before it.
"""

import json
import os
import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import psutil

from bridge.protocol.layout import Layout
from supervisor import locks

MARK = "THREADBRIDGE_SESSION"
_CONNECTED = "03"
"""SS_CONNECTED in /proc/net/unix (linux/net.h)."""


class Logged(msgspec.Struct, frozen=True):
    """One line of a worker's log."""

    seq: int
    event: dict[str, Any]

    @property
    def kind(self) -> str:
        return str(self.event["kind"])


class LogTail:
    """A worker's log as far as it has been read; `look` reads on."""

    def __init__(self, path: Path) -> None:
        self.records: list[Logged] = []
        self._path = path
        self._offset = 0

    @property
    def last(self) -> int:
        return self.records[-1].seq if self.records else 0

    def look(self) -> list[Logged]:
        """All records. A half-written last line is left for the next look."""
        try:
            if self._path.stat().st_size > self._offset:
                with self._path.open("rb") as file:
                    file.seek(self._offset)
                    whole, newline, _ = file.read().rpartition(b"\n")
                for line in whole.split(b"\n") if newline else ():
                    found = json.loads(line)
                    self.records.append(Logged(found["seq"], found["event"]))
                self._offset += len(whole) + len(newline)
        except FileNotFoundError:
            pass
        return self.records

    def of(self, *kinds: str) -> list[dict[str, Any]]:
        return [record.event for record in self.look() if record.kind in kinds]


class Eyes:
    """On one state directory. Answers are those of the last commit; "" or 0 while there is none."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._store: sqlite3.Connection | None = None

    def close(self) -> None:
        if self._store:
            self._store.close()
            self._store = None

    def session_of(self, thread_id: int) -> str:
        return str(self._one("SELECT session_id FROM sessions WHERE thread_id = ?", thread_id) or "")

    def waits(self, session_id: str, prefix: str) -> bool:
        """Whether a command whose key begins so is in the session's inbox."""
        return bool(self._one("SELECT 1 FROM inbox WHERE session_id = ? AND key LIKE ?", session_id, f"{prefix}%"))

    def has_start(self, session_id: str) -> bool:
        return bool(self._one("SELECT 1 FROM starts WHERE session_id = ?", session_id))

    def attached(self, session_id: str) -> int:
        """The pid of the worker that said hello last."""
        found = self._one("SELECT attached FROM sessions WHERE session_id = ?", session_id)
        return found if isinstance(found, int) else 0

    def end_reason(self, session_id: str) -> str:
        """Why it ended."""
        return str(self._one("SELECT end_reason FROM sessions WHERE session_id = ?", session_id) or "")

    def applied(self, session_id: str) -> int:
        """How far the log is folded and committed."""
        snapshot = self._one("SELECT snapshot FROM sessions WHERE session_id = ?", session_id)
        return int(json.loads(str(snapshot, "utf-8"))["applied"]) if isinstance(snapshot, bytes) else 0

    def shows_card(self, session_id: str) -> bool:
        """Whether a card was committed as shown."""
        query = "SELECT 1 FROM posts WHERE session_id = ? AND key LIKE 'card:%' AND shown IS NOT NULL"
        return bool(self._one(query, session_id))

    def has_unsettled_posts(self) -> bool:
        """Whether Discord does not show yet what some thread should show."""
        return bool(self._one("SELECT 1 FROM posts WHERE failed = '' AND (shown IS NULL OR shown <> desired)"))

    def log(self, session_id: str) -> LogTail:
        return LogTail(self._layout.session(session_id).log)

    def holder(self, session_id: str) -> int:
        """The pid of the session's worker, by its lock; 0 for none."""
        return locks.holder(self._layout.session(session_id).lock)

    def worker(self, session_id: str) -> int:
        """As `holder`; else a worker that is only starting; else 0."""
        return self.holder(session_id) or starting_worker(session_id)

    def child(self, session_id: str) -> int:
        """The `claude` below the session's worker (not the bubblewrap around it); 0 for none."""
        worker = self.holder(session_id)
        with suppress(psutil.Error):
            for process in psutil.Process(worker).children(recursive=True) if worker else ():
                if not process.name().startswith("bwrap") and _is_claude(process):
                    return process.pid
        return 0

    def is_connected(self, session_id: str) -> bool:
        """Whether somebody is connected to a socket of the session's that the supervisor listens on."""
        prefix = f"{self._layout.sockets}/{session_id.replace('-', '')[:12]}-"
        lines = (line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:])
        return any(len(parts) == 8 and parts[5] == _CONNECTED and parts[7].startswith(prefix) for parts in lines)

    def _one(self, query: str, *values: object) -> object:
        try:
            if self._store is None:
                uri = f"{self._layout.database.absolute().as_uri()}?mode=ro"
                self._store = sqlite3.connect(uri, uri=True, timeout=0.2, isolation_level=None)
            row = self._store.execute(query, values).fetchone()
        except sqlite3.Error:
            self.close()
            return None
        return row[0] if row else None


def forget_identifies(layout: Layout) -> None:
    """A day passes: the budget of IDENTIFYs, which outlives the supervisor, is whole again. Only while none runs."""
    store = sqlite3.connect(layout.database, isolation_level=None)
    with suppress(sqlite3.Error):
        store.execute("DELETE FROM facts WHERE name = 'identify_budget'")
    store.close()


def starting_worker(session_id: str, but: int = 0) -> int:
    """A worker of the session (`but` not this one) by its command line; it has no lock while it imports."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            argv = process.cmdline() if process.pid != but else []
            if "worker" in argv and session_id in argv and process.status() != psutil.STATUS_ZOMBIE:
                return process.pid
    return 0


def left_of(session_ids: Iterable[str]) -> list[str]:
    """Processes that belong to these sessions, by their mark or their command line, in words."""
    wanted = set(session_ids)
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            argv = process.cmdline()
            named = process.environ().get(MARK, "") in wanted or ("worker" in argv and wanted & set(argv))
            if named and process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                found.append(f"{process.pid} {' '.join(argv)[:120]}")
    return found


def _is_claude(process: psutil.Process) -> bool:
    return any(part.endswith(("/claude/program.py", "/claude")) for part in process.cmdline()[:6])
