"""The page's site: who gets in, what a person sees, what acts do. Without a browser and without a supervisor."""

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from bridge.protocol.errors import UserError
from playground.__main__ import arguments
from playground.host import claude as host_claude
from playground.host.bridge_host import Host
from playground.host.place import Place
from playground.host.supervisor import Supervisor, Threadbridge
from playground.page import acts as page_acts
from playground.page.server import Page
from playground.page.view import View, change
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Channel, Json, Message, Upload

DEADLINE_S = 10
BUTTON: Json = {"type": 2, "style": 3, "label": "Allow", "custom_id": "tb:allow"}
SELECT: Json = {"type": 3, "custom_id": "tb:pick", "options": [{"label": "Red", "value": "r"}]}
MODAL: Json = {
    "title": "Why?",
    "custom_id": "tb:why",
    "components": [{"type": 1, "components": [{"type": 4, "custom_id": "why", "style": 2, "label": "Reason"}]}],
}


def silent_host(discord: LoopbackDiscord) -> Host:
    """A host whose supervisor never starts: what the bot does, the test does."""
    place = Place(Path("/nonexistent"))
    threadbridge = Threadbridge(place.config, {}, ["/nonexistent"])
    return Host(
        place,
        host_claude.scripted(place.home),
        discord,
        discord.add_channel("playground"),
        discord.add_person("You"),
        discord.add_person("Mallory"),
        threadbridge,
        Supervisor(threadbridge, place.log, place.notify_socket),
    )


class Scene:
    """A page on a silent host, and a client that has its cookie."""

    def __init__(self, host: Host, page: Page, client: aiohttp.ClientSession) -> None:
        self.host, self.page, self.client = host, page, client
        self.discord, self.world = host.discord, host.discord.world
        self.channel: Channel = host.channel

    def post(self, text: str, *components: Json, files: list[Upload] | None = None) -> Message:
        payload: Json = {"content": text}
        if components:
            payload["components"] = [{"type": 1, "components": [part]} for part in components]
        return self.world.post(self.channel, self.discord.bot, payload, dict(enumerate(files or [])))

    async def act(self, do: str, as_: str = "you", **more: object) -> tuple[int, dict[str, Any]]:
        """The status and the answer."""
        async with self.client.post(f"{self.page.origin}/act", json={"do": do, "as": as_, **more}) as response:
            return response.status, await response.json()

    async def get(self, path: str, **headers: str) -> tuple[int, aiohttp.ClientResponse, bytes]:
        async with self.client.get(self.page.origin + path, headers=headers) as response:
            return response.status, response, await response.read()

    @asynccontextmanager
    async def events(self, who: str = "you") -> AsyncIterator[Callable[[], Coroutine[object, object, dict[str, Any]]]]:
        """A function that gives the next change that this person is told of."""
        async with self.client.get(f"{self.page.origin}/events?as={who}") as response:

            async def told() -> dict[str, Any]:
                line = await response.content.readuntil(b"\n\n")
                found: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
                return found

            yield told

    async def answers(self, payload: Json) -> None:
        """As the bot: answer the next interaction."""
        every = self.discord.interactions
        made = await self.discord.until(lambda: next((m for m in every.all if not m.answer), None), 5, "an interaction")
        assert made is not None
        every.answer(made.id, made.token, payload, {})


def in_a_scene(test: Callable[[Scene], Coroutine[object, object, None]]) -> None:
    async def play() -> None:
        jar = aiohttp.CookieJar(unsafe=True)
        async with LoopbackDiscord() as discord:
            host = silent_host(discord)
            async with Page(host) as page, aiohttp.ClientSession(cookie_jar=jar) as client:
                async with client.get(page.url) as response:
                    assert response.status == 200
                await test(Scene(host, page, client))

    asyncio.run(asyncio.wait_for(play(), DEADLINE_S))


def id_of(thing: Message | Channel) -> str:
    return str(thing.id)


# --- who gets in


def test_without_the_token_nothing_is_given() -> None:
    async def test(scene: Scene) -> None:
        async with aiohttp.ClientSession() as stranger:
            for path in ("/", "/?token=guess", "/main.js", "/events", f"/files/1/x?token={scene.page.gate.token}"):
                async with stranger.get(scene.page.origin + path) as response:
                    assert response.status == 403, path
            async with stranger.post(f"{scene.page.origin}/act", json={"do": "Say"}) as response:
                assert response.status == 403

    in_a_scene(test)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "[::2]", ""])
