"""A store of version 1 is brought up: what lay in it under composed names stands in columns and tables."""

from pathlib import Path

import pytest

from bridge.protocol.errors import UserError
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from supervisor.assembly import session_manager
from supervisor.sessions import database
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.store import Store

THREAD, CHANNEL, GUILD, ADA, BOB = 1000, 222, 7, 111, 112
DIRECTORY = "0123456789abcdef"
"""A digest of its path."""
FIRST = ("schema.sql",)


@pytest.fixture
def session_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The id of the one session in a store as version 1 left it, with all that it kept as facts."""
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", FIRST)
        store = Store(tmp_path / "db")
        made = CreateSession(THREAD, GUILD, Channel(CHANNEL, str(tmp_path)), Person(ADA, "Ada"), "one", "one")
        row = made_by_hand(store, made)
        for name, value in facts(row).items():
            store._execute("INSERT INTO facts (name, value) VALUES (?, ?)", (name, value))
        store.close()
    return row


def made_by_hand(store: Store, made: CreateSession) -> str:
    """As a version that knows no other tables begins a session."""
    session_id = "5c0ffee5-0000-4000-8000-000000000001"
    store._execute(
        "INSERT INTO sessions (session_id, thread_id, channel_id, created_at, snapshot, view)"
        " VALUES (?, ?, ?, 1, ?, ?)",
        (session_id, made.thread_id, made.channel.channel_id, b"{}", b"{}"),
    )
    return session_id


def facts(session_id: str) -> dict[str, str]:
    return {
        f"offers:{session_id}": '{"models": []}',
        f"accepted:{session_id}": "77",
        f"held:{session_id}": "0",
        f"restored:{session_id}": "?1800000000",
        f"login:{session_id}": "1800000000.0",
        f"no_place:{session_id}": "1",
        f"invited:{session_id}": f"[{ADA},{BOB}]",
        f"dropped_files:{session_id}": "5 3",
        f"default:{CHANNEL}:permission_mode": "plan",
        f"default:{CHANNEL}:model": "opus",
        f"ahead:{CHANNEL}": "30 20",
        "rule:abc": '{"rule": 1}',
        f"trust-asked:{CHANNEL}:{DIRECTORY}": "asked",
        f"trusted:{CHANNEL}:{DIRECTORY}": "trusted",
        f"trusted:{CHANNEL + 1}:{DIRECTORY}": "trusted too",
        f"commands:{GUILD}": "digest",
        "invited:5c0ffee5-0000-4000-8000-00000000dead": "[1]",
        "identify_budget": '{"left": 0.5, "at": 5}',
        "walls": "told",
        "held-by-nobody": "stays",
    }


def test_all_that_was_kept_by_name_is_where_it_belongs(tmp_path: Path, session_id: str) -> None:
    store = Store(tmp_path / "db")
    assert store.version == len(database.MIGRATIONS)
    assert store.offers(session_id) == '{"models": []}'
    assert store.accepted_inode(session_id) == 77
    assert store.held_through(session_id) == 0
    assert store.restored(session_id) == "?1800000000"
    assert store.login_told(session_id) == "1800000000.0"
    assert store.sessions_without_place() == {session_id}
    assert store.invited(session_id) == {ADA, BOB}
    assert store.dropped_prompts(session_id) == [5, 3]
    assert [store.channel_default(CHANNEL, name) for name in ("permission_mode", "model", "effort")] == [
        "plan",
        "opus",
        "",
    ]
    assert store.handled_ahead(CHANNEL) == [20, 30]
    assert (store.rule("abc"), store.rules()) == ('{"rule": 1}', ['{"rule": 1}'])
    assert store.trust("asked", CHANNEL, DIRECTORY) == "asked"
    assert store.all_trust("trusted") == [(CHANNEL, "trusted"), (CHANNEL + 1, "trusted too")]
    assert store.registration(GUILD) == "digest"
    store.close()


def test_what_belongs_to_the_whole_bridge_stays_a_fact_and_nothing_else_does(tmp_path: Path, session_id: str) -> None:
    store = Store(tmp_path / "db")
    left = {str(name) for (name,) in store._execute("SELECT name FROM facts")}
    assert left == {"identify_budget", "walls", "held-by-nobody"}
    assert store.fact(Fact.WALLS) == "told"
    store.close()


def test_a_session_without_any_of_it_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", FIRST)
        Store(tmp_path / "db").close()
    store = Store(tmp_path / "db")
    manager = session_manager(store)
    made = CreateSession(THREAD, GUILD, Channel(CHANNEL, str(tmp_path)), Person(ADA, "Ada"), "one", "one")
    one = manager.create_session(made).session_id
    assert (store.offers(one), store.accepted_inode(one), store.held_through(one)) == ("", 0, None)
    assert (store.restored(one), store.login_told(one), store.sessions_without_place()) == ("", "", set())
    assert (store.invited(one), store.dropped_prompts(one), store.rules()) == (frozenset(), [], [])
    store.close()


def test_the_version_before_refuses_it_in_words_and_can_read_the_copy(
    tmp_path: Path, session_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path / "db").close()
    monkeypatch.setattr(database, "MIGRATIONS", FIRST)
    with pytest.raises(UserError, match="of version 4, and this Threadbridge knows 1: install the newer Threadbridge"):
        Store(tmp_path / "db")
    copy = Store(tmp_path / "db.v1")
    default = f"default:{CHANNEL}:model"
    assert copy._execute("SELECT value FROM facts WHERE name = ?", (default,)) == [("opus",)]
    copy.close()
