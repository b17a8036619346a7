"""Trouble in the loopback Discord: what happened, what the client saw of it, and when the hook was called."""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from twins.discord.faults import DROP, LOSE, TRUNCATE, Fault, Moment
from twins.discord.loopback import LoopbackDiscord

MESSAGES = "/channels/{channel_id}/messages"


def awaited(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    @functools.wraps(test)
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 20))

    return run


class Bot:
    """The bot, by hand, in one channel."""

    def __init__(self, discord: LoopbackDiscord, http: aiohttp.ClientSession) -> None:
        self.discord = discord
        self.channel = discord.add_channel("general")
        self.http = http

    async def posts(self, text: str) -> tuple[int, dict[str, str], Any]:
        """Status, headers, body."""
        url = f"{self.discord.api_base}/channels/{self.channel.id}/messages"
        headers = {"Authorization": f"Bot {self.discord.token}"}
        async with self.http.post(url, json={"content": text}, headers=headers) as response:
            return response.status, dict(response.headers), await response.text()

    @property
    def shown(self) -> list[str]:
        return [message.content for message in self.discord.messages(self.channel.id)]


@asynccontextmanager
async def bot() -> AsyncIterator[Bot]:
    async with LoopbackDiscord() as discord, aiohttp.ClientSession() as http:
        yield Bot(discord, http)


@awaited
async def test_a_dropped_request_leaves_no_trace_and_the_next_one_passes() -> None:
    async with bot() as one:
        one.discord.faults.add(DROP, method="POST", route=MESSAGES)
        with pytest.raises(aiohttp.ClientError):
            await one.posts("first")
        assert (await one.posts("second"))[0] == 200
        assert one.shown == ["second"]


@awaited
async def test_a_lost_reply_leaves_what_was_done() -> None:
    async with bot() as one:
        one.discord.faults.add(LOSE)
        with pytest.raises(aiohttp.ClientError):
            await one.posts("first")
        assert one.shown == ["first"]
        assert [(request.status, request.fault) for request in one.discord.requests] == [(0, LOSE)]


@awaited
async def test_a_truncated_reply_comes_half_and_breaks() -> None:
    async with bot() as one:
        one.discord.faults.add(TRUNCATE)
        with pytest.raises(aiohttp.ClientPayloadError):
            await one.posts("first")
        assert one.shown == ["first"]


@awaited
async def test_a_rate_limit_tells_its_scope_or_nothing_at_all() -> None:
    async with bot() as one:
        one.discord.faults.add(Fault("limit", 0.5, scope="global"))
        status, headers, body = await one.posts("first")
        assert (status, headers["X-RateLimit-Global"], '"global": true' in body) == (429, "true", True)
        one.discord.faults.add(Fault("limit", 0.5, has_headers=False))
        status, headers, body = await one.posts("first")
        assert (status, "Retry-After" in headers, body, "Via" in headers) == (429, False, "{}", True)
        assert one.shown == []
        assert len(one.discord.invalid_requests) == 2


@awaited
async def test_an_error_may_come_before_or_after_the_deed() -> None:
    async with bot() as one:
        one.discord.faults.add(Fault("error", status=503))
        assert (await one.posts("before"))[0] == 503
        one.discord.faults.add(Fault("error after", status=502))
        assert (await one.posts("after"))[0] == 502
        assert one.shown == ["after"]


@awaited
async def test_a_rule_strikes_the_nth_request_that_fits_and_as_often_as_it_says() -> None:
    async with bot() as one:
        one.discord.faults.add(Fault("error", status=500), channel_id=one.channel.id, nth=2, times=2)
        one.discord.faults.add(DROP, channel_id=1)
        assert [(await one.posts(text))[0] for text in "abcd"] == [200, 500, 500, 200]


@awaited
async def test_the_hook_stands_between_the_deed_and_the_answer() -> None:
    async with bot() as one:
        seen: list[tuple[str, list[str]]] = []

        def hook(moment: Moment) -> Fault | None:
            seen.append((moment.point, one.shown))
            return LOSE if moment.point == "done" and moment.shows("first") else None

        one.discord.faults.hook = hook
        with pytest.raises(aiohttp.ClientError):
            await one.posts("first")
        assert seen == [("came", []), ("done", ["first"])]


@awaited
async def test_a_gateway_that_stalls_sends_nothing_until_it_flows() -> None:
    async with bot() as one, one.http.ws_connect(one.discord.gateway.url) as socket:
        assert (await socket.receive_json())["op"] == 10
        one.discord.faults.stall()
        await socket.send_json({"op": 1, "d": None})
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.receive(), 0.1)
        one.discord.faults.flow()


@awaited
async def test_a_gateway_that_refuses_breaks_each_new_socket() -> None:
    async with bot() as one:
        one.discord.faults.refuses_gateway = True
        with pytest.raises(aiohttp.ClientError):
            await one.http.ws_connect(one.discord.gateway.url)
        one.discord.faults.end()
        async with one.http.ws_connect(one.discord.gateway.url) as socket:
            assert (await socket.receive_json())["op"] == 10


@awaited
async def test_refused_rest_breaks_every_request() -> None:
    async with bot() as one:
        one.discord.faults.refuses_rest = True
        for _ in range(2):
            with pytest.raises(aiohttp.ClientError):
                await one.posts("first")
        assert one.shown == []
