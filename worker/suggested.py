"""What of the directories that Claude suggests with a request is offered, and which of them the child does not see.

Looked at when Claude asks, in the child's own mounts: what a wall does not show stays behind it, whatever is allowed.
"""

import asyncio
import stat
from pathlib import Path

import msgspec

from bridge.protocol.directories import MOST_SUGGESTED, may_be_suggested
from bridge.protocol.events import PermissionRequested
from worker.child_view import ChildView

DEADLINE_S = 2.0
"""A file system that does not answer keeps no card back; its directory counts as not seen."""


async def with_unseen(request: PermissionRequested, view: ChildView, directory: str) -> PermissionRequested:
    """The request with those directories only that say something to allow; none when they are too many."""
    offered = tuple(path for path in request.directories if may_be_suggested(path, directory))
    offered = offered if len(offered) <= MOST_SUGGESTED else ()
    if not offered and not request.directories:
        return request
    try:
        unseen = await asyncio.wait_for(asyncio.to_thread(_unseen, offered, view), DEADLINE_S)
    except TimeoutError:
        unseen = offered
    return msgspec.structs.replace(request, directories=offered, unseen=unseen)


def _unseen(paths: tuple[str, ...], view: ChildView) -> tuple[str, ...]:
    return tuple(path for path in paths if not _is_directory(view, path))


def _is_directory(view: ChildView, path: str) -> bool:
    status = view.status(Path(path))
    return status is not None and stat.S_ISDIR(status.st_mode)
