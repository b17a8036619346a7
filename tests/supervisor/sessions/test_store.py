"""What the store says when the disk, a lock, damage or another version is in the way."""

import contextlib
import logging
import os
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol.errors import UserError
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from supervisor.assembly import session_manager
from supervisor.sessions import database as store_module
from supervisor.sessions.database import MIGRATIONS, DamagedStoreError, Execute
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import PAUSE_S, SAID_AGAIN_S, Health, StoreError

ADA = Person(111, "Ada", 9)


@contextlib.contextmanager
def opened(path: Path, *, read_only: bool = False) -> Iterator[Store]:
    store = Store(path, read_only=read_only)
    try:
        yield store
    finally:
        store.close()


@contextlib.contextmanager
def full_disk(store: Store) -> Iterator[None]:
    """SQLite gets not one page more, and does not pause between two tries."""
    ((pages,),) = store._execute("PRAGMA page_count")
    store._execute(f"PRAGMA max_page_count = {pages}")
    yield
    store._execute("PRAGMA max_page_count = 1000000")
    store.health._again_at = 0.0


def fill(store: Store) -> None:
    with store.transaction():
        for n in range(200):
            store.keep_letter_answer(n, "x" * 4000)


def begin(manager: SessionManager, thread_id: int = 10**18) -> ManagedSession:
    return manager.create_session(CreateSession(thread_id, 9, Channel(222, "/srv"), ADA, "hello", "a name"))


# --- what may pass -----------------------------------------------------------------------------------


def test_a_full_disk_is_said_in_words_and_nothing_is_half_written(tmp_path: Path) -> None:
    with opened(tmp_path / "db") as store:
        with full_disk(store), pytest.raises(StoreError, match="the disk is full"):
            fill(store)
        assert store.letter_answer(0) == ""
        fill(store)
        assert store.letter_answer(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a tiny disk")
def test_a_disk_that_is_really_full_takes_writes_again_when_there_is_room(tmp_path: Path) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(tmp_path)], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("may not mount here")
    try:
        with opened(tmp_path / "db") as store:
            manager = session_manager(store)
            session = begin(manager)
            with pytest.raises(OSError, match="No space"):
                (tmp_path / "ballast").write_bytes(b"x" * 1_000_000)
            with pytest.raises(StoreError, match=r"the disk is full|or is full"):
                manager.prompt(session.session_id, 5, "x" * 100_000, ADA)
            assert [item.id for item in manager.inbox(session.session_id)] == [1]
            (tmp_path / "ballast").unlink()
            store.health._again_at = 0.0
            manager.prompt(session.session_id, 5, "x" * 100_000, ADA)
            assert len(manager.inbox(session.session_id)) == 2
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_somebodys_lock_is_waited_for_only_for_a_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "BUSY_TIMEOUT_S", 0.01)
    with opened(tmp_path / "db") as store:
        other = sqlite3.connect(tmp_path / "db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another program has it locked"):
            fill(store)
        other.close()
        store.health._again_at = 0.0
        fill(store)


def test_memory_never_knows_more_than_the_disk(tmp_path: Path) -> None:
    with opened(tmp_path / "db") as store:
        manager = session_manager(store)
        session = begin(manager)
        row = manager.row(session.session_id)
        with full_disk(store), pytest.raises(StoreError):
            manager.destroy_session(session.session_id, "x" * 100_000)
        assert row.ended_at is None
        assert row is manager.row(session.session_id)
        manager.destroy_session(session.session_id, "enough")
        assert row.end_reason == "enough"


def test_what_could_not_even_be_read_again_is_read_before_the_next_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_store: Store) -> list[object]:
        raise StoreError("the disk answers with an error")

    with opened(tmp_path / "db") as store:
        manager = session_manager(store)
        session = begin(manager)
        with full_disk(store), monkeypatch.context() as patch, pytest.raises(StoreError):
            patch.setattr(Store, "sessions", broken)
            manager.destroy_session(session.session_id, "x" * 100_000)
        assert manager.row(session.session_id).ended_at is not None, "memory is wrong for now"
        manager.remember(Fact.WALLS, "told")
        assert manager.row(session.session_id).ended_at is None


# --- saying it ---------------------------------------------------------------------------------------


class Hand:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_failure_is_logged_once_and_its_end_once(caplog: pytest.LogCaptureFixture) -> None:
    clock = Hand()
    health = Health("the store", clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(500):
            health.failed("the disk is full", 0.0)
            clock.now += 0.1
        health.well()
        health.well()
    assert [record.message.split(";")[0] for record in caplog.records] == [
        "the disk is full",
        "the store takes writes again",
    ]


def test_a_disk_that_is_full_every_other_moment_does_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    clock = Hand()
    health = Health("the store", clock)
    with caplog.at_level(logging.WARNING):
        for _ in range(100):
            health.failed("the disk is full", 0.0)
            health.well()
        assert len(caplog.records) == 2
        clock.now += SAID_AGAIN_S
        health.failed("the disk is full", 0.0)
    assert len(caplog.records) == 3


def test_after_a_failure_the_next_tries_are_refused_at_once_for_a_moment() -> None:
    clock = Hand()
    health = Health("the store", clock)
    health.check()
    health.failed("locked", took_s=2.0)
    clock.now += 3.9
    with pytest.raises(StoreError, match="locked"):
        health.check()
    clock.now += 0.1
    health.check()
    health.failed("the disk is full", took_s=0.0)
    clock.now += PAUSE_S
    health.check()


# --- what only a person can mend ---------------------------------------------------------------------


def test_what_is_no_store_is_refused_with_words_that_help(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"this is not a database, " * 200)
    with pytest.raises(DamagedStoreError, match="move it away and start again"):
        Store(tmp_path / "db")


def test_damage_in_the_middle_is_found_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with opened(path) as store:
        fill(store)
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 60_000] = os.urandom(60_000)
    path.write_bytes(data)
    with pytest.raises(DamagedStoreError, match="rebuilt from the sessions' logs"):
        Store(path)


