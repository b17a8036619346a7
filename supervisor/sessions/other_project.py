"""A channel that has another project since: what was allowed in it for longer was allowed for the one before.

    the directory of now is another one  ──▶  the channel's rules end, and its sessions begin in no looser mode
    the same, also after a while without any  ──▶  nothing

What its sessions do that began before, they do in their own directory; what is allowed for one of them stays with it.
Trust in a project's files is kept by directory, and needs nothing here.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import PurePath

from bridge.protocol.modes import DEFAULT, is_looser
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

log = logging.getLogger(__name__)


def look_at_projects(manager: SessionManager, channels: Mapping[int, Channel]) -> None:
    """What cannot be noted now is left to the next start, or change."""
    for channel in channels.values():
        try:
            _look_at(manager, channel, channels)
        except StoreError as error:
            log.warning("whether channel %d has another project is not noted: %s", channel.channel_id, error)


def _look_at(manager: SessionManager, channel: Channel, channels: Mapping[int, Channel]) -> None:
    noted = manager.store.project_of(channel.channel_id)
    if noted == channel.directory:
        return
    is_other = bool(noted) or _is_other_by_sessions(manager, channel, channels)
    with manager.transaction():
        if is_other:
            _end(manager, channel.channel_id)
        manager.store.note_project(channel.channel_id, channel.directory)


def _is_other_by_sessions(manager: SessionManager, channel: Channel, channels: Mapping[int, Channel]) -> bool:
    """Of a store that was rebuilt, or is of a version that noted nothing: by the newest session that tells. ``/new``
    begins some below the channel's directory, which are of its project, and some in other channels', which tell nothing
    while there is another one.
    """
    others = [one.directory for one in channels.values() if one.channel_id != channel.channel_id]

    def tells(session: ManagedSession) -> bool:
        return _is_in(session, channel.directory) or not any(_is_in(session, other) for other in others)

    newest = manager.most_recent_session(channel.channel_id, tells) or manager.most_recent_session(channel.channel_id)
    return newest is not None and not _is_in(newest, channel.directory)


def _is_in(session: ManagedSession, directory: str) -> bool:
    """``/new`` resolves what it is given."""
    return any(PurePath(session.directory).is_relative_to(one) for one in (directory, os.path.realpath(directory)))


def _end(manager: SessionManager, channel_id: int) -> None:
    """Within the caller's transaction."""
    log.warning("channel %d has another project: what was allowed for longer in it is over", channel_id)
    manager.rules.project_left(channel_id)
    if is_looser(manager.default(channel_id, "permission_mode"), DEFAULT):
        manager.choose_default(channel_id, "permission_mode", "")
