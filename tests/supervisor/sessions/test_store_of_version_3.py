"""A store of version 3 is brought up: what was said of usage limits and known of channels has tables."""

from pathlib import Path

import pytest

from supervisor.sessions import database
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.store import Store
from supervisor.sessions.usage_table import Said

THIRD = ("schema.sql", "schema_2.sql", "schema_3.sql")
SAID = (
    '{"five_hour":{"mark":80,"resets_at":1800000000.0,"at":1.5},"seven_day":{"mark":95,"resets_at":0.0,"at":2.0},"x":1}'
)


@pytest.fixture(params=[SAID, "damaged", ""])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """As version 3 left it, opened by this one."""
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", THIRD)
        old = Store(tmp_path / "db")
        kept = (("usage", request.param), ("project:222", "/srv"))
        for name, value in (*kept, *((fact.value, f"{fact} as it was") for fact in Fact)):
            old._execute("INSERT INTO facts (name, value) VALUES (?, ?)", (name, value))
        old.close()
    return Store(tmp_path / "db")


@pytest.mark.parametrize("store", [SAID], indirect=True)
def test_what_was_said_of_each_limit_is_known(store: Store) -> None:
    assert store.version == len(database.MIGRATIONS)
    assert store.usage_said("five_hour") == Said(80, 1800000000.0, 1.5)
    assert store.usage_said("seven_day") == Said(95, 0.0, 2.0)
    assert store.usage_said("x") is None
    store.close()


def test_each_value_of_the_whole_bridge_stays_and_nothing_else_does(store: Store) -> None:
    assert [store.fact(fact) for fact in Fact] == [f"{fact} as it was" for fact in Fact]
    assert {name for (name,) in store._execute("SELECT name FROM facts")} == {fact.value for fact in Fact}
    store.close()


def test_the_project_that_a_channel_had_is_known(store: Store) -> None:
    assert (store.project_of(222), store.project_of(223)) == ("/srv", "")
    store.note_project(222, "/home")
    assert store.project_of(222) == "/home"
    store.close()


def test_what_is_said_later_is_said_instead(store: Store) -> None:
    store.note_usage_said("five_hour", Said(95, 1800000000.0, 3.0))
    assert store.usage_said("five_hour") == Said(95, 1800000000.0, 3.0)
    store.close()
