"""Discord as the outbox sees it: a small Protocol, and the errors that it may raise.

``rest.py`` is the real one; tests have a fake. Library exceptions and status codes are translated there.
"""

from typing import Protocol

import msgspec

from bridge.errors import RemoteError
from bridge.render.posts import Post


class Unavailable(RemoteError):
    """Discord did not do it now (5xx, a lost reply, a rate limit). ``retry_after`` in seconds."""

    def __init__(self, what: str, retry_after: float = 1.0) -> None:
        super().__init__(what)
        self.retry_after = retry_after


class Refused(RemoteError):
    """Discord will not do it, now or later: a malformed request, and why."""


class MessageGone(RemoteError):
    """The message was deleted (10008)."""


class ChannelGone(RemoteError):
    """The thread or channel was deleted (10003)."""


class Archived(RemoteError):
    """The thread is archived (50083); it must be unarchived before anything else."""


class Forbidden(RemoteError):
    """The bot lacks a permission there (50001, 50013); which one, when Discord says it."""


class Found(msgspec.Struct, frozen=True):
    """A message of ours on Discord. ``content`` as Discord has it: an old nonce answers with the *old* text."""

    message_id: int
    content: str


class Discord(Protocol):
    """What the outbox needs. Every method may raise the errors above and nothing else."""

    async def create(self, channel_id: int, post: Post, nonce: str) -> Found: ...

    async def edit(self, channel_id: int, message_id: int, post: Post) -> None: ...

    async def make_thread(self, channel_id: int, message_id: int, name: str) -> None:
        """A thread from a message; that it exists already is no error (160004)."""

    async def unarchive(self, thread_id: int) -> None: ...

    async def find_by_nonce(self, channel_id: int, nonce: str, after: int) -> Found | None:
        """Our own message with this nonce among those after the message id ``after``."""

    async def typing(self, channel_id: int) -> None: ...