def test_a_session_that_cannot_be_read_counts_as_damage(tmp_path: Path) -> None:
    with opened(tmp_path / "db") as store:
        begin(session_manager(store))
        store._execute("UPDATE sessions SET snapshot = ?", (b"{}",))
        with pytest.raises(StoreError, match="cannot be read") as raised:
            session_manager(store)
        assert raised.value.is_damage


# --- versions ----------------------------------------------------------------------------------------

SECOND = "ALTER TABLE facts ADD COLUMN noted_at REAL NOT NULL DEFAULT 0"


def second(execute: Execute) -> None:
    execute(SECOND, ())


def third(execute: Execute) -> None:
    execute("UPDATE facts SET noted_at = ? WHERE name = ?", (7.0, "walls"))


def test_an_older_store_is_brought_up_step_by_step_and_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path / "db") as store:
        begin(session_manager(store))
        with store.transaction():
            store.remember(Fact.WALLS, "told")
        assert store.version == len(MIGRATIONS)
    monkeypatch.setattr(store_module, "MIGRATIONS", (*MIGRATIONS, second, third))
    with pytest.raises(StoreError, match="older than this Threadbridge"):
        Store(tmp_path / "db", read_only=True)
    with opened(tmp_path / "db") as store:
        assert store.version == len(MIGRATIONS) + 2
        assert store.fact(Fact.WALLS) == "told"
        assert store._execute("SELECT noted_at FROM facts WHERE name = 'walls'") == [(7.0,)]
        assert len(session_manager(store).get_all_sessions()) == 1
    with opened(tmp_path / "db", read_only=True) as store:
        assert store.fact(Fact.WALLS) == "told"


def test_a_step_that_fails_leaves_the_version_before_it_and_is_done_by_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(execute: Execute) -> None:
        execute("INSERT INTO facts (name, value, noted_at) VALUES ('survey', 'done', 0)", ())
        raise KeyboardInterrupt

    first = len(MIGRATIONS)
    Store(tmp_path / "db").close()
    monkeypatch.setattr(store_module, "MIGRATIONS", (*MIGRATIONS, second, fails))
    with pytest.raises(KeyboardInterrupt):
        Store(tmp_path / "db")
    monkeypatch.setattr(store_module, "MIGRATIONS", (*MIGRATIONS, second, third))
    with opened(tmp_path / "db") as store:
        assert store.version == first + 2
        assert store.fact(Fact.SURVEY) == ""


def test_a_step_in_sql_that_fails_is_undone_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Store(tmp_path / "db").close()
    monkeypatch.setattr(store_module, "MIGRATIONS", (*MIGRATIONS, "schema.sql"))  # its tables exist already
    with pytest.raises(sqlite3.OperationalError):
        Store(tmp_path / "db")
    monkeypatch.undo()
    with opened(tmp_path / "db") as store:
        assert store.version == len(MIGRATIONS)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_newer_store_is_refused(tmp_path: Path, read_only: bool) -> None:
    with opened(tmp_path / "db") as store:
        store._execute("PRAGMA user_version = 99")
    with pytest.raises(UserError, match=r"version 99.*install the newer Threadbridge"):
        Store(tmp_path / "db", read_only=read_only)


def drop_facts(execute: Execute) -> None:
    execute("DROP TABLE facts", ())


def test_before_a_migration_a_copy_of_the_store_is_kept_that_the_version_before_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "threadbridge.db"
    old = Store(path)
    with old.transaction():
        old.remember(Fact.WALLS, "told")
    old.close()
    assert [file.name for file in tmp_path.glob("*.v*")] == []
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "MIGRATIONS", (*MIGRATIONS, drop_facts))
        newer = Store(path)
        assert newer.version == len(MIGRATIONS) + 1
        newer.close()
    copy = Store(tmp_path / f"threadbridge.db.v{len(MIGRATIONS)}")
    assert copy.fact(Fact.WALLS) == "told"
    assert stat.S_IMODE(copy.path.stat().st_mode) == 0o600
    copy.close()


def test_without_room_for_the_copy_no_migration_is_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "threadbridge.db"
    Store(path).close()
    (tmp_path / f".threadbridge.db.v{len(MIGRATIONS)}.new").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "MIGRATIONS", (*MIGRATIONS, drop_facts))
        with pytest.raises(StoreError, match="no copy"):
            Store(path)
    kept = Store(path)
    assert kept.version == len(MIGRATIONS)
    kept.close()
