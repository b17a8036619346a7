"""What set-up asks of Discord: a question is a call, and each has a connection of its own.

The token goes nowhere but to Discord. Raises ``RefusedTokenError`` and, for all else, ``UserError`` in words.
"""

import asyncio
from collections.abc import Awaitable, Callable

from bridge.protocol.errors import RemoteError, UserError
from supervisor.discord.errors import BadToken, Forbidden
from supervisor.discord.pace import Pace
from supervisor.discord.rest import Rest
from supervisor.discord.shapes import Member, Message, PlaceShown, User
from supervisor.operator.setup.offers import Offer, Server, Shown, offers
from supervisor.operator.setup.portal import Application


class RefusedTokenError(UserError):
    """Discord does not accept the token."""


class Discord:
    """Of one token. All of it blocks."""

    def __init__(self, api_base: str, token: str) -> None:
        self.token = token
        self._api_base = api_base

    def application(self) -> Application:
        return self._found(lambda rest: rest.look_up("/applications/@me", Application))

    def bot(self) -> User:
        return self._found(lambda rest: rest.look_up("/users/@me", User))

    def servers(self) -> list[Server]:
        return self._found(lambda rest: rest.look_up("/users/@me/guilds", list[Server]))

    def offers(self, server: Server) -> list[Offer]:
        bot_id = self.bot().id

        async def ask(rest: Rest) -> list[Offer]:
            channels = await rest.look_up("/guilds/{guild_id}/channels", list[Shown], guild_id=server.id)
            route = "/guilds/{guild_id}/members/{user_id}"
            member = await rest.look_up(route, Member, guild_id=server.id, user_id=bot_id)
            return list(offers(server, channels or [], member.roles if member else (), bot_id))

        return self._found(ask)

    def channel(self, channel_id: int) -> PlaceShown | None:
        """None where there is none, or none that the bot may see."""

        async def ask(rest: Rest) -> PlaceShown | None:
            try:
                return await rest.look_up("/channels/{channel_id}", PlaceShown, channel_id=channel_id)
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
