"""What Discord may not do, by what it means to whoever asked; and what it finds.

``http.py`` and ``rest_answers.py`` translate library exceptions and status codes to these.
"""

# ruff: noqa: N818 -- a caller reads `except MessageGone`, not what kind of class that is
import msgspec

from bridge.protocol.errors import RemoteError


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


class StaysArchived(Forbidden):
    """The thread is archived, and the bot may not open it: somebody locked it."""


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
