"""What Discord shows us: who we are, and the servers' names, channels, threads and roles, by the gateway's own events.

Only what tells a person where something is. Which messages are ours is decided by ids alone.
"""

import logging
from typing import Any

import msgspec

from bridge.routing.places import Place
from supervisor.discord.shapes import (
    GuildShown,
    PlaceShown,
    Ready,
    RoleChange,
    RoleGone,
    RoleShown,
    ThreadsShown,
    WithId,
    read,
)

log = logging.getLogger(__name__)


class Role(msgspec.Struct, frozen=True):
    role_id: int
    name: str
    guild_id: int
    bot_id: int = 0
    """Whose alone it is: Discord makes one for each bot that is invited."""


class _Written(msgspec.Struct, frozen=True):
    id: int
    channel_id: int


class Where(msgspec.Struct, frozen=True):
    """A channel or thread as its server shows it, and what that is in; and the role there that is the bot's alone.

    Discord makes that role when the bot is invited, with the bot's name: who may mention roles easily takes it for it.
    """

    place: Place | None = None
    parent: Place | None = None
    own_role: int = 0


NOWHERE = Where()


class Guilds:
    """As of the last event."""

    def __init__(self) -> None:
        self.bot_id, self.bot_name, self.application_id = 0, "", 0
        """Ours; known after READY."""
        self.names: dict[int, str] = {}
        self._places: dict[int, Place] = {}
        self._roles: dict[int, Role] = {}
        self._newest: dict[int, int] = {}

    def let_in(self, ready: Ready) -> None:
        self.bot_id, self.bot_name, self.application_id = ready.user.id, ready.user.username, ready.application.id
        listed = self.names.keys() if ready.guilds is None else {guild.id for guild in ready.guilds}
        for left in self.names.keys() - listed:  # while no connection was there to tell us
            self._drop(left)

    def where(self, guild_id: int, channel_id: int) -> Where:
        place = self.place(channel_id)
        return Where(place, self.parent(place), self.own_role(guild_id))

    def place(self, place_id: int) -> Place | None:
        """A channel or thread that we are shown; an archived thread may not be."""
        return self._places.get(place_id)

    def lacks(self, guild_id: int, channel_id: int) -> bool | None:
        """Whether the server, as it is shown to us, has no such channel; None while it is not shown."""
        return channel_id not in self._places if guild_id in self.names else None

    def parent(self, place: Place | None) -> Place | None:
        return self._places.get(place.parent_id) if place else None

    def newest(self, place_id: int) -> int:
        """The id of the last message there that we heard of; 0 for none."""
        return self._newest.get(place_id, 0)

    def role(self, role_id: int) -> Role | None:
        return self._roles.get(role_id)

    def own_role(self, guild_id: int) -> int:
        """The role in that server that is the bot's alone; 0 for none."""
        us = (guild_id, self.bot_id)
        mine = (r.role_id for r in self._roles.values() if self.bot_id and (r.guild_id, r.bot_id) == us)
        return next(mine, 0)

    def heard(self, event: str, data: Any) -> None:
        """Any event; those that tell nothing of this are left alone. What cannot be read is left as it was."""
        try:
            self._heard(event, data)
        except msgspec.ValidationError as error:
            log.info("an event %s tells nothing of where things are: %s", event, error)

    def _heard(self, event: str, data: Any) -> None:
        match event:
            case "GUILD_CREATE" if not data.get("unavailable"):
                self._take(read(data, GuildShown))
            case "GUILD_UPDATE":
                updated = read(data, GuildShown)
                self.names[updated.id] = updated.name or ""
            case "GUILD_DELETE" if not data.get("unavailable"):
                self._drop(read(data, WithId).id)
            case "CHANNEL_CREATE" | "CHANNEL_UPDATE" | "THREAD_CREATE" | "THREAD_UPDATE":
                self._put(read(data, PlaceShown))
            case "CHANNEL_DELETE" | "THREAD_DELETE":
                gone = read(data, WithId).id
                self._places.pop(gone, None)
                self._newest.pop(gone, None)
            case "MESSAGE_CREATE":
                self._note_newest(read(data, _Written))
            case "THREAD_LIST_SYNC":
                synced = read(data, ThreadsShown)
                for thread in synced.threads:
                    self._put(thread, synced.guild_id)
            case "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE":
                changed = read(data, RoleChange)
                self._roles[changed.role.id] = _role(changed.role, changed.guild_id)
            case "GUILD_ROLE_DELETE":
                self._roles.pop(read(data, RoleGone).role_id, None)

    def _take(self, guild: GuildShown) -> None:
        self._drop(guild.id)
        self.names[guild.id] = guild.name or ""
        for place in (*guild.channels, *guild.threads):
            self._put(place, guild.id)
        self._roles |= {role.id: _role(role, guild.id) for role in guild.roles}

    def _put(self, found: PlaceShown, guild_id: int = 0) -> None:
        place = found.place
        self._places[found.id] = msgspec.structs.replace(place, guild_id=guild_id) if guild_id else place
        self._newest[found.id] = max(found.last_message_id or 0, self.newest(found.id))

    def _note_newest(self, written: _Written) -> None:
        if written.channel_id in self._places:
            self._newest[written.channel_id] = max(written.id, self.newest(written.channel_id))

    def _drop(self, guild_id: int) -> None:
        self.names.pop(guild_id, None)
        self._places = {key: place for key, place in self._places.items() if place.guild_id != guild_id}
        self._roles = {key: role for key, role in self._roles.items() if role.guild_id != guild_id}
        self._newest = {key: newest for key, newest in self._newest.items() if key in self._places}


def _role(found: RoleShown, guild_id: int) -> Role:
    return Role(found.id, found.name, guild_id, found.tags.bot_id)
