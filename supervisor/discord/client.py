"""nextcord, reduced to one socket: what is heard is passed on by Discord's names, in the call that received it.

The only module that knows nextcord: its errors are translated here.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import nextcord
from nextcord.gateway import KeepAliveHandler
from nextcord.http import Route

from bridge.discord_numbers import CloseCode
from bridge.protocol.errors import RemoteError
from supervisor.discord.guarded import guard
from supervisor.discord.token_watch import REFUSED

CLOSE_S = 5.0
GUILD_READY_S = 0.3

log = logging.getLogger(__name__)
logging.getLogger("nextcord.http").setLevel(logging.ERROR)
"""Its warnings show the beginning of the token."""

OF_GUILDS = (
    *("GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE", "CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE"),
    *("THREAD_CREATE", "THREAD_UPDATE", "THREAD_DELETE", "THREAD_LIST_SYNC"),
    *("GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE"),
)
_MESSAGES = ("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK")

_INTENT_REFUSED = (
    "Discord does not let this bot read messages: switch on Message Content Intent in the developer portal"
    " (your application, Bot, Privileged Gateway Intents), and start again."
)
_NOT_LET_IN: dict[int, str] = {CloseCode.AUTHENTICATION_FAILED: REFUSED, CloseCode.DISALLOWED_INTENTS: _INTENT_REFUSED}
"""Close codes after which only a person can help, if they are right."""


class NotLetInError(RemoteError):
    """Discord refuses the token, or an intent; what to do about it, in words."""


class ClosedError(RemoteError):
    """Discord closed the gateway's socket for another reason."""


class Client(nextcord.Client):
    """nextcord reduced to the socket. ``hear`` gets events by Discord's names, synchronously.

    ``api_base`` ends in ``/api/v10``. ``allow_identify`` gives the seconds to wait before the next IDENTIFY.
    """

    def __init__(self, api_base: str, hear: Callable[[str, Any], None], allow_identify: Callable[[], float]) -> None:
        Route.BASE = api_base
        intents = nextcord.Intents(
            guilds=True, guild_messages=True, guild_typing=True, dm_messages=True, message_content=True
        )
        super().__init__(
            intents=intents,
            max_messages=None,
            member_cache_flags=nextcord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=GUILD_READY_S,
            rollout_associate_known=False,
            rollout_delete_unknown=False,
            rollout_register_new=False,
            rollout_update_known=False,
        )
        self._hear = hear
        self._allow_identify = allow_identify
        parsers = self._connection.parsers
        guard(parsers)
        for event in (*_MESSAGES, "TYPING_START", "INTERACTION_CREATE"):
            parsers[event] = lambda data, event=event: hear(event, data)
        for event in ("READY", "RESUMED", *OF_GUILDS):
            parsers[event] = self._both(event, parsers[event])

    async def login(self, token: str) -> None:
        """Raises NotLetInError."""
        try:
            await super().login(token)
        except nextcord.LoginFailure:
            raise NotLetInError(REFUSED) from None

    async def connect(self, *, reconnect: bool = False) -> None:
        """Until the connection ends. Raises NotLetInError, ClosedError, and whatever nextcord's libraries do."""
        try:
            await super().connect(reconnect=reconnect)
        except nextcord.ConnectionClosed as closed:
            if words := _NOT_LET_IN.get(closed.code):
                raise NotLetInError(words) from None
            raise ClosedError(f"the gateway closed with code {closed.code}") from None

    async def let_go(self) -> None:
        """Whatever was left of its connection is gone then, or was given up."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._close_forgotten_sockets()
                await self.close()
        except Exception as error:
            log.debug("the old connection could not be closed: %s", in_words(error))

    async def _close_forgotten_sockets(self) -> None:
        """nextcord forgets a socket that is lost between HELLO and READY; its heartbeat's thread would go on."""
        for thread in threading.enumerate():
            if isinstance(thread, KeepAliveHandler) and thread.ws._connection is self._connection:
                thread.stop()
                if thread.ws is not self.ws:
                    await thread.ws.socket.close()

    @property
    def bot_id(self) -> int:
        """Ours; 0 before the login."""
        return self.user.id if self.user else 0

    @property
    def answered_at(self) -> float | None:
        """When Discord answered the last heartbeat, in Unix seconds; None without a connection.

        nextcord 3.2 keeps it in its heartbeat's thread, by another clock.
        """
        keeper = getattr(self.ws, "_keep_alive", None)
        if not isinstance(keeper, KeepAliveHandler):
            return None
        return time.time() - (time.perf_counter() - keeper._last_ack)

    async def show(self, text: str) -> None:
        """What the bot is shown to do."""
        await self.change_presence(activity=nextcord.CustomActivity(text))

    def sees(self, channel_id: int, guild_id: int, member: dict[str, Any]) -> bool:
        """Whether a member of that guild may read and write in a channel, by Discord's own permissions."""
        permissions = self._permissions(channel_id, guild_id, member)
        return bool(permissions.view_channel and permissions.send_messages)

    def reads(self, channel_id: int, guild_id: int, member: dict[str, Any]) -> bool:
        """Whether a member of that guild may read in a channel."""
        return bool(self._permissions(channel_id, guild_id, member).view_channel)

    def hides(self, channel_id: int) -> bool:
        """Whether a channel that the server shows is one that we may not see: Discord tells bots of each."""
        channel = self.get_channel(channel_id)
        if not isinstance(channel, nextcord.TextChannel) or not channel.guild.me:
            return False
        return not channel.permissions_for(channel.guild.me).view_channel

    def _permissions(self, channel_id: int, guild_id: int, member: dict[str, Any]) -> nextcord.Permissions:
        channel = self.get_channel(channel_id)
        if not isinstance(channel, nextcord.TextChannel) or channel.guild.id != guild_id:
            return nextcord.Permissions.none()
        somebody = nextcord.Member(data=member, guild=channel.guild, state=self._connection)  # type: ignore[arg-type]
        return channel.permissions_for(somebody)

    def _both(self, event: str, parse: Callable[[Any], None]) -> Callable[[Any], None]:
        def heard(data: Any) -> None:
            parse(data)
            self._hear(event, data)

        return heard

    def dispatch(self, event: str, *_args: Any, **_kwargs: Any) -> None:
        """``ready`` comes once the guilds have arrived; ``disconnect`` whenever the socket is lost.

        Nothing else is passed on: nextcord has listeners of its own, which ask for commands and synchronise them.
        """
        if event in ("ready", "disconnect"):
            self._hear(event, None)

    async def before_identify_hook(self, _shard_id: int | None, *, initial: bool = False) -> None:
        await asyncio.sleep(self._allow_identify())


def in_words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")
