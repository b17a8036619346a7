"""The supervisor's SQLite store: what was folded, what is wanted, what threads should show.

Every method runs inside the caller's ``transaction``; SessionManager decides what belongs together. WAL with
synchronous NORMAL: a commit survives the death of the process, and after a power cut the logs replay.

SQLite's errors are translated here. What may pass (a full disk, a lock) is a StoreError from any method; what only
a person can mend is a UserError, and only when the store is opened.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from bridge.protocol.answers import key_of
from bridge.protocol.commands import AnyCommand
from bridge.protocol.errors import UserError
from bridge.render.posts import Post
from bridge.render.view import ThreadView
from bridge.session.managed import ManagedSession
from supervisor.sessions.store_health import Health, StoreError
from supervisor.sessions.unread import Unread

Rows = list[tuple[Any, ...]]
Execute = Callable[[str, Sequence[object]], Rows]
Migration = str | Callable[[Execute], None]
"""A file of SQL beside this one; or a function that gets ``execute(sql, values)``."""
MIGRATIONS: tuple[Migration, ...] = ("schema.sql",)
"""What makes version 1, then each what leads to the next. Never changed, only added to."""
BUSY_TIMEOUT_S = 1.0
"""We are the only writer; the loop stands still while we wait for somebody's lock."""
HISTORY = "history"
"""``failed`` of a post that Discord shows already, in a message that we do not know."""
GONE = "gone"
"""``failed`` of a post whose thread or channel is gone. Any other word in that column is an older Threadbridge's."""

_MAY_PASS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_BUSY: "another program has it locked",
    sqlite3.SQLITE_LOCKED: "another program has it locked",
    sqlite3.SQLITE_READONLY: "it cannot be written: the disk or the file is read-only",
    sqlite3.SQLITE_IOERR: "the disk answers with an error, or is full",
    sqlite3.SQLITE_CANTOPEN: "its files cannot be opened",
    sqlite3.SQLITE_PERM: "its files may not be opened",
    sqlite3.SQLITE_NOMEM: "there is not enough memory",
}
_IS_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
REBUILD = "move it away and start again, and it is rebuilt from the sessions' logs"

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


class DamagedStoreError(UserError):
    """Found at opening: no waiting mends it."""


