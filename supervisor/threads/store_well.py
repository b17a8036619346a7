"""Waiting until a store that took no writes does again; Discord is not asked for anything meanwhile."""

import asyncio
import time
from collections.abc import Callable

from supervisor.sessions.facts_table import Fact
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import STORE_LOOK_S, StoreError


async def until_well(store: Store, clock: Callable[[], float] = time.time) -> None:
    """``clock`` gives Unix seconds."""
    while True:
        await asyncio.sleep(STORE_LOOK_S)
        try:
            with store.transaction():
                store.remember(Fact.OUTBOX_WAITED_AT, str(clock()))
        except StoreError:
            continue
        return
