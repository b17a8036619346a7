"""What Claude is given for a prompt with files: blocks to look at, paths to read, and what is missing, in words.

Images and PDFs become blocks when their own first bytes say that they are such (what the sender's client called them
is not trusted) and they are not too large for the API; everything, also these, is told by its path, so that Claude
can work on it. A long paste, which Discord makes a file named ``message.txt``, is read as the prompt itself;
never one that hung on a message of somebody else's.

The files lie in the session's own folder and were put there by the supervisor. They are read when the prompt is
sent, so a prompt that is sent again after a death gives the same.
"""

import base64
import os
from pathlib import Path

import msgspec

from bridge.protocol import events as e
from bridge.protocol.events import Attachment, PromptAccepted

IMAGE_BYTES = 3_932_160
"""5 MiB as base64: the API's limit of one image (docs.anthropic.com, "Vision")."""
PDF_BYTES = 10_000_000
BLOCK_BYTES = 10_000_000
"""Of one prompt's blocks: the API takes 32 MB in one request, and the conversation repeats them all."""
PASTE_NAME = "message.txt"
PASTE_BYTES = 256 * 1024
SHORT_TEXT_CHARS = 200
"""With more text of the person's own than this beside it, a pasted file is a file."""

type Content = str | list[dict[str, object]]

_IMAGES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)
_PDF = "application/pdf"
_QUOTATION = (">", "[In reply to ", "[Forwarded message")


class _PromptDraft(msgspec.Struct):
    """The prompt in the making. ``room``: bytes that blocks may still have."""

    text: str
    blocks: list[dict[str, object]] = []
    lines: list[str] = []
    room: int = BLOCK_BYTES

    def add(self, attachment: Attachment, path: Path) -> None:
        if (data := read_whole(path)) is None:
            self.lines.append(f"- {_named(attachment)}: not passed on, because it is gone from the host's disk")
        elif (pasted := self._pasted(attachment, data)) is not None:
            self.text = "\n\n".join(filter(None, (self.text, pasted)))
        elif (block := self._block(attachment.name, data)) is not None:
            self.room -= len(data)
            self.blocks.append(block)
            self.lines.append(f"- {_named(attachment)}: you see it above; it lies at {path}")
        else:
            self.lines.append(f"- {_named(attachment)} ({len(data):,} bytes): it lies at {path}")

    def _pasted(self, attachment: Attachment, data: bytes) -> str | None:
        kind = attachment.media_type.partition(";")[0]
        if (
            attachment.origin
            or attachment.name != PASTE_NAME
            or kind not in ("", "text/plain")
            or len(data) > PASTE_BYTES
        ):
            return None
        if len(_own_words(self.text)) > SHORT_TEXT_CHARS:
            return None
        try:
            return data.decode("utf-8-sig").strip() or None
        except UnicodeDecodeError:
            return None

    def _block(self, name: str, data: bytes) -> dict[str, object] | None:
        kind = kind_of(data)
        limit = PDF_BYTES if kind == _PDF else IMAGE_BYTES
        if not kind or len(data) > min(limit, self.room):
            return None
        source = {"type": "base64", "media_type": kind, "data": base64.b64encode(data).decode()}
        if kind == _PDF:
            return {"type": "document", "source": source, "title": name}
        return {"type": "image", "source": source}

    def content(self) -> Content:
        """The text comes last: it is what is asked about what stands before it."""
        if self.lines:
            what = "a file" if len(self.lines) == 1 else f"{len(self.lines)} files"
            note = "\n".join([f"[The person attached {what} to this message:", *self.lines]) + "]"
            text = "\n\n".join(filter(None, (self.text, note)))
        else:
            text = self.text
        return [*self.blocks, {"type": "text", "text": text}] if self.blocks else text


def content_of(prompt: PromptAccepted, folder: Path) -> Content:
    """``folder`` is the session's."""
    told = _PromptDraft(prompt.text)
    for attachment in prompt.attachments:
        if attachment.stored:
            told.add(attachment, Path(os.path.normpath(folder / attachment.stored)))
        else:
            told.lines.append(f"- {_named(attachment)}: not passed on: {attachment.failure or 'it was not fetched'}")
    return told.content()


def _named(attachment: Attachment) -> str:
    """What hung on somebody else's message is not the person's word."""
    match attachment.origin:
        case "":
            whose = ""
        case e.ANSWERED:
            whose = ", from the message that the person answers"
        case _:
            whose = ", from a message of somebody's that the person forwards"
    return f"{attachment.name}{whose}"


def kind_of(data: bytes) -> str:
    """The media type by the first bytes, of what the API takes as a block; else empty."""
    for magic, kind in _IMAGES:
        if data.startswith(magic):
            return kind
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return _PDF if _is_plain_pdf(data) else ""


def _is_plain_pdf(data: bytes) -> bool:
    """Whole, and not locked: the API refuses others, and then every later request that repeats it."""
    return data.startswith(b"%PDF-") and b"%%EOF" in data[-2048:] and b"/Encrypt" not in data


def read_whole(path: Path) -> bytes | None:
    """None when it cannot be read."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            return file.read()
    except OSError:
        return None


def _own_words(text: str) -> str:
    """Without what is quoted above it."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(_QUOTATION)).strip()
