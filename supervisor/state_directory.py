"""The state directory before anything in it is used: that it is ours alone, of a layout we know, and no other's.

The names of what is in it are the layout's (``bridge.protocol.layout``); a layout of a newer version is refused.
"""

import os
import stat
from pathlib import Path

from bridge.protocol.errors import LocalError, UserError
from bridge.protocol.layout import Layout, SessionLayout, short_id
from supervisor import locks
from supervisor.disk_errors import in_words
from supervisor.private_files import touch_private, write_private

LAYOUT_VERSION = 1
_PRIVATE, _PRIVATE_FILE = 0o700, 0o600


def prepare(layout: Layout) -> int:
    """The descriptor of the directory's lock. Raises UserError when it cannot be had, NotNowError among them."""
    try:
        for folder in (layout.state, layout.sessions, layout.sockets, layout.letters):
            folder.mkdir(parents=True, exist_ok=True, mode=_PRIVATE)
            _make_private(folder)
        check_version(layout)
        lock = locks.take(layout.supervisor_lock)
    except OSError as error:
        raise in_words(f"state.directory: {layout.state} cannot be used", error) from None
    if lock is None:
        pid = locks.holder(layout.supervisor_lock)
        raise UserError(
            f"another supervisor (pid {pid}) runs on the state directory {layout.state};"
            " stop it first, or give this one another state.directory"
        )
    try:
        _settle(layout)
    except OSError as error:
        os.close(lock)
        raise in_words(f"state.directory: {layout.state} cannot be written", error) from None
    return lock


def check_version(layout: Layout) -> None:
    """Raises UserError for a layout of a newer Threadbridge."""
    path = layout.version
    try:
        text = path.read_text().strip()
    except FileNotFoundError:
        return
    if not text.isdigit():
        raise UserError(f"{path} holds no version ({text[:40]!r}): is {layout.state} a state directory of ours?")
    if int(text) > LAYOUT_VERSION:
        raise UserError(
            f"the state directory {layout.state} is of version {text}, and this Threadbridge knows {LAYOUT_VERSION}:"
            " install the newer Threadbridge again"
        )


def place(layout: Layout) -> tuple[int, int]:
    """Which directory on which file system the state directory is. Raises OSError when it is not there."""
    found = layout.state.stat()
    return found.st_dev, found.st_ino


def check_place(layout: Layout, known: tuple[int, int]) -> None:
    """Raises LocalError when another directory stands where the state directory was, or none."""
    try:
        is_there = place(layout) == known
    except OSError:
        is_there = False
    if not is_there:
        raise LocalError(
            "the bridge's state directory was moved, removed or replaced while it runs; put it back, or"
            " restart the bridge with the right one"
        )


def ring(layout: Layout) -> None:
    """Let the supervisor look at all sessions now. Raises OSError."""
    touch_private(layout.bell)


def rung(layout: Layout) -> int:
    """Changes with each ring."""
    try:
        return layout.bell.stat().st_mtime_ns
    except OSError:
        return 0


def stale_sockets(layout: Layout) -> list[Path]:
    """Endpoints of workers that are gone."""
    held = {short_id(p.name): locks.holder(SessionLayout(p).lock) for p in layout.sessions.glob("*")}
    return [path for path in sorted(layout.sockets.glob("*.sock")) if not held.get(path.name.partition("-")[0])]


def exposed(layout: Layout) -> list[Path]:
    """What of the state others than its owner may read or write, or is somebody else's."""
    files = (layout.database, layout.supervisor_lock, layout.keys)
    paths = [layout.state, layout.sessions, layout.sockets, layout.letters, *files]
    owner = layout.state.stat().st_uid if layout.state.exists() else os.geteuid()
    return [path for path in paths if path.exists() and _is_exposed(path.stat(), owner)]


def _is_exposed(found: os.stat_result, owner: int) -> bool:
    return found.st_uid != owner or bool(stat.S_IMODE(found.st_mode) & 0o077)


def _make_private(folder: Path) -> None:
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise UserError(
            f"state.directory: {folder} belongs to the user with the id {found.st_uid}, and we are {os.geteuid()}:"
            " the state holds keys and conversations, so it must be ours alone"
        )
    if _is_exposed(found, os.geteuid()):
        folder.chmod(_PRIVATE)


def _settle(layout: Layout) -> None:
    """With the lock in hand: note the version, shut files that were left open to others, sweep dead endpoints."""
    if not layout.version.exists():
        write_private(layout.version, f"{LAYOUT_VERSION}\n".encode())
    for path in layout.state.iterdir():
        if path.is_file() and not path.is_symlink() and _is_exposed(path.stat(), os.geteuid()):
            path.chmod(_PRIVATE_FILE)
    for path in stale_sockets(layout):
        path.unlink(missing_ok=True)
