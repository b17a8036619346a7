"""A store of version 2 is brought up: what came to lie in it under composed names since then stands in tables."""

from pathlib import Path

import pytest

from supervisor.sessions import database
from supervisor.sessions.channels_table import ClosedBurst
from supervisor.sessions.store import Store

ONE, GONE = "5c0ffee5-0000-4000-8000-000000000001", "5c0ffee5-0000-4000-8000-00000000dead"
CHANNEL, ADA, BOB, EVE = 222, 111, 112, 113
SECOND = ("schema.sql", "schema_2.sql")
FACTS = {
    f"void:{ONE}": "5 3",
    f"void:{GONE}": "9",
    "letter:77": '{"done":true,"words":"sent"}',
    f"burst:{CHANNEL}:{ADA}": f'{{"session_id":"{ONE}","first":30,"last":31}}',
    f"burst:{CHANNEL}:{BOB}": f'{{"session_id":"{GONE}","first":40,"last":41}}',
    f"burst:{CHANNEL}:{EVE}": "damaged",
    "walls": "told",
    "version_since": "0.2 5.0",
    "held-by-nobody": "stays",
}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """As version 2 left it, opened by this one."""
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", SECOND)
        old = Store(tmp_path / "db")
        old._execute(
            "INSERT INTO sessions (session_id, thread_id, channel_id, created_at, snapshot, view)"
            " VALUES (?, 1000, ?, 1, ?, ?)",
            (ONE, CHANNEL, b"{}", b"{}"),
        )
        for name, value in FACTS.items():
            old._execute("INSERT INTO facts (name, value) VALUES (?, ?)", (name, value))
        old.close()
    return Store(tmp_path / "db")


def test_what_was_kept_by_name_is_where_it_belongs(store: Store) -> None:
    assert store.version == len(database.MIGRATIONS)
    assert store.void_prompts(ONE) == (3, 5)
    assert store.answered_letters() == {77}
    assert store.letter_answer(77) == FACTS["letter:77"]
    assert store.closed_burst(CHANNEL, ADA) == ClosedBurst(ONE, 30, 31)
    assert store.closed_burst(CHANNEL, BOB) is None, "its session is gone"
    assert store.closed_burst(CHANNEL, EVE) is None
    store.close()


def test_what_belongs_to_the_whole_bridge_stays_a_fact_and_nothing_else_does(store: Store) -> None:
    left = {str(name) for (name,) in store._execute("SELECT name FROM facts")}
    assert left == {"walls", "version_since", "held-by-nobody"}
    store.close()


def test_each_is_gone_with_what_it_is_of(store: Store) -> None:
    store.forget_letter(77)
    store.keep_void(ONE, [4])
    assert (store.letter_answer(77), store.void_prompts(ONE)) == ("", (4,))
    store._execute("DELETE FROM sessions")
    assert (store.void_prompts(ONE), store.closed_burst(CHANNEL, ADA)) == ((), None)
    store.close()
