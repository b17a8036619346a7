"""What of the directories that Claude suggests with a request is offered, and which of them the child does not see.

Looked at when Claude asks, in the child's own mounts: what a wall does not show stays behind it, whatever is allowed.

Claude Code follows links: with a link it also allows where that leads (2.1.330), and who owns the link can lead it
elsewhere after somebody allowed it. So a path through a link is not offered, and one that became one is not told to
the child: Claude asks there. Where a link leads, Claude suggests beside it. Of a file system that does not answer
nobody knows whether there is a link, so it is as with one, but for the words.
"""

import asyncio
import os
import stat
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

import msgspec

from bridge.protocol.directories import MOST_SUGGESTED, has_in_it, may_be_suggested
from bridge.protocol.events import PermissionRequested
from worker.child_view import ChildView

DEADLINE_S = 2.0
"""For all of a request: a file system that does not answer keeps no card back."""


class Place(Enum):
    """What the child sees at a path."""

    DIRECTORY = auto()
    ABSENT = auto()
    """It is not there, or the walls do not show it."""
    NO_DIRECTORY = auto()
    LINKED = auto()
    KEPT = auto()
    """A directory that has the project or the home in it, which its path alone did not say."""
    UNANSWERED = auto()


async def with_places_of(
    request: PermissionRequested, view: ChildView, project: str, home: str = ""
) -> PermissionRequested:
    """The request with those directories only that say something to allow; none when they are too many."""
    if not request.directories:
        return request
    plain = tuple(path for path in request.directories if may_be_suggested(path, project, home))
    if len(plain) > 2 * MOST_SUGGESTED:  # each may have its link beside it
        return msgspec.structs.replace(request, directories=())
    places = await places_at(plain, view, project, home)
    found = {place: tuple(path for path in plain if places[path] is place) for place in Place}
    offered = tuple(path for path in plain if places[path] in (Place.DIRECTORY, Place.ABSENT))
    return msgspec.structs.replace(
        request,
        directories=offered if len(offered) <= MOST_SUGGESTED else (),
        unseen=found[Place.ABSENT],
        unanswered=found[Place.UNANSWERED],
        not_directories=found[Place.NO_DIRECTORY],
    )


async def places_at(paths: Sequence[str], view: ChildView, *kept: str) -> dict[str, Place]:
    """What is at each, one after the other; those that come behind one that does not answer did not answer either."""
    found: dict[str, Place] = {}
    if paths:
        try:
            await asyncio.wait_for(asyncio.to_thread(_look, paths, view, kept, found), DEADLINE_S)
        except TimeoutError:
            found = dict(found)  # the look may still come back, for nobody
    return {path: found.get(path, Place.UNANSWERED) for path in paths}


def _look(paths: Sequence[str], view: ChildView, kept: Sequence[str], found: dict[str, Place]) -> None:
    real = [os.path.realpath(one) for one in kept if one]
    for path in paths:
        found[path] = Place.KEPT if has_in_it(path, *real) else _place(path, view)


def _place(path: str, view: ChildView) -> Place:
    if view.has_link(Path(path)):
        return Place.LINKED
    if (status := view.status(Path(path))) is None:
        return Place.ABSENT
    return Place.DIRECTORY if stat.S_ISDIR(status.st_mode) else Place.NO_DIRECTORY
