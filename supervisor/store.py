"""The supervisor's SQLite store: what was folded, what is wanted, what threads should show.

Every method runs inside the caller's ``transaction``; SessionManager decides what belongs together. WAL with
synchronous NORMAL: a commit survives the death of the process, and after a power cut the logs replay.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import msgspec

from bridge.commands import AnyCommand, key_of
from bridge.errors import UserError
from bridge.render.posts import Post
from bridge.render.view import ThreadView
from bridge.session import ManagedSession

VERSION = 1
BUSY_TIMEOUT_S = 5.0

_json = msgspec.json.Encoder()
_command = msgspec.json.Decoder(AnyCommand)
_session: msgspec.json.Decoder[ManagedSession] = msgspec.json.Decoder(ManagedSession)
_view: msgspec.json.Decoder[ThreadView] = msgspec.json.Decoder(ThreadView)
_post: msgspec.json.Decoder[Post] = msgspec.json.Decoder(Post)


class SessionRow(msgspec.Struct):
    """A session as the store has it: the folded snapshot, and our wishes beside it."""

    session: ManagedSession
    view: ThreadView
    ended_at: float | None
    end_reason: str
    fresh: bool
    attached: int


class InboxRow(msgspec.Struct, frozen=True):
    id: int
    command: AnyCommand
    created_at: float


class PostRow(msgspec.Struct, frozen=True):
    """One desired post. ``shown`` is what Discord last took; None before it was created."""

    id: int
    session_id: str
    key: str
    desired: Post
    shown: Post | None
    message_id: int | None
    attempt: int
    attempted_at: float | None


class StartRow(msgspec.Struct, frozen=True):
    session_id: str
    start: str
    public_key: str
    started_at: float


class Store:
    """An open store. ``read_only`` for ``list`` and ``log``, which must not write beside a supervisor."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Raises UserError when the file is no store of ours, or of a newer version."""
        self._path = path
        try:
            self._db = _open(path, read_only=read_only)
            if not read_only:
                self._migrate()
        except sqlite3.DatabaseError as error:
            raise UserError(
                f"the store {path} cannot be used: {error}; move it away and start again,"
                " and it is rebuilt from the sessions' logs"
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in it, or nothing. A transaction within a transaction is part of it."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()

    def _migrate(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise UserError(
                f"the store {self._path} is of version {version}, and this Threadbridge knows {VERSION}:"
                " install the newer Threadbridge again"
            )
        if version == 0:
            schema = resources.files("supervisor").joinpath("schema.sql").read_text()
            self._db.executescript(f"BEGIN;\n{schema}\nPRAGMA user_version = {VERSION};\nCOMMIT;")

    # --- sessions ------------------------------------------------------------------------------------

    def add_session(self, session: ManagedSession) -> None:
        self._db.execute(
            "INSERT INTO sessions (session_id, thread_id, channel_id, created_at, snapshot, view)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                session.session_id,
                session.thread_id,
                session.channel_id,
                session.started_at,
                _json.encode(session),
                _json.encode(ThreadView()),
            ),
        )

    def sessions(self) -> list[SessionRow]:
        """All of them, oldest first."""
        rows = self._db.execute(
            "SELECT snapshot, view, ended_at, end_reason, fresh, attached FROM sessions ORDER BY created_at"
        )
        return [
            SessionRow(_session.decode(snapshot), _view.decode(view), ended_at, end_reason, bool(fresh), attached)
            for snapshot, view, ended_at, end_reason, fresh, attached in rows
        ]

    def save(self, row: SessionRow) -> None:
        self._db.execute(
            "UPDATE sessions SET snapshot = ?, view = ?, ended_at = ?, end_reason = ?, fresh = ?, attached = ?"
            " WHERE session_id = ?",
            (
                _json.encode(row.session),
                _json.encode(row.view),
                row.ended_at,
                row.end_reason,
                int(row.fresh),
                row.attached,
                row.session.session_id,
            ),
        )

    # --- inbox ---------------------------------------------------------------------------------------

    def wish(self, session_id: str, command: AnyCommand, at: float) -> bool:
        """Whether this is the first of its key; a repetition changes nothing."""
        done = self._db.execute(
            "INSERT INTO inbox (session_id, key, command, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            (session_id, key_of(command), _json.encode(command), at),
        )
        return done.rowcount == 1

    def inbox(self, session_id: str) -> list[InboxRow]:
        """In the order in which they were wished for."""
        rows = self._db.execute(
            "SELECT id, command, created_at FROM inbox WHERE session_id = ? ORDER BY id", (session_id,)
        )
        return [InboxRow(number, _command.decode(command), at) for number, command, at in rows]

    def has_wish(self, session_id: str, key: str) -> bool:
        found = self._db.execute("SELECT 1 FROM inbox WHERE session_id = ? AND key = ?", (session_id, key))
        return found.fetchone() is not None

    def answered(self, session_id: str, key: str) -> None:
        """An event answered the wish of this key."""
        self._db.execute("DELETE FROM inbox WHERE session_id = ? AND key = ?", (session_id, key))

    def drop_wishes(self, session_id: str, prefix: str = "") -> None:
        self._db.execute(
            "DELETE FROM inbox WHERE session_id = ? AND substr(key, 1, ?) = ?",
            (session_id, len(prefix), prefix),
        )

    # --- posts ---------------------------------------------------------------------------------------

    def desire(self, session_id: str, key: str, post: Post) -> None:
        self._db.execute(
            "INSERT INTO posts (session_id, key, desired) VALUES (?, ?, ?)"
            " ON CONFLICT (session_id, key) DO UPDATE SET desired = excluded.desired"
            " WHERE desired <> excluded.desired",
            (session_id, key, _json.encode(post)),
        )

    def unsettled_posts(self, session_id: str) -> list[PostRow]:
        """Posts of the session that Discord does not show as desired, in the thread's order."""
        return self._posts("session_id = ? AND failed = '' AND (shown IS NULL OR shown <> desired)", session_id)

    def post(self, session_id: str, key: str) -> PostRow | None:
        return next(iter(self._posts("session_id = ? AND key = ?", session_id, key)), None)

    def posts_like(self, session_id: str, prefix: str) -> list[PostRow]:
        return self._posts("session_id = ? AND substr(key, 1, ?) = ?", session_id, len(prefix), prefix)

    def unsettled_sessions(self) -> list[str]:
        rows = self._db.execute(
            "SELECT DISTINCT session_id FROM posts WHERE failed = '' AND (shown IS NULL OR shown <> desired)"
        )
        return [session_id for (session_id,) in rows]

    def _posts(self, condition: str, *values: object) -> list[PostRow]:
        rows = self._db.execute(
            "SELECT id, session_id, key, desired, shown, message_id, attempt, attempted_at FROM posts"  # noqa: S608
            f" WHERE {condition} ORDER BY id",
            values,
        )
        return [
            PostRow(number, session, key, _post.decode(desired), _post.decode(shown) if shown else None, *rest)
            for number, session, key, desired, shown, *rest in rows
        ]

    def attempt(self, post_id: int, attempt: int, at: float) -> None:
        """A create is about to be sent. Committed before it is."""
        self._db.execute("UPDATE posts SET attempt = ?, attempted_at = ? WHERE id = ?", (attempt, at, post_id))

    def shown(self, post_id: int, message_id: int, post: Post) -> None:
        self._db.execute(
            "UPDATE posts SET message_id = ?, shown = ? WHERE id = ?",
            (message_id, _json.encode(post), post_id),
        )

    def forget_message(self, post_id: int) -> None:
        """Its message is gone: the post is new again."""
        self._db.execute(
            "UPDATE posts SET message_id = NULL, shown = NULL, attempt = attempt + 1, attempted_at = NULL WHERE id = ?",
            (post_id,),
        )

    def give_up(self, post_id: int, why: str) -> None:
        self._db.execute("UPDATE posts SET failed = ? WHERE id = ?", (why, post_id))

    # --- starts, cursors, facts ----------------------------------------------------------------------

    def add_start(self, start: StartRow) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO starts (session_id, start, public_key, started_at) VALUES (?, ?, ?, ?)",
            (start.session_id, start.start, start.public_key, start.started_at),
        )

    def starts(self) -> list[StartRow]:
        rows = self._db.execute("SELECT session_id, start, public_key, started_at FROM starts")
        return [StartRow(*row) for row in rows]

    def remove_start(self, session_id: str, start: str) -> None:
        self._db.execute("DELETE FROM starts WHERE session_id = ? AND start = ?", (session_id, start))

    def cursor(self, channel_id: int) -> int:
        row = self._db.execute("SELECT message_id FROM cursors WHERE channel_id = ?", (channel_id,)).fetchone()
        return row[0] if row else 0

    def move_cursor(self, channel_id: int, message_id: int) -> None:
        self._db.execute(
            "INSERT INTO cursors (channel_id, message_id) VALUES (?, ?) ON CONFLICT (channel_id)"
            " DO UPDATE SET message_id = max(message_id, excluded.message_id)",
            (channel_id, message_id),
        )

    def fact(self, name: str) -> str:
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return row[0] if row else ""

    def remember(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))


def _open(path: Path, *, read_only: bool) -> sqlite3.Connection:
    if read_only:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute("PRAGMA foreign_keys = ON")
    return db
