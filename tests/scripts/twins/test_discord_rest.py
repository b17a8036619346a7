"""The loopback Discord over plain HTTP and a plain websocket: what nextcord hides."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from twins.discord.clock import HandClock
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Message, Permission
from twins.discord.session import Close


def awaited(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run an async test in a loop of its own, bounded in time."""

    @functools.wraps(test)
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 20))

    return run


class Caller:
    """The bot, by hand."""

    def __init__(self, discord: LoopbackDiscord, session: aiohttp.ClientSession) -> None:
        self.discord = discord
        self.channel = discord.add_channel("general")
        self.session = session

    async def call(
        self, method: str, path: str, json: object = None, **headers: str
    ) -> tuple[aiohttp.ClientResponse, Any]:
        url = self.discord.api_base + path
        sent = {"Authorization": f"Bot {self.discord.token}", **headers}
        async with self.session.request(method, url, json=json, headers=sent) as response:
            body = await response.json() if response.status != 204 else None
            return response, body

    async def code(self, method: str, path: str, json: object = None) -> tuple[int, int]:
        response, body = await self.call(method, path, json)
        return response.status, body["code"]

    async def thread(self) -> tuple[Message, int]:
        """A thread in the channel, and the message it is from."""
        message = await self.discord.add_person("Ada").says(self.channel.id, "go")
        path = f"/channels/{self.channel.id}/messages/{message.id}/threads"
        await self.call("POST", path, {"name": "work"})
        return message, message.id


@asynccontextmanager
async def caller(*, limits: bool = False) -> AsyncIterator[Caller]:
    async with (
        LoopbackDiscord(limits=limits, clock=HandClock()) as discord,
        aiohttp.ClientSession() as session,
    ):
        yield Caller(discord, session)


@awaited
async def test_unknown_things_have_their_codes() -> None:
    async with caller() as bot:
        channel = bot.channel.id
        assert await bot.code("GET", "/channels/1") == (404, 10003)
        assert await bot.code("PATCH", f"/channels/{channel}/messages/1", {"content": "x"}) == (404, 10008)
        assert await bot.code("GET", f"/guilds/{bot.discord.guild_id}/members/1") == (404, 10007)
        assert await bot.code("POST", "/interactions/1/t/callback", {"type": 5}) == (404, 10062)
        assert await bot.code("POST", "/webhooks/1/t", {"content": "x"}) == (404, 10015)
        assert await bot.code("GET", "/nothing/here") == (404, 0)


@awaited
async def test_what_the_bot_may_not_do_is_forbidden_and_counted() -> None:
    async with caller() as bot:
        path = f"/channels/{bot.channel.id}/messages"
        bot.discord.deny(bot.channel.id, Permission.SEND_MESSAGES)
        assert await bot.code("POST", path, {"content": "x"}) == (403, 50013)
        bot.discord.deny(bot.channel.id, Permission.VIEW_CHANNEL)
        assert await bot.code("POST", path, {"content": "x"}) == (403, 50001)
        bot.discord.deny(bot.channel.id, Permission.NONE)
        response, _ = await bot.call("POST", path, {"content": "x"}, Authorization="Bot wrong")
        assert response.status == 401
        assert [request.status for request in bot.discord.invalid_requests] == [403, 403, 401]


@awaited
async def test_a_page_of_messages_is_newest_first_in_every_direction() -> None:
    async with caller() as bot:
        ada = bot.discord.add_person("Ada")
        ids = [(await ada.says(bot.channel.id, str(number))).id for number in range(6)]
        path = f"/channels/{bot.channel.id}/messages"

        async def page(query: str) -> list[str]:
            _, body = await bot.call("GET", f"{path}?{query}")
            return [message["content"] for message in body]

        assert await page("limit=2") == ["5", "4"]
        assert await page(f"after={ids[1]}&limit=2") == ["3", "2"]
        assert await page(f"before={ids[2]}&limit=50") == ["1", "0"]
        assert await page(f"around={ids[3]}&limit=3") == ["4", "3", "2"]
        assert await bot.code("GET", f"{path}?limit=101") == (400, 50035)