def test_another_host_name_is_refused_even_with_the_cookie(host: str) -> None:
    async def test(scene: Scene) -> None:
        cookies = scene.client.cookie_jar.filter_cookies(URL(scene.page.origin))
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
        status, _, _ = await scene.get("/", Host=host, Cookie=cookie)
        assert status == 403

    in_a_scene(test)


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost", "LOCALHOST:1", "[::1]:9"])
def test_loopback_names_pass_whatever_the_port_is(host: str) -> None:
    async def test(scene: Scene) -> None:
        status, _, _ = await scene.get(f"/?token={scene.page.gate.token}", Host=host)
        assert status == 200

    in_a_scene(test)


def test_the_cookie_is_strict_and_out_of_reach_of_scripts() -> None:
    async def test(scene: Scene) -> None:
        _, response, _ = await scene.get(f"/?token={scene.page.gate.token}")
        cookie = response.headers["Set-Cookie"]
        assert "SameSite=Strict" in cookie
        assert "HttpOnly" in cookie
        assert scene.page.gate.token not in cookie

    in_a_scene(test)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "application/json", "Origin": "http://evil.example"}, 403),
        ({"Content-Type": "application/json", "Origin": "null"}, 403),
        ({"Content-Type": "application/json", "Sec-Fetch-Site": "same-site"}, 403),
    ],
)
def test_another_page_cannot_act(headers: dict[str, str], status: int) -> None:
    async def test(scene: Scene) -> None:
        body = json.dumps({"do": "Say", "channel": id_of(scene.channel), "text": "forged"})
        async with scene.client.post(f"{scene.page.origin}/act", data=body, headers=headers) as response:
            assert response.status == status
        async with scene.client.get(f"{scene.page.origin}/act") as response:
            assert response.status == 405
        assert scene.discord.messages(scene.channel.id) == []

    in_a_scene(test)


def test_every_answer_forbids_foreign_content_and_scripts_in_the_page() -> None:
    async def test(scene: Scene) -> None:
        for path in ("/", "/main.js", "/nothing", "/files/1/x"):
            _, response, _ = await scene.get(path)
            assert response.headers["Content-Security-Policy"].startswith("default-src 'self'"), path
            assert response.headers["X-Content-Type-Options"] == "nosniff"

    in_a_scene(test)


@pytest.mark.parametrize("path", ["/../server.py", "/%2e%2e/server.py", "/server.py", "/index.html", "/nothing.js"])
def test_only_the_pages_own_files_are_served(path: str) -> None:
    async def test(scene: Scene) -> None:
        url = URL(scene.page.origin + path, encoded=True)
        async with scene.client.get(url) as response:
            assert response.status == 404

    in_a_scene(test)


def test_a_port_that_is_taken_is_said() -> None:
    async def test(scene: Scene) -> None:
        with pytest.raises(UserError, match=f"cannot have port {scene.page.port}"):
            await Page(scene.host, scene.page.port).start()

    in_a_scene(test)
    assert arguments(["--page-port", "8123"], "scripts/run").page_port == 8123


def test_the_address_is_told_with_where_everything_is() -> None:
    async def test(scene: Scene) -> None:
        assert scene.page.url in scene.host.where(scene.page.url).splitlines()[0]
        assert "the page" not in scene.host.where()

    in_a_scene(test)


# --- what a person sees


def test_a_change_is_told_at_once_and_alone() -> None:
    async def test(scene: Scene) -> None:
        old = scene.post("old")
        async with scene.events() as told:
            first = await told()
            assert first["fresh"]
            assert first["items"][f"message:{old.id}"]["content"] == "old"
            new = scene.post("new")
            assert list((await told())["items"]) == [f"channel:{scene.channel.id}", f"message:{new.id}"][1:]
            scene.world.edit(new, {"content": "newer"})
            edited = (await told())["items"]
            assert edited[f"message:{new.id}"]["edited"]
            scene.world.delete(old)
            assert (await told())["gone"] == [f"message:{old.id}"]

    in_a_scene(test)


