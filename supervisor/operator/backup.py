"""A state directory in one file, also of a bridge that runs; and back again.

First the store, then the journal, then the rest: what is newer than the store is what a start catches up with anyway
(``supervisor.sessions.recall``, ``supervisor.sessions.remembered``). What only a running bridge needs is left out, and
so are secrets that are made anew: its keys, and Claude's access token. What waited for Claude then is not sent again
(``supervisor.sessions.held_back``).
"""

import errno
import gzip
import os
import shutil
import stat
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout, SessionLayout
from supervisor import locks, state_directory
from supervisor.private_files import touch_private
from supervisor.sessions.store import Store

BLOCK_BYTES = 512
MOST_HOLES = 64 << 20
_NO_FILE = frozenset({errno.ENOENT, errno.ELOOP, errno.ENXIO, errno.ENOTDIR})


def write(layout: Layout, target: Path) -> int:
    """How many files it holds. Raises UserError; LocalError for a store that cannot be read now."""
    state_directory.check_version(layout)
    if not layout.database.exists():
        raise UserError(f"there is no store {layout.database}, so there is nothing to back up")
    try:
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UserError(f"{target} cannot be made: {error.strerror}") from None
    try:
        with os.fdopen(fd, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
            return _fill(archive, layout)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def restore(source: Path, layout: Layout) -> int:
    """How many files came back: all or none. Raises UserError when a bridge runs there, or anything is there already.

    What is restored has its mark before the first file, so that no death leaves one that would be sent again.
    """
    if locks.holder(layout.supervisor_lock):
        raise UserError(f"a supervisor runs on {layout.state}: stop it first")
    if layout.state.exists() and any(layout.state.iterdir()):
        raise UserError(
            f"{layout.state} is not empty: move it away first, or name another:"
            " threadbridge --state DIRECTORY restore FILE"
        )
    try:
        _read_through(source)
        with tarfile.open(source) as archive:
            if layout.database.name not in archive.getnames():
                raise UserError(f"{source} is no backup of ours")
            layout.state.mkdir(parents=True, exist_ok=True, mode=0o700)
            touch_private(layout.restored)
            with _emptied_again(layout.state):
                archive.extractall(layout.state, filter="data")
            return sum(member.isfile() for member in archive)
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        why = str(error).partition(":\n")[0]
        raise UserError(f"{source} cannot be restored, and nothing of it is there: {why}") from None


def _read_through(source: Path) -> None:
    """To its checksum, which stands at its end: half a backup, or a damaged one, is none."""
    with source.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    if is_packed:
        with gzip.open(source) as whole:
            while whole.read(1 << 20):
                pass


@contextmanager
def _emptied_again(state: Path) -> Iterator[None]:
    """What was empty before is empty after what fails (a full disk)."""
    try:
        yield
    except BaseException:
        for path in state.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise


def _fill(archive: tarfile.TarFile, layout: Layout) -> int:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, layout.database.name)
        with closing(Store(layout.database, read_only=True)) as store:
            store.copy_to(copy)
        with copy.open("rb") as stored:
            _add(archive, stored, layout.database.name)
    count = 1
    for name, file in _files(layout):
        with file:
            _add(archive, file, name)
        count += 1
    return count


def _files(layout: Layout) -> Iterator[tuple[str, BinaryIO]]:
    """Regular files only, opened, each with its name below the state directory; the journal first."""
    with suppress(FileNotFoundError):
        yield layout.journal.name, layout.journal.open("rb")
    left_out, database = _left_out(layout), layout.database.name
    for folder, folders, names, fd in os.fwalk(layout.state):
        below = Path(folder).relative_to(layout.state)
        if not below.parts:
            folders[:] = [name for name in folders if name not in left_out]
            names = [name for name in names if name not in left_out and not name.startswith(database)]  # noqa: PLW2901
        is_session = len(below.parts) == 2 and below.parts[0] == layout.sessions.name
        for name in sorted(names):
            if not (is_session and _is_of_a_worker(name)) and (file := _opened(name, fd)):
                yield str(below / name), file


def _left_out(layout: Layout) -> frozenset[str]:
    """What is made anew, or is of this machine or of now; and the journal, which comes first."""
    made_anew = (layout.sockets, layout.letters, layout.pruned, layout.restored, layout.login, layout.renewal)
    of_now = (layout.caches(0).parent, layout.keys, layout.supervisor_lock, layout.bell, layout.health, layout.journal)
    return frozenset(path.name for path in (*made_anew, *of_now))


def _is_of_a_worker(name: str) -> bool:
    """In a session's folder, what says that a worker runs, or is to stop."""
    session = SessionLayout(Path())
    return name in {session.lock.name, session.stop_mark.name} or name.startswith(session.start("").name)


def _opened(name: str, folder: int) -> BinaryIO | None:
    """A child may put a link or a pipe in the place of its file at any moment, so only what was opened is looked at.

    Of what can be read now: a file that is gone meanwhile, or no file, is none.
    """
    try:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise
    if not _is_kept(os.fstat(fd)):
        os.close(fd)
        return None
    return os.fdopen(fd, "rb")


def _is_kept(found: os.stat_result) -> bool:
    """A file of holes costs a child nothing of its quota, and would cost us all of the disk."""
    return stat.S_ISREG(found.st_mode) and found.st_size - found.st_blocks * BLOCK_BYTES <= MOST_HOLES


def _add(archive: tarfile.TarFile, file: BinaryIO, name: str) -> None:
    """As it is at this moment: what grows or shrinks meanwhile would break the archive."""
    with tempfile.TemporaryFile() as whole:
        shutil.copyfileobj(file, whole)
        info = archive.gettarinfo(arcname=name, fileobj=file)
        info.size = whole.tell()
        info.mode = 0o600
        whole.seek(0)
        archive.addfile(info, whole)
