"""What the configuration's ids are on Discord: which channels, people and roles, by name; and which are none.

Looked up once a start. People are asked for by REST, for members are not told by the gateway; channels that no server
shows as well, so that it can be said why. An answer that Discord does not give now is no finding.
"""

from collections.abc import Iterable

import msgspec

from bridge.protocol.errors import RemoteError
from bridge.routing.places import Place, unfit_in_words
from bridge.session.rights import ANY, Right
from supervisor.config import Config
from supervisor.discord.asking import Reading
from supervisor.discord.errors import Forbidden
from supervisor.discord.guilds import Guilds
from supervisor.discord.shapes import Member, PlaceShown, User

_DOES: dict[Right, str] = {"talk": "talk to Claude", "decide": "decide what it asks", "manage": "manage"}
MOST_PEOPLE = 50
"""How many are looked up by name; each takes a request."""


class Trouble(msgspec.Struct, frozen=True):
    """``subject`` is the id, ``what`` says what is wrong with it, ``todo`` what to do."""

    subject: int
    what: str
    todo: str


class Survey(msgspec.Struct, frozen=True):
    """``lines`` are for the log. ``usable``: in how many channels sessions can begin."""

    lines: tuple[str, ...]
    troubles: tuple[Trouble, ...]
    usable: int
    at: float = 0.0


async def survey(config: Config, guilds: Guilds, rest: Reading, at: float) -> Survey:
    """What the configuration's ids are on Discord. Only once we were back. ``at``: Unix seconds. Never raises."""
    return await _Surveyor(config, guilds, rest).survey(at)


