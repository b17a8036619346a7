"""Hunks of a change: made of two texts, cut to what a record keeps, and written as a patch.

A line is what ends with a newline, and what stands behind the last one; so a patch's "No newline" needs no word of its
own.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence

from bridge.protocol.events import Hunk

CONTEXT = 3
MOST_COMPARED = 20_000_000
"""Pairs of lines. Where more would have to be compared, all between the first and the last difference is replaced."""
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


def lines_of(text: str) -> list[str]:
    return _LINE.findall(text)


def between(before: Sequence[str], after: Sequence[str], at: int = 0, context: int = CONTEXT) -> list[Hunk]:
    """What leads from these lines to those. ``at``: where they begin in their file; ``context``: lines around a change.

    What is the same at both ends is not searched, since an edit changes little of a long file.
    """
    head = _common(before, after)
    tail = _common(before[head:][::-1], after[head:][::-1])
    first = max(0, head - context)
    behind = max(0, tail - context)
    old, new = before[first : len(before) - behind], after[first : len(after) - behind]
    if before != after and len(old) * len(new) > MOST_COMPARED:
        return [Hunk(at + first, tuple(_replaced(old, new, head - first, tail - behind)))]
    groups = difflib.SequenceMatcher(None, old, new).get_grouped_opcodes(context)
    return [Hunk(at + first + group[0][1], tuple(_lines(group, old, new))) for group in groups]


def _replaced(old: Sequence[str], new: Sequence[str], head: int, tail: int) -> Iterator[str]:
    old_end, new_end = len(old) - tail, len(new) - tail
    codes = [("equal", 0, head, 0, head), ("replace", head, old_end, head, new_end)]
    yield from _lines([*codes, ("equal", old_end, len(old), new_end, len(new))], old, new)


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    same = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        same += 1
    return same


def _lines(group: Iterable[tuple[str, int, int, int, int]], old: Sequence[str], new: Sequence[str]) -> Iterator[str]:
    for tag, i1, i2, j1, j2 in group:
        if tag == "equal":
            yield from (f" {line}" for line in old[i1:i2])
        else:
            yield from (f"-{line}" for line in old[i1:i2])
            yield from (f"+{line}" for line in new[j1:j2])


def counted(hunks: Iterable[Hunk]) -> tuple[int, int]:
    """(how many lines come, how many go)."""
    marks = [line[:1] for hunk in hunks for line in hunk.lines]
    return marks.count("+"), marks.count("-")


def as_patch(path: str, hunks: Iterable[Hunk], *, is_new: bool = False) -> str:
    """As ``git apply`` and ``patch -p1`` take it. ``path``: relative, without newlines."""
    parts = [f"--- {'/dev/null' if is_new else f'a/{path}'}\n", f"+++ b/{path}\n"]
    moved = 0
    for hunk in hunks:
        added, removed = counted([hunk])
        kept = len(hunk.lines) - added - removed
        parts.append(f"@@ -{_span(hunk.at, kept + removed)} +{_span(hunk.at + moved, kept + added)} @@\n")
        parts += [line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in hunk.lines]
        moved += added - removed
    return "".join(parts)


def _span(at: int, count: int) -> str:
    """Where a side of a hunk stands, as a patch counts: from 1, and the line before where there is none."""
    return f"{at if count == 0 else at + 1},{count}"
