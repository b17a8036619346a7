"""Which images Claude looks at, so that the person sees them too.

Claude reads an image with its Read tool; a person on a phone would otherwise only see the file's name.
Shown is what ``send_file`` could send as well, once for each state of the file.
"""

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from bridge.protocol import events as e
from worker.child_view import NO_WALLS

IMAGE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".gif", ".webp"})
"""What Discord shows by itself (and Claude reads as an image)."""


class _ReadInput(msgspec.Struct):
    file_path: str = ""


class ReadImages:
    """The images that Claude reads at the moment, and those that it has looked at."""

    def __init__(self, status: Callable[[Path], os.stat_result | None] = NO_WALLS.status) -> None:
        """``status`` looks at a path as the child sees it."""
        self._status = status
        self._reading: dict[str, str] = {}
        self._seen: set[tuple[str, int, int]] = set()

    def image_of(self, event: e.AnyEvent) -> str:
        """The path of the image that Claude has read with this event; empty for any other event.

        A subagent's are for its parent.
        """
        match event:
            case e.ToolStarted(tool="Read", agent_id="") if path := _image_path(event.tool_input):
                self._reading[event.tool_use_id] = path
            case e.ToolFinished():
                path = self._reading.pop(event.tool_use_id, "")
                return path if path and not event.is_error and self._is_new(path) else ""
            case e.TurnEnded():
                self._reading.clear()
            case _:
                pass
        return ""

    def sent(self, path: Path) -> None:
        """Claude gave the person this file by itself, so that reading it shows nothing new."""
        self._is_new(str(path))

    def _is_new(self, path: str) -> bool:
        if (status := self._status(Path(path))) is None:
            return False
        state = (path, status.st_mtime_ns, status.st_size)
        was_seen = state in self._seen
        self._seen.add(state)
        return not was_seen


def _image_path(tool_input: str) -> str:
    try:
        path = msgspec.json.decode(tool_input, type=_ReadInput).file_path
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return path if Path(path).suffix.lower() in IMAGE_SUFFIXES else ""
