"""What set-up asks of Discord: a question is a call, and each has a connection of its own.

The token goes nowhere but to Discord. Raises ``RefusedTokenError`` and, for all else, ``UserError`` in words.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from bridge.protocol.errors import RemoteError, UserError
from bridge.routing.places import Place
from supervisor.discord.errors import BadToken, Forbidden
from supervisor.discord.pace import Pace
from supervisor.discord.rest import Author, Message, Rest
from supervisor.operator.setup.offers import Offer, Server, Shown, offers
from supervisor.operator.setup.portal import Application


class RefusedTokenError(UserError):
    """Discord does not accept the token."""


class _Me(msgspec.Struct, frozen=True):
    id: int
    username: str = ""


class _Member(msgspec.Struct, frozen=True):
    roles: tuple[int, ...] = ()


class Channel(msgspec.Struct, frozen=True):
    """As it is asked for by its id."""

    id: int
    type: int = 0
    name: str | None = None
    guild_id: int | None = None
    parent_id: int | None = None
    last_message_id: int | None = None

    @property
    def place(self) -> Place:
        return Place(self.id, self.type, self.name or "", self.parent_id or 0, self.guild_id or 0)


class Discord:
    """Of one token. All of it blocks."""

    def __init__(self, api_base: str, token: str) -> None:
        self.token = token
        self._api_base = api_base

    def application(self) -> Application:
        return self._found(lambda rest: rest.look_up("/applications/@me", Application))

    def bot(self) -> Author:
        me = self._found(lambda rest: rest.look_up("/users/@me", _Me))
        return Author(me.id, me.username, bot=True)

    def servers(self) -> list[Server]:
        return self._found(lambda rest: rest.look_up("/users/@me/guilds", list[Server]))

    def offers(self, server: Server) -> list[Offer]:
        bot_id = self.bot().id

        async def ask(rest: Rest) -> list[Offer]:
            channels = await rest.look_up("/guilds/{guild_id}/channels", list[Shown], guild_id=server.id)
            route = "/guilds/{guild_id}/members/{user_id}"
            member = await rest.look_up(route, _Member, guild_id=server.id, user_id=bot_id)
            return list(offers(server, channels or [], member.roles if member else (), bot_id))

        return self._found(ask)

    def channel(self, channel_id: int) -> Channel | None:
        """None where there is none, or none that the bot may see."""

        async def ask(rest: Rest) -> Channel | None:
            try:
                return await rest.look_up("/channels/{channel_id}", Channel, channel_id=channel_id)
            except Forbidden:
                return None

        return self._asked(ask)

    def messages(self, channel_id: int, after: int) -> list[Message]:
        async def ask(rest: Rest) -> list[Message]:
            page = await rest.messages_after(channel_id, after)
            return [message for message in page if isinstance(message, Message)]

        return self._asked(ask)

    def _found[T](self, question: Callable[[Rest], Awaitable[T | None]]) -> T:
        found = self._asked(question)
        if found is None:
            raise UserError("Discord knows nothing of what was asked; is discord.api_base right?")
        return found

    def _asked[T](self, question: Callable[[Rest], Awaitable[T]]) -> T:
        async def ask() -> T:
            async with Rest(self._api_base, self.token, Pace()) as rest:
                return await question(rest)

        try:
            return asyncio.run(ask())
        except BadToken:
            raise RefusedTokenError("Discord does not accept this token") from None
        except Forbidden as error:
            raise UserError(f"the bot may not do that: {error}") from None
        except RemoteError as error:
            raise UserError(f"Discord does not answer as it should: {error}; is this machine online?") from None
