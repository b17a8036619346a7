"""The channels and threads that are ours: in which server, how far they were handled, and who may talk there."""

from collections.abc import Iterable, Mapping
from contextlib import suppress

from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.rights import Grant, Rights
from supervisor.discord.guilds import Guilds
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError


class OurPlaces:
    def __init__(
        self, manager: SessionManager, rights: Rights, channels: Mapping[int, Channel], guilds: Guilds
    ) -> None:
        self.channels = channels
        self._manager = manager
        self._rights = rights
        self._guilds = guilds
        self._guild_of: dict[int, int] = {}

    def is_ours(self, channel_id: int) -> bool:
        """A configured channel, or a session's thread."""
        return channel_id in self.channels or self._manager.session_of_thread(channel_id) is not None

    def guild_of(self, channel_id: int) -> int:
        """The guild of a configured channel; 0 while no guild has shown it."""
        return self._guild_of.get(channel_id, 0)

    def is_in(self, channel_id: int, guild_id: int) -> None:
        self._guild_of[channel_id] = guild_id

    def guild_id(self, channel_id: int) -> int:
        """Of a channel, or of a session's thread."""
        session = self._manager.session_of_thread(channel_id)
        return session.guild_id if session else self.guild_of(channel_id)

    def cursor(self, channel_id: int) -> int:
        """A thread's messages all come after the one that it was made from, whose id it has."""
        return self._manager.cursor(channel_id) or channel_id

    def channels_added(self, channel_ids: Iterable[int]) -> None:
        """They are configured while we run: what was written there before is not for us."""
        for channel_id in channel_ids:
            if place := self._guilds.place(channel_id):
                self._guild_of[channel_id] = place.guild_id
            with suppress(StoreError):
                if (newest := self._guilds.newest(channel_id)) > self._manager.cursor(channel_id):
                    self._manager.handled(channel_id, newest)

    def talk(self, channel_id: int) -> Grant:
        """Who may talk in the channel, or in the thread's."""
        session = self._manager.session_of_thread(channel_id)
        return self._rights.access(session.channel_id if session else channel_id).talk

    def session_of(self, channel_id: int, message_id: int) -> ManagedSession | None:
        """Whose prompt the message may be: it was written in the session's thread, the thread was made from it, or it
        followed that closely.
        """
        if session := self._manager.session_of_thread(channel_id):
            return session
        starter = self._manager.session_of_thread(message_id)
        if starter:
            return starter if starter.channel_id == channel_id else None
        return self._manager.waiting.session_with(channel_id, message_id) if channel_id in self.channels else None
