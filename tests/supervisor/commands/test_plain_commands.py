"""Who taps *Send it to Claude* twice is told what the first tap came to, and nothing is sent a second time."""

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.protocol import commands as c
from bridge.protocol.errors import RemoteError
from bridge.render import plain_commands as told
from bridge.render.posts import Post
from bridge.routing.channel import Channel
from bridge.routing.router import BridgeRouter
from bridge.session.custom_ids import TellButton
from supervisor.commands.plain_commands import PlainCommands
from supervisor.commands.sight import Sight
from supervisor.discord.errors import MessageGone, Unavailable
from supervisor.discord.shapes import Interaction, Message, read

from ..sessions.test_rules import HERE, Desk
from ..threads.test_inbound_bursts import ADA, CHANNEL, GUILD
from ..threads.test_inbound_bursts import Desk as BurstDesk

SAID = 900
MEMBER = {"user": {"id": "2", "username": "bob"}, "roles": []}


class Reading:
    """Of REST only the one message; ``errors``: what the next readings meet, None for nothing."""

    def __init__(self, *errors: RemoteError | None, text: str = "/queue", author: int = 2) -> None:
        self.errors = list(errors)
        self.text = text
        self.author = author

    async def message(self, channel_id: int, message_id: int) -> Message:
        await asyncio.sleep(0)
        if self.errors and (error := self.errors.pop(0)):
            raise error
        author = {"id": str(self.author), "username": "bob"}
        return read({"id": message_id, "channel_id": channel_id, "content": self.text, "author": author}, Message)


class Taps:
    """Bob taps below what he wrote, in a session's thread or (``in_channel``) in the channel."""

    def __init__(self, folder: Path, *errors: RemoteError | None, in_channel: bool) -> None:
        self.desk = Desk(folder)
        session_id = self.desk.session()
        self.place = HERE if in_channel else self.desk.live(session_id).thread_id
        if not in_channel:
            self.desk.manager.show(session_id, told.key_of(SAID), told.offered("queue", SAID, 2))
        channels = {HERE: Channel(HERE, str(folder))}
        router = BridgeRouter(self.desk.policy, channels, self.desk.manager)
        sight = Sight(lambda *_: True, lambda *_: True, lambda _: "")
        self.plain = PlainCommands(self.desk.manager, router, Reading(*errors), channels, sight)

    async def tap(self) -> Post:
        data: dict[str, Any] = {"custom_id": TellButton(SAID, 2).custom_id()}
        answer = self.plain.picked(Interaction(1, 3, 3, "t", data, 9, self.place, member=MEMBER))
        assert answer and answer.later
        post = await answer.later()
        assert isinstance(post, Post)
        return post

    @property
    def sent(self) -> int:
        """How often Claude gets it."""
        rows = [item for row in self.desk.manager.rows for item in self.desk.store.inbox(row)]
        return sum(isinstance(item.command, c.Prompt) and item.command.text == "/queue" for item in rows)


def tapped(folder: Path, *errors: RemoteError | None, in_channel: bool, at_once: bool = False) -> list[Post]:
    """What two taps, one after the other or ``at_once``, leave in the post's place; it was sent once."""

    async def play() -> list[Post]:
        taps = Taps(folder, *errors, in_channel=in_channel)
        posts = [*await asyncio.gather(taps.tap(), taps.tap())] if at_once else [await taps.tap(), await taps.tap()]
        assert taps.sent == 1
        return posts

    return asyncio.run(play())


@pytest.mark.parametrize("in_channel", [False, True])
@pytest.mark.parametrize("at_once", [False, True])
def test_the_second_tap_goes_on_to_say_that_it_was_sent(tmp_path: Path, in_channel: bool, at_once: bool) -> None:
    assert tapped(tmp_path, in_channel=in_channel, at_once=at_once) == [told.sent(SAID)] * 2


@pytest.mark.parametrize("in_channel", [False, True])
@pytest.mark.parametrize("error", [Unavailable("Discord is away"), MessageGone("it was deleted")])
def test_a_second_tap_that_meets_an_error_does_not_say_that_nothing_was_sent(
    tmp_path: Path, in_channel: bool, error: RemoteError
) -> None:
    assert tapped(tmp_path, None, error, in_channel=in_channel, at_once=True) == [told.sent(SAID)] * 2


@pytest.mark.parametrize("in_channel", [False, True])
def test_what_failed_can_be_tapped_again(tmp_path: Path, in_channel: bool) -> None:
    failed, sent = tapped(tmp_path, Unavailable("Discord is away"), in_channel=in_channel)
    assert "Discord is away" in failed.content and failed.buttons
    assert sent == told.sent(SAID)


@pytest.mark.parametrize("at_once", [False, True])
def test_one_that_was_edited_and_joins_what_its_author_has_just_begun_joins_once(tmp_path: Path, at_once: bool) -> None:
    desk = BurstDesk(tmp_path)
    desk.at(0).says("one")
    said = desk.at(0.5).says("/queue")
    sight, member = Sight(lambda *_: True, lambda *_: True, lambda _: ""), {"user": {"id": str(ADA), "username": "a"}}
    reading = Reading(text="and two", author=ADA)
    plain = PlainCommands(desk.manager, desk.router, reading, {CHANNEL}, sight)

    async def tap() -> Any:
        data: dict[str, Any] = {"custom_id": TellButton(said, ADA).custom_id()}
        answer = plain.picked(Interaction(1, 3, 3, "t", data, GUILD, CHANNEL, member={**member, "roles": []}))
        assert answer and answer.later
        return await answer.later()

    async def taps() -> list[Any]:
        return [*await asyncio.gather(tap(), tap())] if at_once else [await tap(), await tap()]

    with closing(desk):
        assert asyncio.run(taps()) == [told.sent(said)] * 2
        assert desk.at(9).all_delivered() == [["one\n\nand two"]]
