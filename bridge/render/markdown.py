"""Claude's Markdown, cut into Discord messages while it is still being written.

The text grows and what was posted must not change, so a cut may depend on nothing that comes later:

    text   ──────────────────────────────────────────────▶ grows
           [ piece 0 ][ piece 1 ][ last piece … ]
                     ▲          ▲
                     a cut is made when the rest no longer fits a window, from that window alone

- The window is as large as a message, less what reopens a fence at its head, less (if there is any
  fence about) room to close the largest one at its tail. That room is a constant: if it depended on the
  fence, the window of a longer text could be another one, and the cut would move.
- Inside the window the cut falls at the end of the best kind (`_Rank`) in the later half; only where there is
  none at all, earlier.
- Each piece must be good Markdown alone. So a piece is read as it is shown, from its own reopened fence on,
  and the state at its end decides what closes it and what reopens the next.
- After a cut, blank space is dropped. A closing fence right after a cut inside that fence is dropped too: it
  was closed already. While the text ends in something that may become such a closing fence, nothing is
  shown of it, or a message would have to be deleted again.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from enum import IntEnum
from functools import cached_property

import msgspec

from bridge.render.fences import Block, Caps, Fence, find_blocks
from bridge.render.text import units_end, utf16_len, whole_end

DISCORD_LIMIT = 2000  # characters of a message's content; developers/resources/message.mdx
MIN_LIMIT = 64  # below, a fence's head and tail leave too little room for text

_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")
_SPACES = re.compile(r"[^\S\n]*")
_HEADING = re.compile(r"[ \t>]*+(?:#{1,6}[ \t]|\*\*[^*\n]+(?:\*\*:?|:\*\*)[ \t]*$)")
_ITEM = re.compile(r"[ \t>]*+(?:[-*+]|\d{1,9}[.)])[ \t]")
_SENTENCE_END = re.compile(r"[.!?…][\"')\]*_`»”’]*(?=\s)|[。！？][」』”）]*")
_WORD_END = re.compile(r"(?<=\S)(?=[^\S\n])")
# What would become a heading, a quote, a list item or a fence at the start of a message.
_NEW_MEANING = re.compile(r"\s*(?:-?#{1,6}\s|[-*+]\s|>|\d{1,9}[.)]\s|[`~]{3}|[`~]{1,2}$)")
# What should not be broken, or what the end of the window leaves open of it.
_INLINE_SPAN = re.compile(
    r"(?<!`)(`++)(?:[^`\n]+\1(?!`)|[^`\n]{,200}\Z)"
    r"|\[[^\[\]\n]{,200}(?:\Z|\]\([^)\s]{,500}(?:\)|\Z))"
    r"|\*\*[^*\n]{1,300}(?:\*\*|\Z)"
    r"|<[^<>\s]{1,200}>"
)


_MOST_TRIED = 100  # places of one kind; a message of ordinary text has fewer


class _Rank(IntEnum):
    """The kinds of places to cut at, the best first."""

    PARAGRAPH = 0
    ITEM = 1
    LINE = 2
    SENTENCE = 3
    CODE_GAP = 4
    CODE_LINE = 5
    WORD = 6


class Piece(msgspec.Struct, frozen=True):
    """One message: `head` reopens a fence, `tail` closes one, between them is text[start:end]."""

    head: str
    body: str
    tail: str
    start: int
    end: int

    def __str__(self) -> str:
        return self.head + self.body + self.tail


class _Place(msgspec.Struct, frozen=True):
    """Where the next piece begins: the index, the fence open there, whether the cut was inside a line."""

    index: int = 0
    fence: Fence | None = None
    inside_line: bool = False


def split(text: str, limit: int = DISCORD_LIMIT, first_limit: int | None = None) -> list[str]:
    """`text` as messages of at most `limit` UTF-16 units, the first of at most `first_limit`.

    Prefix-stable: if more text is appended, every piece but the last stays as it is. No piece is empty,
    except the first where `first_limit` leaves less than a tenth of a message. Nothing is lost but blank
    space at the cuts, and closing fences that follow a cut. ValueError if `limit` is under MIN_LIMIT.
    """
    return Splitter(limit, first_limit).pieces(text)


class Splitter:
    """`split` for a text that grows: what is settled is not looked at again."""

    def __init__(self, limit: int = DISCORD_LIMIT, first_limit: int | None = None) -> None:
        if limit < MIN_LIMIT:
            raise ValueError(f"limit is {limit}, the least is {MIN_LIMIT}")
        self._limit = limit
        self._first_limit = limit if first_limit is None else min(first_limit, limit)
        self._caps = Caps.within(limit)
        self._forget()

    def _forget(self) -> None:
        self._settled_text = ""
        self._settled: list[Piece] = []
        self._place = _Place()
        if self._first_limit < max(MIN_LIMIT, self._limit // 10):
            self._settled.append(Piece("", "", "", 0, 0))

    def pieces(self, text: str) -> list[str]:
        """The messages for `text`. Quick if it continues the text of the call before, right in any case."""
        return [str(piece) for piece in self.spans(text)]

    def spans(self, text: str) -> list[Piece]:
        """As `pieces`, with each piece's place in the text."""
        if not text.startswith(self._settled_text):
            self._forget()
        while True:
            place = self._begin(text)
            if place is None:
                return list(self._settled)
            window = self._window(text, place)
            if window >= len(text):
                return [*self._settled, self._piece(text, place, len(text))[0]]
            self._settle(text, place, place.index + _cut(text, place, window, self._caps))

    def _settle(self, text: str, place: _Place, end: int) -> None:
        piece, self._place = self._piece(text, place, end)
        if piece.body:
            self._settled.append(piece)
        self._settled_text = text[:end]

    def _room(self, place: _Place) -> int:
        limit = self._limit if self._settled else self._first_limit
        return limit - utf16_len(self._head(place))

    def _head(self, place: _Place) -> str:
        return place.fence.head(self._caps, place.inside_line) if place.fence else ""

    def _window(self, text: str, place: _Place) -> int:
        """The index up to which the rest of the text may be in one piece."""
        room = self._room(place)
        end = units_end(text, place.index, room)
        if place.fence or "```" in text[place.index : end] or "~~~" in text[place.index : end]:
            return units_end(text, place.index, room - self._caps.tail)
        return end

    def _begin(self, text: str) -> _Place | None:
        """Where the next piece's text begins, or None if there is nothing to show (yet)."""
        place = self._place
        index, inside_line = place.index, place.inside_line
        blank = _BLANK_LINES.match(text, index)
        if blank and blank.end() > index:
            index, inside_line = blank.end(), False
        elif inside_line and (spaces := _SPACES.match(text, index)):
            index = spaces.end()
        place = _Place(index, place.fence, inside_line)
        if not text[index : index + self._limit].strip() and not text[index:].strip():
            return None
        return self._after_closer(text, place.index, place.fence) if place.fence and not inside_line else place

    def _after_closer(self, text: str, index: int, fence: Fence) -> _Place | None:
        """The place at the line here, or after it if it closes the fence: the cut has closed it already."""
        end = text.find("\n", index)
        line = text[index:] if end < 0 else text[index:end]
        if end < 0 and not line.strip(f" \t>{fence.run[0]}"):
            return None
        if not fence.is_closed_by(line):
            quote_ended = fence.quotes and fence.quote_end(line, 0) is not None
            return _Place(index, None if quote_ended else fence)
        self._place = _Place(end)
        self._settled_text = text[:end]
        return self._begin(text)

    def _piece(self, text: str, place: _Place, end: int) -> tuple[Piece, _Place]:
        body = text[place.index : end].rstrip()
        if not body:
            return Piece("", "", "", end, end), _Place(end, place.fence, place.inside_line)
        blocks = find_blocks(body, self._caps, place.fence, place.inside_line)
        fence = blocks[-1].fence if blocks and blocks[-1].end > len(body) else None
        tail = fence.tail(self._caps) if fence else ""
        piece = Piece(self._head(place), body, tail, place.index, place.index + len(body))
        return piece, _Place(end, fence, text[end : end + 1] != "\n" and text[end - 1] != "\n")


