"""One request to Discord's REST API, over aiohttp: the only module that speaks it.

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
from typing import Self

import aiohttp
import msgspec

from bridge.render.posts import File
from supervisor.discord import sent_files
from supervisor.discord.errors import (
    BadToken,
    LinkExpired,
    Refused,
    TooLarge,
    Unavailable,
)
from supervisor.discord.pace import Pace, Slot, TooLongError
from supervisor.discord.rest_answers import Call, Reply, checked
from supervisor.discord.snowflakes import given_at
from supervisor.discord.token_watch import TokenWatch

CALL_TIMEOUT_S = 15.0
DOWNLOAD_TIMEOUT = aiohttp.ClientTimeout(total=120.0, sock_connect=10.0, sock_read=20.0)
UPLOAD_TIMEOUT = aiohttp.ClientTimeout(total=55.0)
"""Below ``carrier.NONCE_S``, so that a try that hangs is repeated under a nonce that Discord still knows."""
HELD_S = 1.0
"""How soon to ask again whether we may ask."""
PIECE_BYTES = 256 * 1024
USER_AGENT = "DiscordBot (threadbridge, 0.2)"


class Http:
    """One connection pool. ``api_base`` ends in ``/api/v10``; ``timeout_s`` bounds one request, without its turn."""

    def __init__(
        self,
        api_base: str,
        token: str,
        pace: Pace,
        timeout_s: float = CALL_TIMEOUT_S,
        heard: Callable[[str, int, float], None] = lambda *_: None,
    ) -> None:
        """``heard`` gets of each answer the route, the status and the seconds it took."""
        self._heard = heard
        self._base = api_base.rstrip("/")
        self._token = token
        self._pace = pace
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._http: aiohttp.ClientSession | None = None
        self._watch = TokenWatch()
        self._held = ""
        self.apart_s: float | None = None
        """By how many seconds our clock is ahead of Discord's, about; None before it answered."""
        self._told_at: tuple[float, float] | None = None
        """A time of Discord's, in Unix seconds, and when it was told, by the clock that nobody sets."""

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

    async def do(self, call: Call, **parameters: int | str) -> Reply:
        """When its turn has come. ``parameters``: what its route names in braces.

        Raises what ``supervisor.discord.errors`` has.
        """
        if call.is_authorized and self._held:
            raise Unavailable(f"{call.route}: {self._held}", HELD_S)
        if call.is_authorized and (wait_s := self._watch.wait_s):
            raise BadToken(f"{call.route}: the bot's token was refused a moment ago", wait_s)
        try:
            limited_as = call.limited_as or call.route
            async with self._pace.slot(limited_as, _major(parameters), call.priority, call.patience_s) as slot:
                reply = await self._send(call, slot, parameters)
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

    async def _send(self, call: Call, slot: Slot, parameters: dict[str, int | str]) -> Reply:
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
            slot.report(response.status, response.headers)
            self._heard(call.route, response.status, time.monotonic() - began)
            self._note_time(response.headers.get("Date", ""))
            return Reply(response.status, await response.read(), response.headers.get("Retry-After", ""))

    def _note_time(self, date: str) -> None:
        """``date``: of an answer, in whole seconds (RFC 9110, "Date")."""
        with suppress(ValueError):
            told = parsedate_to_datetime(date).timestamp()
            self.apart_s, self._told_at = time.time() - told, (told, time.monotonic())

    def age_s(self, discord_id: int) -> float:
        """How long ago Discord gave that id, by its own clock; 0 before it told the time."""
        if self._told_at is None:
            return 0.0
        told, at = self._told_at
        return max(0.0, told + time.monotonic() - at - given_at(discord_id))

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


async def _take_all(response: aiohttp.ClientResponse, take: Callable[[bytes], object], most_bytes: int) -> None:
    got = 0
    async for piece in response.content.iter_chunked(PIECE_BYTES):
        got += len(piece)
        if got > most_bytes:
            raise TooLarge(f"more than {most_bytes} bytes")
        take(piece)


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
