"""What the outbox remembers of one session while it changes."""

import asyncio

import msgspec

from supervisor.threads.troubles import Troubles

NEVER = float("-inf")


class KeptThread(msgspec.Struct, eq=False):
    """What we remember of a session while it changes. Times in seconds of the loop."""

    session_id: str
    woken: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    running: bool = False
    noticed_at: float = NEVER
    written_at: float = NEVER
    answered_at: float = NEVER
    writes: int = 0
    turn_seq: int = 0
    since: dict[int, float] = msgspec.field(default_factory=dict)
    """Since when a post waits, by its row."""
    failures: int = 0
    not_before: float = NEVER
    troubles: Troubles = msgspec.field(default_factory=Troubles)


def now() -> float:
    """Seconds of the loop."""
    return asyncio.get_running_loop().time()
