"""Where the texts that an edit replaces stand in their file, for the card on which a person decides.

Looked for when Claude asks, in the file as the child sees it. Claude's answer does not depend on it: a file that
is too large, no regular one, or does not have the text leaves its place unknown. Several edits of one file are made one
after the other, so each is looked for in what those before it leave.
"""

import asyncio
import contextlib
import os
import stat
from pathlib import Path

import msgspec

from bridge.protocol.edits import Edit, edits_of
from bridge.protocol.errors import UNREADABLE
from bridge.protocol.events import PermissionRequested, Place
from worker.child_view import ChildView

MOST_BYTES = 4_000_000
MOST_PLACES = 200
BESIDE_CHARS = 400
"""Of a line, that are kept on each side of the text; a longer one is cut."""
DEADLINE_S = 2.0
"""A file system that does not answer keeps no card back."""
_TOOLS = ("Edit", "MultiEdit")
_UNKNOWN = Place(0)


class _Input(msgspec.Struct):
    file_path: str = ""


async def with_places(request: PermissionRequested, view: ChildView, directory: str) -> PermissionRequested:
    """The request with the places of its texts, if it is an edit."""
    if request.tool not in _TOOLS:
        return request
    with contextlib.suppress(TimeoutError):
        found = await asyncio.wait_for(asyncio.to_thread(_places, request, view, directory), DEADLINE_S)
        return msgspec.structs.replace(request, places=found)
    return request


def places_in(text: str, edits: list[Edit]) -> tuple[Place, ...]:
    """Of each edit in turn, in the text of the file; as for Claude's tools, without carriage returns at lines' ends."""
    text, found = text.replace("\r\n", "\n"), []
    for edit in edits[:MOST_PLACES]:
        at = text.find(edit.old) if edit.old else -1
        if at < 0:
            found.append(_UNKNOWN)
            continue
        found.append(_place(text, at, edit.old))
        text = text.replace(edit.old, edit.new, -1 if edit.everywhere else 1)
    return tuple(found)


def _places(request: PermissionRequested, view: ChildView, directory: str) -> tuple[Place, ...]:
    try:
        given = msgspec.json.decode(request.tool_input, type=dict[str, object])
        path = msgspec.json.decode(request.tool_input, type=_Input).file_path
        text = _read(view, Path(directory, path))
    except (*UNREADABLE, OSError, ValueError):
        return ()
    return places_in(text, edits_of(request.tool, given) or [])


def _place(text: str, at: int, old: str) -> Place:
    start = text.rfind("\n", 0, at) + 1
    behind = at + len(old)
    end = text.find("\n", behind) + 1 or len(text)
    before, after = text[start:at], text[behind:end]
    if len(before) > BESIDE_CHARS:
        before = f"…{before[-BESIDE_CHARS:]}"
    if len(after) > BESIDE_CHARS:
        after = f"{after[:BESIDE_CHARS]}…\n"
    return Place(text.count("\n", 0, at) + 1, before, after, text.count(old))


def _read(view: ChildView, path: Path) -> str:
    """Raises OSError, or ValueError for what is no text of a regular file of decent size."""
    place = view.place(path)
    try:
        status = os.fstat(place)
        if not stat.S_ISREG(status.st_mode) or status.st_size > MOST_BYTES:
            raise ValueError("this is no file to look into")
        fd = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        with os.fdopen(fd, "rb") as file:
            return file.read(MOST_BYTES).decode()
    finally:
        os.close(place)
