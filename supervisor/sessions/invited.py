"""Who is invited to talk in one session's thread: facts of the store, by the session."""

from collections.abc import Collection

import msgspec

from supervisor.sessions.store import Store

_INVITED = "invited:"


def invited_in(store: Store, session_id: str) -> frozenset[int]:
    """Their user ids."""
    told = store.fact(f"{_INVITED}{session_id}")
    return msgspec.json.decode(told, type=frozenset[int]) if told else frozenset()


def note_invited(store: Store, session_id: str, users: Collection[int]) -> None:
    """Within the caller's transaction. Raises StoreError."""
    if users:
        store.remember(f"{_INVITED}{session_id}", msgspec.json.encode(sorted(users)).decode())
    else:
        store.forget(f"{_INVITED}{session_id}")
