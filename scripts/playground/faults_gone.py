"""What a thread showed of Claude's text at some time, and shows no more. Pure.

Who read a sentence must find it again. Only whole sentences of the scripted text and its marks count: everything else
in a thread (tool lines, cards, waiting marks) is ours, and changes.
"""

import re
from collections import Counter

_TOLD = re.compile(r"«s\d+p\d+[a-z]»|sentence number \d+ of a long answer")


class Seen:
    """The most that was shown of each sentence at one time."""

    def __init__(self) -> None:
        self._most: Counter[str] = Counter()

    def look(self, text: str) -> None:
        """Everything that the thread shows now."""
        self._most |= Counter(_TOLD.findall(text))

    def gone(self, text: str) -> int:
        """Characters that were shown and are not in ``text``, which the thread shows in the end."""
        missing = self._most - Counter(_TOLD.findall(text))
        return sum(len(told) * times for told, times in missing.items())
