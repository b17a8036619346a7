"""Small files that only we may read, written so that there is the old one or the new one and never a half."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_private(path: Path, data: bytes, *, durable: bool = False) -> None:
    """Mode 0600; root's is given to the folder's owner. ``durable``: also after a power cut. Raises OSError."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")  # two threads may write the same at once
    beside.unlink(missing_ok=True)
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(fd, "wb") as file:
            _give_to_owner(fd, path.parent)
            file.write(data)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    if durable:
        sync(path.parent)


def touch_private(path: Path) -> None:
    """As touch(1), also by several at once. Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        _give_to_owner(fd, path.parent)
        os.utime(fd)
    finally:
        os.close(fd)


def _give_to_owner(fd: int, folder: Path) -> None:
    """What root writes into a service's state, the service must be able to remove and to call its own."""
    if os.geteuid() == 0:
        found = folder.stat()
        os.fchown(fd, found.st_uid, found.st_gid)


def sync(folder: Path) -> None:
    """What was made or renamed in it is there after a power cut too. Raises OSError."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def inode_of(directory: str) -> int:
    """0 when it is not there or cannot be looked at."""
    with suppress(OSError):
        return Path(directory).stat().st_ino
    return 0


def size_of(path: Path) -> int:
    """Of a file, or of all in a folder and below, in bytes; of what is gone meanwhile, 0."""
    with suppress(OSError):
        return sum(size_of(entry) for entry in path.iterdir()) if path.is_dir() else path.lstat().st_size
    return 0