class _Surveyor:
    def __init__(self, config: Config, guilds: Guilds, rest: Reading) -> None:
        self._config = config
        self._guilds = guilds
        self._rest = rest
        self._lines: list[str] = []
        self._troubles: list[Trouble] = []
        self._usable = 0

    async def survey(self, at: float) -> Survey:
        bot = f"{self._guilds.bot_name!r} ({self._guilds.bot_id})"
        servers = ", ".join(f"{name!r} ({guild_id})" for guild_id, name in self._guilds.names.items())
        self._lines.append(f"Discord: the bot {bot}, in the servers {servers or 'none'}")
        for channel_id in self._config.channels:
            await self._look_at_channel(channel_id)
        await self._look_at_people()
        return Survey(tuple(self._lines), tuple(self._troubles), self._usable, at)

    def _wrong(self, subject: int, what: str, todo: str) -> None:
        self._troubles.append(Trouble(subject, what, todo))

    # --- channels ------------------------------------------------------------------------------------

    async def _look_at_channel(self, channel_id: int) -> None:
        key = f"channels: the id {channel_id}"
        place = self._guilds.place(channel_id) or await self._unseen(channel_id, key)
        if place is None:
            return
        if why := unfit_in_words(place):
            what, _, todo = why.partition(": ")
            self._wrong(channel_id, f"{key} {what}", todo or "give the id of a text channel")
            return
        self._usable += 1
        configured = self._config.channels[channel_id]
        server = self._guilds.names.get(place.guild_id, "")
        only = ", where it is mentioned" if configured.mention_only else ""
        self._lines.append(
            f"channel #{place.name} ({channel_id}) of {server!r}{only}: {configured.directory},"
            f" containment {configured.containment}"
        )

    async def _unseen(self, channel_id: int, key: str) -> Place | None:
        """A channel that no server showed: an archived thread, a direct message, another server's, or none."""
        try:
            found = await self._rest.look_up("/channels/{channel_id}", PlaceShown, channel_id=channel_id)
        except Forbidden:
            self._wrong(channel_id, f"{key} is a channel that the bot may not see", "give the bot View Channel there")
        except RemoteError as error:
            self._lines.append(f"{key} could not be looked up: {error}")
        else:
            if found:
                return found.place
            other = self._other(channel_id) or ("a person's" if channel_id in self._config.policy.named.users else "")
            what = f"{key} is {other}" if other else f"{key} is no channel that there is (any more)"
            self._wrong(channel_id, what, "Copy Channel ID (in Developer Mode) gives a channel's id")
        return None

    def _other(self, number: int) -> str:
        """What else has that id; empty when we know nothing that has."""
        if number in self._guilds.names:
            return f"the server {self._guilds.names[number]!r}"
        if role := self._guilds.role(number):
            return f"the role {role.name!r}"
        if number == self._guilds.bot_id:
            return "the bot itself"
        if place := self._guilds.place(number):
            return f"the channel {place.name!r}"
        return ""

    async def _look_at_people(self) -> None:
        """A line for each right, but for one whose holders are those of the line before."""
        policy = self._config.policy
        people = {user_id: await self._person(user_id) for user_id in sorted(policy.named.users)[:MOST_PEOPLE]}
        roles = {role_id: await self._role(role_id) for role_id in sorted(policy.named.roles)}
        before = None
        for right in ANY:
            if (have := policy.holders(right)) != before:
                known = [people[one] for one in sorted(have.users) if one in people]
                more = [f"{len(have.users) - len(known)} more"] if len(have.users) > len(known) else []
                named = [*known, *more, *(roles[one] for one in sorted(have.roles))]
                self._lines.append(f"may {_DOES[right]}: {', '.join(named) or 'nobody'}")
            before = have

    # --- people and roles ----------------------------------------------------------------------------

    async def _person(self, user_id: int) -> str:
        """Their name and id."""
        key = f"access.users: the id {user_id}"
        if other := self._other(user_id):
            is_role = self._guilds.role(user_id) and user_id not in self._guilds.names
            todo = "put it under access.roles" if is_role else "Copy User ID (in Developer Mode) gives a person's id"
            self._wrong(user_id, f"{key} is {other}, and not a person", todo)
            return f"({user_id})"
        try:
            if (member := await self._member(user_id)) is None:
                await self._stranger(user_id, key)
                return f"({user_id})"
        except RemoteError as error:
            self._lines.append(f"{key} could not be looked up: {error}")
            return f"({user_id})"
        user = member.user or User(user_id)
        if user.bot:
            self._wrong(user_id, f"{key} is the bot {user.name!r}, and bots are not listened to", "take it out")
        return f"{member.nick or user.name!r} ({user_id})"

    async def _member(self, user_id: int) -> Member | None:
        """In the first of the servers where sessions can be."""
        for guild_id in self._served():
            route = "/guilds/{guild_id}/members/{user_id}"
            if found := await self._rest.look_up(route, Member, guild_id=guild_id, user_id=user_id):
                return found
        return None

    def _served(self) -> Iterable[int]:
        places = map(self._guilds.place, self._config.channels)
        return dict.fromkeys(place.guild_id for place in places if place and place.guild_id)

    async def _stranger(self, user_id: int, key: str) -> None:
        if found := await self._rest.look_up("/users/{user_id}", User, user_id=user_id):
            what = f"{key} is {found.name!r}, who is in no server with a channel of ours (any more)"
            self._wrong(user_id, what, "invite them, or take the id out")
        else:
            self._wrong(user_id, f"{key} is nobody's", "Copy User ID (in Developer Mode) gives a person's id")

    async def _role(self, role_id: int) -> str:
        key = f"access.roles: the id {role_id}"
        role = self._guilds.role(role_id)
        if role_id in self._guilds.names:
            self._wrong(role_id, f"{key} is the server itself, which is nobody's role", "give the id of a role")
        elif role is None:
            try:
                is_person = await self._member(role_id) is not None
            except RemoteError:
                return f"the role ({role_id})"
            what = "a person, and not a role" if is_person else self._other(role_id) or "no role of the bot's servers"
            todo = "put it under access.users" if is_person else "Copy Role ID (in Developer Mode) gives a role's id"
            self._wrong(role_id, f"{key} is {what}", todo)
        elif role.guild_id not in self._served():
            what = f"{key} is the role {role.name!r} of a server without a configured channel, so it lets nobody in"
            self._wrong(role_id, what, "give the id of a role of the channel's server")
        return f"the role {role.name!r} ({role_id})" if role else f"the role ({role_id})"
