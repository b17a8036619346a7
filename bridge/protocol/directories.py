"""Directories outside the project in which Claude works without asking, as one setting of a child's.

Claude suggests one with a request (docs/claude-protocol.md, "Permission requests"). In it Claude reads without asking,
and with edits accepted it edits, and runs what it runs in the project, without asking too. It opens no wall: what the
child cannot see it cannot see there either.
"""

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.text import reveal

SETTING = "directories"
"""Of a Configure; its value is all of them, as JSON."""
MOST = 50
"""That a child is told of; one more is refused (``bridge.routing.clicks``)."""
MOST_SUGGESTED = 5
MOST_CHARS = 1000
"""Of one path."""


def may_be_suggested(path: str, project: str, *kept: str) -> bool:
    """Whether it says something to allow it: a plain path outside the project, that has none of ``kept`` in it.

    The project's parents, and the home of who Claude runs as with its parents (``kept``), are not offered. Claude
    suggests the folder of the file that it wants; when that lies just beside the project, one tap on the card of one
    file would open all projects of a machine, or all keys and logins of an account. Each such file can be allowed by
    itself, and who wants more moves the file or the project.
    """
    pure = PurePosixPath(path)
    is_plain = pure.is_absolute() and ".." not in pure.parts and len(path) <= MOST_CHARS and _reads_as_it_is(path)
    return is_plain and not pure.is_relative_to(project) and not has_in_it(path, project, *kept)


def has_in_it(path: str, *kept: str) -> bool:
    """Whether the directory is one of these, or a parent of one."""
    return any(PurePosixPath(one).is_relative_to(path) for one in ("/", *kept) if one)


def _reads_as_it_is(path: str) -> bool:
    """Whether a person who reads it on a line, in a list, reads this path and no other."""
    is_on_a_line = path == " ".join(path.split()) and ", " not in path and not path.startswith("//")
    return is_on_a_line and path.isprintable() and path == reveal(path)


def not_told_in_words(linked: Sequence[str], unanswered: Sequence[str]) -> str:
    """What a person reads when the child is not told of some that are allowed; empty when it is told of all."""
    why = {
        "that was allowed, and now it goes through a link": linked,
        "that was allowed, and its file system does not answer now. Claude is told of it at its next start": unanswered,
    }
    return "\n".join(f"⚠ Claude asks again in {', '.join(paths)}: {words}" for words, paths in why.items() if paths)


def value_of(directories: Iterable[str]) -> str:
    return msgspec.json.encode(sorted(set(directories))[:MOST]).decode()


def read(value: str) -> tuple[str, ...]:
    """What ``value_of`` wrote; of anything else nothing."""
    try:
        return msgspec.json.decode(value, type=tuple[str, ...])
    except UNREADABLE:
        return ()