def test_an_ephemeral_message_is_seen_by_its_person_only() -> None:
    async def test(scene: Scene) -> None:
        card = scene.post("?", BUTTON)
        refusal = {"type": 4, "data": {"content": "Not you.", "flags": 64}}
        click = {"message": id_of(card), "custom_id": "tb:allow"}
        await asyncio.gather(scene.act("Click", "mallory", **click), scene.answers(refusal))
        sights = [View(scene.host, who).items() for who in (scene.host.you, scene.host.mallory)]
        texts = [[str(item) for name, item in sight.items() if name.startswith("message:")] for sight in sights]
        assert [["Not you." in text for text in every] for every in texts] == [[False], [False, True]]

    in_a_scene(test)


def test_reactions_threads_and_marks_count_as_changes() -> None:
    async def test(scene: Scene) -> None:
        view = View(scene.host, scene.host.you)
        post = scene.post("a")
        sights = [view.items()]
        await scene.host.mallory.reacts(post, "👍")
        sights.append(view.items())
        scene.world.start_thread(post, scene.discord.bot, "thread", 1440)
        sights.append(view.items())
        for old, new in itertools.pairwise(sights):
            assert f"message:{post.id}" in change(old, new).items
        assert not change(sights[-1], view.items())

    in_a_scene(test)


def test_the_name_of_the_command_that_a_message_answers_is_known() -> None:
    async def test(scene: Scene) -> None:
        scene.discord.guild_commands.overwrite([{"name": "status", "description": "How it goes"}])
        run = scene.act("Run", channel=id_of(scene.channel), command="status")
        await asyncio.gather(run, scene.answers({"type": 4, "data": {"content": "well"}}))
        items = View(scene.host, scene.host.you).items()
        assert items["commands"] == [{"name": "status", "description": "How it goes", "options": []}]
        used = [item["used"] for name, item in items.items() if name.startswith("message:") and isinstance(item, dict)]
        assert used == [{"name": "status", "by": str(scene.host.you.id)}]

    in_a_scene(test)


def test_typing_is_shown_until_the_bot_writes() -> None:
    async def test(scene: Scene) -> None:
        view = View(scene.host, scene.host.you)
        scene.discord.typings.append((scene.channel.id, scene.discord.clock.monotonic()))
        assert view.items()["typing"] == {str(scene.channel.id): ["Threadbridge"]}
        scene.post("here")
        assert view.items()["typing"] == {}

    in_a_scene(test)


def test_a_file_is_only_ever_downloaded_unless_it_is_a_plain_picture() -> None:
    async def test(scene: Scene) -> None:
        files = [Upload("a.html", b"<script>", "text/html"), Upload("a.png", b"PNG", "image/png")]
        files.append(Upload("a.svg", b"<svg onload=x>", "image/svg+xml"))
        post = scene.post("files", files=files)
        seen = []
        for attachment in post.attachments:
            _, response, body = await scene.get(f"/files/{attachment.id}/{attachment.upload.filename}")
            assert body == attachment.upload.content
            assert "sandbox" in response.headers["Content-Security-Policy"]
            seen.append((response.headers["Content-Type"], response.headers["Content-Disposition"]))
        download = ("application/octet-stream", "attachment")
        assert seen == [download, ("image/png", "inline"), download]

    in_a_scene(test)


# --- what a person does


def test_you_and_mallory_write_answer_edit_and_delete_their_own() -> None:
    async def test(scene: Scene) -> None:
        here = id_of(scene.channel)
        _, said = await scene.act("Say", channel=here, text="hello")
        await scene.act("Say", "mallory", channel=here, text="hi", reply=said["message"])
        first, second = scene.discord.messages(scene.channel.id)
        assert (second.author, second.reply_to) == (scene.host.mallory.user, first.id)
        assert (await scene.act("Edit", message=id_of(first), text="hello!"))[0] == 200
        assert first.content == "hello!"
        status, answer = await scene.act("Delete", "mallory", message=id_of(first))
        assert (status, "not Mallory's" in answer["error"]) == (409, True)
        await scene.act("Delete", message=id_of(first))
        assert scene.discord.messages(scene.channel.id) == [second]

    in_a_scene(test)


