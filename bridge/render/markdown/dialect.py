"""Claude's Markdown (GitHub's) as Discord's, while it is still being written.

Discord knows fewer marks, and its code blocks end at the next three backticks, wherever those stand:

    ~~~ and ```` fences   →  ``` fences; three backticks inside are broken up
    tables                →  kept as rows (`Table`), laid out when the messages are known
    #### and deeper       →  bold lines
    ---, ===              →  a line of its own
    - [ ], - [x], +, 1)   →  ☐, ☑, -, 1.
    [^1]: note            →  small text with the note's raised number
    > [!NOTE]             →  > **Note**
    the rest              →  see `inline`

The translation only grows when the text does, but for what may yet mean something else at its end, which is kept
apart as `held`. A line that begins with | (or has one among its first characters) is left out until it is whole and the
line below it tells whether it is a table's header, and a table's row until it is whole.
"""

import re

import msgspec

from bridge.render.markdown.fences import FENCE_LINE, Caps, Fence, content_end, opened_by
from bridge.render.markdown.inline import HOLD, inline, is_begun_tag, undecided, without_begun_mark
from bridge.render.markdown.lines import (
    BLOCK_START,
    LINE_PARTS,
    SPECIAL_LINE,
    begins_row,
    block_prefix,
    discord_lead,
    is_plain,
    may_be_delimiter,
    opener,
    parts_of,
    same_quotes,
)
from bridge.render.markdown.tables import Table, TableLine, alignments, as_row, cells
from bridge.text import defuse

LEAST_LIMIT_FOR_TABLES = 600  # UTF-16 units; in smaller messages a table's rows are lines of text
MOST_HELD = 2 * HOLD  # characters; signs may be escaped
MOST_BARE_HEADER = 200  # characters of a table's header that begins with no |
MOST_INFO = 200

_ALL_SIGNS = re.compile(r"[\s>#*\-_=`~|+\[\]]*\Z")
_ADDRESS = re.compile(r"\[([^\[\]]+)\]:[ \t]+<?(https?://[^\s<>]+)")


class Translation(msgspec.Struct):
    """Discord's Markdown, in which the tables are still rows.

    `held` follows the text for now, and is at most MOST_HELD characters long.
    """

    text: str
    held: str
    tables: list[Table]


def translate(source: str, limit: int) -> Translation:
    """`source` for messages of at most `limit` UTF-16 units. Linear in its length."""
    return _Translator(source, limit).translation()


