"""What somebody lacks for what they want here, in words; empty when they may."""

from collections.abc import Callable, Mapping

from bridge.protocol.modes import DEFAULT, is_looser
from bridge.routing.channel import Channel
from bridge.routing.known import Known
from bridge.routing.needs import COMMANDS, MANAGE, TALK
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from bridge.session.rights import ANY, Access, Right, Rights, lacking


def _as_usual(_channel_id: int) -> str:
    return DEFAULT


class Permits:
    """``begins_in``: the permission mode of a channel's new sessions."""

    def __init__(
        self,
        rights: Rights,
        channels: Mapping[int, Channel],
        known: Known,
        begins_in: Callable[[int], str] = _as_usual,
    ) -> None:
        self._rights, self._channels, self._known, self._begins_in = rights, channels, known, begins_in

    def lacks_to_stop(self, session: ManagedSession, person: Person) -> str:
        """What a person is told who may not stop what this session does; empty when they may."""
        is_own = person.user_id == session.owner_id or session.is_asked_by(person.user_id)
        return self.lacks_in(session, (*TALK, *MANAGE) if is_own else MANAGE, person)

    def loosens(self, session: ManagedSession | None, channel_id: int, mode: str) -> bool:
        """Whether Claude would ask less in the mode than it does now, and than new sessions of the channel do."""
        begins = self._begins_in(channel_id)
        now = (session.admitted_mode if session else "") or begins
        return bool(mode) and is_looser(mode, now) and is_looser(mode, begins)

    def lacks(self, rights: tuple[Right, ...], person: Person, guild_id: int, channel_id: int) -> str:
        """What a person is told who has none of these rights in the channel; empty when they have one."""
        access = self._rights.access(channel_id)
        return "" if any(access.holds(right, person, guild_id) for right in rights) else lacking(rights, access)

    def lacks_in(self, session: ManagedSession, rights: tuple[Right, ...], person: Person) -> str:
        """As ``lacks``, in a session's thread, where people may be invited to talk."""
        is_near = "talk" in rights and person.guild_id == session.guild_id
        if is_near and person.user_id in self._known.invited(session.session_id):
            return ""
        return self.lacks(rights, person, session.guild_id, session.channel_id)

    def lacks_for(self, command: str, person: Person, guild_id: int, channel_id: int) -> str:
        """As ``lacks``, for a slash command in a channel or thread; a name that is none of ours needs any right."""
        rights = COMMANDS.get(command, ANY)
        if session := self._known.session_of_thread(channel_id):
            return self.lacks_in(session, rights, person)
        return self.lacks(rights, person, guild_id, channel_id)

    def access(self, channel_id: int) -> Access:
        return self._rights.access(channel_id)

    def _access(self, session: ManagedSession) -> Access:
        return self._rights.access(session.channel_id)

    def channel(self, channel_id: int) -> Channel | None:
        return self._channels.get(channel_id)
