"""Whom a command on the host means: a session, or a configured channel; and what one can give, where it is neither."""

from collections.abc import Mapping

from bridge.protocol.errors import UserError
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.text import one_line
from supervisor.commands.sight import Sight
from supervisor.sessions import targets
from supervisor.sessions.manager import SessionManager
from supervisor.threads.gone import is_gone

_HERE = "#"
MOST_NAMED, NAME_CHARS = 10, 60


class Addressees:
    """Of one supervisor. Methods raise UserError."""

    def __init__(self, manager: SessionManager, channels: Mapping[int, Channel], sight: Sight) -> None:
        self._manager = manager
        self._channels = channels
        self._sight = sight

    def channel(self, target: str) -> Channel | None:
        """The configured channel that is meant, by its id, or by its name with or without a #; None for what may be a
        session's.
        """
        bare = target.strip("<>").removeprefix(_HERE)
        if bare.isdecimal():
            return self._channels.get(int(bare))
        named = [channel for i, channel in self._channels.items() if bare and self._name(i) == bare]
        if len(named) > 1:
            raise UserError(
                f"more than one configured channel has the name {target}: give its id. {self._channels_told}"
            )
        if named and not target.startswith(_HERE) and self._found(target):
            raise UserError(
                f"{target!r} is a channel's name and the beginning of a session's id: give #{bare}, or more of it"
            )
        if not named and target.startswith(_HERE):
            raise UserError(f"no configured channel that the bot sees has the name {target}. {self._channels_told}")
        return named[0] if named else None

    def session(self, target: str, *, or_channel: bool = False) -> ManagedSession:
        """``or_channel``: a channel could have been given, too."""
        if (session := self._found(target)) is None:
            if self.channel(target):
                raise UserError(f"{target!r} is a channel: give a session in it. `threadbridge list` shows them")
            told = f" and no configured channel {target!r}. {self._channels_told}" if or_channel else f" {target!r}."
            raise UserError(f"there is no session{told} `threadbridge list` shows the sessions")
        if is_gone(self._manager, session.session_id):
            raise UserError("the thread or channel of that session was deleted")
        return session

    def _found(self, target: str) -> ManagedSession | None:
        return targets.find(self._manager.get_all_sessions(), target)

    def _name(self, channel_id: int) -> str:
        """Empty while the bot is not shown it."""
        place = self._sight.place(channel_id)
        return place.name if place else ""

    @property
    def _channels_told(self) -> str:
        """What one can give of them; by the id alone, where the bot sees no name."""
        ids = list(self._channels)
        told = [f"#{name} ({i})" if (name := one_line(self._name(i), NAME_CHARS)) else str(i) for i in ids[:MOST_NAMED]]
        more = f" and {len(ids) - MOST_NAMED} more" if len(ids) > MOST_NAMED else ""
        return f"Channels: {', '.join(told)}{more}." if ids else "No channel is configured."