class _Translator:
    def __init__(self, source: str, limit: int) -> None:
        source = source.removesuffix("\r")
        self._source = source.replace("\r\n", "\n").replace("\r", "\n") if "\r" in source else source
        self._end = self._source.rfind("\n") + 1
        self._whole = self._source[: self._end]  # lines
        self._caps = msgspec.structs.replace(Caps.within(limit), run=len(source))  # ours are of three backticks
        self._widest = limit // 3 if limit >= LEAST_LIMIT_FOR_TABLES else 0
        self._out: list[str] = []
        self._length = 0
        self._known: dict[str, str] = {}
        self._result = Translation("", "", [])

    def translation(self) -> Translation:
        index = 0
        while index < self._end:
            special = SPECIAL_LINE.search(self._source, index, self._end)
            start = special.start() if special else self._end
            self._put(inline(self._source[index:start], self._known))
            index = self._special(start, special) if special else self._end
        if index < len(self._source):
            self._unfinished(index)
        self._result.text = "".join(self._out)
        return self._result

    def _put(self, text: str) -> None:
        self._out.append(text)
        self._length += len(text)

    def _special(self, start: int, match: re.Match[str]) -> int:
        """Translate the line here, or the fenced block or table that it begins; the index after it."""
        end = self._source.index("\n", start) + 1
        line = self._source[start : end - 1]
        parts = LINE_PARTS.match(line)
        assert parts
        if parts["fence"] and (fence := self._fence(line)):
            return self._block(fence, parts["lead"], end)
        if begins_row(parts) and self._widest and is_plain(parts["lead"]):
            return self._table(start, end, parts["lead"])
        self._put(self._line(line) + "\n")
        if parts["label"] and (address := _ADDRESS.search(line)):
            self._known[address[1].lower()] = address[2]
        return end

    # --- lines -----------------------------------------------------------------------------------

    def _line(self, line: str) -> str:
        """A line of a kind of its own, which is neither a table's nor opens a block."""
        parts = parts_of(line)
        rest = self._inline(line, parts.start, len(line))
        if parts.close:
            rest = rest.replace("**", "").rstrip(" \t#")
            return f"{parts.head}{rest}{parts.close}" if rest else ""
        return parts.head + rest

    def _inline(self, line: str, start: int, end: int) -> str:
        """line[start:end], for which its indentation counts too."""
        indent = line[:start] if line[:start].isspace() else ""
        return inline(indent + line[start:end], self._known)[len(indent) :]

    def _unfinished(self, index: int) -> None:
        """The last line, which has no end yet."""
        line = self._source[index:]
        parts = LINE_PARTS.match(line)
        if not line.strip():
            return
        if parts and self._may_open_block(line):
            self._hold(parts["lead"], discord_lead(parts["lead"]))
            return
        if self._widest and parts and begins_row(parts) and is_plain(parts["lead"]):
            self._unfinished_header(line)
        elif len(line) <= HOLD:
            self._hold_line(line)
        else:
            self._unfinished_line(line)

    def _hold_line(self, line: str) -> None:
        line = without_begun_mark(line)
        self._hold(line, self._line(line))

    def _hold(self, line: str, shown: str) -> None:
        if not _ALL_SIGNS.match(line) and not is_begun_tag(line.strip()):
            self._result.held = shown if len(shown) <= MOST_HELD else _tamed(line)

    def _unfinished_header(self, line: str) -> None:
        """Left out, but for what was shown already when nothing told yet that it might be one."""
        if not self._may_be_header(line):
            self._unfinished_line(line)
        elif line.lstrip(" \t>")[:1] != "|":
            self._hold_line(line[:HOLD])

    def _may_be_header(self, line: str) -> bool:
        is_bare = line.lstrip(" \t>")[:1] != "|"
        return len(line) <= (min(self._widest, MOST_BARE_HEADER) if is_bare else self._widest)

    def _unfinished_line(self, line: str) -> None:
        parts = parts_of(line)
        end = max(undecided(line), parts.start)
        if parts.close:
            end = max(parts.start, min(end, len(line.rstrip(" \t#*"))))
        rest = self._inline(line, parts.start, end)
        self._put(parts.head + (rest.replace("**", "") if parts.close else rest))
        rest = _tamed(without_begun_mark(line[end:]))
        self._result.held = rest.rstrip(" \t#*") + parts.close if parts.close else rest

    # --- fenced blocks ---------------------------------------------------------------------------

    def _fence(self, line: str) -> Fence | None:
        match = FENCE_LINE.match(line)
        cut = match and FENCE_LINE.match(line[: match.start(3) + MOST_INFO])
        return opened_by(cut, self._caps) if cut else None

    def _may_open_block(self, line: str) -> bool:
        """Whether this unfinished line opens a fence, or begins with one that may close on the line itself."""
        match = FENCE_LINE.match(line)
        return match is not None and (
            self._fence(line) is not None or re.fullmatch(r"[^`]+`{1,2}", match[3]) is not None
        )

    def _block(self, fence: Fence, lead: str, start: int) -> int:
        """A block whose content starts here; the index after it."""
        stop, end = content_end(self._whole, fence, start)
        unfinished = self._source[self._end :] if stop == self._end else ""
        is_open = stop == self._end and not (
            unfinished.strip(" \t>") and fence.quotes and _is_outside(fence, unfinished)
        )
        signs = " \t\n>" if fence.quotes else " \t\n"
        held = unfinished if is_open and unfinished.strip(f"{signs}`~") else ""
        content = self._whole[start:stop]
        content = _without_blank_lines(content, signs)
        if not content and not held and is_open:
            self._hold(lead, discord_lead(lead))
        elif not content and not held:
            self._put(f"{opener(fence, lead)}{'> ' * fence.quotes}\u200b{self._tail(fence)}\n")
        else:
            self._put(opener(fence, lead) + _code(content, fence))
            self._end_block(fence, held, is_open)
        return len(self._source) if is_open else end + (stop < end)

    def _end_block(self, fence: Fence, held: str, is_open: bool) -> None:
        if not is_open:
            self._put(self._tail(fence).removeprefix("\n") + "\n")
        elif len(held) > HOLD:
            self._put(_code(held, fence))
        else:
            shown = _code(held, fence)
            self._result.held = shown if len(shown) <= MOST_HELD else _tamed(held)

    def _tail(self, fence: Fence) -> str:
        return msgspec.structs.replace(fence, run="```").tail(self._caps)

    # --- tables ----------------------------------------------------------------------------------

    def _table(self, start: int, end: int, lead: str) -> int:
        """The table, or else the line, that starts here; the index after it."""
        line = self._source[start : end - 1]
        header = cells(line)
        below_end = self._source.find("\n", end, self._end)
        below = self._source[end:below_end] if below_end >= 0 else ""
        aligns = alignments(below, len(header)) if below_end >= 0 and same_quotes(lead, below) else ""
        if aligns and self._may_be_header(line):
            return self._rows(line, header, aligns, below_end + 1)
        if below_end < 0 and self._may_be_header(line) and may_be_delimiter(self._source[end:]):
            self._unfinished_header(line)
            return len(self._source)
        self._put(self._line(line) + "\n")
        return end

    def _rows(self, line: str, header: list[str], aligns: str, index: int) -> int:
        prefix = block_prefix(line)
        table = Table(prefix, self._written(line), tuple(header), aligns, [], [])
        self._result.tables.append(table)
        while index < self._end:
            end = self._source.index("\n", index)
            row = self._source[index:end]
            if not self._is_row(row, line):
                self._put("\n")
                return index
            table.rows.append(as_row(row, len(header)))
            self._put("\n")
            table.lines.append(self._written(row))
            index = end + 1
        row = self._source[index:]
        self._put("\n")
        return len(self._source) if self._is_row(row, line) else index

    def _is_row(self, row: str, header: str) -> bool:
        """Where the header has no | at its beginning, every line is one that begins nothing else."""
        text = row.lstrip(" \t>")
        is_one = text[:1] == "|" or (bool(text) and header.lstrip(" \t>")[:1] != "|" and not BLOCK_START.match(row))
        return is_one and len(row) <= self._widest and same_quotes(header, row)

    def _written(self, line: str) -> TableLine:
        """The line put as it is, but that no fence can be in it."""
        start = self._length
        self._put(defuse(line))
        return TableLine(start, self._length)


def _code(content: str, fence: Fence) -> str:
    if fence.quotes:
        quoted = re.compile(rf"^(?:[ \t]*>[ ]?){{{fence.quotes}}}", re.MULTILINE)
        content = quoted.sub("> " * fence.quotes, content)
    return defuse(content)


def _is_outside(fence: Fence, line: str) -> bool:
    return fence.quote_end(line, 0) is not None


def _without_blank_lines(content: str, blank: str) -> str:
    """The content from its first line on that is not blank."""
    begin = len(content) - len(content.lstrip(blank))
    return content[content.rfind("\n", 0, begin) + 1 :] if begin < len(content) else ""


def _tamed(line: str) -> str:
    """The line without a fence in it, for as long as it is held."""
    return re.sub("`{3,}", "``", line)
