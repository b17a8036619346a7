"""Claude's Markdown, cut into Discord messages while it is still being written.

The text grows, and neither may what was posted change nor may a character be taken back that was shown:

    source ──▶ translation ───────────────────────────────▶ grows
               [ piece 0 ][ piece 1 ][ last piece … ] not yet ┊ held
                         ▲          ▲
                         a cut is made where the text that stands there says so, whatever comes later

- What is cut is Discord's Markdown (`dialect`), which only grows; what may still come to mean something
  else is *held*: it is shown at the end of the last piece, for now, while that piece is far from full.
- A piece may be as long as a message, less what reopens a fence at its head and closes one at its tail. That
  room is a constant: if it depended on the fence, a longer text could have another one, and the cut would move.
- Where a piece ends, and how much of the last one is shown, is decided in `cuts`.
- Each piece must be good Markdown alone. So a piece is read as it is shown, from its own reopened fence on,
  and the state at its end decides what closes it and what reopens the next.
- A table is laid out from those of its rows that stand in a piece; as many as fit then. A row is shown when it
  is whole, for only then is it known how much room it takes.
- After a cut, blank space is dropped. A closing fence right after a cut inside that fence is dropped too: it
  was closed already. It always has a closing line: where a quote ends, `dialect` closes the fences in it.
"""

import re
from bisect import bisect_right

import msgspec

from bridge.discord_numbers import CONTENT_CHARS
from bridge.render.markdown.cuts import AHEAD, Room, Window
from bridge.render.markdown.dialect import MOST_HELD, Translation, translate
from bridge.render.markdown.fences import Block, Caps, Fence, find_blocks
from bridge.render.markdown.spans import MOST_UNITS, open_marks
from bridge.render.markdown.tables import Table
from bridge.text import units_end, utf16_len

MIN_LIMIT = 64  # below, a fence's head and tail leave too little room for text

_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")
_SPACES = re.compile(r"[^\S\n]*")
_QUOTE = re.compile(r"(?:> )+")
_NESTED_ITEM = re.compile(r"[ \t]{2,}(?:[-*]|\d{1,9}\.) ")
_ITEM_ABOVE = "- …\n"
_SOLID = re.compile(r"\S")
_TICKS = 3
_TIGHT_UNITS = 220
"""Of a message's end: there it grows only by what is whole, and ends with the next sentence."""


class Piece(msgspec.Struct, frozen=True):
    """One message: `head` reopens what was cut, `tail` closes it, between them is `shown`: text[start:end] drawn."""

    head: str
    shown: str
    tail: str
    start: int
    end: int

    def __str__(self) -> str:
        return self.head + self.shown + self.tail


class _Cursor(msgspec.Struct, frozen=True):
    """Where the next piece begins: the index, the fence open there, whether the cut was inside a line."""

    index: int = 0
    fence: Fence | None = None
    inside_line: bool = False
    marks: tuple[str, ...] = ()
    """Emphasis and code that the cut tore, the outermost first."""


def split(text: str, limit: int = CONTENT_CHARS, first_limit: int | None = None, *, ended: bool = False) -> list[str]:
    """`text` as messages of at most `limit` UTF-16 units, the first of at most `first_limit`.

    `ended`: nothing more is appended, so its last line is whole, and means what it says. All of it is shown then;
    before, what may still come to stand in the next message is not.

    Prefix-stable: if more text is appended, every piece but the last stays as it is, and the last one only grows. No
    piece is empty, except the first if nothing can begin well in what `first_limit` leaves. ValueError if `limit` is
    under MIN_LIMIT.
    """
    whole = text + _last_line_end(text, limit) if ended else text
    return [str(piece) for piece in Splitter(translate(whole, limit), limit, first_limit, ended=ended).pieces()]


def pages(text: str, limit: int = CONTENT_CHARS) -> list[str]:
    """As `split` of a text that has ended, but of one that nobody saw grow: what fits one message is one."""
    source = translate(text + _last_line_end(text, limit), limit)
    return [str(piece) for piece in Splitter(source, limit, ended=True, keeps_whole=True).pieces()]


def _last_line_end(text: str, limit: int) -> str:
    """What makes the last line whole, and not a table's header, whose next line would have to follow.

    A backslash before it would make it a line break, and is none at a text's end.
    """
    is_break = (len(text) - len(text.rstrip("\\"))) % 2 == 1
    blocks = find_blocks(text, Caps.within(limit), None, inside_line=False) if is_break else []
    is_code = bool(blocks) and blocks[-1].end > len(text)
    return "\\\n\n" if is_break and not is_code else "\n\n"