class Store:
    """An open store. ``read_only`` for ``list`` and ``log``, which must not write beside a supervisor."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Raises UserError for a file that is damaged, no store of ours, or newer; StoreError for what may pass."""
        self.path = path
        self.health = Health(f"the store {path}")
        self._unread = Unread()
        self.folder = -1
        """Its descriptor: what lies beside the database is found there, also when a directory is renamed."""
        try:
            self._db = _open(path, read_only=read_only)
            self.folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._check_version(read_only=read_only)
            if not read_only:
                self._refuse_damage()
                self._migrate()
        except BaseException as error:
            if hasattr(self, "_db"):
                self.close()
            if isinstance(error, StoreError) and error.is_damage:
                raise DamagedStoreError(str(error)) from error
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything in it, or nothing. A transaction within a transaction is part of it. Raises StoreError."""
        if self._db.in_transaction:
            yield
            return
        self.health.check()
        began = time.monotonic()
        try:
            yield from self._transact()
        except StoreError as error:
            self.health.failed(str(error), time.monotonic() - began)
            raise
        self.health.well()

    def _transact(self) -> Iterator[None]:
        self._execute("BEGIN IMMEDIATE")
        try:
            yield
            self._execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite itself rolls back after some errors
                self._db.rollback()
            raise

    def close(self) -> None:
        self._db.close()
        if self.folder >= 0:
            os.close(self.folder)
            self.folder = -1

    def _execute(self, sql: str, values: Sequence[object] = ()) -> Rows:
        try:
            return self._db.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise _translated(self.path, error) from error

    # --- opening -------------------------------------------------------------------------------------

    @property
    def version(self) -> int:
        return int(self._execute("PRAGMA user_version")[0][0])

    def damage(self) -> list[str]:
        """What SQLite finds wrong with the file; reads all of it."""
        found = [str(line) for (line,) in self._execute("PRAGMA quick_check(10)")]
        return [] if found == ["ok"] else found

    def _refuse_damage(self) -> None:
        if found := self.damage():
            raise DamagedStoreError(f"the store {self.path} is damaged ({found[0]}); {REBUILD}")

    def _check_version(self, *, read_only: bool) -> None:
        known = len(MIGRATIONS)
        if self.version > known:
            raise UserError(
                f"the store {self.path} is of version {self.version}, and this Threadbridge knows {known}:"
                " install the newer Threadbridge again"
            )
        if read_only and self.version < known:
            raise StoreError(f"the store {self.path} is older than this Threadbridge; `threadbridge run` upgrades it")

    def _migrate(self) -> None:
        """Each step is committed together with its version: whenever it is cut off, the next start goes on."""
        if 0 < self.version < len(MIGRATIONS):
            self._keep_copy()
        for version, migration in enumerate(MIGRATIONS, 1):
            if version > self.version:
                try:
                    self._migrate_to(version, migration)
                except sqlite3.DatabaseError as error:
                    raise _translated(self.path, error) from error

    def _keep_copy(self) -> None:
        """``threadbridge.db.v1`` and so on, for the version before. Without room for it nothing is begun."""
        copy = self.path.with_name(f"{self.path.name}.v{self.version}")
        beside = copy.with_name(f".{copy.name}.new")
        try:
            beside.unlink(missing_ok=True)
            os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            self._execute("VACUUM INTO ?", (str(beside),))
            beside.replace(copy)
        except OSError as error:
            raise StoreError(f"no copy of the store {self.path} could be kept: {error.strerror}") from error
        finally:
            with suppress(OSError):
                beside.unlink(missing_ok=True)

    def _migrate_to(self, version: int, migration: Migration) -> None:
        if isinstance(migration, str):
            sql = resources.files("supervisor.sessions").joinpath(migration).read_text()
            try:
                self._db.executescript(f"BEGIN IMMEDIATE;\n{sql}\nPRAGMA user_version = {version};\nCOMMIT;")
            finally:
                if self._db.in_transaction:
                    self._db.rollback()
            return
        with self.transaction():
            migration(self._execute)
            self._execute(f"PRAGMA user_version = {version}")

    # --- sessions ------------------------------------------------------------------------------------

    def add_session(self, session: ManagedSession) -> None:
        self._execute(
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
        rows = self._execute(
            "SELECT snapshot, view, ended_at, end_reason, fresh, attached FROM sessions ORDER BY created_at"
        )
        try:
            return [
                SessionRow(_session.decode(snapshot), _view.decode(view), ended_at, end_reason, bool(fresh), attached)
                for snapshot, view, ended_at, end_reason, fresh, attached in rows
            ]
        except msgspec.MsgspecError as error:
            words = f"the store {self.path} cannot be used: a session in it cannot be read ({error}); {REBUILD}"
            raise StoreError(words, is_damage=True) from error

    def save(self, row: SessionRow) -> None:
        self._execute(
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
            except msgspec.MsgspecError as error:
                self._unread.note("inbox", number, session_id, error)
        return found

    def sessions_with_wishes(self) -> set[str]:
        """Those for which something waits that would start a worker; a setting does not (bridge.protocol.commands)."""
        rows = self._execute(
            "SELECT DISTINCT session_id FROM inbox WHERE key NOT LIKE 'configure:%'"  # noqa: S608 - only numbers
            f" AND id NOT IN {self._unread.list_of('inbox')}"
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

    # --- posts ---------------------------------------------------------------------------------------

    def desire(self, session_id: str, key: str, post: Post) -> None:
        self._desire(session_id, key, post, "")

    def desire_where_shown(self, session_id: str, key: str, post: Post) -> None:
        """A post that stands there, or may, is brought to this; one that was not begun yet is not wanted any more."""
        self._execute(
            "DELETE FROM posts WHERE session_id = ? AND key = ? AND message_id IS NULL AND attempted_at IS NULL"
            " AND failed = ''",
            (session_id, key),
        )
        self._execute(
            "UPDATE posts SET desired = ? WHERE session_id = ? AND key = ?", (_json.encode(post), session_id, key)
        )

    def desire_silently(self, session_id: str, key: str, post: Post) -> None:
        """As history has it: a post that we know is edited, one that we do not know is not made (again)."""
        self._desire(session_id, key, post, HISTORY)

    def _desire(self, session_id: str, key: str, post: Post, failed: str) -> None:
        self._execute(
            "INSERT INTO posts (session_id, key, desired, failed) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (session_id, key) DO UPDATE SET desired = excluded.desired"
            " WHERE desired <> excluded.desired",
            (session_id, key, _json.encode(post), failed),
        )

    def reveal(self, session_id: str, key: str) -> None:
        """A post of history is made after all: what Discord shows of it is wrong by now."""
        self._execute(
            "UPDATE posts SET failed = '' WHERE session_id = ? AND key = ? AND failed = ?", (session_id, key, HISTORY)
        )

    def may_exist(self, session_id: str) -> None:
        """Posts that this store never made may have been made all the same, by a later state of it."""
        self._execute(
            "UPDATE posts SET attempted_at = 0 WHERE session_id = ? AND message_id IS NULL AND attempted_at IS NULL"
            " AND failed = ''",
            (session_id,),
        )

    def add_shown(self, session_id: str, key: str, message_id: int, post: Post) -> None:
        """A post that is known to stand there."""
        self._execute(
            "INSERT INTO posts (session_id, key, desired, shown, message_id) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (session_id, key, _json.encode(post), _json.encode(post), message_id),
        )

    def unsettled_posts(self, session_id: str) -> list[PostRow]:
        """Posts of the session that Discord does not show as desired, in the thread's order."""
        return self._posts("session_id = ? AND failed = '' AND (shown IS NULL OR shown <> desired)", session_id)

    def post(self, session_id: str, key: str) -> PostRow | None:
        return next(iter(self._posts("session_id = ? AND key = ?", session_id, key)), None)

    def post_of_message(self, message_id: int) -> PostRow | None:
        """The post that this message of Discord's shows."""
        return next(iter(self._posts("message_id = ?", message_id)), None)

    def posts_like(self, session_id: str, prefix: str) -> list[PostRow]:
        return self._posts("session_id = ? AND substr(key, 1, ?) = ?", session_id, len(prefix), prefix)

    def unsettled_sessions(self) -> list[str]:
        rows = self._execute(
            "SELECT DISTINCT session_id FROM posts WHERE failed = '' AND (shown IS NULL OR shown <> desired)"  # noqa: S608
            f" AND id NOT IN {self._unread.list_of('posts')}"
        )
        return [session_id for (session_id,) in rows]

    def _posts(self, condition: str, *values: object) -> list[PostRow]:
        rows = self._execute(
            "SELECT id, session_id, key, desired, shown, message_id, attempt, attempted_at FROM posts"  # noqa: S608
            f" WHERE {condition} ORDER BY id",
            values,
        )
        found = []
        for number, session, key, desired, shown, *rest in rows:
            try:
                found.append(PostRow(number, session, key, _post.decode(desired), _shown(shown), *rest))
            except msgspec.MsgspecError as error:
                self._unread.note("posts", number, session, error)
        return found

    def attempt(self, post_id: int, attempt: int, at: float | None) -> None:
        """A create is about to be sent. Committed before it is. None: it was refused, so it surely was not made."""
        self._execute("UPDATE posts SET attempt = ?, attempted_at = ? WHERE id = ?", (attempt, at, post_id))

    def shown(self, post_id: int, message_id: int, post: Post) -> None:
        self._execute(
            "UPDATE posts SET message_id = ?, shown = ? WHERE id = ?",
            (message_id, _json.encode(post), post_id),
        )

    def forget_message(self, post_id: int) -> None:
        """Its message is gone: the post is new again."""
        self._execute(
            "UPDATE posts SET message_id = NULL, shown = NULL, attempt = attempt + 1, attempted_at = NULL WHERE id = ?",
            (post_id,),
        )

    def give_up(self, post_id: int) -> None:
        """There is no place (any more) where it could be shown."""
        self._execute("UPDATE posts SET failed = ? WHERE id = ?", (GONE, post_id))

    def revive(self) -> None:
        """What an older Threadbridge gave up because of one refusal is tried again.

        A post of a session that has ended is only brought up to date: nobody waits for a new one there.
        """
        self._execute(
            "UPDATE posts SET failed = '' WHERE failed NOT IN ('', ?, ?) AND (message_id IS NOT NULL"
            " OR session_id IN (SELECT session_id FROM sessions WHERE ended_at IS NULL))",
            (HISTORY, GONE),
        )

    # --- starts, cursors, facts ----------------------------------------------------------------------

    def add_start(self, start: StartRow) -> None:
        self._execute(
            "INSERT OR REPLACE INTO starts (session_id, start, public_key, started_at) VALUES (?, ?, ?, ?)",
            (start.session_id, start.start, start.public_key, start.started_at),
        )

    def starts(self) -> list[StartRow]:
        rows = self._execute("SELECT session_id, start, public_key, started_at FROM starts")
        return [StartRow(*row) for row in rows]

    def remove_start(self, session_id: str, start: str) -> None:
        self._execute("DELETE FROM starts WHERE session_id = ? AND start = ?", (session_id, start))

    def cursor(self, channel_id: int) -> int:
        rows = self._execute("SELECT message_id FROM cursors WHERE channel_id = ?", (channel_id,))
        return int(rows[0][0]) if rows else 0

    def move_cursor(self, channel_id: int, message_id: int) -> None:
        self._execute(
            "INSERT INTO cursors (channel_id, message_id) VALUES (?, ?) ON CONFLICT (channel_id)"
            " DO UPDATE SET message_id = max(message_id, excluded.message_id)",
            (channel_id, message_id),
        )

    def fact(self, name: str) -> str:
        rows = self._execute("SELECT value FROM facts WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else ""

    def facts(self, prefix: str) -> list[str]:
        """The names that begin so."""
        rows = self._execute("SELECT name FROM facts WHERE substr(name, 1, ?) = ?", (len(prefix), prefix))
        return [str(name) for (name,) in rows]

    def remember(self, name: str, value: str) -> None:
        self._execute("INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value))

    def forget(self, name: str) -> None:
        self._execute("DELETE FROM facts WHERE name = ?", (name,))


def _shown(post: bytes | None) -> Post | None:
    return _post.decode(post) if post else None


def _open(path: Path, *, read_only: bool) -> sqlite3.Connection:
    try:
        if not read_only:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        uri = path.absolute().as_uri() + ("?mode=ro" if read_only else "?mode=rw")
        db = sqlite3.connect(uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    except OSError as error:
        raise StoreError(f"the store {path} cannot be opened: {error.strerror}") from error
    except sqlite3.DatabaseError as error:
        raise _translated(path, error) from error
    try:
        pragmas = ("query_only = ON",) if read_only else ("journal_mode = WAL", "synchronous = NORMAL")
        for pragma in (*pragmas, "foreign_keys = ON"):
            db.execute(f"PRAGMA {pragma}")
    except sqlite3.DatabaseError as error:
        db.close()
        raise _translated(path, error) from error
    return db


def _translated(path: Path, error: sqlite3.DatabaseError) -> Exception:
    """A mistake of ours (a constraint, wrong SQL) stays what it is."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # without the extension (sqlite.org, "Result Codes")
    if code in _IS_DAMAGED:
        return StoreError(f"the store {path} cannot be used: {error}; {REBUILD}", is_damage=True)
    if code in _MAY_PASS:
        return StoreError(f"the store {path} does not work now: {_MAY_PASS[code]} ({error})")
    return error
