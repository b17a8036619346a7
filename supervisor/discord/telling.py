"""What is said in a channel some time soon, and nothing waits for it."""

import logging

from bridge.protocol.errors import RemoteError
from bridge.render.posts import Post
from supervisor.discord import asking
from supervisor.errands import Errands

log = logging.getLogger(__name__)


class Telling:
    def __init__(self, rest: asking.Telling, errands: Errands) -> None:
        self._rest = rest
        self._errands = errands

    def tell(self, channel_id: int, post: Post, nonce: str) -> None:
        self._errands.begin(self._create(channel_id, post, nonce))

    async def _create(self, channel_id: int, post: Post, nonce: str) -> None:
        try:
            await self._rest.create(channel_id, post, nonce)
        except RemoteError as error:
            log.warning("channel %s could not be told: %s", channel_id, error)
