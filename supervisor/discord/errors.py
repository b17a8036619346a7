"""Discord as the outbox sees it: a small Protocol, and the errors that it may raise.

``rest.py`` is the real one; tests have a fake. Library exceptions and status codes are translated there.
"""

# ruff: noqa: N818 -- a caller reads `except MessageGone`, not what kind of class that is
from typing import Literal, Protocol

import msgspec

from bridge.protocol.errors import RemoteError
from bridge.render.posts import Post
from supervisor.discord.pace import Priority

_EPOCH_MS = 1_420_070_400_000
"""discord-api-docs, "Snowflakes"."""


def snowflake(at: float) -> int:
    """The smallest id that Discord gives at that time, in Unix seconds."""
    return max(0, int(at * 1000) - _EPOCH_MS) << 22


def given_at(discord_id: int) -> int:
    """When Discord gave that id, in whole Unix seconds."""
    return ((discord_id >> 22) + _EPOCH_MS) // 1000


class Unavailable(RemoteError):
    """Discord did not do it now (5xx, a lost reply, a rate limit). ``retry_after`` in seconds."""

    def __init__(self, what: str, retry_after: float = 1.0) -> None:
        super().__init__(what)
        self.retry_after = retry_after


class Refused(RemoteError):
    """Discord did not do it, and says why. What that means is in ``supervisor.threads.refusals``.

    ``status`` is HTTP's, ``code`` Discord's own; 0 for none. Without a status it was never sent.
    """

    def __init__(self, what: str, status: int = 0, code: int = 0) -> None:
        super().__init__(what)
        self.status = status
        self.code = code


class MessageGone(RemoteError):
    """The message was deleted (10008), or is not ours (50005). Of a create: the one that this nonce once made."""


class ChannelGone(RemoteError):
    """The thread or channel was deleted (10003)."""


class Archived(RemoteError):
    """The thread is archived (50083); it must be unarchived before anything else."""


class Forbidden(RemoteError):
    """The bot lacks a permission there (50001, 50013). It may be given back."""

    def __init__(self, what: str, code: int = 0) -> None:
        super().__init__(what)
        self.code = code


class LinkExpired(RemoteError):
    """A file's link is none (any more): 403 or 404."""


class TooLarge(RemoteError):
    """A file has more bytes than are taken."""


class BadToken(Unavailable):
    """Discord does not know the bot's token (401), now. Whether that is so is seen by looking again."""


class Found(msgspec.Struct, frozen=True):
    """A message of ours on Discord. ``content`` as Discord has it: an old nonce answers with the *old* text.

    ``nonce`` is "" in a message that was read back: Discord does not keep it (Rapptz/discord.py#2451).
    """

    message_id: int
    content: str
    nonce: str = ""
    reply_to: int = 0


class Discord(Protocol):
    """What the outbox needs. Every method may raise the errors above and nothing else."""

    def wait_s(self, write: Literal["create", "edit"], channel_id: int, priority: Priority) -> float:
        """Seconds until such a write may go; 0.0 is now. Text is picked only then, so that the newest goes."""

    async def create(self, channel_id: int, post: Post, nonce: str, priority: Priority = Priority.TEXT) -> Found:
        """A new message, or the one that this nonce made within the last minutes."""

    async def edit(self, channel_id: int, message_id: int, post: Post, priority: Priority = Priority.TEXT) -> None: ...

    async def make_thread(self, channel_id: int, message_id: int, name: str) -> bool:
        """A thread from a message; that it exists already is no error (160004). Whether we had made it before."""

    async def unarchive(self, thread_id: int) -> None: ...

    async def own_messages(self, channel_id: int, after: int) -> list[Found]:
        """Our own posts among the messages after the message id ``after``, oldest first."""

    async def typing(self, channel_id: int) -> None: ...
