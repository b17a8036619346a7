"""The journal's bytes: one JSON line an entry, each naming the hash of the line before it.

    {"n":1,"at":…,"before":"","entry":{…}}
    {"n":2,"at":…,"before":"<sha256 of line 1>","entry":{…}}

So a line that was changed, removed or swapped is found by the next one, and of the newest the *head* (its number and
hash) tells, which is kept elsewhere: in the store, with each decision, and once a day in the service's log. Whoever can
write the file, the store and the log can write all three anew; against that only a head that was copied away helps.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated

import msgspec

from bridge.journal.entries import AnyEntry, JournalBroken
from bridge.protocol.errors import UNREADABLE, RemoteError

NOTHING = ""
"""What the first line names as the hash before it."""

MOST_DIGITS = 18
Number = Annotated[int, msgspec.Meta(ge=1, lt=10**MOST_DIGITS - 1)]
"""Of a line."""


_HEAD = re.compile(rf"0:|([1-9][0-9]{{0,{MOST_DIGITS - 1}}}):([0-9a-f]{{64}})")


class JournalLine(msgspec.Struct, frozen=True):
    """``at`` in Unix seconds."""

    n: Number
    at: float
    before: str
    entry: AnyEntry


class Plain(msgspec.Struct, frozen=True):
    """A line as far as the chain needs it, also of a newer version's entry."""

    n: Number
    at: float
    before: str


class Head(msgspec.Struct, frozen=True):
    """The newest line: its number and the sha256 hex of its bytes. The empty journal's is 0."""

    n: int = 0
    digest: str = NOTHING

    def __str__(self) -> str:
        return f"{self.n}:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Of ``str``. Raises BadLineError."""
        if not (found := _HEAD.fullmatch(text.strip().lower())):
            raise BadLineError(f"{text!r} is no number and hash, as in 12:9f86d0…")
        return cls(int(found[1] or 0), found[2] or NOTHING)


class BadLineError(RemoteError):
    """A line that is none of ours."""


_json = msgspec.json.Encoder()
_plain = msgspec.json.Decoder(Plain)
_line: msgspec.json.Decoder[JournalLine] = msgspec.json.Decoder(JournalLine)


def digest_of(line: bytes) -> str:
    """sha256 hex of a line, without its end."""
    return hashlib.sha256(line).hexdigest()


def chained(head: Head, at: float, entries: Iterable[AnyEntry]) -> tuple[bytes, Head]:
    """The lines of these entries behind that head, each with its end, and the new head."""
    text = b""
    for entry in entries:
        line = _json.encode(JournalLine(head.n + 1, at, head.digest, entry))
        head = Head(head.n + 1, digest_of(line))
        text += line + b"\n"
    return text, head


def plain(line: bytes) -> Plain:
    """Raises BadLineError."""
    try:
        return _plain.decode(line)
    except UNREADABLE as error:
        raise BadLineError(str(error)) from None


def decoded(line: bytes) -> JournalLine | None:
    """None: of a kind that this version does not know. Raises BadLineError for what is no line at all."""
    try:
        return _line.decode(line)
    except UNREADABLE:
        plain(line)
        return None


def faults(lines: Iterable[bytes], anchors: Sequence[Head]) -> Iterator[str]:
    """What is wrong with a journal, in words; nothing while it is as it was written.

    ``lines`` without their ends; ``anchors`` are heads that were kept elsewhere.
    """
    head, wanted = Head(), _by_number(anchors)
    for place, line in enumerate(lines, 1):
        try:
            found = plain(line)
        except BadLineError as error:
            yield f"line {place} is no entry: {error}"
            head = Head(head.n + 1, digest_of(line))
            continue
        if (found.n, found.before) != (head.n + 1, head.digest):
            yield f"entry {found.n} does not follow what stands before it: it was changed, removed or swapped"
        head = Head(found.n, digest_of(line))
        if wanted.pop(head.n, {head}) != {head}:
            yield f"entry {head.n} is another one than the one that was written"
        if (one := decoded(line)) and isinstance(one.entry, JournalBroken):
            yield f"entry {head.n} says of what stands before it: {one.entry.what}"
    for number in wanted:
        yield f"entry {number} was written, and the journal ends with {head.n}: its end was cut off"


def _by_number(anchors: Iterable[Head]) -> dict[int, set[Head]]:
    """Two of one number cannot both be right: neither may hide the other."""
    found: dict[int, set[Head]] = {}
    for anchor in anchors:
        if anchor.n:
            found.setdefault(anchor.n, set()).add(anchor)
    return found
