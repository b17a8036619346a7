"""Another supervisor of this bot, on another machine, is noticed by its posts (theory: `supervisor.discord.alone`)."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from bridge.render.posts import Post
from supervisor.discord.alone import CLAIM_AGAIN_S, GRACE_S, Claim, Nonces, claim_of
from supervisor.discord.beside_text import POST_TYPES
from supervisor.discord.guilds import Guilds
from supervisor.discord.shapes import Message, read

log = logging.getLogger(__name__)


class Twins:
    """``tell(channel_id, post, nonce)`` says something. What answers an interaction has no nonce of ours.

    ``clock`` gives Unix seconds, which two machines can compare; ``monotonic`` what passes here, however that is set.
    """

    def __init__(
        self,
        nonces: Nonces,
        guilds: Guilds,
        is_ours: Callable[[int], bool],
        tell: Callable[[int, Post, str], None],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.later_one = ""
        """That we are, in words; empty while we are the only one, or the one that stays."""
        self._nonces = nonces
        self._guilds = guilds
        self._is_ours = is_ours
        self._tell = tell
        self._monotonic = monotonic
        self.claim = Claim.at(clock())
        self._ready_at: float | None = None
        self._claimed_at = float("-inf")

    def ready(self) -> None:
        self._ready_at = self._ready_at or self._monotonic()

    def heard(self, data: object) -> None:
        """A MESSAGE_CREATE; most are of other people's, and one that cannot be read is none of ours."""
        with suppress(msgspec.ValidationError):
            self._heard(read(data, Message))

    def _heard(self, message: Message) -> None:
        if message.author.id != self._guilds.bot_id or message.interaction_metadata or message.type not in POST_TYPES:
            return
        nonce = str(message.nonce or "")
        if not nonce or nonce in self._nonces or not self._is_ours(message.channel_id):
            return
        if other := claim_of(nonce):
            self._judge(other, message.channel_id)
        elif self._ready_at is not None and self._monotonic() - self._ready_at >= GRACE_S:
            log.warning("message %s is our bot's, and not of this process", message.id)
            self._say(message.channel_id)

    def _judge(self, other: Claim, channel_id: int) -> None:
        self._say(channel_id)
        if other < self.claim:
            self.later_one = "another supervisor, which was started before this one, answers with this bot's token"

    def _say(self, channel_id: int) -> None:
        if self._monotonic() - self._claimed_at < CLAIM_AGAIN_S:
            return
        self._claimed_at = self._monotonic()
        log.error("another supervisor answers with this bot's token")
        self._tell(channel_id, Post(self.claim.in_words()), self.claim.nonce)
