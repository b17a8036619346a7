"""What we ask of Discord's REST API, version 10: a method for each, over ``supervisor.discord.http``."""

from collections.abc import Callable
from contextlib import suppress
from typing import Literal
from urllib.parse import quote

import msgspec

from bridge.discord_numbers import ARCHIVE_MINUTES, PAGE_MESSAGES, ErrorCode
from bridge.protocol.errors import RemoteError
from bridge.render.posts import File, Post, payload
from supervisor.discord.alone import Nonces
from supervisor.discord.beside_text import POST_TYPES
from supervisor.discord.errors import (
    ChannelGone,
    Found,
    MessageGone,
    Refused,
)
from supervisor.discord.http import CALL_TIMEOUT_S, Http
from supervisor.discord.pace import Pace, Priority
from supervisor.discord.rest_answers import Call, Json, NotFound, decoded
from supervisor.discord.shapes import Member, Message, Unreadable, WithId, message_of

ANSWER_PATIENCE_S = 3.0
"""An interaction that is not answered within 3 s is void (discord-api-docs, "Receiving and Responding")."""
COSMETIC_PATIENCE_S = 1.0
OWN_PAGES = 5
"""How far ``own_messages`` reads: what was lost stands near the place where we look."""
_MESSAGES = "/channels/{channel_id}/messages"
_MESSAGE = "/channels/{channel_id}/messages/{message_id}"
_REACTION = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me"
_HOOK = "/webhooks/{application_id}/{token}"
_WRITES: dict[Literal["create", "edit"], str] = {"create": f"POST {_MESSAGES}", "edit": f"PATCH {_MESSAGE}"}


