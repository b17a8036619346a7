"""Since when this version runs here, so that it can be told which workers an earlier one started."""

from supervisor.sessions.facts_table import Fact
from supervisor.sessions.rows import Sessions
from supervisor.sessions.store import Store


def note_version(sessions: Sessions, version: str) -> None:
    """At each start. Raises StoreError."""
    if _noted(sessions.store)[0] != version:
        sessions.remember(Fact.VERSION_SINCE, f"{version} {sessions.clock()}")


def older_starts(store: Store) -> set[str]:
    """The sessions whose workers another version started. Raises StoreError."""
    since = _noted(store)[1]
    return {start.session_id for start in store.starts() if start.started_at < since}


def _noted(store: Store) -> tuple[str, float]:
    version, _, since = store.fact(Fact.VERSION_SINCE).rpartition(" ")
    return version, float(since or 0.0)
