"""What of the directories that Claude suggests with a request is offered, and which of them the child does not see.

Looked at when Claude asks, in the child's own mounts: what a wall does not show stays behind it, whatever is allowed.

Claude Code follows links: with a link it also allows where that leads (2.1.330), and who owns the link can lead it
elsewhere after somebody allowed it. So a path through a link is not offered, and one that became one is not told to
the child: Claude asks there. Where a link leads, Claude suggests beside it.
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
    if not request.directories:
        return request
    plain = tuple(path for path in request.directories if may_be_suggested(path, directory))
    if len(plain) > 2 * MOST_SUGGESTED:  # each may have its link beside it
        return msgspec.structs.replace(request, directories=())
    linked = await with_links(plain, view)
    offered = tuple(path for path in plain if path not in linked)
    offered = offered if len(offered) <= MOST_SUGGESTED else ()
    try:
        unseen = await asyncio.wait_for(asyncio.to_thread(_unseen, offered, view), DEADLINE_S)
    except TimeoutError:
        unseen = offered
    return msgspec.structs.replace(request, directories=offered, unseen=unseen)


async def with_links(paths: tuple[str, ...], view: ChildView) -> frozenset[str]:
    """Those that go through a link now; all when their file system does not answer."""
    if not paths:
        return frozenset()
    try:
        return await asyncio.wait_for(asyncio.to_thread(_with_links, paths, view), DEADLINE_S)
    except TimeoutError:
        return frozenset(paths)


def _with_links(paths: tuple[str, ...], view: ChildView) -> frozenset[str]:
    return frozenset(path for path in paths if view.has_link(Path(path)))


def _unseen(paths: tuple[str, ...], view: ChildView) -> tuple[str, ...]:
    return tuple(path for path in paths if not _is_directory(view, path))


def _is_directory(view: ChildView, path: str) -> bool:
    status = view.status(Path(path))
    return status is not None and stat.S_ISDIR(status.st_mode)
