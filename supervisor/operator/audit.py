"""``threadbridge audit``: the journal in lines, and whether it is as it was written (``bridge.journal.chain``)."""

import datetime
import os
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import msgspec

from bridge.journal.chain import BadLineError, Head, JournalLine, decoded, digest_of, faults, plain
from bridge.journal.words import in_words
from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from supervisor.sessions.journal import known_head, latest_head
from supervisor.sessions.store import Store


def lines_of(path: Path) -> Iterator[bytes]:
    """Each whole line without its end; none where there is no journal yet. Raises UserError."""
    try:
        with _opened(path) as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line[:-1]
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"the journal {path} cannot be read: {error.strerror}") from error


def _opened(path: Path) -> BinaryIO:
    """Without waiting for who might write into a pipe that stands there. Raises UserError, OSError."""
    file = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise UserError(f"the journal {path} cannot be read: it is no file")
    return file


def shown(layout: Layout, after: float, session: str) -> Iterator[JournalLine]:
    """Those since then, of the sessions whose id begins so. What a newer version wrote is left out."""
    for line in lines_of(layout.journal):
        try:
            one = decoded(line)
        except BadLineError:
            continue
        if one and one.at >= after and one.entry.session_id.startswith(session):
            yield one


def as_line(line: JournalLine) -> str:
    entry, at = line.entry, _when(line.at)
    who = f"by {entry.by}" if entry.by else "-"
    return f"{line.n:>7}  {at}  {entry.session_id[:8] or entry.channel_id or '-':<20}  {who:<23}  {in_words(entry)}"


def _when(at: float) -> str:
    try:
        return datetime.datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):  # of no year that there is
        return f"{at:g}"


def as_json(line: JournalLine) -> str:
    return msgspec.json.encode(line).decode()


class Verdict(msgspec.Struct, frozen=True):
    """``newer``: how many entries the store does not know (yet)."""

    faults: list[str]
    count: int
    head: Head
    newer: int


def verify(layout: Layout, told: tuple[str, ...] = ()) -> Verdict:
    """Against the head that the store keeps, and those that were kept elsewhere (``12:9f86…``). Raises UserError."""
    kept, latest, trouble = _kept(layout)
    lines = _Lines(lines_of(layout.journal))
    found = [*trouble, *faults(lines, [kept, latest, *(_parsed(text) for text in told)])]
    head = lines.head()
    return Verdict(found, lines.count, head, max(0, head.n - kept.n))


class _Lines:
    """They go by one after the other; how many, and the last one, is known then."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.count = 0
        self._last = b""

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            self.count, self._last = self.count + 1, line
            yield line

    def head(self) -> Head:
        if not self.count:
            return Head()
        try:
            return Head(plain(self._last).n, digest_of(self._last))
        except BadLineError:
            return Head(self.count, digest_of(self._last))


def _kept(layout: Layout) -> tuple[Head, Head, list[str]]:
    """The store's heads, and what is wrong with the first."""
    if not layout.database.exists():
        return Head(), Head(), []
    with closing(Store(layout.database, read_only=True)) as store:
        try:
            return known_head(store), latest_head(store), []
        except BadLineError as error:
            return Head(), latest_head(store), [f"the store's head is none: {error}"]


def _parsed(text: str) -> Head:
    try:
        return Head.parse(text)
    except BadLineError as error:
        raise UserError(str(error)) from None
