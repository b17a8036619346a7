"""Directories outside the project in which Claude works without asking, as one setting of a child's.

Claude suggests one with a request (docs/claude-protocol.md, "Permission requests"). In it Claude reads without asking,
and with edits accepted it edits, and runs what it runs in the project, without asking too. It opens no wall: what the
child cannot see it cannot see there either.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.text import reveal

SETTING = "directories"
"""Of a Configure; its value is all of them, as JSON."""
MOST = 50
"""That a child is told of."""
MOST_SUGGESTED = 5
MOST_CHARS = 1000
"""Of one path."""


def may_be_suggested(path: str, project: str) -> bool:
    """Whether it says something to allow it: not for all of the machine, nor for what lies in the project."""
    pure = PurePosixPath(path)
    is_plain = pure.is_absolute() and ".." not in pure.parts and len(path) <= MOST_CHARS and _reads_as_it_is(path)
    return is_plain and len(pure.parts) > 1 and not pure.is_relative_to(project)


def _reads_as_it_is(path: str) -> bool:
    """Whether a person who reads it on a line, in a list, reads this path and no other."""
    is_on_a_line = path == " ".join(path.split()) and ", " not in path and not path.startswith("//")
    return is_on_a_line and path.isprintable() and path == reveal(path)


def linked_in_words(paths: Iterable[str]) -> str:
    """What a person reads when the child is not told of some that are allowed."""
    return f"⚠ Claude asks again in {', '.join(paths)}: that was allowed, and now it goes through a link"


def value_of(directories: Iterable[str]) -> str:
    return msgspec.json.encode(sorted(set(directories))[:MOST]).decode()


def read(value: str) -> tuple[str, ...]:
    """What ``value_of`` wrote; of anything else nothing."""
    try:
        return msgspec.json.decode(value, type=tuple[str, ...])
    except UNREADABLE:
        return ()
