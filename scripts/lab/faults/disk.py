"""The disk of one state directory, which takes no writes for a while: for the supervisor and all its workers at once.

Two ways, both from one instant to another:

full: the state directory is a small disk of its own (a tmpfs), and a file eats what is free. What has its blocks
    already can still be overwritten, so the store may go on where a log cannot, and the other way round. This needs
    the right to mount.
no writes: no process of ours may write to any file (RLIMIT_FSIZE, setrlimit(2)), as on a disk that went read-only
    below its open files. This needs no right. A real `remount,ro` is refused while a log is open.
"""

import os
import resource
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout, SessionLayout
from supervisor import locks

SIZE_MIB = 48
"""Some ten times what the sessions of one stage write."""
FULL, NO_WRITES = "full", "no writes"
_STEPS = (1 << 20, 4096)
"""Bytes: what is free is eaten in large pieces, then page by page."""


class Disk:
    """As whoever breaks it sees it. `kinds` are the ways in which it can be sick here."""

    def __init__(self, state: Path, kinds: Iterable[str] = (NO_WRITES,)) -> None:
        self.kinds = tuple(kinds)
        self._layout = Layout(state)
        self._filler = state / "filler"
        self._sick: dict[str, int] = dict.fromkeys(self.kinds, 0)
        self._supervisor = 0

    def sicken(self, kind: str, supervisor: int) -> None:
        """From now on, until it was healed as often. `supervisor` is its pid."""
        self._sick[kind] += 1
        if kind == FULL:
            _fill(self._filler)
        else:
            self._supervisor = supervisor
            self._limit(0)

    def keep_sick(self) -> None:
        """To be called now and then: what was freed meanwhile is eaten too."""
        if self._sick.get(FULL):
            _fill(self._filler)

    def heal(self, kind: str) -> None:
        """As often as it was sickened."""
        self._sick[kind] = max(0, self._sick[kind] - 1)
        if self._sick[kind]:
            return
        if kind == FULL:
            self._filler.unlink(missing_ok=True)
        else:
            self._limit(resource.RLIM_INFINITY)

    def heal_all(self) -> None:
        for kind in self.kinds:
            while self._sick[kind]:
                self.heal(kind)

    def _limit(self, size: int) -> None:
        """Parents before children: whoever is made meanwhile inherits, and what is older is found afterwards.

        Healing reaches what is below the workers too: Claude inherits what its worker had when it was made.
        """
        is_healing = size == resource.RLIM_INFINITY
        _limit_all([self._supervisor], size)
        workers = {*_below(self._supervisor, deep=False), *self._lock_holders()}
        _limit_all(workers, size)
        if is_healing:
            _limit_all([pid for worker in workers for pid in _below(worker, deep=True)], size)

    def _lock_holders(self) -> Iterator[int]:
        for folder in self._layout.sessions.glob("*"):
            if pid := locks.holder(SessionLayout(folder).lock):
                yield pid


@contextmanager
def small_disk(state: Path) -> Iterator[Disk]:
    """A disk of its own for the state directory (which must be empty), if we may mount one; else a Disk without FULL.

    Raises UserError when it cannot be taken away again.
    """
    if not _mount(state):
        yield Disk(state)
        return
    try:
        yield Disk(state, (FULL, NO_WRITES))
    finally:
        if _run("umount", str(state)) and _run("umount", "--lazy", str(state)):
            raise UserError(f"the small disk at {state} cannot be unmounted")


def can_mount(folder: Path) -> bool:
    """Whether a small disk can be had here: tried in an empty folder, and undone."""
    if not _mount(folder):
        return False
    _run("umount", str(folder))
    return True


def _mount(state: Path) -> bool:
    if os.geteuid():
        return False
    return not _run("mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=700", "tmpfs", str(state))


def _run(*argv: str) -> int:
    try:
        return subprocess.run(argv, check=False, capture_output=True).returncode
    except FileNotFoundError:
        return 127


def _fill(filler: Path) -> None:
    """All that is free, to the last page."""
    with filler.open("ab") as file:
        for step in _STEPS:
            with suppress(OSError):
                while True:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, step)


def _below(pid: int, *, deep: bool) -> list[int]:
    with suppress(psutil.Error):
        return [process.pid for process in psutil.Process(pid).children(recursive=deep)]
    return []


def _limit_all(pids: Iterable[int], size: int) -> None:
    """The soft limit only, which its owner may lower and raise."""
    for pid in pids:
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size == resource.RLIM_INFINITY else size, hard))
