"""What is said in a channel some time soon, and nothing waits for it.

It is tried a few times within the minute in which one nonce makes one message, and then left. Whoever keeps it hears
when that is over, and whether it is settled: Discord took it, or refused it for good.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from bridge.protocol.errors import RemoteError
from bridge.render.posts import Post
from supervisor.discord import asking
from supervisor.discord.errors import Forbidden, Refused, Unavailable
from supervisor.errands import Errands

PAUSES_S = (1.0, 5.0, 15.0)

log = logging.getLogger(__name__)


class Telling:
    def __init__(self, rest: asking.Posting, errands: Errands) -> None:
        self._rest = rest
        self._errands = errands

    def tell(self, channel_id: int, post: Post, nonce: str, ended: Callable[[bool], None] = lambda _: None) -> None:
        self._errands.begin(self._create(channel_id, post, nonce, ended))

    async def _create(self, channel_id: int, post: Post, nonce: str, ended: Callable[[bool], None]) -> None:
        is_settled = True
        try:
            await self._tried(channel_id, post, nonce)
        except RemoteError as error:
            log.warning("channel %s could not be told: %s", channel_id, error)
            is_settled = not isinstance(error, Unavailable)
        ended(is_settled)

    async def _tried(self, channel_id: int, post: Post, nonce: str) -> None:
        for pause_s in PAUSES_S:
            try:
                await self._rest.create(channel_id, post, nonce)
            except Unavailable:
                await asyncio.sleep(pause_s)
            except (Forbidden, Refused):
                if not post.reply_to:
                    raise
                post = msgspec.structs.replace(post, reply_to=0)  # to answer takes *Read Message History*
            else:
                return
        await self._rest.create(channel_id, post, nonce)
