"""What is said in a channel about a message that belongs to no session: kept until Discord took it.

    a message is handled ──▶ its words are kept, in that transaction ──▶ TOLD ──Discord took or refused it──▶ forgotten
                                                                         │  ▲
                                              Discord is away, or we die └──┘ told again once we are connected, and now
                                                                              and then: what we hear may go on meanwhile

One that was told in the moment of a death may stand there twice; one that is missing would be the worse of the two. As
long as we live none is told again that Discord took, also where the store does not take that.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Protocol

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.render import replies
from bridge.render.posts import Post
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

MOST_KEPT = 100
"""Of single messages, in all channels."""
LONGEST_KEPT_S = 86_400.0
"""Nobody waits for an answer to what was written the day before."""
AGAIN_S = 300.0

log = logging.getLogger(__name__)


class Words(msgspec.Struct, frozen=True):
    """``at`` in Unix seconds. Named by their nonce."""

    channel_id: int
    post: Post
    nonce: str
    at: float
    left_out: int = 0
    """Of a line that stands for several: for how many."""


class Tell(Protocol):
    """Says something some time soon; ``ended`` is called once, with whether Discord took or refused it."""

    def __call__(self, channel_id: int, post: Post, nonce: str, ended: Callable[[bool], None] = ..., /) -> None: ...


class ChannelWords:
    def __init__(self, manager: SessionManager, tell: Tell) -> None:
        self._manager = manager
        self._tell = tell
        self._telling = set[str]()
        """The nonces of what is being told now."""
        self._settled = set[str]()
        """Of what Discord took or refused, and the store does not know that yet."""

    def keep(self, channel_id: int, post: Post, nonce: str) -> None:
        """Within the caller's transaction, behind which they are to be told."""
        words = Words(channel_id, post, nonce, self._manager.clock())
        self._keep(fitting([*(one for one in self._kept() if one.nonce != nonce), words], self._telling))

    def tell(self, channel_id: int, post: Post, nonce: str) -> None:
        """Some time soon; nothing waits for it. What is being told, or was, is not told beside that."""
        if nonce not in self._telling | self._settled:
            self._telling.add(nonce)
            self._tell(channel_id, post, nonce, lambda is_settled: self._ended(nonce, is_settled))

    def tell_again(self) -> None:
        """What was not taken. Raises StoreError."""
        self._forget_settled()
        for one in self._kept():
            self.tell(one.channel_id, one.post, one.nonce)

    async def run(self) -> None:
        """Until cancelled: what Discord did not take is told now and then, also where no connection is lost."""
        while True:
            await asyncio.sleep(AGAIN_S)
            with suppress(StoreError):
                self.tell_again()

    def _ended(self, nonce: str, is_settled: bool) -> None:
        self._telling.discard(nonce)
        if is_settled:
            self._settled.add(nonce)
            self._forget_settled()

    def _forget_settled(self) -> None:
        """Where the store does not take that now, it is tried again; until then memory knows it."""
        try:
            kept = self._kept()
            left = [one for one in kept if one.nonce not in self._settled]
            if len(left) < len(kept):
                with self._manager.transaction():
                    self._keep(left)
            self._settled.clear()
        except StoreError as error:
            log.info("words in a channel would be said twice after a death now: %s", error)

    def _kept(self) -> list[Words]:
        try:
            kept = msgspec.json.decode(self._manager.fact(Fact.CHANNEL_WORDS) or "[]", type=list[Words])
        except UNREADABLE as error:
            log.warning("what was to be said in channels cannot be read: %s", error)
            return []
        return [one for one in kept if self._manager.clock() - one.at < LONGEST_KEPT_S]

    def _keep(self, words: list[Words]) -> None:
        self._manager.store.remember(Fact.CHANNEL_WORDS, msgspec.json.encode(words).decode())


def fitting(words: list[Words], telling: Collection[str]) -> list[Words]:
    """Of those of single messages ``MOST_KEPT``; for what is left out its channel is told how many they were.

    The oldest of the channel with the most goes first, and of that what is not being told now.
    """
    while len(single := [one for one in words if not one.left_out]) > MOST_KEPT:
        ((channel_id, _),) = Counter(one.channel_id for one in single).most_common(1)
        mine = [one for one in single if one.channel_id == channel_id]
        words = _without(words, next((one for one in mine if one.nonce not in telling), mine[0]), telling)
    return words


def _without(words: list[Words], gone: Words, telling: Collection[str]) -> list[Words]:
    """It counts in its channel's line, or begins one: a line that is being told says what it says."""
    open_lines = (one for one in words if one.channel_id == gone.channel_id and one.nonce not in telling)
    line = next((one for one in open_lines if one.left_out), None)
    count, nonce = (line.left_out + 1, line.nonce) if line else (1, f"m{gone.nonce}")
    counted = Words(gone.channel_id, Post(replies.left_out(count), silent=True), nonce, gone.at, count)
    place = line or gone
    return [counted if one is place else one for one in words if one is place or one is not gone]
