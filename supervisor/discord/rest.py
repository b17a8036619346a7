"""Discord's REST API, version 10, over aiohttp: the only module that speaks it.

Every request takes its turn at the pace, has a deadline of its own, and ends in a value or in one of the errors of
``supervisor.discord.errors``. The bot's token is nowhere but in the Authorization header, and an interaction's token
nowhere but in the URL: exceptions of aiohttp may carry both, so none is chained, and errors name the route's
template only. nextcord's own REST is not used for any of this: it merges all channels' buckets, sleeps inside, and
knows no ``enforce_nonce`` (docs/discord-api.md, "nextcord").
"""

import asyncio
import mimetypes
import time
from collections.abc import Callable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import quote

import aiohttp
import msgspec

from bridge.discord import PAGE_MESSAGES, ErrorCode
from bridge.protocol.errors import RemoteError
from bridge.render.posts import File, Post, payload
from supervisor.discord import sent_files
from supervisor.discord.alone import Nonces
from supervisor.discord.errors import (
    BadToken,
    ChannelGone,
    Found,
    LinkExpired,
    MessageGone,
    Refused,
    TooLarge,
    Unavailable,
)
from supervisor.discord.message import POST_TYPES
from supervisor.discord.pace import Pace, Priority, TooLongError, Turn
from supervisor.discord.rest_answers import Call, Json, NotFound, Reply, checked, decoded
from supervisor.discord.shapes import Member, Message, Unreadable, WithId, message_of
from supervisor.discord.token_watch import TokenWatch

CALL_TIMEOUT_S = 15.0
ANSWER_PATIENCE_S = 3.0
"""An interaction that is not answered within 3 s is void (discord-api-docs, "Receiving and Responding")."""
COSMETIC_PATIENCE_S = 1.0
DOWNLOAD_TIMEOUT = aiohttp.ClientTimeout(total=120.0, sock_connect=10.0, sock_read=20.0)
UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=55.0)
"""Below ``carrier.NONCE_S``, so that a try that hangs is repeated under a nonce that Discord still knows."""
HELD_S = 1.0
"""How soon to ask again whether we may ask."""
PIECE_BYTES = 256 * 1024
ARCHIVE_MINUTES = 10_080
"""A week, the longest that Discord has (discord-api-docs, "Start Thread from Message")."""
OWN_PAGES = 5
"""How far ``own_messages`` reads: what was lost stands near the place where we look."""
USER_AGENT = "DiscordBot (threadbridge, 0.2)"

_MESSAGES = "/channels/{channel_id}/messages"
_MESSAGE = "/channels/{channel_id}/messages/{message_id}"
_REACTION = "/channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me"
_HOOK = "/webhooks/{application_id}/{token}"
_WRITES: dict[Literal["create", "edit"], str] = {"create": f"POST {_MESSAGES}", "edit": f"PATCH {_MESSAGE}"}


