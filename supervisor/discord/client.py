"""nextcord, reduced to one socket: what is heard is passed on by Discord's names, in the call that received it."""

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import nextcord
from nextcord.gateway import KeepAliveHandler

from supervisor.discord.guarded import guard

CLOSE_S = 5.0
GUILD_READY_S = 0.3

log = logging.getLogger(__name__)

OF_GUILDS = (
    *("GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE", "CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE"),
    *("THREAD_CREATE", "THREAD_UPDATE", "THREAD_DELETE", "THREAD_LIST_SYNC"),
    *("GUILD_ROLE_CREATE", "GUILD_ROLE_UPDATE", "GUILD_ROLE_DELETE"),
)
_MESSAGES = ("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE", "MESSAGE_DELETE_BULK")


class Client(nextcord.Client):
    """nextcord reduced to the socket. ``hear`` gets events by Discord's names, synchronously."""

    def __init__(self, hear: Callable[[str, Any], None], allow_identify: Callable[[], float]) -> None:
        intents = nextcord.Intents(guilds=True, guild_messages=True, dm_messages=True, message_content=True)
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
        for event in (*_MESSAGES, "INTERACTION_CREATE"):
            parsers[event] = lambda data, event=event: hear(event, data)
        for event in ("READY", "RESUMED", *OF_GUILDS):
            parsers[event] = self._both(event, parsers[event])

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


async def closed(client: nextcord.Client) -> None:
    """Whatever was left of its connection is gone then, or was given up."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await _close_forgotten_sockets(client)
            await client.close()
    except Exception as error:
        log.debug("the old connection could not be closed: %s", in_words(error))


async def _close_forgotten_sockets(client: nextcord.Client) -> None:
    """nextcord forgets a socket that is lost between HELLO and READY; its heartbeat's thread would go on."""
    for thread in threading.enumerate():
        if isinstance(thread, KeepAliveHandler) and thread.ws._connection is client._connection:
            thread.stop()
            if thread.ws is not client.ws:
                await thread.ws.socket.close()
