"""One change of a file out of several that were made one after the other, without the file.

What a file was before is not known, only the lines that its changes name. So it is kept as pieces: stretches of the
file as it was, of unknown length at the end, and lines that came. A change is carried out on the pieces; its lines
that stay or go tell what stood in a stretch, and what is missing of the stretches at the end is what went. Lines that
came and went again leave no trace.

A change that does not fit what is known says that something else changed the file in between (``DoesNotFitError``).
"""

import itertools
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from bridge.protocol.events import FileChange, Hunk
from bridge.protocol.line_diff import CONTEXT, between

_END = 1 << 40
"""More lines than a file has."""
MOST_PIECES = 1000
"""Each change walks through them: so thousands of changes take a time that grows with their number, and no faster."""


class DoesNotFitError(Exception):
    """The file is not what the changes before left."""


class _Stretch(msgspec.Struct):
    """Lines of the file as it was, from ``start`` to before ``end``."""

    start: int
    end: int

    @property
    def size(self) -> int:
        return self.end - self.start

    def cut(self, at: int) -> tuple["_Stretch", "_Stretch"]:
        return _Stretch(self.start, self.start + at), _Stretch(self.start + at, self.end)


class _Came(msgspec.Struct):
    lines: list[str]

    @property
    def size(self) -> int:
        return len(self.lines)

    def cut(self, at: int) -> tuple["_Came", "_Came"]:
        return _Came(self.lines[:at]), _Came(self.lines[at:])


class NetChange:
    """Of one file. ``was``: what is known of the lines that were there."""

    def __init__(self, *, is_new: bool) -> None:
        self.is_new = is_new
        self.was: dict[int, str] = {}
        self._pieces: list[_Stretch | _Came] = [_Stretch(0, 0 if is_new else _END)]
        self._learned: list[int] = []
        """Of the lines that were there, those that the change in hand told first."""

    @property
    def is_full(self) -> bool:
        """Whether the next change would have to walk through too much: it is better begun anew, on what this left."""
        return len(self._pieces) > MOST_PIECES

    def add(self, change: FileChange) -> None:
        """Raises DoesNotFitError, and then nothing has changed here."""
        if change.is_new and self._is_not_empty():
            raise DoesNotFitError
        kept, self._learned = [*self._pieces], []
        try:
            for hunk in reversed(change.hunks):
                self._carry_out(hunk)
        except DoesNotFitError:
            self._pieces = kept
            for number in self._learned:
                del self.was[number]
            raise
        self._pieces = [*_joined(self._pieces)]

    def change(self, path: str) -> FileChange:
        """All of it as one."""
        return FileChange(path, tuple(self.hunks()), self.is_new)

    def hunks(self) -> list[Hunk]:
        """What all of it comes to; none where nothing is left of it."""
        rows = [*self._rows()]
        near = [*_near_a_change(rows)]
        found: list[tuple[int, list[str]]] = []
        last: _Row | None = None
        for row in near:
            if last is None or row.at != last.behind:
                found.append((row.at, []))
            found[-1][1].append(row.mark + row.line)
            last = row
        return [Hunk(at, tuple(lines)) for at, lines in found]

    def _is_not_empty(self) -> bool:
        return any(piece.size for piece in self._pieces)

    # --- carrying out --------------------------------------------------------------------------------------

    def _carry_out(self, hunk: Hunk) -> None:
        first = self._cut(0, hunk.at)
        for mark, lines in _runs(hunk.lines):
            if mark == "+":
                self._pieces.insert(first, _Came(lines))
                first += 1
                continue
            behind = self._cut(first, len(lines))
            self._check(first, behind, lines)
            if mark == "-":
                del self._pieces[first:behind]
            else:
                first = behind

    def _check(self, first: int, behind: int, lines: Sequence[str]) -> None:
        """What stands in these pieces, where it is known; and where it was not, it is known now."""
        rest = [*lines]
        for piece in self._pieces[first:behind]:
            these, rest = rest[: piece.size], rest[piece.size :]
            if isinstance(piece, _Came):
                known = piece.lines
            else:
                known = [self._told(piece.start + n, line) for n, line in enumerate(these)]
            if known != these:
                raise DoesNotFitError

    def _told(self, number: int, line: str) -> str:
        """What that line was; this, where it was not known."""
        if number not in self.was:
            self.was[number] = line
            self._learned.append(number)
        return self.was[number]

    def _cut(self, first: int, at: int) -> int:
        """The piece that begins so many lines behind this one's beginning. Raises DoesNotFitError outside the file."""
        if at < 0:
            raise DoesNotFitError
        for n in range(first, len(self._pieces)):
            if at == 0:
                return n
            piece = self._pieces[n]
            if at < piece.size:
                self._pieces[n : n + 1] = piece.cut(at)
                return n + 1
            at -= piece.size
        if at:
            raise DoesNotFitError
        return len(self._pieces)

    # --- what it comes to ----------------------------------------------------------------------------------

    def _rows(self) -> Iterator["_Row"]:
        """All that is known of the file, with what went and what came."""
        at, came, numbers = 0, list[str](), sorted(self.was)
        for piece in self._pieces:
            if isinstance(piece, _Came):
                came += piece.lines
            elif piece.size:
                yield from self._change(at, piece.start, came)
                at, came = piece.end, []
                known = numbers[bisect_left(numbers, piece.start) : bisect_left(numbers, piece.end)]
                yield from (_Row(" ", self.was[n], n) for n in known)
        yield from self._change(at, at, came)

    def _change(self, at: int, behind: int, came: Sequence[str]) -> Iterator["_Row"]:
        """A place where something differs, without what came as it was."""
        for hunk in between([self.was[n] for n in range(at, behind)], came, at, context=behind - at):
            at = hunk.at
            for line in hunk.lines:
                yield _Row(line[:1], line[1:], at)
                at += not line.startswith("+")


def _joined(pieces: Iterable[_Stretch | _Came]) -> Iterator[_Stretch | _Came]:
    """As few as tell the same: what was only looked at is in one piece again."""
    last: _Stretch | _Came | None = None
    for piece in pieces:
        match last, piece:
            case _Stretch(start=start, end=end), _Stretch(start=begins) if end == begins:
                last = _Stretch(start, piece.end)
            case _Came(lines=lines), _Came():
                last = _Came([*lines, *piece.lines])
            case _:
                if last:
                    yield last
                last = piece
    if last:
        yield last


class _Row(msgspec.Struct, frozen=True):
    """A line as it stands in a hunk; ``at``: where it stood, or before which line it came."""

    mark: str
    line: str
    at: int

    @property
    def behind(self) -> int:
        return self.at + (self.mark != "+")


def _near_a_change(rows: Sequence[_Row]) -> Iterator[_Row]:
    changes = [n for n, row in enumerate(rows) if row.mark != " "]
    near = {n for change in changes for n in range(change - CONTEXT, change + CONTEXT + 1)}
    yield from (row for n, row in enumerate(rows) if n in near)


def _runs(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Lines of one mark that stand together, without their marks."""
    for mark, run in itertools.groupby(lines, key=lambda line: line[:1]):
        yield mark, [line[1:] for line in run]
