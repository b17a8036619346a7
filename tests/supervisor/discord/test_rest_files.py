"""Files over REST: fetched in pieces with a limit, sent from the disk; against the loopback Discord."""

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.render.posts import File, Post
from stages.support import awaited
from supervisor.discord import shapes
from supervisor.discord.beside_text import attachments_of, quote_of
from supervisor.discord.errors import LinkExpired, Refused, TooLarge, Unavailable
from supervisor.discord.pace import Pace
from supervisor.discord.rest import Rest
from twins.discord.faults import DROP, TRUNCATE, Fault
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Channel, Message, Upload
from twins.discord.person import Person

pytestmark = pytest.mark.slow

TOKEN = "the.secret.token"
DATA = os.urandom(700_000)


class Stage:
    def __init__(self, discord: LoopbackDiscord, rest: Rest) -> None:
        self.discord = discord
        self.rest = rest
        self.channel: Channel = discord.add_channel("general")
        self.ada: Person = discord.add_person("Ada")

    async def sends(self, *uploads: Upload, text: str = "here", reply_to: Message | None = None) -> Message:
        return await self.ada.says(self.channel.id, text, attachments=uploads, reply_to=reply_to)

    async def url(self, message: Message) -> str:
        read = await self.rest.message(self.channel.id, message.id)
        return attachments_of(read)[0].url

    async def fetch(self, url: str, most_bytes: int = 1_000_000) -> bytes:
        got = bytearray()
        await self.rest.download(url, got.extend, most_bytes)
        return bytes(got)


@contextlib.asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    async with LoopbackDiscord(TOKEN) as discord, Rest(discord.api_base, TOKEN, Pace()) as rest:
        yield Stage(discord, rest)


@awaited
async def test_a_file_that_a_person_sent_is_fetched_whole_and_without_the_token() -> None:
    async with stage() as it:
        message = await it.sends(Upload("a b.bin", DATA, "application/octet-stream"))
        assert await it.fetch(await it.url(message)) == DATA


@awaited
async def test_more_bytes_than_are_taken_end_the_download() -> None:
    async with stage() as it:
        message = await it.sends(Upload("a.bin", DATA, "application/octet-stream"))
        with pytest.raises(TooLarge):
            await it.fetch(await it.url(message), len(DATA) - 1)
        assert await it.fetch(await it.url(message), len(DATA)) == DATA


@awaited
@pytest.mark.parametrize("status", [403, 404])
async def test_an_expired_link_is_told_apart(status: int) -> None:
    async with stage() as it:
        message = await it.sends(Upload("a.bin", b"x", "text/plain"))
        route = "/attachments/{channel_id}/{attachment_id}/{filename}"
        it.discord.faults.add(Fault("error", status=status), route=route)
        with pytest.raises(LinkExpired):
            await it.fetch(await it.url(message))


@awaited
@pytest.mark.parametrize("fault", [DROP, TRUNCATE, Fault("error", status=503)], ids=str)
async def test_trouble_on_the_way_may_pass(fault: Fault) -> None:
    async with stage() as it:
        url = await it.url(await it.sends(Upload("a.bin", DATA, "text/plain")))
        it.discord.faults.add(fault, times=2)  # aiohttp itself tries once more on a connection that it kept
        with pytest.raises(Unavailable):
            await it.fetch(url)
        it.discord.faults.end()
        assert await it.fetch(url) == DATA


@awaited
async def test_only_links_of_the_kind_that_discord_gives_are_followed() -> None:
    async with Rest("https://discord.invalid/api/v10", TOKEN, Pace()) as rest:
        for url in ("http://127.0.0.1:1/a", "file:///etc/passwd", "", "ftp://x"):
            with pytest.raises(Refused):
                await rest.download(url, bytearray().extend, 10)


@awaited
async def test_a_file_from_the_disk_is_sent_with_its_bytes_and_its_kind(tmp_path: Path) -> None:
    async with stage() as it:
        (tmp_path / "copy").write_bytes(DATA)
        file = File('cha"rt.png', path=str(tmp_path / "copy"))
        await it.rest.create(it.channel.id, Post("look", files=(file,)), "nonce1")
        (message,) = it.discord.messages(it.channel.id)
        (found,) = message.attachments
        assert (found.upload.content, found.upload.content_type) == (DATA, "image/png")
        assert found.upload.filename == "cha_rt.png"


@awaited
async def test_a_file_that_is_gone_from_the_disk_is_refused_in_words(tmp_path: Path) -> None:
    async with stage() as it:
        file = File("a.png", path=str(tmp_path / "gone"))
        with pytest.raises(Refused, match=r"a\.png cannot be read on the host"):
            await it.rest.create(it.channel.id, Post("look", files=(file,)), "nonce1")


@awaited
async def test_a_reply_that_is_read_back_still_says_what_it_answers() -> None:
    async with stage() as it:
        first = await it.sends(text="the first thing")
        answer = await it.sends(text="and now this", reply_to=first)
        (read,) = [m for m in await it.rest.messages_after(it.channel.id, first.id) if m.id == answer.id]
        assert isinstance(read, shapes.Message)
        assert quote_of(read, 5) == "[In reply to what Ada wrote:]\n> the first thing"
