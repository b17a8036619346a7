"""What a message of Discord's says besides its text: its files, what it answers, and what it passes on.

What somebody else wrote reaches Claude as a quotation: marked, every line with ``> `` before
it, and bounded, so that nobody can take it for what the person asks.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from bridge.discord_numbers import MessageType
from bridge.protocol.events import ANSWERED, Attachment
from supervisor.discord.shapes import AttachedFile, Quoted, Snapshot, Writer

POST_TYPES = (MessageType.DEFAULT, MessageType.REPLY)
QUOTE_CHARS = 1500
NAME_CHARS = 80
MOST_FILES = 20
"""Ten is Discord's limit of one message; a forwarded one may bring as many again."""


class CarriesMore(Protocol):
    """A message, or an edit of one. ``referenced_message``: UNSET when Discord did not look for it, None when gone."""

    @property
    def type(self) -> int: ...
    @property
    def referenced_message(self) -> Quoted | msgspec.UnsetType | None: ...
    @property
    def message_snapshots(self) -> tuple[Snapshot, ...]: ...
    @property
    def attachments(self) -> tuple[AttachedFile, ...]: ...


def attachments_of(message: CarriesMore) -> tuple[Attachment, ...]:
    """The message's files, and those of the messages that it forwards or answers, which are named as such.

    Their name alone keeps an older worker from reading a stranger's ``message.txt`` as what the person asks.
    """
    own = [_attachment(found) for found in message.attachments]
    passed_on = [found for snapshot in message.message_snapshots for found in snapshot.message.attachments]
    return tuple((*own, *_as("forwarded", passed_on), *_as(ANSWERED, _answered(message)))[:MOST_FILES])


def url_of(message: CarriesMore, attachment_id: int) -> str:
    """The link to one of the message's files, or of those of the messages that it forwards or answers; or empty."""
    inside = [found for snapshot in message.message_snapshots for found in snapshot.message.attachments]
    target = message.referenced_message
    answered = target.attachments if isinstance(target, Quoted) else ()
    known = (*message.attachments, *inside, *answered)
    return next((found.url for found in known if found.id == attachment_id), "")


def _as(origin: str, files: Sequence[AttachedFile]) -> list[Attachment]:
    found = [_attachment(one) for one in files]
    return [msgspec.structs.replace(a, name=f"{origin}-{a.name}", origin=origin) for a in found]


def _answered(message: CarriesMore) -> tuple[AttachedFile, ...]:
    """The files of the message that this one answers: who answers a picture means it."""
    target = message.referenced_message
    return target.attachments if message.type == MessageType.REPLY and isinstance(target, Quoted) else ()


def _attachment(found: AttachedFile) -> Attachment:
    return Attachment(found.id, found.filename, found.size, found.content_type or "", found.url)


def quote_of(message: CarriesMore, bot_id: int) -> str:
    """What the message answers or forwards, marked as a quotation; empty when it does neither."""
    if message.message_snapshots:
        return "\n\n".join(_quoted("Forwarded message", one.message) for one in message.message_snapshots)
    if message.type != MessageType.REPLY:
        return ""
    target = message.referenced_message
    if not isinstance(target, Quoted):
        return f"[In reply to {'a message that was deleted' if target is None else 'an earlier message'}]"
    if target.author and target.author.id == bot_id:
        return _quoted("In reply to your earlier message", target)
    return _quoted(f"In reply to what {_name(target.author)} wrote", target)


def is_quote_unknown(message: CarriesMore) -> bool:
    """It answers something that Discord did not tell with it."""
    return message.type == MessageType.REPLY and message.referenced_message is msgspec.UNSET


def with_quote(quote: str, text: str) -> str:
    return "\n\n".join(filter(None, (quote, text)))


def _quoted(head: str, message: Quoted) -> str:
    said = _said(message)
    if len(said) > QUOTE_CHARS:
        said = f"{said[:QUOTE_CHARS].rstrip()} …"
    lines = [f"> {line}".rstrip() for line in said.splitlines()]
    return "\n".join([f"[{head}:]", *lines])


def _said(message: Quoted) -> str:
    embeds = [part for embed in message.embeds for part in (embed.title, embed.description) if part]
    files = ", ".join(one_name(found.filename) for found in message.attachments)
    return "\n".join(filter(None, [message.content, *embeds, f"(attached: {files})" if files else ""]))


def _name(author: Writer | None) -> str:
    return one_name((author and (author.global_name or author.username)) or "") or "somebody"


def one_name(text: str) -> str:
    """On one line, short, and without what would end our brackets."""
    return " ".join(text.translate(str.maketrans("[]\n", "() ")).split())[:NAME_CHARS]