def _cut(text: str, place: _Place, end: int, caps: Caps) -> int:
    """The length of the next piece's text, of which text[place.index:end] is the most that fits."""
    window = _Window(text[place.index : end], text[end], place, caps)
    later, early = window.size // 2, window.size // 8
    return (
        window.line_end(later)
        or window.sentence_end(later)
        or window.word_end(later)
        or window.line_end(early)
        or window.sentence_end(early)
        or window.word_end(early)
        or window.word_end(later, in_spans=True)
        or window.line_end(early, after_heading=True)
        or window.hard_end()
    )


class _Window:
    """A piece's worth of text, the one character after it, and the places where it can be cut."""

    def __init__(self, text: str, ahead: str, place: _Place, caps: Caps) -> None:
        self.text = text + ahead
        self.size = len(text)
        self.blocks = find_blocks(text, caps, place.fence, place.inside_line)
        self._starts = [block.start for block in self.blocks]

    def _block(self, index: int) -> Block | None:
        """The fenced block that this index is inside of."""
        nearest = bisect_left(self._starts, index) - 1
        return self.blocks[nearest] if nearest >= 0 and index < self.blocks[nearest].end else None

    def line_end(self, floor: int, after_heading: bool = False) -> int | None:
        """The last line end of the best rank from `floor` on."""
        best, best_rank = None, len(_Rank)
        index, tried = self.text.rfind("\n", floor), 0
        while index >= max(floor, 1) and best_rank > _Rank.PARAGRAPH and tried < _MOST_TRIED:
            rank = self._rank(index, after_heading)
            if rank is not None and rank < best_rank:
                best, best_rank = index, rank
            if rank == _Rank.CODE_LINE and index < self.size * 3 // 4:
                index = self._code_start(index)  # no better place in this block
            index, tried = self.text.rfind("\n", floor, index), tried + 1
        return best

    def _code_start(self, index: int) -> int:
        block = self._block(index)
        return block.code + 1 if block else index

    def _rank(self, index: int, after_heading: bool) -> _Rank | None:
        line = self._line_before(index)
        if not line.strip():
            return None
        block = self._block(index)
        if block:
            return self._rank_in_code(index, block)
        if _HEADING.match(line) and not after_heading:
            return None
        return self._rank_outside(index, line)

    def _rank_in_code(self, index: int, block: Block) -> _Rank | None:
        if index == block.code:
            return None
        gap = self._after_blank(index) > index + 1
        return _Rank.CODE_GAP if gap and index >= self.size * 3 // 4 else _Rank.CODE_LINE

    def _rank_outside(self, index: int, line: str) -> _Rank:
        after = self._after_blank(index)
        following = self.text[after : self._line_end(after)]
        if line.rstrip().endswith(":"):  # it announces what follows
            return _Rank.LINE
        if following[:1] in (" ", "\t"):
            return _Rank.ITEM if _ITEM.match(following) else _Rank.LINE
        edge = index in self._starts or any(block.end == index for block in self.blocks)
        if after > index + 1 or edge or _HEADING.match(following):
            return _Rank.PARAGRAPH
        return _Rank.ITEM if _ITEM.match(following) else _Rank.LINE

    def _line_before(self, index: int) -> str:
        return self.text[self.text.rfind("\n", 0, index) + 1 : index]

    def _line_end(self, index: int) -> int:
        end = self.text.find("\n", index)
        return len(self.text) if end < 0 else end

    def _after_blank(self, index: int) -> int:
        blank = _BLANK_LINES.match(self.text, index + 1)
        return blank.end() if blank else index + 1

    def sentence_end(self, floor: int) -> int | None:
        ends = (match.end() for match in _SENTENCE_END.finditer(self.text, floor))
        return self._last(end for end in ends if self._block(end) is None)

    def word_end(self, floor: int, in_spans: bool = False) -> int | None:
        return self._last((match.end() for match in _WORD_END.finditer(self.text, max(floor, 1))), in_spans)

    def _last(self, ends: Iterator[int], in_spans: bool = False) -> int | None:
        fitting = [end for end in ends if 0 < end <= self.size]
        for end in reversed(fitting[-_MOST_TRIED:]):
            if (in_spans or not self._in_span(end)) and self._may_break(end):
                return end
        return None

    def _in_span(self, index: int) -> bool:
        nearest = bisect_left(self._spans, (index, 0)) - 1
        return nearest >= 0 and index < self._spans[nearest][1]

    @cached_property
    def _spans(self) -> list[tuple[int, int]]:
        return [match.span() for match in _INLINE_SPAN.finditer(self.text)]

    def _may_break(self, index: int) -> bool:
        """Whether the line here may be broken: no heading, no fence, and its rest would mean the same."""
        if _NEW_MEANING.match(self.text, index):
            return False
        block = self._block(index)
        if block:
            return block.code < index <= block.last
        return not _HEADING.match(self._line_before(index))

    def hard_end(self) -> int:
        """As far as it goes, but neither inside one visible character nor before or after a mark."""
        for index in range(self.size, max(0, self.size - 64), -1):
            marked = self.text[index] in "`~" or self.text[index - 1] == "\\"
            if not marked and whole_end(self.text, 0, index) == index:
                return index
        return whole_end(self.text, 0, self.size)
