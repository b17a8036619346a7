"""What is said in a channel some time soon, and nothing waits for it."""

import logging
from typing import Protocol

from bridge.protocol.errors import RemoteError
from bridge.render.posts import Post
from supervisor.discord.errors import Found
from supervisor.discord.pace import Priority
from supervisor.errands import Errands

log = logging.getLogger(__name__)


class PostingRest(Protocol):
    """What is needed of REST here; it raises the errors of ``supervisor.discord.errors``."""

    async def create(self, channel_id: int, post: Post, nonce: str, priority: Priority = ...) -> Found: ...


class Telling:
    def __init__(self, rest: PostingRest, errands: Errands) -> None:
        self._rest = rest
        self._errands = errands

    def tell(self, channel_id: int, post: Post, nonce: str) -> None:
        self._errands.begin(self._create(channel_id, post, nonce))

    async def _create(self, channel_id: int, post: Post, nonce: str) -> None:
        try:
            await self._rest.create(channel_id, post, nonce)
        except RemoteError as error:
            log.warning("channel %s could not be told: %s", channel_id, error)
