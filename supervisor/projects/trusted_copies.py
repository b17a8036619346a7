"""The copies that act in a trusted project's stead: ``trusted/<channel>/<digest>/`` in the state directory.

A copy is written beside its place and renamed to it, so there is a whole one or none; nobody changes one afterwards.
"""

import os
import secrets
import shutil
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from bridge.protocol.layout import Layout
from bridge.trust.acting import Acting
from supervisor.private_files import sync


def place_of(layout: Layout, channel_id: int, digest: str) -> Path:
    return layout.trusted / str(channel_id) / digest


def is_whole(layout: Layout, channel_id: int, acting: Acting) -> bool:
    """Whether the copy is there, and exactly this: a disk that was repaired, or a hand, may have changed it."""
    place = place_of(layout, channel_id, acting.digest)
    try:
        paths = {str(path.relative_to(place)) for path in place.rglob("*") if not path.is_dir() or path.is_symlink()}
        return paths == acting.files.keys() and all(
            (place / path).read_bytes() == file.data for path, file in acting.files.items()
        )
    except OSError:
        return False


def write(layout: Layout, channel_id: int, acting: Acting) -> None:
    """Durable when it returns. Raises OSError."""
    place = place_of(layout, channel_id, acting.digest)
    if is_whole(layout, channel_id, acting):
        return
    shutil.rmtree(place, ignore_errors=True)
    _make_folder(layout.trusted)
    _make_folder(place.parent)
    beside = place.with_name(f".{secrets.token_hex(4)}.new")
    try:
        _make_folder(beside)
        for path, file in acting.files.items():
            _write_file(beside, path, file.data, 0o500 if file.is_program else 0o400)
        sync(beside)
        beside.rename(place)
        sync(place.parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def remove_others(layout: Layout, channel_id: int, kept: Collection[str]) -> None:
    """The channel's copies that nobody trusts (any more). One that cannot be removed acts no more all the same."""
    with suppress(OSError):
        for path in (layout.trusted / str(channel_id)).iterdir():
            if path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)


def _write_file(folder: Path, path: str, data: bytes, mode: int) -> None:
    place = folder
    for name in path.split("/")[:-1]:
        place /= name
        _make_folder(place)
    fd = os.open(folder / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(data)
        os.fchmod(fd, mode)
        file.flush()
        os.fsync(fd)


def _make_folder(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
