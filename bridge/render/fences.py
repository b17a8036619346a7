"""Fenced code blocks as they are read, closed and opened again.

The rules are CommonMark's (https://spec.commonmark.org/0.31.2/#fenced-code-blocks), in lists and quotes
also, with two differences: any indentation may open a fence, as Discord knows no indented code; and a
fence of absurd sizes (`Caps`) is text.
"""

import re

import msgspec

from bridge.render.text import utf16_len

_LINE = re.compile(r"^((?>[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t])))*+[ \t]*+)(`{3,}|~{3,})([^\n]*)", re.MULTILINE)


class Caps(msgspec.Struct, frozen=True):
    """How large a fence we reopen and close, in UTF-16 units, so that head and tail have a bounded size."""

    indent: int
    run: int
    info: int

    @classmethod
    def within(cls, limit: int) -> "Caps":
        """The caps for messages of `limit` units, so that a fence leaves room for text."""
        return cls(min(16, max(8, limit // 16)), min(32, max(4, limit // 16)), min(64, limit // 8))

    @property
    def tail(self) -> int:
        """The most units that closing a fence can take."""
        return 1 + self.indent + self.run


class Fence(msgspec.Struct, frozen=True):
    """An open fence: what it takes to close it and to open it again."""

    run: str
    info: str
    indent: int
    quotes: int

    def _prefix(self, caps: Caps) -> str:
        return "> " * self.quotes or " " * min(self.indent, caps.indent)

    def head(self, caps: Caps, inside_line: bool) -> str:
        """What opens the fence again, and the quote of the line that was cut."""
        info = self.info if utf16_len(self.info) <= caps.info else self.info.split()[0]
        info = info if utf16_len(info) <= caps.info else ""
        return f"{self._prefix(caps)}{self.run}{info}\n" + ("> " * self.quotes if inside_line else "")

    def tail(self, caps: Caps) -> str:
        """What closes the fence."""
        return f"\n{self._prefix(caps)}{self.run}"

    def is_closed_by(self, line: str) -> bool:
        """Whether this line closes the fence."""
        match = _LINE.match(line)
        return match is not None and self._closed_by(match)

    def quote_end(self, window: str, first: int) -> int | None:
        """The line end before the first line, from index `first` on, that is outside the fence's quote."""
        unquoted = re.compile(rf"^(?!(?:[ \t]*>){{{self.quotes}}})(?!\Z)", re.MULTILINE)
        line = unquoted.search(window, first)
        return line.start() - 1 if line else None

    def _closed_by(self, line: re.Match[str]) -> bool:
        prefix, run, rest = line.groups()
        return (
            run[0] == self.run[0]
            and len(run) >= len(self.run)
            and not rest.strip()
            and not prefix.replace(">", "").strip()
            and prefix.count(">") == self.quotes
            and len(prefix.rpartition(">")[2]) <= self.indent + 3
        )


class Block(msgspec.Struct, frozen=True):
    """Where a fenced block lies in a window, as the indices of line ends.

    `start` is before the opening line, `code` after it (both -1 if it was open before), `last` before the
    closing line, `end` after it (both past the window if it is still open). Between start and end is inside.
    """

    start: int
    code: int
    last: int
    end: int
    fence: Fence


def find_blocks(window: str, caps: Caps, fence: Fence | None, inside_line: bool) -> list[Block]:
    """The fenced blocks of a window, in their order.

    The window is read as a message of its own, which begins with `fence` open, if one is given; with
    `inside_line`, in the middle of a line.
    """
    found: list[Block] = []
    block = _open_block(window, fence, -1, inside_line) if fence else None
    any_fence = "```" in window or "~~~" in window
    for line in _LINE.finditer(window) if any_fence else ():
        if block and line.start() > block.end:  # its quote had ended
            found.append(block)
            block = None
        if block is None:
            opened = _opened_by(line, caps)
            block = _open_block(window, opened, line.start() - 1, True) if opened else None
        elif block.fence._closed_by(line):
            found.append(Block(block.start, block.code, line.start() - 1, line.end(), block.fence))
            block = None
    if block:
        found.append(block)
    return found


def _opened_by(line: re.Match[str], caps: Caps) -> Fence | None:
    """The fence that this line, a match of _LINE, opens outside of any other."""
    prefix, run, info = line.groups()
    quotes = prefix.count(">")
    if len(run) > caps.run or 2 * quotes > caps.indent or (run[0] == "`" and "`" in info):
        return None
    return Fence(run, info.strip(), len(prefix.rpartition(">")[2]), quotes)


def _open_block(window: str, fence: Fence, start: int, inside_line: bool) -> Block:
    """A block still open: to the end of the window, or to the end of the quote that it stands in."""
    past = len(window) + 1
    line_end = window.find("\n", start + 1) if inside_line else -1
    first = line_end + 1 if line_end >= 0 or not inside_line else past
    code = -1 if start < 0 else first - 1
    left = fence.quote_end(window, first) if fence.quotes else None
    return Block(start, code, past, past if left is None else left, fence)
