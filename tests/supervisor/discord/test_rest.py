import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
from aiohttp import BodyPartReader, web

from bridge.render.posts import Button, Embed, File, Post
from stages.support import awaited, until
from supervisor.discord.asking import Showing
from supervisor.discord.errors import (
    Archived,
    BadToken,
    ChannelGone,
    Forbidden,
    MessageGone,
    Refused,
    Unavailable,
)
from supervisor.discord.pace import Pace, Priority
from supervisor.discord.rest import Rest
from supervisor.discord.shapes import Message
from supervisor.discord.snowflakes import snowflake
from twins.discord.faults import Fault
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Permission

pytestmark = pytest.mark.slow

TOKEN = "the.secret.token"


class Seen(msgspec.Struct):
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    files: dict[str, tuple[str, str]]


class Server:
    """Answers every request with what ``answer`` says, and keeps what it saw."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.status = 200
        self.body: object = {"id": "5", "channel_id": "2", "author": {"id": "1", "username": "b"}, "content": "hi"}
        self.headers = {"Via": "1.1 test"}
        self.breaks = False
        self.hangs = False

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append(await _seen(request))
        if self.breaks:
            assert request.transport
            request.transport.close()
        if self.hangs:
            await asyncio.sleep(5)
        return web.Response(status=self.status, body=msgspec.json.encode(self.body), headers=self.headers)

    def refuse(self, status: int, code: int = 0, message: str = "No", **more: object) -> None:
        self.status, self.body = status, {"code": code, "message": message, **more}


async def _seen(request: web.Request) -> Seen:
    body: Any = None
    files: dict[str, tuple[str, str]] = {}
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            text = (await part.read()).decode()
            if part.name == "payload_json":
                body = msgspec.json.decode(text)
            else:
                files[part.name or ""] = (part.filename or "", text)
    elif data := await request.read():
        body = msgspec.json.decode(data)
    return Seen(request.method, request.path, dict(request.query), dict(request.headers), body, files)


@asynccontextmanager
async def rest_and_server(timeout_s: float = 5.0) -> AsyncIterator[tuple[Rest, Server]]:
    server = Server()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with Rest(f"http://127.0.0.1:{site.port}/api/v10", TOKEN, Pace(), timeout_s) as rest:
            yield rest, server
    finally:
        await runner.cleanup()


@awaited
async def test_an_ids_age_is_told_by_discords_clock_and_not_by_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    async with rest_and_server() as (rest, server):
        given = snowflake(1_800_000_000.0)
        assert rest.age_s(given) == 0.0, "before Discord told the time"
        server.headers["Date"] = "Fri, 15 Jan 2027 08:00:20 GMT"
        await rest.edit(1, 2, Post("hi"))
        monkeypatch.setattr("time.time", lambda: 5.0)
        assert 20.0 <= rest.age_s(given) < 30.0
        assert rest.age_s(snowflake(1_800_000_500.0)) == 0.0


@awaited
async def test_a_create_carries_its_nonce_and_the_token_in_its_header_only() -> None:
    async with rest_and_server() as (rest, server):
        found = await rest.create(2, Post("hi", reply_to=7, silent=True), "n1")
    seen = server.seen[0]
    assert (seen.method, seen.path) == ("POST", "/api/v10/channels/2/messages")
    assert seen.headers["Authorization"] == f"Bot {TOKEN}"
    assert seen.body["nonce"] == "n1"
    assert seen.body["enforce_nonce"] is True
    assert seen.body["message_reference"]["message_id"] == "7"
    assert TOKEN not in str(seen.body)
    assert (found.message_id, found.content) == (5, "hi")


@awaited
async def test_files_go_as_multipart_on_create_and_are_not_named_by_an_edit() -> None:
    post = Post("hi", files=(File("a.txt", "one"), File("ü.diff", "zwei ü")))
    async with rest_and_server() as (rest, server):
        await rest.create(2, post, "n1")
        await rest.edit(2, 5, post)
    created, edited = server.seen
    assert created.files == {"files[0]": ("a.txt", "one"), "files[1]": ("ü.diff", "zwei ü")}
    assert created.body["content"] == "hi"
    assert "attachments" not in edited.body
    assert not edited.files


@awaited
async def test_a_thread_that_exists_already_is_a_success() -> None:
    async with rest_and_server() as (rest, server):
        server.refuse(400, 160004, "A thread has already been created for this message")
        await rest.make_thread(2, 5, "name")
    assert server.seen[0].path == "/api/v10/channels/2/messages/5/threads"
    assert server.seen[0].body == {"name": "name", "auto_archive_duration": 10080}


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (404, 10008, MessageGone),
        (404, 10003, ChannelGone),
        (400, 50083, Archived),
        (403, 50001, Forbidden),
        (403, 50013, Forbidden),
        (403, 0, Refused),
        (403, 50005, MessageGone),
        (400, 160005, Refused),
        (400, 0, Refused),
        (400, 50035, Refused),
        (404, 0, Refused),
        (413, 40005, Refused),
        (401, 0, BadToken),
        (429, 0, Unavailable),
        (500, 0, Unavailable),
        (503, 0, Unavailable),
    ],
)
def test_each_refusal_has_its_error(status: int, code: int, error: type[Exception]) -> None:
    @awaited
    async def test() -> None:
        async with rest_and_server() as (rest, server):
            server.refuse(status, code, "Discord's own words")
            with pytest.raises(error) as caught:
                await rest.edit(2, 5, Post("hi"))
        assert TOKEN not in repr(caught.value)
        assert error is BadToken or "Discord's own words" in str(caught.value)

    test()


@pytest.mark.parametrize(("status", "code"), [(404, 0), (404, 10004), (404, 10003), (200, 0), (403, 50001)])
def test_a_place_is_gone_when_discord_says_so_and_not_by_any_404(status: int, code: int) -> None:
    @awaited
    async def test() -> None:
        async with rest_and_server() as (rest, server):
            server.refuse(status, code)
            if status == 200 or code == 10003:
                assert await rest.is_gone(2) is (code == 10003)
            else:
                with pytest.raises((Refused, Forbidden)):
                    await rest.is_gone(2)

    test()


@awaited
async def test_a_refused_form_says_which_field_and_why() -> None:
    wrong = {"content": {"_errors": [{"code": "X", "message": "Must be 2000 or fewer in length."}]}}
    async with rest_and_server() as (rest, server):
        server.refuse(400, 50035, "Invalid Form Body", errors={"embeds": {"0": wrong}})
        with pytest.raises(Refused, match=r"embeds\.0\.content: Must be 2000 or fewer"):
            await rest.create(2, Post("hi"), "n")


@awaited
async def test_a_rate_limit_says_how_long_to_wait_and_the_pace_knows_it() -> None:
    async with rest_and_server() as (rest, server):
        server.refuse(429, 0, "You are being rate limited.", retry_after=12.34)
        server.headers["Retry-After"] = "13"
        with pytest.raises(Unavailable) as caught:
            await rest.edit(2, 5, Post("hi"))
        assert caught.value.retry_after == 12.34
        assert rest.wait_s("edit", 2, Priority.URGENT) > 12
        assert rest.wait_s("edit", 3, Priority.URGENT) == 0


@awaited
async def test_what_the_pace_holds_back_for_long_is_unavailable_and_is_not_sent() -> None:
    async with rest_and_server() as (rest, server):
        server.refuse(429, retry_after=582.0)
        server.headers["Retry-After"] = "582"
        for _ in range(2):
            with pytest.raises(Unavailable) as caught:
                await rest.unarchive(2)
        assert caught.value.retry_after > 500
        assert len(server.seen) == 1


@awaited
async def test_a_dropped_socket_is_unavailable_and_names_no_secret() -> None:
    async with rest_and_server() as (rest, server):
        server.breaks = True
        with pytest.raises(Unavailable) as caught:
            await rest.answer_interaction(1, "interaction-secret", 4, {"content": "hi"})
        assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"
        assert caught.value.__suppress_context__


@awaited
async def test_a_call_has_a_deadline() -> None:
    async with rest_and_server(timeout_s=0.05) as (rest, server):
        server.hangs = True
        with pytest.raises(Unavailable, match="TimeoutError"):
            await rest.edit(2, 5, Post("hi"))


@awaited
async def test_a_server_that_is_not_there_is_unavailable() -> None:
    async with Rest("http://127.0.0.1:9/api/v10", TOKEN, Pace()) as rest:
        with pytest.raises(Unavailable):
            await rest.create(2, Post("hi"), "n")


@awaited
async def test_an_answer_that_is_no_message_counts_as_lost() -> None:
    async with rest_and_server() as (rest, server):
        server.body = ["what"]
        with pytest.raises(Unavailable):
            await rest.create(2, Post("hi"), "n")


@awaited
async def test_a_redirect_does_not_carry_the_token_away() -> None:
    async with rest_and_server() as (rest, server):
        server.status, server.headers["Location"] = 302, "/elsewhere"
        with pytest.raises(Refused):
            await rest.edit(2, 5, Post("hi"))
        assert len(server.seen) == 1


def test_nothing_is_logged_that_holds_the_token(caplog: pytest.LogCaptureFixture) -> None:
    @awaited
    async def test() -> None:
        async with rest_and_server() as (rest, server):
            server.refuse(500)
            with pytest.raises(Unavailable):
                await rest.edit(2, 5, Post("hi"))

    with caplog.at_level(logging.DEBUG):
        test()
    assert TOKEN not in caplog.text


@awaited
async def test_interactions_are_answered_without_the_bots_token() -> None:
    async with rest_and_server() as (rest, server):
        await rest.answer_interaction(1, "tok", 4, {"content": "hi"})
        await rest.edit_interaction_answer(3, "tok", {"content": "more"})
    assert [(s.method, s.path.removeprefix("/api/v10")) for s in server.seen] == [
        ("POST", "/interactions/1/tok/callback"),
        ("PATCH", "/webhooks/3/tok/messages/@original"),
    ]
    assert not any("Authorization" in s.headers for s in server.seen)
    assert server.seen[0].body == {"type": 4, "data": {"content": "hi"}}


@awaited
async def test_a_webhooks_bad_token_is_not_ours() -> None:
    async with rest_and_server() as (rest, server):
        server.refuse(401, 50027, "Invalid Webhook Token")
        with pytest.raises(Refused):
            await rest.edit_interaction_answer(3, "tok", {"content": "and"})


@awaited
async def test_messages_come_oldest_first_with_integer_ids() -> None:
    async with rest_and_server() as (rest, server):
        one = server.body
        assert isinstance(one, dict)
        server.body = [one | {"id": "9"}, one | {"id": "7", "type": 19, "message_reference": {"message_id": "6"}}]
        messages = await rest.messages_after(2, 4, 50)
    assert [m.id for m in messages] == [7, 9]
    assert isinstance(messages[0], Message)
    assert messages[0].reply_to == 6
    assert server.seen[0].query == {"after": "4", "limit": "50"}


@awaited
async def test_one_message_that_makes_no_sense_spoils_no_other() -> None:
    async with rest_and_server() as (rest, server):
        one = server.body
        assert isinstance(one, dict)
        garbage: list[object] = [None, 5, [], {"id": "x"}, {"id": "8", "author": {"bot": True}}, one | {"content": 7}]
        server.body = [one | {"id": "9"}, *garbage, one | {"id": "7"}]
        messages = await rest.messages_after(2, 4)
        assert [m.id for m in messages] == [0, 0, 0, 0, 5, 7, 8, 9]


@awaited
async def test_somebody_who_is_no_member_is_nobody() -> None:
    async with rest_and_server() as (rest, server):
        server.body = {"user": {"id": "3", "username": "ada"}, "roles": ["8", "9"]}
        member = await rest.member(2, 3)
        assert member
        assert member.roles == (8, 9)
        server.refuse(404, 10007, "Unknown Member")
        assert await rest.member(2, 4) is None


# --- against the loopback Discord --------------------------------------------------------------------


@awaited
async def test_every_kind_of_write_is_taken_by_the_loopback_discord() -> None:
    async with LoopbackDiscord() as discord, Rest(discord.api_base, discord.token, Pace()) as rest:
        as_seen: Showing = rest
        channel = discord.add_channel("general")
        ada = discord.add_person("Ada")
        begun = await ada.says(channel.id, "go")
        for _ in range(2):
            await as_seen.make_thread(channel.id, begun.id, "work")
        thread = discord.threads(channel.id)[0]
        card = Post(
            "may I?", embed=Embed("t", "d", "f", 1), buttons=(Button("Allow", "tb:x"),), files=(File("a.txt", "x"),)
        )
        found = await as_seen.create(thread.id, card, "n1")
        again = await as_seen.create(thread.id, Post("other"), "n1")
        assert again == found
        discord.archive(thread.id)
        with pytest.raises(Archived):
            await as_seen.edit(thread.id, found.message_id, Post("yes"))
        await as_seen.unarchive(thread.id)
        await as_seen.edit(thread.id, found.message_id, Post("yes"))
        await as_seen.typing(thread.id)
        shown = next(m for m in discord.messages(thread.id) if m.id == found.message_id)
        assert shown.text == "yes"
        assert list(shown.filenames) == ["a.txt"]
        assert [m.message_id for m in await as_seen.own_messages(thread.id, begun.id)] == [found.message_id]
        discord.deny(channel.id, Permission.SEND_MESSAGES_IN_THREADS)
        with pytest.raises(Forbidden):
            await as_seen.create(thread.id, Post("hi"), "n2")
        discord.delete_channel(thread.id)
        with pytest.raises(ChannelGone):
            await as_seen.create(thread.id, Post("hi"), "n3")


@awaited
async def test_after_a_refused_token_nothing_is_asked_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("supervisor.discord.token_watch.PAUSES_S", (0.2,))
    async with LoopbackDiscord() as discord, Rest(discord.api_base, "wrong", Pace()) as rest:
        channel = discord.add_channel("general")
        for _ in range(5):
            with pytest.raises(BadToken):
                await rest.typing(channel.id)
        assert len(discord.requests) == 1
        assert not rest.token_trouble, "one refusal is not believed"
        await until(lambda: not rest._watch.wait_s, "the end of the pause")
        with pytest.raises(BadToken):
            await rest.typing(channel.id)
        assert len(discord.requests) == 2


@awaited
@pytest.mark.parametrize("status", [200, 400, 403, 404])
async def test_a_page_of_something_that_stands_between_is_no_answer_of_discords(status: int) -> None:
    async with LoopbackDiscord() as discord, Rest(discord.api_base, discord.token, Pace()) as rest:
        channel = discord.add_channel("general")
        discord.faults.add(Fault("page", status=status), method="POST")
        with pytest.raises(Unavailable if status == 200 else Refused):
            await rest.create(channel.id, Post("a"), "nonce")
        assert not discord.messages(channel.id)


@awaited
async def test_a_burst_to_many_channels_never_gets_a_429() -> None:
    async with LoopbackDiscord() as discord, Rest(discord.api_base, discord.token, Pace()) as rest:
        channels = [discord.add_channel(f"c{n}") for n in range(11)]
        async with asyncio.TaskGroup() as tasks:
            for number in range(44):
                channel = channels[number % len(channels)]
                tasks.create_task(rest.create(channel.id, Post(f"{number}"), f"n{number}"))
        assert not discord.invalid_requests
        assert all(len(discord.messages(channel.id)) == 4 for channel in channels)


@awaited
async def test_a_thread_that_was_renamed_too_often_is_opened_all_the_same() -> None:
    async with LoopbackDiscord() as discord:
        person = discord.add_person("You")
        message = await person.says(discord.add_channel("web").id, "hello")
        async with Rest(discord.api_base, discord.token, Pace()) as rest:
            await rest.make_thread(message.channel_id, message.id, "one")
            for name in ("two", "three"):
                await rest.rename(message.id, name)
            for _ in range(2):
                with pytest.raises(Unavailable):
                    await rest.rename(message.id, "four")
            discord.archive(message.id)
            await rest.unarchive(message.id)
            (thread,) = discord.threads()
            assert thread.thread and not thread.thread.archived and thread.name == "three"
