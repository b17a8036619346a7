"""What is said in a channel about a message that belongs to no session: kept until Discord took it.

    a message is handled ──▶ its words are kept, in that transaction ──▶ TOLD ──Discord took or refused it──▶ forgotten
                                                                         │  ▲
                                              Discord is away, or we die └──┘ told again once we are connected, and now
                                                                              and then: what we hear may go on meanwhile

One that was told in the moment of a death may stand there twice; one that is missing would be the worse of the two.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.render.posts import Post
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

MOST_KEPT = 100
LONGEST_KEPT_S = 86_400.0
"""Nobody waits for an answer to what was written the day before."""
AGAIN_S = 300.0
"""Longer than it takes to give up (``supervisor.discord.telling``): nothing is told twice at a time."""

log = logging.getLogger(__name__)


class Words(msgspec.Struct, frozen=True):
    """``at`` in Unix seconds. Named by their nonce."""

    channel_id: int
    post: Post
    nonce: str
    at: float


class Tell(Protocol):
    """Says something some time soon; ``settled`` is called once Discord took or refused it."""

    def __call__(self, channel_id: int, post: Post, nonce: str, settled: Callable[[], None] = ..., /) -> None: ...


class ChannelWords:
    def __init__(self, manager: SessionManager, tell: Tell) -> None:
        self._manager = manager
        self._tell = tell

    def keep(self, channel_id: int, post: Post, nonce: str) -> None:
        """Within the caller's transaction, behind which they are to be told."""
        words = Words(channel_id, post, nonce, self._manager.clock())
        self._keep([*(one for one in self._kept() if one.nonce != nonce), words])

    def tell(self, channel_id: int, post: Post, nonce: str) -> None:
        """Some time soon; nothing waits for it."""
        self._tell(channel_id, post, nonce, lambda: self._forget(nonce))

    def tell_again(self) -> None:
        """We are connected. Raises StoreError."""
        for one in self._kept():
            self.tell(one.channel_id, one.post, one.nonce)

    async def run(self) -> None:
        """Until cancelled, tell again what was kept already the last time."""
        before = frozenset[str]()
        while True:
            await asyncio.sleep(AGAIN_S)
            with suppress(StoreError):
                before = self._tell_old(before)

    def _tell_old(self, before: frozenset[str]) -> frozenset[str]:
        kept = self._kept()
        for one in kept:
            if one.nonce in before:
                self.tell(one.channel_id, one.post, one.nonce)
        return frozenset(one.nonce for one in kept)

    def _forget(self, nonce: str) -> None:
        try:
            kept = self._kept()
            left = [one for one in kept if one.nonce != nonce]
            if len(left) < len(kept):
                with self._manager.transaction():
                    self._keep(left)
        except StoreError as error:
            log.info("words in a channel may be said twice: %s", error)

    def _kept(self) -> list[Words]:
        try:
            kept = msgspec.json.decode(self._manager.fact(Fact.CHANNEL_WORDS) or "[]", type=list[Words])
        except UNREADABLE as error:
            log.warning("what was to be said in channels cannot be read: %s", error)
            return []
        return [one for one in kept if self._manager.clock() - one.at < LONGEST_KEPT_S]

    def _keep(self, words: list[Words]) -> None:
        self._manager.store.remember(Fact.CHANNEL_WORDS, msgspec.json.encode(words[-MOST_KEPT:]).decode())
