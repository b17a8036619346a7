"""What bubblewrap binds, opened before it starts and handed to it as descriptors."""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from worker import opening

ANSWER_DEADLINE_S = 5.0


@contextmanager
def held(prefix: Sequence[str]) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """The prefix with what it binds opened now, and the descriptors to hand to bubblewrap.

    So what is bound is what was looked at, though somebody put another thing in its place meanwhile. Raises UserError.
    """
    if not prefix:
        yield [], ()
        return
    if not _takes_descriptors(prefix[0]):
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
    places = [prefix[at + 1] for at in range(len(prefix) - 2) if _binds(prefix, at)]
    return ["/bin/sh", "-c", _COMPARE, "sh", *(word for path in places for word in (path, _inode(path))), "--"]


def _inode(path: str) -> str:
    fd = opening.place(Path(path))
    try:
        return str(os.fstat(fd).st_ino)
    finally:
        os.close(fd)


def _binds(prefix: Sequence[str], at: int) -> bool:
    """Whether a path that could be replaced is bound onto itself there."""
    is_bind = prefix[at] in _BY_DESCRIPTOR and prefix[at + 1] == prefix[at + 2] != "/"
    return is_bind and not _is_kernels(prefix[at + 1])


_BY_DESCRIPTOR = {"--bind": "--bind-fd", "--ro-bind": "--ro-bind-fd"}
"""Since bubblewrap 0.7.0."""


@cache
def _takes_descriptors(program: str) -> bool:
    """Whether this bubblewrap binds descriptors; an older one binds by path."""
    asked = subprocess.run([program, "--help"], capture_output=True, timeout=ANSWER_DEADLINE_S, check=False)
    return b"--ro-bind-fd" in asked.stdout + asked.stderr


def _is_kernels(path: str) -> bool:
    return Path(path).parts[1] in {"proc", "sys", "dev"}
