"""Whether somebody was told, once, that an update closed the home to sessions."""

from bridge.protocol import events as e
from bridge.render import notices
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.rows import Sessions
from supervisor.sessions.store import Store

_UNTOLD, _TOLD = "untold", "told"


def note_walls(sessions: Sessions) -> None:
    """At a start: who has sessions from before the home was closed is to be told so, once."""
    if not sessions.store.fact(Fact.WALLS):
        sessions.remember(Fact.WALLS, _UNTOLD if sessions.rows else _TOLD)


def tell_of_walls(store: Store, session_id: str, event: e.AnyEvent) -> None:
    """In the first thread after that update. Within the caller's transaction."""
    if (
        isinstance(event, e.WorkerStarted)
        and event.containment.endswith("level project")
        and store.fact(Fact.WALLS) == _UNTOLD
    ):
        store.desire(session_id, "walls", notices.closed_now())
        store.remember(Fact.WALLS, _TOLD)
