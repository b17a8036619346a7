"""The supervisor's SQLite database: opened, looked at, brought to this version, written in transactions.

WAL with synchronous NORMAL: a commit survives the death of the process, and after a power cut the logs replay.

SQLite's errors are translated here, and nowhere else it is spoken to. What may pass (a full disk, a lock) is a
StoreError from any method; what only a person can mend is a UserError, and only when the database is opened. What its
tables hold is in ``supervisor.sessions.store``.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Any

from bridge.protocol.errors import UserError
from supervisor.sessions.store_health import Health, StoreError
from supervisor.sessions.unread import Unread

Rows = list[tuple[Any, ...]]
Execute = Callable[[str, Sequence[object]], Rows]
Migration = str | Callable[[Execute], None]
"""A file of SQL beside this one; or a function that gets ``execute(sql, values)``."""
MIGRATIONS: tuple[Migration, ...] = ("schema.sql", "schema_2.sql", "schema_3.sql", "schema_4.sql")
"""What makes version 1, then each what leads to the next. Never changed, only added to."""
BUSY_TIMEOUT_S = 1.0
"""We are the only writer; the loop stands still while we wait for somebody's lock."""

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


class DamagedStoreError(UserError):
    """Found at opening: no waiting mends it."""


class Database:
    """An open database. ``read_only`` for ``list`` and ``log``, which must not write beside a supervisor."""

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

    @property
    def unread_sessions(self) -> frozenset[str]:
        """Whose wishes or posts were met since it was opened that cannot be read, and so wait."""
        return frozenset(self._unread.sessions)

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

    def copy_to(self, path: Path) -> None:
        """All of it as of now, also while others write. Raises StoreError."""
        try:
            copy = sqlite3.connect(path)
            try:
                self._db.backup(copy)
            finally:
                copy.close()
        except sqlite3.Error as error:
            raise StoreError(f"the store {self.path} cannot be copied: {error}") from error

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
