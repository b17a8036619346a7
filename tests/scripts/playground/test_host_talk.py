"""Talking at a terminal: what lines do, and how posts are printed. Without a supervisor: the posts are made here."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path

import pytest

from playground.host import claude as host_claude
from playground.host import shown as host_shown
from playground.host.bridge_host import Host
from playground.host.place import Place
from playground.host.supervisor import Supervisor, Threadbridge
from playground.talk import QUIET_S, RESTLESS_S, Screen, Talk, terminal_lines
from playground.typed import CHANNEL, NUMBER, PERSON, SUBCOMMANDS, TEXT, WHOLE, YES_OR_NO, options_of
from supervisor.commands import registration
from twins.discord.forms import CannotError
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import Channel, ChannelType, Json, Message, Revision, User

DEADLINE_S = 10
NOW = datetime.now(UTC)

ROUNDING_S = 0.001
"""(a + b) - a may be less than b."""


def button(label: str, **more: object) -> Json:
    return {"type": 2, "id": 1, "style": 1, "label": label, "custom_id": f"do:{label}", **more}


class Scene:
    """A host without a supervisor, and a person at its terminal."""

    def __init__(self, discord: LoopbackDiscord) -> None:
        place = Place(Path("/nonexistent"))
        threadbridge = Threadbridge(place.config, {}, ["/nonexistent"])
        self.host = Host(
            place,
            host_claude.scripted(place.home),
            discord,
            discord.add_channel("playground"),
            discord.add_person("You"),
            discord.add_person("Mallory"),
            threadbridge,
            Supervisor(threadbridge, place.log, place.notify_socket),
        )
        self.discord = discord
        self.printed: list[str] = []
        self.talk = Talk(self.host, self.printed.append)
        self.screen = Screen(self.host)

    async def types(self, *lines: str) -> None:
        for line in lines:
            await self.talk.take(self.host.you, line)

    def post(self, channel: Channel, text: str, *buttons: Json) -> Message:
        payload: Json = {"content": text, "components": [{"type": 1, "id": 2, "components": [*buttons]}]}
        return self.discord.world.post(channel, self.discord.bot, payload if buttons else {"content": text})

    def thread(self, name: str) -> Channel:
        starter = self.post(self.host.channel, name)
        return self.discord.world.start_thread(starter, self.discord.bot, name, 1440)

    def said(self, channel: Channel) -> list[tuple[str, str]]:
        return [(message.author.name, message.text) for message in self.discord.messages(channel.id)]


def in_a_scene(test: Callable[[Scene], Coroutine[object, object, None]]) -> None:
    async def play() -> None:
        async with LoopbackDiscord() as discord:
            await test(Scene(discord))

    asyncio.run(asyncio.wait_for(play(), DEADLINE_S))


def test_a_line_is_said_in_the_channel_and_in_a_thread_once_one_is_entered() -> None:
    async def test(scene: Scene) -> None:
        await scene.types("hello")
        assert scene.said(scene.host.channel) == [("You", "hello")]
        thread = scene.thread("first")
        await scene.types("/in 1", "more", "/in 0", "again")
        assert ("You", "more") in scene.said(thread)
        assert scene.said(scene.host.channel)[-1] == ("You", "again")

    in_a_scene(test)


def test_a_new_thread_is_entered_and_its_posts_are_printed() -> None:
    async def test(scene: Scene) -> None:
        leave = asyncio.Event()

        async def lines() -> AsyncIterator[str]:
            await leave.wait()
            yield "/quit"

        thread = scene.thread("first")
        running = asyncio.ensure_future(scene.talk.run(lines()))
        scene.post(thread, "I am Claude")
        await scene.discord.until(lambda: any("I am Claude" in block for block in scene.printed), 5, "the post")
        assert "  → first" in scene.printed
        leave.set()
        await running

    in_a_scene(test)


def test_threads_are_listed_with_their_numbers_also_archived_ones() -> None:
    async def test(scene: Scene) -> None:
        first = scene.thread("first")
        scene.thread("second")
        scene.discord.archive(first.id)
        await scene.types("/threads")
        assert [line.split() for line in scene.printed] == [["1", "first"], ["2", "second"]]

    in_a_scene(test)


def test_mallory_types_a_line_as_mallory() -> None:
    async def test(scene: Scene) -> None:
        await scene.types("/as mallory let me in", "/as nobody hello")
        assert scene.said(scene.host.channel) == [("Mallory", "let me in")]
        assert "/as takes one of" in scene.printed[-1]

    in_a_scene(test)


@pytest.mark.parametrize("line", ["/click Allow", "/in 7", "/in x", "/dance", "/stop"])
def test_what_a_client_does_not_offer_is_said_and_nothing_breaks(line: str) -> None:
    async def test(scene: Scene) -> None:
        await scene.types(line)
        assert scene.printed[0].startswith("  ! ")

    in_a_scene(test)


def test_a_click_goes_to_the_newest_post_that_has_the_button() -> None:
    async def test(scene: Scene) -> None:
        scene.host.you.patience_s = 0.05
        old = scene.post(scene.host.channel, "old", button("Allow"))
        new = scene.post(scene.host.channel, "new", button("Allow"))
        scene.post(scene.host.channel, "newest", button("Deny"))
        await scene.types("/click allow", "/click den")
        assert [made.message for made in scene.discord.interactions.all][:1] == [new]
        assert [made.custom_id for made in scene.discord.interactions.all] == ["do:Allow", "do:Deny"]
        assert old.components
        assert "no answer" in scene.printed[0]

    in_a_scene(test)


# --- printing


def test_a_post_is_printed_when_it_has_settled_and_then_only_what_is_new() -> None:
    async def test(scene: Scene) -> None:
        post = scene.post(scene.host.channel, "⋯ Bash\none")
        began = post.revisions[0].at
        assert scene.screen.due(began + QUIET_S / 2) == []
        assert "⋯ Bash\n    one" in scene.screen.due(began + QUIET_S + ROUNDING_S)[0]
        assert scene.screen.due(began + QUIET_S * 2) == []
        scene.discord.world.edit(post, {"content": "✓ Bash\none\ntwo"})
        block = scene.screen.due(post.revisions[-1].at + QUIET_S + ROUNDING_S)[0]
        assert block.splitlines()[2:] == ["    ✓ Bash", "    two"]

    in_a_scene(test)


def test_a_post_that_never_rests_is_printed_now_and_then() -> None:
    async def test(scene: Scene) -> None:
        post = scene.post(scene.host.channel, "one")
        began = post.revisions[0].at
        post.revisions.append(Revision(began + RESTLESS_S, "one", (), (), ()))
        assert scene.screen.due(began + RESTLESS_S)

    in_a_scene(test)


def test_what_people_say_is_not_printed_again() -> None:
    async def test(scene: Scene) -> None:
        message = await scene.host.you.says(scene.host.channel.id, "hello")
        assert scene.screen.due(message.revisions[0].at + RESTLESS_S) == []

    in_a_scene(test)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "all of it", "all of it"),
        ("some", "some more", "… more"),
        ("some\n", "some\nmore", "more"),
        ("some", "some\nmore", "more"),
        ("a\nb\nc", "a\nB\nc", "B"),
    ],
)
def test_only_what_is_fresh_is_shown(old: str, new: str, expected: str) -> None:
    assert host_shown.fresh(old, new) == expected


def test_a_card_is_shown_with_its_embed_its_buttons_and_its_files() -> None:
    async def test(scene: Scene) -> None:
        post = scene.post(scene.host.channel, "May I?", button("Allow"), button("Gone", disabled=True))
        post.embeds = [{"title": "Run", "description": "touch x\ntouch y", "footer": {"text": "small"}}]
        assert host_shown.shown(post).splitlines() == [
            "May I?",
            "│ Run",
            "│ touch x",
            "│ touch y",
            "│ small",
            "[Allow]",
        ]

    in_a_scene(test)


def test_the_exact_label_wins_over_one_that_only_begins_so() -> None:
    async def test(scene: Scene) -> None:
        post = scene.post(scene.host.channel, "?", button("Deny with a reason"), button("Deny"))
        assert host_shown.choice(post, "deny") == ("do:Deny", None)
        assert host_shown.choice(post, "deny w") == ("do:Deny with a reason", None)
        assert host_shown.choice(post, "allow") is None

    in_a_scene(test)


# --- what is typed at a terminal -------------------------------------------------------------------------


def typed_at_a_pipe(*pieces: bytes) -> list[str]:
    """Each piece once what was made of those before it was heard."""

    async def play() -> list[str]:
        reads, writes = os.pipe()
        heard: list[str] = []
        try:
            with os.fdopen(writes, "wb", buffering=0) as pipe:
                pipe.write(pieces[0])
                left = [*pieces[1:]]
                async for line in terminal_lines(reads):
                    heard.append(line)
                    if left:
                        pipe.write(left.pop(0))
                    else:
                        pipe.close()
        finally:
            os.close(reads)
        return heard

    return asyncio.run(asyncio.wait_for(play(), DEADLINE_S))


def test_each_line_is_a_message_and_what_ends_with_a_backslash_goes_on() -> None:
    assert typed_at_a_pipe(b"one\n", b"two \\\nand more\n", b"three\n") == ["one", "two \nand more", "three"]


def test_lines_that_are_pasted_together_are_one_message_but_for_commands() -> None:
    assert typed_at_a_pipe("an\n\nüß\n".encode(), b"x\n/in 1\ny\nz\n") == ["an\n\nüß", "x", "/in 1", "y\nz"]


# --- slash commands, as they are typed -------------------------------------------------------------------

COMMANDS: dict[str, Json] = {
    str(command["name"]): {"id": "1", "type": 1, **command} for command in registration.COMMANDS
}


def in_options(line: str) -> tuple[list[str], dict[str, object]]:
    name, _, rest = line.partition(" ")
    people = [User(5, "You", NOW), User(6, "Mallory", NOW)]
    path, given = options_of(COMMANDS[name], rest, people, [Channel(7, "playground", ChannelType.TEXT)])
    return path, {key: getattr(value, "name", value) for key, value in given.items()}


@pytest.mark.parametrize(
    ("line", "path", "given"),
    [
        ("new fix: the login", [], {"prompt": "fix: the login"}),
        ('new directory:"/srv/my app" fix it', [], {"directory": "/srv/my app", "prompt": "fix it"}),
        ("mode mode:plan for_channel:yes", [], {"mode": "plan", "for_channel": True}),
        ("mode plan", [], {"mode": "plan"}),
        ("invite person:@mallory", [], {"person": "Mallory"}),
        ("project list", ["list"], {}),
        ("project add channel:#playground /srv/x", ["add"], {"channel": "playground", "directory": "/srv/x"}),
        ("status state:idle person:You", [], {"state": "idle", "person": "You"}),
        ("help", [], {}),
    ],
)
def test_options_are_given_by_name_and_the_rest_goes_to_the_first_text(
    line: str, path: list[str], given: dict[str, object]
) -> None:
    assert in_options(line) == (path, given)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("help me", "takes no options"),
        ("project dance", "one of add, list, remove"),
        ("invite person:Eve", "one of you, mallory"),
        ("mode for_channel:perhaps", "yes or no"),
        ('new directory:"/srv', "has no end"),
    ],
)
def test_what_cannot_be_meant_is_said(line: str, words: str) -> None:
    with pytest.raises(CannotError, match=words):
        in_options(line)


def test_no_registered_command_is_out_of_reach() -> None:
    for command in registration.COMMANDS:
        kinds = {one["type"] for one in command.get("options", [])} | {
            inside["type"] for one in command.get("options", []) for inside in one.get("options", [])
        }
        assert kinds <= {*SUBCOMMANDS, TEXT, WHOLE, YES_OR_NO, PERSON, CHANNEL, NUMBER}, command["name"]


# --- the bridge, killed and started again ----------------------------------------------------------------


def test_killing_one_that_does_not_run_is_said() -> None:
    async def test(scene: Scene) -> None:
        await scene.types("/start")
        assert scene.printed == ["  ! The bridge runs; kill it first."]

    in_a_scene(test)
