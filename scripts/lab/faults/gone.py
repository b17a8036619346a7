"""What a thread showed of Claude's text at some time, and shows no more. Pure.

Who read a sentence must find it again, also one that had only begun, below the same mark: each prompt's text is the
same, and another prompt's is no comfort. Only the scripted text and its marks count: everything else in a thread (tool
lines, cards, waiting marks) is ours, and changes.
"""

import re
from itertools import zip_longest

_TOLD = re.compile(r"(«s\d+p\d+[a-z]»|sentence number \d+)((?: of(?: a(?: long(?: answer)?)?)?)?)")

type _Lengths = dict[tuple[str, str], list[int]]
"""Of each beginning, below its mark, how long it goes on wherever it stands, the longest first."""


class Seen:
    """The most that was shown of each sentence at one time."""

    def __init__(self) -> None:
        self._most: _Lengths = {}

    def look(self, text: str) -> None:
        """Everything that the thread shows now."""
        for key, lengths in _lengths(text).items():
            pairs = zip_longest(lengths, self._most.get(key, []), fillvalue=0)
            self._most[key] = [max(pair) for pair in pairs]

    def gone(self, text: str) -> int:
        """Characters that were shown and are not in ``text``, which the thread shows in the end."""
        left = _lengths(text)
        return sum(_missing(lengths, left.get(key, [])) for key, lengths in self._most.items())


def _missing(lengths: list[int], left: list[int]) -> int:
    return sum(max(0, most - now) for most, now in zip_longest(lengths, left, fillvalue=0))


def _lengths(text: str) -> _Lengths:
    found: _Lengths = {}
    mark = ""
    for match in _TOLD.finditer(text):
        mark = match[1] if match[1].startswith("«") else mark
        found.setdefault((mark, match[1]), []).append(len(match[0]))
    return {key: sorted(lengths, reverse=True) for key, lengths in found.items()}
