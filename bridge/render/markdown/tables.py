"""A table of Claude's, which Discord has none of: where it stands in the text, and its rows.

It may be cut over messages between two rows; each message lays out its own rows (`Layout`) below the header.
"""

import re
from bisect import bisect_left

import msgspec

from bridge.render.markdown.layouts import Layout, Row

_CELL_END = re.compile(r"(?<!\\)\|")
_DELIMITER = re.compile(r"[ \t]*:?-+:?[ \t]*")


class TableLine(msgspec.Struct, frozen=True):
    """A line of a table in the text: text[start:end]."""

    start: int
    end: int


class Table(msgspec.Struct):
    """Where a table stands in the text, and its whole rows. `prefix` stands before each line: quotes, indentation."""

    prefix: str
    head: TableLine
    header: Row
    aligns: str
    rows: list[Row]
    lines: list[TableLine]

    @property
    def end(self) -> int:
        """The end of its last line."""
        return (self.lines[-1] if self.lines else self.head).end

    def first_row(self, index: int) -> int:
        """The number of the first finished row that begins at or after this index of the text."""
        return bisect_left(self.lines, index, key=lambda line: line.start)

    def drawn(self, first: int, end: int) -> str:
        """The rows from `first` on that begin before the index `end` of the text, under the header."""
        layout = Layout(self.prefix, self.header, self.aligns)
        for row in self.rows[first : self.first_row(end)]:
            layout.add(row)
        return layout.text()

    def fit(self, first: int, room: int) -> tuple[int, int]:
        """(the index up to which the table from row `first` on fits into `room` UTF-16 units, the units it takes)."""
        layout = Layout(self.prefix, self.header, self.aligns)
        end, used = self.lines[first - 1].end if first else self.head.start - 1, 0
        if first == 0:
            if layout.size() > room:
                return end, 0
            end, used = self.head.end, layout.size()
        for row, line in zip(self.rows[first:], self.lines[first:], strict=True):
            layout.add(row)
            if layout.size() > room:
                return end, used
            end, used = line.end, layout.size()
        return end, used


def cells(line: str) -> list[str]:
    """The cells of a table's line, trimmed, without its quotes."""
    row = line.lstrip(" \t>").rstrip().removeprefix("|")
    if row.endswith("|") and not row.endswith("\\|"):
        row = row[:-1]
    return [cell.strip() for cell in _CELL_END.split(row)]


def alignments(line: str, count: int) -> str:
    """One of "lcr" for each column if this is the line below a header of `count` cells, else ""."""
    marks = cells(line)
    if len(marks) != count or not all(_DELIMITER.fullmatch(mark) for mark in marks):
        return ""
    return "".join("c" if mark[0] == mark[-1] == ":" else "r" if mark[-1] == ":" else "l" for mark in marks)


def as_row(line: str, count: int) -> Row:
    """The line's cells, as many as there are columns; what is too much stands in the last."""
    found = cells(line)
    found[count - 1 :] = [" | ".join(found[count - 1 :])]
    return (*found, *[""] * (count - len(found)))
