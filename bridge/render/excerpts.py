"""A text that is too long for a card: its head, its tail, and how much is between.

What matters may stand at the end (of a command, say), so that a head alone would mislead. The whole is in a file.
"""

from bridge.discord_numbers import CONTENT_CHARS
from bridge.render.markdown.fences import FENCE_LINE, Caps, content_end, opened_by
from bridge.render.markdown.split import pages
from bridge.text import code_block, units_end, utf16_len, whole_end

FILE_BYTES = 8_000_000  # Discord takes 10 MiB a file (docs/discord-api.md, "Messages and components")
_SOURCE_PER_UNIT = 8
"""A source that is longer than this for a unit of what is shown is not tried as a whole."""
_MOST_GROWN = 3, 2
"""How much longer a part may be as Discord's Markdown than as Claude's."""


def fitting_file(text: str) -> tuple[str, bool]:
    """(What of the text has room in a file, whether that is all of it)."""
    data = text.encode(errors="replace")
    return data[:FILE_BYTES].decode(errors="ignore"), len(data) <= FILE_BYTES


def code_excerpt(text: str, language: str, limit: int) -> str:
    """Head and tail as code blocks, about ``limit`` UTF-16 units of the text together. Three backticks add half."""
    head, tail = _ends(text, limit // 2)
    between = _between(text[head:tail])
    return f"{code_block(text[:head], language)}\n{between}\n{code_block(text[tail:], language)}"


def lines_excerpt(text: str, language: str, most: int, limit: int) -> str:
    """Of ``most`` lines about two thirds from the head, the others from the tail; long ones as in ``code_excerpt``."""
    lines = text.split("\n")
    cut = most * 2 // 3
    head, between, tail = ("\n".join(part) for part in (lines[:cut], lines[cut : cut - most], lines[cut - most :]))
    if max(utf16_len(head), utf16_len(tail)) > limit // 2:
        return code_excerpt(text, language, limit)
    return f"{code_block(head, language)}\n{_between(between + '\n')}\n{code_block(tail, language)}"


def markdown_excerpt(text: str, most: int, limit: int) -> tuple[str, bool]:
    """(Claude's Markdown as Discord's, whether that is all of it): whole in ``most`` units, else head and tail.

    The excerpt has about ``limit`` units of the source, as in ``code_excerpt``.
    """
    if len(text) <= most * _SOURCE_PER_UNIT:
        pieces = pages(text, most)
        if len(pieces) == 1:
            return pieces[0], True
        if utf16_len(whole := code_block(text, "markdown")) <= most:
            return whole, True
    head, tail = _ends(text, limit // 2)
    room = limit // 2 * _MOST_GROWN[0] // _MOST_GROWN[1]
    parts = [pages(part, room) for part in (text[:head], _reopened(text[:tail]) + text[tail:])]
    if any(len(pieces) != 1 for pieces in parts):
        return code_excerpt(text, "markdown", limit), False
    return "\n".join([parts[0][0], _between(text[head:tail]), parts[1][0]]), False


def _ends(text: str, units: int) -> tuple[int, int]:
    """(where the head ends, where the tail begins), each at most ``units`` long, at a line's end if one is near."""
    head = whole_end(text, 0, units_end(text, 0, units))
    head = text.rfind("\n", head // 2, head) + 1 or head
    start = max(len(text) - units, head)
    while start < len(text) and (excess := utf16_len(text[start:]) - units) > 0:
        start += (excess + 1) // 2
    while start < len(text) and whole_end(text, head, start) != start:
        start += 1
    line = text.find("\n", start, (start + len(text)) // 2)
    return head, line + 1 if line >= 0 else start


def _between(text: str) -> str:
    lines = text.count("\n")
    return f"-# … {len(text):,} characters{f' on {lines:,} lines' if lines > 1 else ''} between …"


def _reopened(text: str) -> str:
    """What opens again the fence that is open at the end of the text; empty when none is."""
    at, caps = 0, Caps.within(CONTENT_CHARS)
    while line := FENCE_LINE.search(text, at):
        at = line.end()
        if fence := opened_by(line, caps):
            last, at = content_end(text, fence, line.end())
            if last == len(text):
                return fence.head(caps, inside_line=False)
    return ""