class Rest:
    """One connection pool. ``api_base`` ends in ``/api/v10``; ``timeout_s`` bounds one request, without its turn.

    ``archive_minutes``: after how long without a message Discord archives a new thread.
    """

    def __init__(
        self,
        api_base: str,
        token: str,
        pace: Pace,
        timeout_s: float = CALL_TIMEOUT_S,
        heard: Callable[[str, int, float], None] = lambda *_: None,
        archive_minutes: Callable[[], int] = lambda: ARCHIVE_MINUTES,
    ) -> None:
        """``heard`` gets of each answer the route, the status and the seconds it took."""
        self._heard = heard
        self._base = api_base.rstrip("/")
        self._token = token
        self._pace = pace
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._http: aiohttp.ClientSession | None = None
        self._archive_minutes = archive_minutes
        self._own_id = 0
        self._watch = TokenWatch()
        self._held = ""
        self.nonces = Nonces()
        """Of all messages that we asked for."""
        self.apart_s: float | None = None
        """By how many seconds our clock is ahead of Discord's, about; None before it answered."""

    def hold(self, words: str) -> None:
        """Ask nothing with the token until told otherwise (empty), because of that."""
        self._held = words

    @property
    def token_trouble(self) -> str:
        """That Discord does not accept the token, in words; empty while it does."""
        return self._watch.trouble

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=self._timeout, headers={"User-Agent": USER_AGENT})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http:
            await self._http.close()
        self._http = None

    # --- what is shown (supervisor.discord.asking) ------------------------------------------------------

    def wait_s(self, write: Literal["create", "edit"], channel_id: int, priority: Priority) -> float:
        return self._pace.wait_s(_WRITES[write], channel_id, priority)

    async def create(self, channel_id: int, post: Post, nonce: str, priority: Priority = Priority.TEXT) -> Found:
        self.nonces.add(nonce)
        body = payload(post) | {"nonce": nonce, "enforce_nonce": True}
        call = Call(_WRITES["create"], priority, body, post.files)
        message = decoded(await self._do(call, channel_id=channel_id), Message)
        return Found(message.id, message.content, nonce)

    async def edit(self, channel_id: int, message_id: int, post: Post, priority: Priority = Priority.TEXT) -> None:
        call = Call(_WRITES["edit"], priority, payload(post, editing=True))
        await self._do(call, channel_id=channel_id, message_id=message_id)

    async def delete(self, channel_id: int, message_id: int) -> None:
        """A message of ours; that it is gone already is no error."""
        call = Call(f"DELETE {_MESSAGE}", Priority.URGENT, accept=ErrorCode.UNKNOWN_MESSAGE)
        await self._do(call, channel_id=channel_id, message_id=message_id)

    async def make_thread(self, channel_id: int, message_id: int, name: str) -> bool:
        body = {"name": name, "auto_archive_duration": self._archive_minutes()}
        call = Call(f"POST {_MESSAGE}/threads", Priority.URGENT, body, accept=ErrorCode.THREAD_EXISTS)
        reply = await self._do(call, channel_id=channel_id, message_id=message_id)
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
        await self._do(Call("PATCH /channels/{channel_id}", Priority.URGENT, {"archived": False}), channel_id=thread_id)

    async def rename(self, thread_id: int, name: str) -> None:
        await self._do(Call("PATCH /channels/{channel_id}", Priority.URGENT, {"name": name}), channel_id=thread_id)

    async def add_member(self, thread_id: int, user_id: int) -> None:
        """That somebody is one already is no error."""
        call = Call(
            "PUT /channels/{channel_id}/thread-members/{user_id}", Priority.COSMETIC, patience_s=COSMETIC_PATIENCE_S
        )
        await self._do(call, channel_id=thread_id, user_id=user_id)

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
        await self._do(Call(f"PUT {_REACTION}", Priority.COSMETIC), **_reaction(channel_id, message_id, emoji))

    async def take_back(self, channel_id: int, message_id: int, emoji: str) -> None:
        call = Call(f"DELETE {_REACTION}", Priority.COSMETIC)
        with suppress(MessageGone):
            await self._do(call, **_reaction(channel_id, message_id, emoji))

    async def typing(self, channel_id: int) -> None:
        call = Call("POST /channels/{channel_id}/typing", Priority.COSMETIC, patience_s=COSMETIC_PATIENCE_S)
        await self._do(call, channel_id=channel_id)

    # --- what is read, and answered ------------------------------------------------------------------------

    async def messages_after(
        self, channel_id: int, after: int, limit: int = PAGE_MESSAGES
    ) -> list[Message | Unreadable]:
        """At most ``limit`` (1 to 100) messages after that id, oldest first. One that is garbage spoils no other."""
        call = Call(f"GET {_MESSAGES}", Priority.END, query={"after": str(after), "limit": str(limit)})
        page = decoded(await self._do(call, channel_id=channel_id), list[msgspec.Raw])
        return sorted((message_of(bytes(raw)) for raw in page), key=lambda message: message.id)

    async def message(self, channel_id: int, message_id: int) -> Message:
        call = Call(f"GET {_MESSAGE}", Priority.END)
        found = message_of((await self._do(call, channel_id=channel_id, message_id=message_id)).body)
        if isinstance(found, Unreadable):
            raise Refused(f"message {message_id} makes no sense to us")
        return found

    async def download(self, url: str, take: Callable[[bytes], object], most_bytes: int) -> None:
        """Hand a file's bytes to ``take`` as they come. The link is Discord's own, and gets no token.

        Raises LinkExpired (403, 404), TooLarge, Refused for a link that is none, Unavailable.
        """
        assert self._http, "use `async with Rest(...)`"
        if not url.startswith("https://") and not (self._base.startswith("http://") and url.startswith("http://")):
            raise Refused("its link is no https link")
        try:
            async with self._http.get(url, timeout=DOWNLOAD_TIMEOUT, allow_redirects=False) as response:
                if response.status in (403, 404):
                    raise LinkExpired(f"the link gives {response.status}")
                if response.status != 200:
                    raise Unavailable(f"the answer was {response.status}")
                await _take_all(response, take, most_bytes)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Unavailable(f"no whole answer: {type(error).__name__}") from None

    async def member(self, guild_id: int, user_id: int) -> Member | None:
        """A member with roles (messages of REST carry none). None: no member of that guild."""
        call = Call("GET /guilds/{guild_id}/members/{user_id}", Priority.URGENT)
        try:
            return decoded(await self._do(call, guild_id=guild_id, user_id=user_id), Member)
        except NotFound:
            return None

    async def look_up[T](self, route: str, kind: type[T], **ids: int) -> T | None:
        """What GET ``route`` gives, which names its ids in braces; None where there is no such thing."""
        try:
            return decoded(await self._do(Call(f"GET {route}", Priority.END), **ids), kind)
        except (NotFound, ChannelGone):
            return None

    async def answer_interaction(self, interaction_id: int, token: str, kind: int, data: Json | None = None) -> None:
        """``kind``: 4 message, 5 and 6 deferred, 7 update, 8 choices, 9 modal."""
        route = "POST /interactions/{interaction_id}/{token}/callback"
        body: Json = {"type": kind} | ({"data": data} if data is not None else {})
        call = Call(route, Priority.INTERACTION, body, patience_s=ANSWER_PATIENCE_S)
        await self._do(call, interaction_id=interaction_id, token=token)

    async def edit_interaction_answer(
        self, application_id: int, token: str, data: Json, files: tuple[File, ...] = ()
    ) -> None:
        call = Call(f"PATCH {_HOOK}/messages/@original", Priority.INTERACTION, data, files)
        await self._do(call, application_id=application_id, token=token)

    async def bulk_put_commands(self, application_id: int, guild_id: int, commands: list[Json]) -> None:
        """Replace all of the guild's slash commands (about 5 such writes in 20 s are allowed)."""
        call = Call("PUT /applications/{application_id}/guilds/{guild_id}/commands", Priority.END, commands)
        await self._do(call, application_id=application_id, guild_id=guild_id)

    async def _ask_own_id(self) -> int:
        return decoded(await self._do(Call("GET /users/@me", Priority.END)), WithId).id

    # --- one request -----------------------------------------------------------------------------------

    async def _do(self, call: Call, **parameters: int | str) -> Reply:
        if call.is_authorized and self._held:
            raise Unavailable(f"{call.route}: {self._held}", HELD_S)
        if call.is_authorized and (wait_s := self._watch.wait_s):
            raise BadToken(f"{call.route}: the bot's token was refused a moment ago", wait_s)
        try:
            async with self._pace.turn(call.route, _major(parameters), call.priority, call.patience_s) as turn:
                reply = await self._send(call, turn, parameters)
        except TooLongError as error:
            raise Unavailable(str(error), error.wait_s) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"{call.route}: no answer ({type(error).__name__})") from None
        if call.is_authorized and reply.status == 401:
            self._watch.refused()
            raise BadToken("Discord does not accept the bot's token", self._watch.wait_s)
        if call.is_authorized and reply.status < 400:
            self._watch.accepted()
        return checked(call, reply)

    async def _send(self, call: Call, turn: Turn, parameters: dict[str, int | str]) -> Reply:
        assert self._http, "use `async with Rest(...)`"
        method, template = call.route.split(" ")
        data, headers = await _encoded(call.body, call.files)
        if call.is_authorized:
            headers["Authorization"] = f"Bot {self._token}"
        url = self._base + template.format(**parameters)
        timeout = UPLOAD_TIMEOUT if any(file.path for file in call.files) else self._timeout
        began = time.monotonic()
        async with self._http.request(
            method, url, data=data, params=call.query, headers=headers, allow_redirects=False, timeout=timeout
        ) as response:
            turn.report(response.status, response.headers)
            self._heard(call.route, response.status, time.monotonic() - began)
            self.apart_s = _apart_s(response.headers.get("Date", ""), self.apart_s)
            return Reply(response.status, await response.read(), response.headers.get("Retry-After", ""))