@awaited
async def test_an_archived_thread_takes_posts_but_no_edits_and_is_listed() -> None:
    async with caller() as bot:
        _, thread = await bot.thread()
        _, sent = await bot.call("POST", f"/channels/{thread}/messages", {"content": "x"})
        message = f"/channels/{thread}/messages/{sent['id']}"
        bot.discord.archive(thread)
        assert await bot.code("PATCH", message, {"content": "y"}) == (400, 50083)
        assert await bot.code("PATCH", f"/channels/{thread}", {"name": "y"}) == (400, 50083)
        _, listed = await bot.call("GET", f"/channels/{bot.channel.id}/threads/archived/public")
        assert [entry["id"] for entry in listed["threads"]] == [str(thread)]
        await bot.call("POST", f"/channels/{thread}/messages", {"content": "revived"})
        _, active = await bot.call("GET", f"/guilds/{bot.discord.guild_id}/threads/active")
        assert [entry["id"] for entry in active["threads"]] == [str(thread)]


@awaited
async def test_a_locked_thread_takes_posts_only_from_who_may_manage_it() -> None:
    async with caller() as bot:
        _, thread = await bot.thread()
        bot.discord.archive(thread, locked=True)
        bot.discord.deny(bot.channel.id, Permission.MANAGE_THREADS)
        assert await bot.code("POST", f"/channels/{thread}/messages", {"content": "x"}) == (400, 160005)


@awaited
async def test_the_hidden_rename_limit_has_headers_that_do_not_show_it() -> None:
    async with caller(limits=True) as bot:
        _, thread = await bot.thread()
        path = f"/channels/{thread}"
        statuses = [(await bot.call("PATCH", path, {"name": name}))[0].status for name in "ab"]
        response, body = await bot.call("PATCH", path, {"name": "c"})
        assert [*statuses, response.status] == [200, 200, 429]
        assert body["retry_after"] > 500
        assert int(response.headers["X-RateLimit-Remaining"]) > 0
        assert float(response.headers["X-RateLimit-Reset-After"]) <= 15
        assert response.headers["Via"]
        assert bot.discord.invalid_requests[-1].route == "/channels/{channel_id}"


@awaited
async def test_edits_of_messages_older_than_an_hour_have_a_limit_of_their_own() -> None:
    async with caller(limits=True) as bot:
        path = f"/channels/{bot.channel.id}/messages"
        _, sent = await bot.call("POST", path, {"content": "0"})
        assert isinstance(bot.discord.clock, HandClock)
        bot.discord.clock.advance(3700)
        answers = [await bot.call("PATCH", f"{path}/{sent['id']}", {"content": text}) for text in "abcd"]
        assert [answer[0].status for answer in answers] == [200, 200, 200, 429]
        assert answers[3][1]["code"] == 30046


@awaited
async def test_a_request_is_held_back_for_the_latency_that_was_asked_for() -> None:
    async with caller() as bot:
        bot.discord.latency_s = 0.05
        began = asyncio.get_running_loop().time()
        await bot.call("GET", "/users/@me")
        assert asyncio.get_running_loop().time() - began >= 0.05


@awaited
async def test_an_invalidated_session_cannot_be_resumed() -> None:
    async with caller() as bot, bot.session.ws_connect(bot.discord.gateway.url) as socket:
        token = bot.discord.token
        assert (await socket.receive_json())["op"] == 10
        await socket.send_json({"op": 2, "d": {"token": token, "intents": 1, "properties": {}}})
        ready = await socket.receive_json()
        assert (await socket.receive_json())["t"] == "GUILD_CREATE"
        bot.discord.gateway.invalidate_sessions()
        assert await socket.receive_json() == {"op": 9, "d": False, "s": None, "t": None}
        session = ready["d"]["session_id"]
        await socket.send_json({"op": 6, "d": {"token": token, "session_id": session, "seq": 2}})
        assert (await socket.receive_json())["op"] == 9


@awaited
async def test_a_wrong_token_and_a_large_frame_close_the_socket_with_their_codes() -> None:
    async with caller() as bot:
        for frame, code in (
            ({"op": 2, "d": {"token": "wrong"}}, Close.AUTHENTICATION_FAILED),
            ({"op": 3, "d": {"status": "x" * 5000}}, Close.DECODE_ERROR),
            ({"op": 3, "d": {}}, Close.NOT_AUTHENTICATED),
        ):
            async with bot.session.ws_connect(bot.discord.gateway.url) as socket:
                await socket.receive_json()
                await socket.send_json(frame)
                assert (await socket.receive()).type is aiohttp.WSMsgType.CLOSE
                assert socket.close_code == code
