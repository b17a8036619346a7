"""A table of Claude's, which Discord has none of: where it stands in the text, and its rows.

It may be cut over messages between two rows; each message lays out its own rows (`Layout`) below the header.
"""

import re
from bisect import bisect_left

import msgspec

from bridge.render.markdown.layouts import Layout, Row

_CELL_END = re.compile(r"(?<!\\)\|")
_DELIMITER = re.compile(r"[ \t]*:?-+:?[ \t]*")


class Line(msgspec.Struct, frozen=True):
    """A line of a table in the text: text[start:end]."""

    start: int
    end: int


class Table(msgspec.Struct):
    """Where a table stands in the text, and what is in it. `prefix` stands before each line: quotes, indentation.

    `written` is the row being written, which is shown as it is below the finished ones.
    """

    prefix: str
    head: Line
    header: Row
    aligns: str
    rows: list[Row]
    lines: list[Line]
    written: Line | None = None

    @property
    def end(self) -> int:
        """The end of its last line."""
        last = self.written or (self.lines[-1] if self.lines else self.head)
        return last.end

    def first_row(self, index: int) -> int:
        """The number of the first finished row that begins at or after this index of the text."""
        return bisect_left(self.lines, index, key=lambda line: line.start)

    def drawn(self, first: int, end: int, text: str) -> str:
        """The rows from `first` on that begin before the index `end` of the text, under the header."""
        last = self.first_row(end)
        layout = Layout(self.prefix, self.header, self.aligns)
        for row in self.rows[first:last]:
            layout.add(row)
        shown = [layout.text()] if last > first or not self.written or first == 0 else []
        if self.written and self.written.start < end:
            shown.append(text[self.written.start : self.written.end])
        return "\n".join(shown)

    def fit(self, first: int, room: int) -> tuple[int, int]:
        """(the index up to which the table from row `first` on fits into `room` UTF-16 units, the units it takes).

        A row needs the room of its source also, as it is shown so while it is written: else a table could
        fit again, after it has been cut, by having its last row finished.
        """
        layout = Layout(self.prefix, self.header, self.aligns)
        end, used = self.head.start - 1, 0
        if first == 0:
            used = layout.size()
            if max(used, self.head.end - self.head.start) > room:
                return end, 0
            end = self.head.end
        else:
            end = self.lines[first - 1].end
        for row, line in zip(self.rows[first:], self.lines[first:], strict=True):
            if used + 1 + line.end - line.start > room:
                return end, used
            layout.add(row)
            taken = layout.size()
            if taken > room:
                return end, used
            end, used = line.end, taken
        if self.written:
            used += 1 + self.written.end - self.written.start
            return (end, used) if used > room else (self.written.end, used)
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
