"""The client of now, or none: what is asked of Discord's own cache, and what the bot is shown to do.

A connection that ends takes its client with it; whoever needs one asks here each time.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from supervisor.discord.client import Client, in_words

PRESENCE_INTERVAL_S, PRESENCE_LOOK_S = 15.0, 1.0

log = logging.getLogger(__name__)


class Socket(Protocol):
    """As much of a client as is used: ``supervisor.discord.client.Client`` has it."""

    @property
    def bot_id(self) -> int: ...
    async def login(self, token: str) -> None: ...
    async def connect(self, *, reconnect: bool = ...) -> None: ...
    async def close(self) -> None: ...
    async def let_go(self) -> None: ...
    @property
    def answered_at(self) -> float | None: ...
    async def show(self, text: str) -> None: ...
    def sees(self, channel_id: int, guild_id: int, member: dict[str, Any]) -> bool: ...
    def reads(self, channel_id: int, guild_id: int, member: dict[str, Any]) -> bool: ...
    def hides(self, channel_id: int) -> bool: ...


type MakesClient = Callable[[str, Callable[[str, Any], None], Callable[[], float]], Socket]


class CurrentClient:
    def __init__(self, make: MakesClient = Client) -> None:
        self.client: Socket | None = None
        self._make = make

    def renew(self, api_base: str, hear: Callable[[str, Any], None], allow_identify: Callable[[], float]) -> Socket:
        """A fresh client (its parameters: ``supervisor.discord.client``)."""
        self.client = self._make(api_base, hear, allow_identify)
        return self.client

    async def let_go(self) -> None:
        client, self.client = self.client, None
        if client:
            await client.let_go()

    @property
    def answered_at(self) -> float | None:
        """When Discord answered the last heartbeat, in Unix seconds; None while it is away."""
        return self.client.answered_at if self.client else None

    def sees(self, channel_id: int, guild_id: int, member: dict[str, Any]) -> bool:
        """Whether a member of that guild (as JSON) may read and write in a channel; nobody while Discord is away."""
        return bool(self.client and self.client.sees(channel_id, guild_id, member))

    def reads(self, channel_id: int, guild_id: int, member: dict[str, Any]) -> bool:
        """Whether they may read there; nobody while Discord is away."""
        return bool(self.client and self.client.reads(channel_id, guild_id, member))

    def hides(self, channel_id: int) -> bool:
        """Whether we may not see a channel that its server shows; not known while Discord is away."""
        return bool(self.client and self.client.hides(channel_id))


class Presence:
    """What the bot is shown to do: sent when it changed, and in each new connection.

    ``text`` says it; ``is_back``: whether Discord would take it.
    """

    def __init__(
        self,
        current: CurrentClient,
        text: Callable[[], str],
        is_back: Callable[[], bool],
        interval_s: float = PRESENCE_INTERVAL_S,
    ) -> None:
        self._current = current
        self._text = text
        self._is_back = is_back
        self._interval_s = interval_s
        self._shown: tuple[Socket | None, str] = (None, "")

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            client, text = self._current.client, self._text()
            if client is None or not self._is_back() or self._shown == (client, text):
                await asyncio.sleep(min(PRESENCE_LOOK_S, self._interval_s))
                continue
            try:
                await client.show(text)
                self._shown = (client, text)
            except Exception as error:  # the connection was lost; it is shown in the next one
                log.debug("the presence could not be set: %s", in_words(error))
            await asyncio.sleep(self._interval_s)
