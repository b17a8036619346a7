"""Who hears what of Discord, in the call that brought it.

First what we know of the servers is brought up to date, then the connection makes its step, then all others hear of it.
A mistake of one keeps it from no other, and ends no connection.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from supervisor.discord.guilds import Guilds
from supervisor.discord.shapes import Ready, read
from supervisor.discord.twins import Twins

type Ear = Callable[[Any], None]
"""Gets an event's data, as JSON. May raise msgspec.ValidationError."""

_MAY_BE_OUTAGES = ("GUILD_CREATE", "GUILD_DELETE")

log = logging.getLogger(__name__)


class Hearing:
    """``hears``: by an event's name, who hears it; ``ready`` is said once the servers of a READY are here."""

    def __init__(self, guilds: Guilds, twins: Twins, hears: Mapping[str, Sequence[Ear]]) -> None:
        self._guilds = guilds
        self._twins = twins
        self._hears = hears

    @property
    def later_one(self) -> str:
        """Why another supervisor answers and not we, in words; empty while we do."""
        return self._twins.later_one

    def learn(self, event: str, data: dict[str, Any]) -> bool:
        """Who we are, what is where, who else answers. Whether the event can be read."""
        return _heard(event, lambda told: self._learn(event, told), data)

    def _learn(self, event: str, data: dict[str, Any]) -> None:
        self._guilds.heard(event, data)
        match event:
            case "READY":
                self._guilds.let_in(read(data, Ready))
            case "ready":
                self._twins.ready()
            case "MESSAGE_CREATE":
                self._twins.heard(data)

    def pass_on(self, event: str, data: dict[str, Any]) -> None:
        if event not in _MAY_BE_OUTAGES or not data.get("unavailable"):
            for ear in self._hears.get(event, ()):
                _heard(event, ear, data)


def _heard(event: str, ear: Ear, data: dict[str, Any]) -> bool:
    try:
        ear(data)
    except msgspec.ValidationError as error:
        log.warning("an event %s that cannot be read: %s", event, error)
    except Exception:
        log.exception("%s could not be handled", event)
    else:
        return True
    return False
