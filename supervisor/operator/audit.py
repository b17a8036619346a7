"""``threadbridge audit``: the journal in lines, and whether it is as it was written (``bridge.journal.chain``)."""

import datetime
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from bridge.journal.chain import BadLineError, Head, Line, decoded, digest_of, faults, plain
from bridge.journal.words import in_words
from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from supervisor.sessions.journal import HEAD
from supervisor.sessions.store import Store

_UNITS = {"m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_SINCE = re.compile(r"(\d{1,6})([mhdw])")


def lines_of(path: Path) -> Iterator[bytes]:
    """Each whole line without its end; none where there is no journal yet. Raises UserError."""
    try:
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line[:-1]
    except FileNotFoundError:
        return
    except OSError as error:
        raise UserError(f"the journal {path} cannot be read: {error.strerror}") from error


def since(text: str, now: float) -> float:
    """``2h``, ``7d``, or a date (2026-11-28, with or without a time) → Unix seconds. Raises UserError."""
    if found := _SINCE.fullmatch(text.strip()):
        return now - int(found[1]) * _UNITS[found[2]]
    try:
        return datetime.datetime.fromisoformat(text.strip()).astimezone().timestamp()
    except ValueError:
        raise UserError(f"--since {text!r}: a length as in 30m, 12h, 7d, 2w, or a date as in 2026-11-28") from None


def shown(layout: Layout, after: float, session: str) -> Iterator[Line]:
    """Those since then, of the sessions whose id begins so. What a newer version wrote is left out."""
    for line in lines_of(layout.journal):
        try:
            one = decoded(line)
        except BadLineError:
            continue
        if one and one.at >= after and one.entry.session_id.startswith(session):
            yield one


def as_line(line: Line) -> str:
    entry, at = line.entry, _when(line.at)
    who = f"by {entry.by}" if entry.by else "-"
    return f"{line.n:>7}  {at}  {entry.session_id[:8] or entry.channel_id or '-':<20}  {who:<23}  {in_words(entry)}"


def _when(at: float) -> str:
    try:
        return datetime.datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, ValueError, OSError):  # of no year that there is
        return f"{at:g}"


def as_json(line: Line) -> str:
    return msgspec.json.encode(line).decode()


class Verdict(msgspec.Struct, frozen=True):
    """``newer``: how many entries the store does not know (yet)."""

    faults: list[str]
    count: int
    head: Head
    newer: int


def verify(layout: Layout, told: tuple[str, ...] = ()) -> Verdict:
    """Against the head that the store keeps, and those that were kept elsewhere (``12:9f86…``). Raises UserError."""
    kept = _kept(layout)
    anchors = [kept, *(_parsed(text) for text in told)]
    lines = list(lines_of(layout.journal))
    found = list(faults(lines, anchors))
    head = _head(lines)
    return Verdict(found, len(lines), head, max(0, head.n - kept.n))


def _head(lines: list[bytes]) -> Head:
    if not lines:
        return Head()
    try:
        return Head(plain(lines[-1]).n, digest_of(lines[-1]))
    except BadLineError:
        return Head(len(lines), digest_of(lines[-1]))


def _kept(layout: Layout) -> Head:
    if not layout.database.exists():
        return Head()
    with closing(Store(layout.database, read_only=True)) as store:
        return Head.parse(store.fact(HEAD) or str(Head()))


def _parsed(text: str) -> Head:
    try:
        return Head.parse(text)
    except BadLineError as error:
        raise UserError(str(error)) from None