def _apart_s(date: str, before: float | None) -> float | None:
    """``date``: of an answer, in whole seconds (RFC 9110, "Date")."""
    try:
        return time.time() - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return before


async def _take_all(response: aiohttp.ClientResponse, take: Callable[[bytes], object], most_bytes: int) -> None:
    got = 0
    async for piece in response.content.iter_chunked(PIECE_BYTES):
        got += len(piece)
        if got > most_bytes:
            raise TooLarge(f"more than {most_bytes} bytes")
        take(piece)


def _reaction(channel_id: int, message_id: int, emoji: str) -> dict[str, int | str]:
    return {"channel_id": channel_id, "message_id": message_id, "emoji": quote(emoji)}


def _major(parameters: dict[str, int | str]) -> int | str:
    """Limits count per channel, guild, or webhook and its token (discord-api-docs, "Rate Limits")."""
    for name in ("channel_id", "guild_id", "token"):
        if name in parameters:
            return parameters[name]
    return ""


async def _encoded(body: object, files: tuple[File, ...]) -> tuple[bytes | aiohttp.FormData | None, dict[str, str]]:
    if body is None:
        return None, {}
    text = msgspec.json.encode(body)
    if not files:
        return text, {"Content-Type": "application/json"}
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("payload_json", text.decode(), content_type="application/json")
    for number, file in enumerate(files):
        kind = (file.path and mimetypes.guess_type(file.name)[0]) or "text/plain; charset=utf-8"
        content = await _content(file)
        form.add_field(f"files[{number}]", content, filename=_quotable(file.name), content_type=kind)
    return form, {}


async def _content(file: File) -> bytes:
    """Raises Refused when the file that is to be sent is gone."""
    if not file.path:
        return file.text.encode()
    try:
        return await asyncio.to_thread(sent_files.read, Path(file.path))
    except OSError as error:
        raise Refused(f"{file.name} cannot be read on the host: {error.strerror}") from None


def _quotable(name: str) -> str:
    """A name that cannot break out of the header in which it stands; nothing else quotes it."""
    return "".join("_" if c in '"\\' or ord(c) < 32 else c for c in name)
