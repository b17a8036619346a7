"""Which workers another version started."""

from pathlib import Path

from supervisor.assembly import session_manager
from supervisor.sessions.starts_table import StartRow
from supervisor.sessions.store import Store
from supervisor.sessions.versions import note_version, older_starts


def test_a_start_before_this_version_ran_here_is_of_another(tmp_path: Path) -> None:
    store, now = Store(tmp_path / "db"), [1000.0]
    manager = session_manager(store, lambda: now[0])
    assert older_starts(store) == set()
    for version, at in (("0.1", 1000.0), ("0.1", 1500.0), ("0.2", 2000.0), ("0.2", 2500.0)):
        now[0] = at
        note_version(manager.sessions, version)
        with store.transaction():
            store._execute("PRAGMA defer_foreign_keys = ON")
            store._execute("DELETE FROM starts")
        assert older_starts(store) == set()
    from_before = [StartRow("a", "s", "k", 1999.0), StartRow("b", "s", "k", 2001.0)]
    store.starts = lambda: from_before  # type: ignore[method-assign]
    assert older_starts(store) == {"a"}
    store.close()