class Rest(Http):
    """``archive_minutes``: after how long without a message Discord archives a new thread; the rest as in ``Http``."""

    def __init__(
        self,
        api_base: str,
        token: str,
        pace: Pace,
        timeout_s: float = CALL_TIMEOUT_S,
        heard: Callable[[str, int, float], None] = lambda *_: None,
        archive_minutes: Callable[[], int] = lambda: ARCHIVE_MINUTES[-1],
    ) -> None:
        super().__init__(api_base, token, pace, timeout_s, heard)
        self._archive_minutes = archive_minutes
        self._own_id = 0
        self.nonces = Nonces()
        """Of all messages that we asked for."""

    # --- what is shown (supervisor.discord.asking) ------------------------------------------------------

    def wait_s(self, write: Literal["create", "edit"], channel_id: int, priority: Priority) -> float:
        return self._pace.wait_s(_WRITES[write], channel_id, priority)

    async def create(self, channel_id: int, post: Post, nonce: str, priority: Priority = Priority.TEXT) -> Found:
        self.nonces.add(nonce)
        body = payload(post) | {"nonce": nonce, "enforce_nonce": True}
        call = Call(_WRITES["create"], priority, body, post.files)
        message = decoded(await self.do(call, channel_id=channel_id), Message)
        return Found(message.id, message.content, nonce)

    async def edit(self, channel_id: int, message_id: int, post: Post, priority: Priority = Priority.TEXT) -> None:
        call = Call(_WRITES["edit"], priority, payload(post, editing=True))
        await self.do(call, channel_id=channel_id, message_id=message_id)

    async def delete(self, channel_id: int, message_id: int) -> None:
        """A message of ours; that it is gone already is no error."""
        call = Call(f"DELETE {_MESSAGE}", Priority.URGENT, accept=ErrorCode.UNKNOWN_MESSAGE)
        await self.do(call, channel_id=channel_id, message_id=message_id)

    async def make_thread(self, channel_id: int, message_id: int, name: str) -> bool:
        body = {"name": name, "auto_archive_duration": self._archive_minutes()}
        call = Call(f"POST {_MESSAGE}/threads", Priority.URGENT, body, accept=ErrorCode.THREAD_EXISTS)
        reply = await self.do(call, channel_id=channel_id, message_id=message_id)
        if reply.status < 300:
            return False
        return await self._has_own_thread(channel_id, message_id)

    async def _has_own_thread(self, channel_id: int, message_id: int) -> bool:
        """Whose thread it is, if that can be seen; somebody's own, or another bot's, says nothing about us."""
        with suppress(RemoteError):
            started = (await self.message(channel_id, message_id)).thread
            self._own_id = self._own_id or await self._ask_own_id()
            return started is not None and started.owner_id == self._own_id
        return False

    async def unarchive(self, thread_id: int) -> None:
        await self.do(Call("PATCH /channels/{channel_id}", Priority.URGENT, {"archived": False}), channel_id=thread_id)

    async def rename(self, thread_id: int, name: str) -> None:
        route = "PATCH /channels/{channel_id}"
        call = Call(route, Priority.URGENT, {"name": name}, limited_as=f"{route} name")
        await self.do(call, channel_id=thread_id)

    async def add_member(self, thread_id: int, user_id: int) -> None:
        """That somebody is one already is no error."""
        call = Call(
            "PUT /channels/{channel_id}/thread-members/{user_id}", Priority.COSMETIC, patience_s=COSMETIC_PATIENCE_S
        )
        await self.do(call, channel_id=thread_id, user_id=user_id)

    async def own_messages(self, channel_id: int, after: int) -> list[Found]:
        own_id = self._own_id = self._own_id or await self._ask_own_id()
        messages: list[Message] = []
        for _ in range(OWN_PAGES):
            page = await self.messages_after(channel_id, after)
            messages += [message for message in page if isinstance(message, Message)]
            if len(page) < PAGE_MESSAGES:
                break
            after = page[-1].id
        return [
            Found(message.id, message.content, str(message.nonce or ""), message.reply_to)
            for message in messages
            if message.author.id == own_id and message.type in POST_TYPES and not message.interaction_metadata
        ]

    async def react(self, channel_id: int, message_id: int, emoji: str) -> None:
        """To do it twice is harmless."""
        await self.do(Call(f"PUT {_REACTION}", Priority.COSMETIC), **_reaction(channel_id, message_id, emoji))

    async def take_back(self, channel_id: int, message_id: int, emoji: str) -> None:
        call = Call(f"DELETE {_REACTION}", Priority.COSMETIC)
        with suppress(MessageGone):
            await self.do(call, **_reaction(channel_id, message_id, emoji))

    async def typing(self, channel_id: int) -> None:
        call = Call("POST /channels/{channel_id}/typing", Priority.COSMETIC, patience_s=COSMETIC_PATIENCE_S)
        await self.do(call, channel_id=channel_id)

    # --- what is read, and answered ------------------------------------------------------------------------

    async def messages_after(
        self, channel_id: int, after: int, limit: int = PAGE_MESSAGES
    ) -> list[Message | Unreadable]:
        """At most ``limit`` (1 to 100) messages after that id, oldest first. One that is garbage spoils no other."""
        call = Call(f"GET {_MESSAGES}", Priority.END, query={"after": str(after), "limit": str(limit)})
        page = decoded(await self.do(call, channel_id=channel_id), list[msgspec.Raw])
        return sorted((message_of(bytes(raw)) for raw in page), key=lambda message: message.id)

    async def message(self, channel_id: int, message_id: int) -> Message:
        call = Call(f"GET {_MESSAGE}", Priority.END)
        found = message_of((await self.do(call, channel_id=channel_id, message_id=message_id)).body)
        if isinstance(found, Unreadable):
            raise Refused(f"message {message_id} makes no sense to us")
        return found

    async def member(self, guild_id: int, user_id: int) -> Member | None:
        """A member with roles (messages of REST carry none). None: no member of that guild."""
        call = Call("GET /guilds/{guild_id}/members/{user_id}", Priority.URGENT)
        try:
            return decoded(await self.do(call, guild_id=guild_id, user_id=user_id), Member)
        except NotFound:
            return None

    async def look_up[T](self, route: str, kind: type[T], **ids: int) -> T | None:
        """What GET ``route`` gives, which names its ids in braces; None where there is no such thing."""
        try:
            return decoded(await self.do(Call(f"GET {route}", Priority.END), **ids), kind)
        except (NotFound, ChannelGone):
            return None

    async def is_gone(self, place_id: int) -> bool:
        """Whether there is no such channel or thread. Raises NotFound for a 404 that does not say so."""
        try:
            await self.do(Call("GET /channels/{channel_id}", Priority.END), channel_id=place_id)
        except ChannelGone:
            return True
        return False

    async def answer_interaction(self, interaction_id: int, token: str, kind: int, data: Json | None = None) -> None:
        """``kind``: 4 message, 5 and 6 deferred, 7 update, 8 choices, 9 modal."""
        route = "POST /interactions/{interaction_id}/{token}/callback"
        body: Json = {"type": kind} | ({"data": data} if data is not None else {})
        call = Call(route, Priority.INTERACTION, body, patience_s=ANSWER_PATIENCE_S)
        await self.do(call, interaction_id=interaction_id, token=token)

    async def edit_interaction_answer(
        self, application_id: int, token: str, data: Json, files: tuple[File, ...] = ()
    ) -> None:
        call = Call(f"PATCH {_HOOK}/messages/@original", Priority.INTERACTION, data, files)
        await self.do(call, application_id=application_id, token=token)

    async def bulk_put_commands(self, application_id: int, guild_id: int, commands: list[Json]) -> None:
        """Replace all of the guild's slash commands (about 5 such writes in 20 s are allowed)."""
        call = Call("PUT /applications/{application_id}/guilds/{guild_id}/commands", Priority.END, commands)
        await self.do(call, application_id=application_id, guild_id=guild_id)

    async def _ask_own_id(self) -> int:
        return decoded(await self.do(Call("GET /users/@me", Priority.END)), WithId).id


def _reaction(channel_id: int, message_id: int, emoji: str) -> dict[str, int | str]:
    return {"channel_id": channel_id, "message_id": message_id, "emoji": quote(emoji)}
