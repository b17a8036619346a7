"""Where a piece of text ends: at the first place that is good enough for how full the piece is already.

What was shown must never be taken back, so nothing is shown in a piece that could still fall behind its end:

    │ shown as it is written …                 │ from place to place │
    0                        paragraph  item  tight           line  most
                             └ the first end of a paragraph from here on ends the piece; from `item` on, of a
                               list item; from `tight` on, of a sentence or a line of code; from `line` on, any line

From `tight` on the piece grows by whole words and code by whole lines, and where none of those ends comes, the last
place that fits is its end. A place counts once AHEAD characters stand behind it: what follows tells what it is, and
nothing after that may count, for it is not always there yet.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from enum import IntEnum

import msgspec

from bridge.render.markdown.fences import Block
from bridge.text import whole_end

AHEAD = 24
"""Characters behind a place, from the first that can be seen on: enough to tell what they begin."""
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")
_SOLID = re.compile(r"\S")
_HEADING = re.compile(r"[ \t>]*+(?:#{1,6}[ \t]|\*\*[^*\n]+(?:\*\*:?|:\*\*)[ \t]*$)")
_HEADING_BEGUN = re.compile(r"[ \t>]{0,8}#{1,6}[ \t]")
_ITEM = re.compile(r"[ \t>]*+(?:[-*+]|\d{1,9}[.)])[ \t]")
_ONLY_MARKS = re.compile(r"[ \t>]*+(?:(?>[-*+#☐☑]|\d{1,9}[.)])[ \t]*+)*+")
"""Of a line as far as it says what kind it is: its words would be of no kind in the next message."""
_SENTENCE_END = r"[.!?…][\"')\]*_`»”’]*(?=\s)|[。！？][」』”）]*"
_LINE_OR_SENTENCE = re.compile(rf"\n|{_SENTENCE_END}")
_LINE_OR_WORD = re.compile(r"\n|[。！？][」』”）]*|(?<=\S)(?=[^\S\n])")
# What would become a heading, a quote, a list item or a fence at the start of a message.
_NEW_MEANING = re.compile(r"\s*(?:-?#{1,6}\s|[-*+]\s|>|\d{1,9}[.)]\s|[`~]{3}|[`~]{1,2}$)")
# What should not be broken: it is open where the text that is looked at ends.
_INLINE_SPAN = re.compile(
    r"(?<!`)(`++)(?:[^`\n]+\1(?!`)|(?P<code>[^`\n]{,200}\Z))"
    r"|\[[^\[\]\n]{,200}(?:(?P<text>\Z)|\]\([^)\s]{,500}(?:\)|(?P<address>\Z)))"
    r"|\*\*[^*\n]{1,300}(?:\*\*|(?P<bold>\Z))"
)
_MOST_MARKS = 64


class Room(msgspec.Struct, frozen=True):
    """How far the text may reach when the piece is so full; indices of the text, in their order."""

    paragraph: int
    item: int
    tight: int
    line: int
    most: int

    def below(self, start: int) -> "Room":
        """The same, counted from `start` on."""
        paragraph, item, tight, line, most = (index - start for index in msgspec.structs.astuple(self))
        return Room(paragraph, item, tight, line, most)


class _Rank(IntEnum):
    """The kinds of places to end at, the best first."""

    PARAGRAPH = 0
    ITEM = 1
    LINE = 2
    SENTENCE = 3
    CODE_GAP = 4
    CODE_LINE = 5
    ANNOUNCEMENT = 6
    """The end of a line that says what follows: better not."""


class Window:
    """A piece's text from its beginning to a little behind what fits, and the places where it can end."""

    def __init__(self, text: str, room: Room, blocks: list[Block], *, has_ended: bool) -> None:
        self._text = text
        self._room = room
        self._blocks = blocks
        self._has_ended = has_ended
        self._content = len(text.rstrip())
        self._starts = [block.start for block in blocks]
        self._least = {
            _Rank.PARAGRAPH: room.paragraph,
            _Rank.ITEM: room.item,
            _Rank.CODE_GAP: room.item,
            _Rank.SENTENCE: room.tight,
            _Rank.CODE_LINE: room.tight,
            _Rank.LINE: room.line,
        }

    @property
    def fits(self) -> bool:
        """Whether all of the text has room."""
        return self._content <= self._room.most

    def end(self) -> tuple[int, bool]:
        """Where the piece ends, and whether for good: if not, more of the text may come to stand in it."""
        most = self._room.most
        for index, is_line in self._good_places():
            if self._is_known(index):
                if self._is_good(index, is_line=is_line):
                    return index, True
            elif not self._has_ended:
                return self._surely(index), False
        if self._has_ended and self.fits:
            return len(self._text), False
        if self._has_ended or self._is_known(most):
            return self._last_resort(), True
        return self._surely(most), False

    def _good_places(self) -> Iterator[tuple[int, bool]]:
        """Each place that may be good enough, and whether it is a line's end."""
        for found in _LINE_OR_SENTENCE.finditer(self._text, self._room.paragraph):
            is_line = found[0] == "\n"
            index = found.start() if is_line else found.end()
            if index > self._room.most:
                return
            if self._ends_line(index) if is_line else index >= self._room.tight:
                yield index, is_line

    def _is_known(self, index: int) -> bool:
        solid = _SOLID.search(self._text, index)
        return solid is not None and self._content - solid.start() >= AHEAD

    # --- kinds of places -------------------------------------------------------------------------

    def _is_good(self, index: int, *, is_line: bool) -> bool:
        if is_line:
            return index >= self._least.get(self._rank(index), self._room.most + 1)
        return self._ends_word(index)

    def _ends_word(self, index: int) -> bool:
        """Whether a piece may end here, inside a line."""
        return self._block(index) is None and self._may_break(index) and not self._in_span(index)

    def _ends_line(self, index: int) -> bool:
        """Whether a piece may end at this line end; what is after it does not matter."""
        line = self._line_before(index)
        block = self._block(index)
        return bool(line.strip()) and (index != block.code if block else not _HEADING.match(line))

    def _rank(self, index: int) -> _Rank:
        after = self._after_blank(index)
        if self._block(index):
            return _Rank.CODE_GAP if after > index + 1 else _Rank.CODE_LINE
        if self._line_before(index).rstrip().endswith(":"):
            return _Rank.ANNOUNCEMENT
        is_item = _ITEM.match(self._text, after) is not None
        if self._text[after : after + 1] in (" ", "\t"):
            return _Rank.ITEM if is_item else _Rank.LINE
        edge = index in self._starts or any(block.end == index for block in self._blocks)
        if after > index + 1 or edge or _HEADING_BEGUN.match(self._text, after):
            return _Rank.PARAGRAPH
        return _Rank.ITEM if is_item else _Rank.LINE

    def _block(self, index: int) -> Block | None:
        """The fenced block, or table, that this index is inside of."""
        nearest = bisect_left(self._starts, index) - 1
        return self._blocks[nearest] if nearest >= 0 and index < self._blocks[nearest].end else None

    def _line_before(self, index: int) -> str:
        return self._text[self._text.rfind("\n", 0, index) + 1 : index]

    def _after_blank(self, index: int) -> int:
        blank = _BLANK_LINES.match(self._text, index + 1)
        return blank.end() if blank else index + 1

    def _in_span(self, index: int) -> bool:
        """Whether a link, bold text or code is open here, as far as what is before tells."""
        start = self._text.rfind("\n", 0, index) + 1
        return any(found.lastgroup for found in _INLINE_SPAN.finditer(self._text, start, index))

    def _may_break(self, index: int) -> bool:
        """Whether the line here may be broken: no heading, no fence, and its rest would mean the same."""
        if _NEW_MEANING.match(self._text, index) or _ONLY_MARKS.fullmatch(self._line_before(index)):
            return False
        block = self._block(index)
        if block:
            return block.fence is not None  # its first and its last line have no place between words
        return not _HEADING.match(self._line_before(index))

    # --- where there is no good one --------------------------------------------------------------

    def _places(self, end: int) -> Iterator[tuple[int, bool]]:
        """The ends of lines and words from `tight` to `end`, the last one first; and whether it is a line's."""
        found = list(_LINE_OR_WORD.finditer(self._text, self._room.tight, min(end + 1, len(self._text))))
        for place in reversed(found):
            is_line = place[0] == "\n"
            index = place.start() if is_line else place.end()
            if index <= end and (is_line or self._has_ended or self._is_known(index)):
                yield index, is_line

    def _last_place(self, end: int) -> int:
        """The last one up to `end` that tears nothing; 0 if there is none."""
        places = self._places(end)
        return next((at for at, is_line in places if (self._ends_line if is_line else self._ends_word)(at)), 0)

    def _last_resort(self) -> int:
        """The end of a piece that is full: the last place in it, or what is left."""
        most = self._room.most
        end = self._last_place(most) or self._tearing_place() or self._hard_end()
        return max(end, min(self._tight_end(), most))

    def _tearing_place(self) -> int:
        """Between words, but in a link, in bold text, in a line of code, or below a heading."""
        places = self._places(self._room.most)
        return next((at for at, is_line in places if (self._opens_nothing if is_line else self._may_break)(at)), 0)

    def _opens_nothing(self, index: int) -> bool:
        """Whether this is not the end of a fence's, or a table's, first line, whose block would be shown as text."""
        block = self._block(index)
        return block is None or index != block.code

    def _hard_end(self) -> int:
        """As far as it goes, but not inside one visible character, nor at a mark, or before what would become one."""
        most = self._room.most
        for index in range(most, max(0, most - _MOST_MARKS), -1):
            if self._is_whole(index) and not _NEW_MEANING.match(self._text, index):
                return index
        return whole_end(self._text, 0, most)

    # --- what is shown for now -------------------------------------------------------------------

    def _surely(self, most: int) -> int:
        """How far the text stands in this piece whatever comes, if it does not end before `most`."""
        if most < self._room.tight:
            return most
        end = max(self._last_place(min(most, self._content)), min(self._tight_end(), most))
        return self._outside_fence_lines(end if end < self._content else len(self._text))

    def _tight_end(self) -> int:
        """The first index from `tight` on that tears nothing; the end of the text while there is none."""
        last = min(self._content, self._room.tight + _MOST_MARKS)
        whole = (index for index in range(self._room.tight, last) if self._is_whole(index))
        return next(whole, last)

    def _is_whole(self, index: int) -> bool:
        marked = self._text[index : index + 1] in ("`", "~") or self._text[index - 1 : index] == "\\"
        return not marked and whole_end(self._text, 0, index) == index

    def _outside_fence_lines(self, index: int) -> int:
        """`index`, or before the fence's line that it is in."""
        for block in self._blocks:
            if block.fence and block.start < index <= block.code:
                return max(block.start, 0)
            if block.fence and block.last < index < block.end:
                return block.last
        return index
