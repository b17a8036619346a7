"""A channel that has another project since: what was allowed in it for longer was allowed for the one before.

    the directory of now is another one  ──▶  the channel's rules end, and its sessions begin in no looser mode
    the same, also after a while without any  ──▶  nothing

What its sessions do that began before, they do in their own directory; what is allowed for one of them stays with it.
Trust in a project's files is kept by directory, and needs nothing here.
"""

import logging
from collections.abc import Mapping

from bridge.protocol.modes import DEFAULT, is_looser
from bridge.routing.channel import Channel
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

log = logging.getLogger(__name__)


def look_at_projects(manager: SessionManager, channels: Mapping[int, Channel]) -> None:
    """What cannot be noted now is left to the next start, or change."""
    for channel in channels.values():
        try:
            _look_at(manager, channel)
        except StoreError as error:
            log.warning("whether channel %d has another project is not noted: %s", channel.channel_id, error)


def _look_at(manager: SessionManager, channel: Channel) -> None:
    known = _known(manager, channel.channel_id)
    if known == channel.directory:
        return
    with manager.transaction():
        if known:
            _end(manager, channel.channel_id)
        manager.store.note_project(channel.channel_id, channel.directory)


def _known(manager: SessionManager, channel_id: int) -> str:
    """Its project's directory until now. A store that was rebuilt knows it by the newest session."""
    newest = manager.most_recent_session(channel_id)
    return manager.store.project_of(channel_id) or (newest.directory if newest else "")


def _end(manager: SessionManager, channel_id: int) -> None:
    """Within the caller's transaction."""
    log.warning("channel %d has another project: what was allowed for longer in it is over", channel_id)
    manager.rules.project_left(channel_id)
    if is_looser(manager.default(channel_id, "permission_mode"), DEFAULT):
        manager.choose_default(channel_id, "permission_mode", "")
