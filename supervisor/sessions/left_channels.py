"""Channels that the configuration does not have any more, though their sessions go on: how it is decided there stays.

Who may what is the configuration's alone. But what took two people, or somebody else than who asked, must not take less
because a table was taken out: nobody chose that for the sessions that are there. A table that is back has the word.
"""

import logging

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.session.rights import Access
from supervisor.config_in_force import Settings
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

log = logging.getLogger(__name__)


def keep_how_it_is_decided(manager: SessionManager, settings: Settings) -> None:
    """For what is configured now, and as it was for what is not. What cannot be noted is left to the next change."""
    channels, policy = settings.channels, settings.now.policy
    settings.left = {i: access for i, access in _known(manager).items() if i not in channels}
    now = {i: Access(decide_own=own.decide_own, second=own.second) for i in channels if (own := policy.access(i))}
    stricter = {i: access for i, access in now.items() if access != Access()}
    try:
        manager.remember(Fact.STRICT_CHANNELS, msgspec.json.encode({**settings.left, **stricter}).decode())
    except StoreError as error:
        log.warning("how it is decided in the channels is not noted: %s", error)


def _known(manager: SessionManager) -> dict[int, Access]:
    try:
        return msgspec.json.decode(manager.fact(Fact.STRICT_CHANNELS) or "{}", type=dict[int, Access])
    except UNREADABLE:
        return {}
