"""Where a piece of text is cut off: at the end of the best kind in the later half of what fits, or earlier.

What is looked at is a window: the most text that fits a message, and the one character after it. Nothing
else may count, for the text after it is not always there yet.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from enum import IntEnum
from functools import cached_property

from bridge.render.markdown.fences import Block
from bridge.text import whole_end

_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")
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


class Window:
    """A piece's worth of text, the one character after it, and the places where it can be cut."""

    def __init__(self, text: str, ahead: str, blocks: list[Block]) -> None:
        self.text = text + ahead
        self.size = len(text)
        self.blocks = blocks
        self._starts = [block.start for block in blocks]

    def cut(self) -> int:
        """The length of the piece."""
        later, early = self.size // 2, self.size // 8
        return (
            self.line_end(later)
            or self.sentence_end(later)
            or self.word_end(later)
            or self.line_end(early)
            or self.sentence_end(early)
            or self.word_end(early)
            or self.word_end(later, in_spans=True)
            or self.line_end(early, after_heading=True)
            or self.hard_end()
        )

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
        if _NEW_MEANING.match(self.text, index) or not self._line_before(index).strip(" \t>"):
            return False
        block = self._block(index)
        if block:
            return block.fence is not None and block.code < index <= block.last
        return not _HEADING.match(self._line_before(index))

    def hard_end(self) -> int:
        """As far as it goes, but neither inside one visible character nor before or after a mark."""
        for index in range(self.size, max(0, self.size - 64), -1):
            marked = self.text[index] in "`~" or self.text[index - 1] == "\\"
            if not marked and whole_end(self.text, 0, index) == index:
                return index
        return whole_end(self.text, 0, self.size)
