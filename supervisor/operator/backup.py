"""A state directory in one file, also of a bridge that runs; and back again.

First the store, then the journal, then the rest: what is newer than the store is what a start catches up with anyway
(``supervisor.sessions.recall``, ``supervisor.sessions.remembered``). What only a running bridge needs is left out, and
so are secrets that are made anew: its keys, and Claude's access token. What waited for Claude then is not sent again
(``supervisor.sessions.held_back``).
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from bridge.protocol.errors import UserError
from bridge.protocol.layout import JOURNAL, Layout
from supervisor import locks, state_directory
from supervisor.private_files import touch_private
from supervisor.sessions.store import Store

DATABASE = "threadbridge.db"
_LEFT_OUT = frozenset(
    {
        "sockets",
        "letters",
        "pruned",
        "restored",
        "login",
        "renewal",
        "caches",
        "supervisor.keys",
        "supervisor.lock",
        "bell",
        "health.json",
    }
)
_LEFT_OUT_OF_SESSIONS = frozenset({"lock", "stopped"})


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
    """How many files came back. Raises UserError when a bridge runs there, or anything is there already."""
    if locks.holder(layout.supervisor_lock):
        raise UserError(f"a supervisor runs on {layout.state}: stop it first")
    if layout.state.exists() and any(layout.state.iterdir()):
        raise UserError(f"{layout.state} is not empty: move it away first, or name another with --state DIRECTORY")
    layout.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with tarfile.open(source) as archive:
            if DATABASE not in archive.getnames():
                raise UserError(f"{source} is no backup of ours")
            archive.extractall(layout.state, filter="data")
            touch_private(layout.restored)
            return sum(member.isfile() for member in archive)
    except (OSError, tarfile.TarError) as error:
        raise UserError(f"{source} cannot be restored: {error}") from None


def _fill(archive: tarfile.TarFile, layout: Layout) -> int:
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, DATABASE)
        with closing(Store(layout.database, read_only=True)) as store:
            store.copy_to(copy)
        _add(archive, copy, DATABASE)
    count = 1
    for path in [layout.journal, *_files(layout.state)]:
        with suppress(FileNotFoundError):  # gone meanwhile
            _add(archive, path, str(path.relative_to(layout.state)))
            count += 1
    return count


def _files(state: Path) -> Iterator[Path]:
    """Regular files only: a link of a child's may lead anywhere."""
    for folder, folders, names in os.walk(state):
        below = Path(folder).relative_to(state).parts
        if not below:
            folders[:] = [name for name in folders if name not in _LEFT_OUT]
            names = [n for n in names if n not in _LEFT_OUT | {JOURNAL} and not n.startswith(DATABASE)]  # noqa: PLW2901
        is_session = len(below) == 2 and below[0] == "sessions"
        for name in sorted(names):
            path = Path(folder, name)
            is_ours = is_session and (name in _LEFT_OUT_OF_SESSIONS or name.startswith("start-"))
            if not is_ours and path.is_file() and not path.is_symlink():
                yield path


def _add(archive: tarfile.TarFile, path: Path, name: str) -> None:
    """As it is at this moment: what grows or shrinks meanwhile would break the archive."""
    with path.open("rb") as file, tempfile.TemporaryFile() as whole:
        shutil.copyfileobj(file, whole)
        info = archive.gettarinfo(arcname=name, fileobj=file)
        info.size = whole.tell()
        info.mode = 0o600
        whole.seek(0)
        archive.addfile(info, whole)
