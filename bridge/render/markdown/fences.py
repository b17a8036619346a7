"""Fenced code blocks as they are read, closed and opened again.

Claude's are read by CommonMark's rules (https://spec.commonmark.org/0.31.2/#fenced-code-blocks), in lists and
quotes also, with two differences: any indentation may open a fence, as Discord knows no indented code; and a
fence in absurdly many quotes (`Caps`) is text. In what is made of them for Discord (`find_blocks`) three backticks
at the start of a line open a fence and the next ones close it.
"""

import re

import msgspec

from bridge.text import utf16_len

FENCE_LINE = re.compile(
    r"^((?>[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t])))*+[ \t]*+)(`{3,}|~{3,})([^\n]*)", re.MULTILINE
)


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
        """Whether this line, of Discord's Markdown, closes the fence: any that begins with a fence does."""
        match = FENCE_LINE.match(line)
        return match is not None and match[2][0] == "`"

    def quote_end(self, window: str, first: int, last: int | None = None) -> int | None:
        """The line end before the first line, between these indices, that is outside the fence's quote."""
        unquoted = re.compile(rf"^(?!(?:[ \t]*>){{{self.quotes}}})(?![ \t>]*\Z)", re.MULTILINE)
        line = unquoted.search(window, first, len(window) if last is None else last)
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


def content_end(text: str, fence: Fence, start: int) -> tuple[int, int]:
    """Where the content that begins at `start` ends, and where its closing line does; if there is none, twice the same.

    Content ends at a closing line, with the quote that the fence stands in, or with the text.
    """
    closer = next((line for line in FENCE_LINE.finditer(text, start) if fence._closed_by(line)), None)
    last, end = closer.span() if closer else (len(text), len(text))
    quote_end = fence.quote_end(text, start, last) if fence.quotes else None
    return (last, end) if quote_end is None else (quote_end + 1, quote_end + 1)


class Block(msgspec.Struct, frozen=True):
    """Where a fenced block lies in a window, as the indices of line ends.

    `start` is before the opening line, `code` after it (both -1 if it was open before), `last` before the
    closing line, `end` after it (both past the window if it is still open). Between start and end is inside.
    """

    start: int
    code: int
    last: int
    end: int
    fence: Fence | None
    """None for a table, which may be cut as code is, but only between its lines."""


def find_blocks(window: str, caps: Caps, fence: Fence | None, inside_line: bool) -> list[Block]:
    """The fenced blocks of a window, in their order.

    The window is read as a message of its own, which begins with `fence` open, if one is given; with
    `inside_line`, in the middle of a line.
    """
    found: list[Block] = []
    block = _open_block(window, fence, -1, inside_line) if fence else None
    for line in FENCE_LINE.finditer(window) if "```" in window else ():
        if line[2][0] == "~":  # unknown to Discord
            continue
        if block and line.start() > block.end:  # its quote had ended
            found.append(block)
            block = None
        if block is None:
            opened = opened_by(line, caps)
            block = _open_block(window, opened, line.start() - 1, True) if opened else None
        else:
            found.append(Block(block.start, block.code, line.start() - 1, line.end(), block.fence))
            block = None
    if block:
        found.append(block)
    return found


def opened_by(line: re.Match[str], caps: Caps) -> Fence | None:
    """The fence that this line, a match of FENCE_LINE, opens outside of any other."""
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