def test_files_go_with_a_message_and_too_large_ones_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(scene: Scene) -> None:
        file = {"name": "../a.txt", "type": "text/plain", "data": base64.b64encode(b"text").decode()}
        await scene.act("Say", channel=id_of(scene.channel), files=[file])
        upload = scene.discord.messages(scene.channel.id)[0].attachments[0].upload
        assert (upload.filename, upload.content) == (".._a.txt", b"text")
        monkeypatch.setattr(page_acts, "MOST_FILE_BYTES", 4)
        large = {**file, "data": base64.b64encode(b"five!").decode()}
        status, answer = await scene.act("Say", channel=id_of(scene.channel), files=[large])
        assert (status, answer["error"]) == (409, "../a.txt is larger than 10 MiB")

    in_a_scene(test)


def test_a_click_that_nobody_answers_is_a_failed_interaction() -> None:
    async def test(scene: Scene) -> None:
        scene.host.you.patience_s = 0.05
        card = scene.post("?", BUTTON)
        _, answer = await scene.act("Click", message=id_of(card), custom_id="tb:allow")
        assert answer["failed"]

    in_a_scene(test)


def test_a_choice_in_a_select_reaches_the_bot() -> None:
    async def test(scene: Scene) -> None:
        card = scene.post("?", SELECT)
        pick = scene.act("Click", message=id_of(card), custom_id="tb:pick", values=["r"])
        await asyncio.gather(pick, scene.answers({"type": 6}))
        assert scene.discord.interactions.all[0].data["values"] == ["r"]

    in_a_scene(test)


def test_a_modal_is_given_and_what_is_filled_in_comes_back() -> None:
    async def test(scene: Scene) -> None:
        click = scene.act("Click", message=id_of(scene.post("?", BUTTON)), custom_id="tb:allow")
        (_, shown), _ = await asyncio.gather(click, scene.answers({"type": 9, "data": MODAL}))
        assert shown["modal"]["title"] == "Why?"
        filled = {"interaction": shown["interaction"], "values": {"why": "because"}}
        assert (await scene.act("Submit", "mallory", **filled))[0] == 409
        await asyncio.gather(scene.act("Submit", **filled), scene.answers({"type": 6}))
        assert "because" in str(scene.discord.interactions.all[-1].data)

    in_a_scene(test)


def test_options_are_completed_by_the_bot() -> None:
    async def test(scene: Scene) -> None:
        option = {"type": 3, "name": "directory", "description": "Where", "autocomplete": True}
        scene.discord.guild_commands.overwrite([{"name": "new", "description": "Begin", "options": [option]}])
        typed = {"channel": id_of(scene.channel), "command": "new", "focused": "directory"}
        ask = scene.act("Complete", **typed, options={"directory": "/s"})
        choices = [{"name": "/srv", "value": "/srv"}]
        (_, answer), _ = await asyncio.gather(ask, scene.answers({"type": 8, "data": {"choices": choices}}))
        assert answer == {"choices": choices}

    in_a_scene(test)


@pytest.mark.parametrize(
    "asked",
    [
        {"do": "Say", "channel": "1", "text": "there is no such channel"},
        {"do": "Say", "channel": "no id", "text": "x"},
        {"do": "Say", "channel": "HERE", "text": " "},
        {"do": "Say", "channel": "HERE", "text": "x", "as": "root"},
        {"do": "Edit", "message": "1", "text": "x"},
        {"do": "Click", "message": "1", "custom_id": "x"},
        {"do": "Submit", "interaction": "1", "values": {}},
        {"do": "Run", "channel": "HERE", "command": "dance"},
        {"do": "Run", "channel": "HERE", "command": ""},
        {"do": "Dance"},
        [],
    ],
)
def test_what_cannot_be_done_is_answered_in_words(asked: Any) -> None:
    async def test(scene: Scene) -> None:
        if isinstance(asked, dict) and asked.get("channel") == "HERE":
            asked["channel"] = id_of(scene.channel)
        async with scene.client.post(f"{scene.page.origin}/act", json=asked) as response:
            assert response.status in (400, 409)
            assert (await response.json())["error"]
        assert scene.discord.messages(scene.channel.id) == []

    in_a_scene(test)