class Splitter:
    """Cuts one translation into pieces."""

    def __init__(
        self,
        source: Translation,
        limit: int = CONTENT_CHARS,
        first_limit: int | None = None,
        *,
        ended: bool = False,
        keeps_whole: bool = False,
    ) -> None:
        if limit < MIN_LIMIT:
            raise ValueError(f"limit is {limit}, the least is {MIN_LIMIT}")
        self._source = source
        self._text = source.text
        self._limit = limit
        self._first_limit = limit if first_limit is None else min(first_limit, limit)
        self._ended = ended
        self._keeps_whole = keeps_whole
        self._caps = Caps.within(limit)
        self._pieces: list[Piece] = []
        self._place = _Cursor()

    def pieces(self) -> list[Piece]:
        """The messages, in order."""
        if self._first_limit < max(MIN_LIMIT, self._limit // 10):
            self._pieces.append(Piece("", "", "", 0, 0))
        while (found := self._end(place := self._begin()))[1]:
            piece, self._place = self._cut_piece(place, found[0])
            if piece.shown or self._may_be_empty:
                self._pieces.append(piece)
        last, _ = self._piece(place, found[0], self._held(place, found[0]))
        return [*self._pieces, last] if last.shown else self._pieces

    @property
    def _may_be_empty(self) -> bool:
        """Whether this piece is the first, with less room than the others."""
        return not self._pieces and self._first_limit < self._limit

    @property
    def _most(self) -> int:
        return self._limit if self._pieces else self._first_limit

    # --- where a piece begins --------------------------------------------------------------------

    def _begin(self) -> _Cursor:
        """Where the next piece's text begins; the end of the text if there is nothing to show (yet)."""
        index, fence, inside_line = self._place.index, self._place.fence, self._place.inside_line
        blank = _BLANK_LINES.match(self._text, index)
        if blank and blank.end() > index:
            index, inside_line = blank.end(), False
        elif inside_line and (spaces := _SPACES.match(self._text, index)):
            index = spaces.end()
        if not self._text[index : index + self._limit].strip() and not self._text[index:].strip():
            return _Cursor(len(self._text), fence, inside_line)
        if fence and not inside_line:
            return self._after_closer(index, fence)
        return _Cursor(index, fence, inside_line, self._place.marks)

    def _after_closer(self, index: int, fence: Fence) -> _Cursor:
        """The place at the line here, or after it if it closes the fence: the cut has closed it already."""
        end = self._text.find("\n", index)
        line = self._text[index:] if end < 0 else self._text[index:end]
        if not fence.is_closed_by(line):
            return _Cursor(index, fence)
        self._place = _Cursor(index + len(line))
        return self._begin()

    def _head(self, place: _Cursor) -> str:
        """What the piece begins with so that what was cut goes on as what it was."""
        if place.fence:
            return place.fence.head(self._caps, place.inside_line)
        if place.inside_line:
            quote = _QUOTE.match(self._text, self._text.rfind("\n", 0, place.index) + 1)
            return (quote[0] if quote and len(quote[0]) <= self._caps.indent else "") + "".join(place.marks)
        is_nested = place.index and _NESTED_ITEM.match(self._text, place.index)
        return _ITEM_ABOVE if is_nested else ""  # Discord drops the spaces that a message begins with

    # --- how much fits, and where it ends --------------------------------------------------------

    def _end(self, place: _Cursor) -> tuple[int, bool]:
        """Where the piece that begins here ends, and whether for good."""
        room = self._room(place)
        after = _SOLID.search(self._text, room.most)
        text = self._text[place.index : after.start() + 2 * AHEAD if after else len(self._text)]
        window = Window(text, room.below(place.index), self._blocks(place, text), has_ended=self._ended)
        end, is_cut = (len(text), False) if self._keeps_whole and window.fits else window.end()
        return place.index + end, is_cut

    def _units(self, place: _Cursor) -> tuple[int, ...]:
        """UTF-16 units of the text for each field of Room; the most is without what closes a piece."""
        most = self._most - utf16_len(self._head(place)) - max(1 + self._caps.indent + _TICKS, MOST_UNITS)
        tight = min(max(most // 8, _TIGHT_UNITS), most // 2)
        before = tight + tight * 3 // 5, tight + tight // 3, tight, tight // 2, 0
        return tuple(max(most - left, most // 2) for left in before)

    def _room(self, place: _Cursor) -> Room:
        *units, most = self._units(place)
        end = self._at_least_something(place.index, self._reach(place.index, most))
        paragraph, item, tight, line = (min(self._reach(place.index, up_to), end) for up_to in units)
        return Room(paragraph, item, tight, line, end)

    def _held(self, place: _Cursor, end: int) -> str:
        """What is held, where it will surely stand in this piece, whatever it becomes."""
        room = self._units(place)[0] - MOST_HELD
        is_shown = end == len(self._text) and room > 0 and self._reach(place.index, room) == end
        return self._source.held if is_shown else ""

    def _reach(self, index: int, room: int) -> int:
        """The index up to which what is drawn from `index` on has at most `room` UTF-16 units."""
        at = index
        for table in self._tables_from(index):
            end = units_end(self._text, at, room)
            if end < max(table.head.start, index):
                return end
            room -= utf16_len(self._text[at : table.head.start])
            end, used = table.fit(table.first_row(index), room)
            if end < table.end:
                return max(end, index)
            room -= used
            at = table.end
        return units_end(self._text, at, room)

    def _at_least_something(self, index: int, end: int) -> int:
        if end > index or self._may_be_empty:
            return end
        return units_end(self._text, index, self._limit // 2)

    def _tables_from(self, index: int) -> list[Table]:
        tables = self._source.tables
        return tables[bisect_right(tables, index, key=lambda table: table.end) :]

    # --- pieces ----------------------------------------------------------------------------------

    def _blocks(self, place: _Cursor, text: str) -> list[Block]:
        blocks = find_blocks(text, self._caps, place.fence, place.inside_line)
        for table in self._tables_from(place.index):
            if table.head.start >= place.index + len(text):
                break
            start, code = table.head.start - place.index - 1, table.head.end - place.index
            last = table.end - place.index
            blocks.append(Block(max(start, -1), max(code, -1), last, last, None))
        return sorted(blocks, key=lambda block: block.start)

    def _cut_piece(self, place: _Cursor, end: int) -> tuple[Piece, _Cursor]:
        """One behind which more comes: emphasis and code that go on there are closed."""
        piece, behind = self._piece(place, end)
        if behind.fence or not behind.inside_line:
            return piece, behind
        marks = self._torn((self._head(place) + piece.shown).rpartition("\n")[2], end)
        tail = "".join(reversed(marks))
        return msgspec.structs.replace(piece, tail=tail), msgspec.structs.replace(behind, marks=marks)

    def _torn(self, line: str, end: int) -> tuple[str, ...]:
        """The marks that are open in this line where it is cut; none if the innermost would run into its own sign."""
        marks = open_marks(line)
        spaces = _SPACES.match(self._text, end)
        begin = spaces.end() if spaces else end
        beside = line[-1:] + self._text[begin : begin + 1]
        return () if marks and marks[-1][0] in "`~" and marks[-1][0] in beside else marks

    def _piece(self, place: _Cursor, end: int, held: str = "") -> tuple[Piece, _Cursor]:
        text = self._text[place.index : end] + held
        solid = text.rstrip()
        body = self._begun(solid, place)
        is_whole = bool(body) and body == solid  # or only blank space had room, perhaps behind a fence's opening line
        fence = self._open_fence(body if is_whole else text, place)
        if not body:
            return Piece("", "", "", end, end), _Cursor(end, fence, place.inside_line)
        tail = fence.tail(self._caps) if fence and is_whole else ""
        piece = Piece(self._head(place), self._drawn(place.index, body), tail, place.index, end)
        inside_line = not held and self._text[end : end + 1] != "\n" and self._text[end - 1] != "\n"
        return piece, _Cursor(end, fence, inside_line)

    def _open_fence(self, body: str, place: _Cursor) -> Fence | None:
        """The one that is open at the body's end."""
        blocks = find_blocks(body, self._caps, place.fence, place.inside_line)
        return blocks[-1].fence if blocks and blocks[-1].end > len(body) else None

    def _begun(self, body: str, place: _Cursor) -> str:
        """The body without a fence's opening line at its end: with nothing in it yet, it would be shown as text."""
        last = body.rfind("\n")
        if "```" not in body[last + 1 :]:
            return body
        opened = find_blocks(body, self._caps, place.fence, place.inside_line)[1 if place.fence else 0 :]
        is_bare = opened and opened[-1].start == last and opened[-1].end > len(body)
        return body[: max(last, 0)].rstrip() if is_bare else body

    def _drawn(self, start: int, body: str) -> str:
        """The body, which begins at index `start`, with its tables laid out."""
        parts, at, end = [], start, start + len(body)
        for table in self._tables_from(start):
            if table.head.start >= end:
                break
            parts.append(body[at - start : max(table.head.start - start, 0)])
            parts.append(table.drawn(table.first_row(start), end))
            at = min(table.end, end)
        drawn = "".join([*parts, body[at - start :]])
        return drawn if utf16_len(drawn) <= self._limit or not parts else body
