"""What bubblewrap binds, opened before it starts and handed to it as descriptors."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridge.protocol.errors import UserError
from worker import bubblewrap, opening
from worker.walls import calls

NOTHING: Mapping[str, int] = {}


@contextmanager
def held(prefix: Sequence[str], own: Mapping[str, int] = NOTHING) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """The prefix with what it binds opened now, and the descriptors to hand to bubblewrap.

    So what is bound is what was looked at, though somebody put another thing in its place meanwhile. ``own``: the inode
    that must stand at a path inside, the project's. Raises UserError.
    """
    if not prefix:
        yield [], ()
        return
    fds = [calls.opened()]
    try:
        if not bubblewrap.takes(prefix[0], "--ro-bind-fd"):
            end = list(prefix).index("--")
            yield [*prefix[:end], "--seccomp", str(fds[0]), *prefix[end:], *_compared(prefix, own)], tuple(fds)
            return
        words, at = list(prefix), 0
        while at < len(words) and words[at] != "--":
            if _binds(words, at):
                fds.append(opening.place(Path(words[at + 1])))
                _check(words[at + 2], os.fstat(fds[-1]).st_ino, own)
                words[at : at + 2] = [_BY_DESCRIPTOR[words[at]], str(fds[-1])]
            at += 1
        words[at:at] = ["--seccomp", str(fds[0])]
        yield words, tuple(fds)
    finally:
        for fd in fds:
            os.close(fd)


def _check(path: str, inode: int, own: Mapping[str, int]) -> None:
    if (wanted := own.get(path, 0)) and inode != wanted:
        raise UserError(f"{path} was replaced while Claude was started")


_COMPARE = r"""
while [ "$1" != -- ]; do
  [ "$(/usr/bin/stat -c %d:%i "$1")" = "$2" ] || { echo "$1 was replaced while Claude was started" >&2; exit 1; }
  shift 2
done
shift
exec "$@"
"""
"""Inside, before anything of Claude's runs: each path, its device and inode, then ``--`` and what is to run."""


def _compared(prefix: Sequence[str], own: Mapping[str, int]) -> list[str]:
    """What to put behind a prefix that binds by path: a look from inside whether it is still what was looked at."""
    places = [(prefix[at + 2], prefix[at + 1]) for at in range(len(prefix) - 2) if _binds(prefix, at)]
    looked = [(path, _identity(path, bound, own)) for path, bound in places]
    return ["/bin/sh", "-c", _COMPARE, "sh", *(word for pair in looked for word in pair), "--"]


def _identity(path: str, bound: str, own: Mapping[str, int]) -> str:
    fd = opening.place(Path(bound))
    try:
        status = os.fstat(fd)
        _check(path, status.st_ino, own)
        return f"{status.st_dev}:{status.st_ino}"
    finally:
        os.close(fd)


def _binds(prefix: Sequence[str], at: int) -> bool:
    """Whether a path that could be replaced is bound there."""
    return prefix[at] in _BY_DESCRIPTOR and prefix[at + 1] != "/" and not _is_kernels(prefix[at + 1])


_BY_DESCRIPTOR = {"--bind": "--bind-fd", "--ro-bind": "--ro-bind-fd"}
"""Where ``--help`` names them: later versions, and earlier ones that a distribution mended."""


def _is_kernels(path: str) -> bool:
    """What lies there is made by the kernel, but for ``/dev/shm``, where anybody makes files."""
    parts = Path(path).parts[1:3]
    return parts[0] in {"proc", "sys", "dev"} and parts != ("dev", "shm")
