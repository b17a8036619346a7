"""A table as Discord can show it on a phone.

a code block, its columns aligned,         or, where that would be too wide or would hide links,
of at most WIDTH columns of monospace:     a small list for each row:

    Name    | Type | What it is            -# Name · Type · What it is
    --------+------+--------------         **first**
    first   | int  | a cell may be         - Type: int
            |      | wrapped               - What it is: a cell
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from bridge.render.markdown.inline import inline, plain
from bridge.render.markdown.widths import display_width, padded, wrapped
from bridge.text import utf16_len

WIDTH = 36  # columns of monospace that a phone held upright (390 px) shows without breaking the line
MOST_LINES = 4  # of a cell; beyond, a list is easier to read
LEAST_COLUMN = 8
_SEPARATOR = " | "
_BREAK = re.compile(r"<br[ \t]*/?>")
_LINK = re.compile(r"\]\(<?https?://|!\[")
Row = tuple[str, ...]
_Widths = tuple[int, ...]


class Layout:
    """A header and rows in the form that fits them. Adding a row costs what that row needs, mostly.

    Once a list, it stays one: rows are only added, and the columns only widen.
    """

    def __init__(self, prefix: str, header: Row, aligns: str) -> None:
        self._prefix = prefix
        self._header = header
        self._aligns = aligns
        self._rows: list[Row] = []
        self._lines: list[str] = []
        self._units = 0
        self._natural: _Widths = (0,) * len(header)
        self._words = self._natural
        self._widths: _Widths = ()
        """Of the columns of the code block; () if it is a list."""
        self._widen(header)
        self._lay_out()

    def add(self, row: Row) -> None:
        """One more row."""
        self._rows.append(row)
        if self._widths and self._widen(row):
            self._lay_out()
        elif self._widths and len(shown := _code_lines(row, self._widths, self._aligns)) <= MOST_LINES:
            self._put(shown)
        elif self._widths:
            self._widths = ()
            self._lay_out()
        else:
            self._put(_list_lines(row, self._header))

    def size(self) -> int:
        """UTF-16 units of the text."""
        return self._units - 1

    def text(self) -> str:
        """The lines, between fences if it is a code block."""
        lines = ["```", *self._lines, "```"] if self._widths else self._lines
        return "\n".join(self._prefix + line for line in lines)

    def _widen(self, row: Row) -> bool:
        """Make room for a row; whether the columns change."""
        natural, words, has_links = _measured(row)
        before = self._natural, self._words, self._widths
        self._natural = tuple(map(max, self._natural, natural))
        self._words = tuple(map(max, self._words, words))
        if has_links:
            self._widths = ()
        elif (self._natural, self._words) != before[:2]:
            self._widths = column_widths(self._natural, self._words)
        return self._widths != before[2]

    def _lay_out(self) -> None:
        """All rows anew."""
        widths = self._widths
        shown = [_code_lines(row, widths, self._aligns) for row in (self._header, *self._rows)] if widths else []
        if any(len(lines) > MOST_LINES for lines in shown):
            shown, self._widths = [], ()
        self._lines, self._units = [], 2 * (4 + len(self._prefix)) if shown else 0
        if shown:
            rule = "-+-".join("-" * width for width in widths)
            shown.insert(1, (rule,))
        else:
            titles = " · ".join(_listed(cell) for cell in self._header if cell)
            shown = [(f"-# {titles}",), *(_list_lines(row, self._header) for row in self._rows)]
        for lines in shown:
            self._put(lines)

    def _put(self, lines: Sequence[str]) -> None:
        self._lines += lines
        self._units += utf16_len("".join(lines)) + len(lines) * (1 + len(self._prefix))


def column_widths(natural: Sequence[int], words: Sequence[int]) -> tuple[int, ...]:
    """The widths of columns that fit WIDTH together; () if they cannot decently.

    `natural` is what a column takes without wrapping, `words` its longest word. The narrow ones get
    what they need, the others share the rest evenly.
    """
    room = WIDTH - len(_SEPARATOR) * (len(natural) - 1)
    widths = [0] * len(natural)
    by_width = sorted(range(len(natural)), key=natural.__getitem__)
    for left, column in zip(range(len(natural), 0, -1), by_width, strict=True):
        widths[column] = min(natural[column], max(room // left, 0))
        room -= widths[column]
    for width, wanted, word in zip(widths, natural, words, strict=True):
        if width < wanted and (width < LEAST_COLUMN or width < word):
            return ()
    return tuple(max(width, 1) for width in widths)


def _lines_of(cell: str) -> tuple[str, ...]:
    """A cell's text as a code block has it."""
    # In a cell a code block cannot come to its end, as backticks are taken for marks.
    return tuple(plain(part.strip()).replace("```", "'''") for part in _BREAK.split(cell))


@lru_cache(maxsize=4096)
def _measured(row: Row) -> tuple[_Widths, _Widths, bool]:
    """(what each cell takes without wrapping, its longest word, whether any has a link), in columns."""
    cells = [_lines_of(cell) for cell in row]
    natural = tuple(max(map(display_width, lines)) for lines in cells)
    words = tuple(max((display_width(word) for line in lines for word in line.split()), default=0) for lines in cells)
    return natural, words, any(map(_has_link, row))


def _has_link(cell: str) -> bool:
    return "](" in cell and _LINK.search(cell) is not None


def _wrapped(cell: str, width: int) -> tuple[str, ...]:
    return tuple(part for line in _lines_of(cell) for part in wrapped(line, width))


@lru_cache(maxsize=4096)
def _code_lines(row: Row, widths: tuple[int, ...], aligns: str) -> tuple[str, ...]:
    columns = [_wrapped(cell, width) for cell, width in zip(row, widths, strict=True)]
    lines = []
    for number in range(max(map(len, columns))):
        parts = [column[number] if number < len(column) else "" for column in columns]
        shown = [padded(part, width, align) for part, width, align in zip(parts, widths, aligns, strict=True)]
        lines.append(_SEPARATOR.join(shown).rstrip())
    return tuple(lines)


@lru_cache(maxsize=4096)
def _list_lines(row: Row, header: Row) -> tuple[str, ...]:
    first = _listed(row[0]).replace("**", "").strip()
    lines = [f"**{first or '–'}**"]
    for name, cell in zip(header[1:], row[1:], strict=True):
        if cell:
            title = f"{_listed(name)}: " if name else ""
            lines.append(f"- {title}{_listed(cell)}")
    return tuple(lines)


def _listed(cell: str) -> str:
    """A cell's Markdown on one line."""
    return inline(_BREAK.sub(" ", cell).replace("\\|", "|"), {}).replace("\n", " ")
