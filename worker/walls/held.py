"""What bubblewrap binds, opened before it starts and handed to it as descriptors."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from worker import bubblewrap, opening


@contextmanager
def held(prefix: Sequence[str]) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """The prefix with what it binds opened now, and the descriptors to hand to bubblewrap.

    So what is bound is what was looked at, though somebody put another thing in its place meanwhile. Raises UserError.
    """
    if not prefix:
        yield [], ()
        return
    if not bubblewrap.takes(prefix[0], "--ro-bind-fd"):
        yield [*prefix, *_compared(prefix)], ()
        return
    fds: list[int] = []
    try:
        words, at = list(prefix), 0
        while at < len(words) and words[at] != "--":
            if _binds(words, at):
                fds.append(opening.place(Path(words[at + 1])))
                words[at : at + 2] = [_BY_DESCRIPTOR[words[at]], str(fds[-1])]
            at += 1
        yield words, tuple(fds)
    finally:
        for fd in fds:
            os.close(fd)


_COMPARE = r"""
while [ "$1" != -- ]; do
  [ "$(/usr/bin/stat -c %i "$1")" = "$2" ] || { echo "$1 was replaced while Claude was started" >&2; exit 1; }
  shift 2
done
shift
exec "$@"
"""
"""Inside, before anything of Claude's runs: each path and its inode, then ``--`` and what is to run."""


def _compared(prefix: Sequence[str]) -> list[str]:
    """What to put behind a prefix that binds by path: a look from inside whether it is still what was looked at."""
    places = [(prefix[at + 2], prefix[at + 1]) for at in range(len(prefix) - 2) if _binds(prefix, at)]
    return ["/bin/sh", "-c", _COMPARE, "sh", *(word for path, bound in places for word in (path, _inode(bound))), "--"]


def _inode(path: str) -> str:
    fd = opening.place(Path(path))
    try:
        return str(os.fstat(fd).st_ino)
    finally:
        os.close(fd)


def _binds(prefix: Sequence[str], at: int) -> bool:
    """Whether a path that could be replaced is bound there."""
    return prefix[at] in _BY_DESCRIPTOR and prefix[at + 1] != "/" and not _is_kernels(prefix[at + 1])


_BY_DESCRIPTOR = {"--bind": "--bind-fd", "--ro-bind": "--ro-bind-fd"}
"""Since bubblewrap 0.7.0."""


def _is_kernels(path: str) -> bool:
    return Path(path).parts[1] in {"proc", "sys", "dev"}
