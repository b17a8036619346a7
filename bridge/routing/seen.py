"""What Discord tells, as values: a message that was written, a button or a form that was pressed."""

import msgspec

from bridge.protocol.events import ANSWERED, Attachment
from bridge.render.titles import TITLE_CHARS, title_of
from bridge.routing.places import Place
from bridge.routing.silence import Unheard
from bridge.session.permission import (
    Person,
)

THREAD_NAME_CHARS = TITLE_CHARS


class MessageSeen(msgspec.Struct, frozen=True):
    """A message of somebody's. ``parent_id`` is the channel of a thread, 0 for a channel itself."""

    message_id: int
    channel_id: int
    parent_id: int
    guild_id: int
    author: Person
    text: str
    is_from_person: bool
    """Not a bot, not a webhook, not one of Discord's own system messages."""
    mentions_bot: bool
    quote: str = ""
    """What it answers or passes on, marked as a quotation."""
    is_forward: bool = False
    is_reply: bool = False
    is_voice: bool = False
    attachments: tuple[Attachment, ...] = ()
    is_post: bool = True
    """Somebody or some program wrote it: none of Discord's own system messages."""
    place: Place | None = None
    parent: Place | None = None
    """What a server shows of where it was written, and of what that is in; None for what is not shown."""

    @property
    def unheard(self) -> Unheard:
        is_direct = not self.guild_id and self.place is None
        return Unheard(self.author, self.channel_id, self.place, self.parent, self.mentions_bot, is_direct)

    @property
    def prompt(self) -> str:
        """What Claude is told. Nothing in the quotation is what the person asks."""
        return "\n\n".join(filter(None, (self.quote, self.text)))

    @property
    def title(self) -> str:
        """What a thread that begins with it is named after."""
        files = ", ".join(attachment.name for attachment in self.attachments)
        return self.text.strip() or files or ("A forwarded message" if self.is_forward else "")

    @property
    def objection(self) -> str:
        """Why it cannot be a prompt, for the person who wrote it; empty when it can."""
        if self.is_voice:
            return VOICE
        has_own = any(attachment.origin != ANSWERED for attachment in self.attachments)
        return "" if self.text.strip() or has_own or self.is_forward else EMPTY


class Clicked(msgspec.Struct, frozen=True):
    """A button, a select or a modal of ours. ``values`` were picked; ``reason`` and ``texts`` are what the modal's
    fields held, ``texts`` by the question's place. ``reason`` is None when it was no modal.
    """

    custom_id: str
    channel_id: int
    guild_id: int
    person: Person
    reason: str | None = None
    values: tuple[str, ...] = ()
    texts: dict[int, str] = {}


EMPTY = "There is no text in this message, and no file: nothing that Claude could read. Write what you want, please."
VOICE = "Claude cannot listen to voice messages. Write what you want, please."


def thread_name(text: str) -> str:
    """What a thread is called that begins with this text."""
    return title_of(text)
