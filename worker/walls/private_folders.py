"""The folders of a session that are /tmp, $HOME and so on inside, below the state directory.

On the disk, and not in memory, for what a child writes there has no bound that memory could carry. $HOME and /run begin
empty at each start, so that nothing that was planted there outlives the child; /tmp, /var/tmp and what a conversation
needs again (``kept``) stay with the session. Each is written by children, so nothing in it is followed.
"""

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from worker.walls import claude_home
from worker.walls.wish import RefusedError

EMPTIED = ("home", "run", "shm", "claude", "nothing")
LASTING = ("tmp", "var-tmp", *(f"kept/{name}" for name in claude_home.KEPT))


def prepare(private: Path) -> None:
    """Raises OSError when they cannot be made."""
    for name in EMPTIED:
        _empty(private / name)
    for name in LASTING:
        (private / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        (private / name).chmod(0o700)
    (private / "nothing/folder").mkdir(mode=0o500)
    for name, text in claude_home.FILES.items():
        (private / "nothing" / name).write_text(text)


def clear(private: Path, *, whole: bool) -> None:
    """After a child's end. ``whole``: also what lasts. What cannot be removed now is at the next start."""
    for name in (*EMPTIED, *(LASTING if whole else ())):
        with suppress(OSError):
            if (private / name).is_dir():
                _empty(private / name)


def make_way(folder: Path, path: Path, *, is_folder: bool) -> None:
    """Directories in ``folder`` along the relative ``path``, so that a folder (or a file) can be mounted at its end.

    What stands in the way there was put there by a child: a link or a file goes, a directory with something in it is
    renamed. Raises RefusedError.
    """
    _make_way(folder, path, None, is_folder=is_folder)


def make_link(folder: Path, path: Path, target: str) -> None:
    """The same, and a link at its end. Raises RefusedError."""
    _make_way(folder, path, target, is_folder=False)


def _make_way(folder: Path, path: Path, target: str | None, *, is_folder: bool) -> None:
    try:
        with _opened(folder, path.parts if is_folder else path.parts[:-1]) as fd:
            if not is_folder:
                _clear(fd, path.name)
            if target is not None:
                os.symlink(target, path.name, dir_fd=fd)
    except OSError as error:
        raise RefusedError(f"there is no place for {path} in {folder}: {error.strerror}") from error


@contextmanager
def _opened(folder: Path, parts: Sequence[str]) -> Iterator[int]:
    """The directory at the end of ``parts``, each made where it is missing."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for name in parts:
            below = _entered(fd, name)
            os.close(fd)
            fd = below
        yield fd
    finally:
        os.close(fd)


def _clear(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        pass
    except IsADirectoryError:
        try:
            os.rmdir(name, dir_fd=folder)
        except OSError:
            os.rename(name, f"{name}.away-{token_hex(4)}", src_dir_fd=folder, dst_dir_fd=folder)


def _entered(folder: int, name: str) -> int:
    try:
        if not stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=folder)
            os.mkdir(name, 0o700, dir_fd=folder)
    except FileNotFoundError:
        os.mkdir(name, 0o700, dir_fd=folder)
    return os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)


def _empty(folder: Path) -> None:
    """What cannot be removed, however a child made it (closed directories, a path too long), is set aside for good."""
    if folder.is_symlink() or folder.exists():
        aside = folder.parent / "aside" / token_hex(8)
        aside.parent.mkdir(mode=0o700, exist_ok=True)
        if not folder.is_symlink():
            folder.chmod(0o700)
        folder.rename(aside)
        _remove(aside)
    folder.mkdir(mode=0o700, parents=True)


def _remove(folder: Path) -> None:
    """As far as it goes. Directories that their owner may not enter are opened first: they are ours too."""
    for _ in range(2):
        with suppress(OSError, RecursionError):
            shutil.rmtree(folder)
            return
        with suppress(OSError, RecursionError):
            for below, names, _files in os.walk(folder):
                for name in names:
                    with suppress(OSError):
                        if not os.path.islink(path := os.path.join(below, name)):  # noqa: PTH114, PTH118
                            os.chmod(path, 0o700)  # noqa: PTH101
