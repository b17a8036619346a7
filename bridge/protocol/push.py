"""A push that Claude asks for: what a person is shown of it, and is bound to by the request's digest.

The worker makes this request itself; no permission mode and no rule of Claude's own leads around it. Everything in it
but the branches' names was found by us: the URL at the session's creation, where the remote's branch stands by asking
the remote, the commits in a copy that Claude cannot change. A commit's id names its content, so what was shown is
what goes out.
"""

import re

import msgspec

from bridge.protocol.errors import UNREADABLE

PUSH_TOOL = "git push"
"""The tool of such a request. Claude's own tools have no space in their name; one that says so is refused."""
MOST_LISTED = 300
"""Commits, and files, that are named; of more only the number."""
MOST_NAME_BYTES = 200
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//")


class Push(msgspec.Struct, frozen=True, omit_defaults=True):
    """``commit`` goes to the branch ``to`` of ``remote``, where ``was`` stands now ("": there is no such branch)."""

    remote: str
    branch: str
    to: str
    commit: str
    was: str = ""
    force: bool = False
    """``was`` is no part of the history of ``commit``: it is replaced."""
    commit_count: int = 0
    commits: tuple[str, ...] = ()
    """What the remote has not yet: a short id and a subject each, the newest first."""
    file_count: int = 0
    files: tuple[str, ...] = ()
    """What differs from ``was``; none where that is not known here."""


def may_be_branch(name: str) -> bool:
    """Whether it is a branch's name as git-check-ref-format(1) has it, and one that is no option and no refspec."""
    parts = name.split("/")
    return (
        0 < len(name.encode(errors="replace")) <= MOST_NAME_BYTES
        and not _FORBIDDEN.search(name)
        and name.isprintable()
        and name not in ("@", "HEAD")
        and not name.startswith(("-", "+", "refs/"))
        and not name.endswith(".")
        and all(part and not part.startswith(".") and not part.endswith(".lock") for part in parts)
    )


def as_input(push: Push) -> str:
    """The request's input: JSON text."""
    return msgspec.json.encode(push).decode()


def from_input(text: str) -> Push | None:
    """None for what is none; a newer worker may say more of it than we know."""
    try:
        return msgspec.json.decode(text, type=Push)
    except UNREADABLE:
        return None
