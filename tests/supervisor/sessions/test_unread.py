"""After a downgrade the store holds wishes and posts that nobody here can read: they wait, and nothing else does."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol.layout import Layout
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from supervisor.assembly import session_manager
from supervisor.operator import status
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store import Store

ADA = Person(111, "Ada", 9)

DEEP = b'{"newer":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
WISHES = [b'{"kind":"Teleport","to":"Mars"}', b'{"kind":"Prompt","prompt_id":"new","text":7}', b"[]", b"\xff", DEEP]
POSTS = [b'{"content":{"newer":1}}', b"[]", b"\xff", DEEP]


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Store]:
    store = Store(path)
    try:
        yield store
    finally:
        store.close()


def begin(manager: SessionManager) -> ManagedSession:
    return manager.create_session(CreateSession(10**18, 9, Channel(222, "/srv"), ADA, "hello", "a name"))


def put_wish(store: Store, session_id: str, command: bytes) -> None:
    with store.transaction():
        sql = "INSERT INTO inbox (session_id, key, command, created_at) VALUES (?, 'new', ?, 1)"
        store._execute(sql, (session_id, command))


@pytest.mark.parametrize("command", WISHES)
def test_a_wish_that_cannot_be_read_stays_and_those_beside_it_go(
    tmp_path: Path, command: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    with opened(tmp_path / "db") as store:
        manager = session_manager(store)
        session = begin(manager)
        put_wish(store, session.session_id, command)
        manager.prompt(session.session_id, 7, "and then", ADA)
        for _ in range(2):
            found = [item.command for item in manager.inbox(session.session_id)]
            assert [one.text for one in found if isinstance(one, c.Prompt)] == ["hello", "and then"]
        assert ("new", command) in store._execute("SELECT key, command FROM inbox")
    assert len(caplog.records) == 1
    assert "waits for the Threadbridge that can read it" in caplog.text


def test_a_wish_that_cannot_be_read_starts_no_worker_again_and_again(tmp_path: Path) -> None:
    with opened(tmp_path / "db") as store:
        manager = session_manager(store)
        session = begin(manager)
        with store.transaction():
            store.drop_wishes(session.session_id)
        put_wish(store, session.session_id, WISHES[0])
        manager.inbox(session.session_id)
        assert store.sessions_with_wishes() == set()


@pytest.mark.parametrize("what", ["wish", "post", "nothing"])
def test_status_says_in_which_session_something_waits_that_cannot_be_read(tmp_path: Path, what: str) -> None:
    layout = Layout(tmp_path)
    with opened(layout.database) as store:
        session_id = begin(session_manager(store)).session_id
        if what == "wish":
            put_wish(store, session_id, DEEP)
        if what == "post":
            sql = "INSERT INTO posts (session_id, key, desired) VALUES (?, 'new', ?)"
            store._execute(sql, (session_id, DEEP))
    assert status.look(layout, 1.0).unread == (() if what == "nothing" else (session_id,))


@pytest.mark.parametrize("column", ["desired", "shown"])
@pytest.mark.parametrize("post", POSTS)
def test_a_post_that_cannot_be_read_stays_and_those_beside_it_are_shown(
    tmp_path: Path, post: bytes, column: str
) -> None:
    with opened(tmp_path / "db") as store:
        session_id = begin(session_manager(store)).session_id
        others = len(store.unsettled_posts(session_id))
        with store.transaction():
            sql = "INSERT INTO posts (session_id, key, desired, shown) VALUES (?, 'new', ?, ?)"
            readable = b'{"content":"hello"}'
            store._execute(sql, (session_id, *((post, readable) if column == "desired" else (readable, post))))
        assert len(store.unsettled_posts(session_id)) == others
        assert store.post(session_id, "new") is None
        assert store.posts_like(session_id, "new") == []
        with store.transaction():
            store._execute("DELETE FROM posts WHERE key <> 'new'")
        assert store.unsettled_sessions() == []
