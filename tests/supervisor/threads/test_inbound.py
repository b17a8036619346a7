"""Inbound messages with a scripted REST: order, cursors, and what is read back."""

import asyncio
import contextlib
import datetime
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.errors import RemoteError
from bridge.protocol.requests import QUESTION_TOOL, digest_of
from bridge.render import marks
from bridge.render.posts import Post
from bridge.routing.actions import CreateSession, PromptSession
from bridge.routing.bursts import MOMENT_S
from bridge.routing.channel import Channel
from bridge.routing.router import BridgeRouter
from bridge.session.managed import ManagedSession
from bridge.session.permission import PermissionRequest, Person, RequestName
from bridge.session.rights import Policy
from stages.jumping_clock import jumping
from stages.no_rest import NoRest
from stages.support import awaited, beside, until
from supervisor.assembly import session_manager
from supervisor.discord.errors import ChannelGone, Forbidden, MessageGone, Refused, Unavailable
from supervisor.discord.guilds import Guilds, Where
from supervisor.discord.shapes import GuildShown, Member, Message, PlaceShown, Unreadable, message_of, read
from supervisor.sessions.bursts import PATIENCE_S
from supervisor.sessions.members import Asked
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError
from supervisor.threads.channel_words import AGAIN_S
from supervisor.threads.gone import CHANNEL_DELETED, THREAD_DELETED
from supervisor.threads.handling import WAITS, WAITS_SAID_AFTER
from supervisor.threads.heard_texts import HeardTexts
from supervisor.threads.inbound import UNLISTED_READ_BACK_S, Inbound
from supervisor.threads.message_seen import message_seen, without_mention
from supervisor.threads.old_threads import EVERY_S

BOT, ADA, BOB, ROLE = 9, 111, 112, 50
GUILD, CHANNEL, THREAD = 7, 222, 1000
QUESTION = '{"questions": [{"question": "Which?", "header": "h", "options": [], "multiSelect": false}]}'
JSON = {"id": "1001", "channel_id": "1000", "guild_id": "7", "type": 0}


def said(message_id: int, text: str, author: int = ADA, channel_id: int = THREAD, **more: object) -> dict[str, object]:
    """A message as the gateway and REST bring it."""
    user = {"id": str(author), "username": f"user{author}"}
    return {"id": str(message_id), "channel_id": str(channel_id), "content": text, "author": user, **more}


class ScriptedRest(NoRest):
    """Channels with what they hold, or the errors that reading them meets, one after the other."""

    def __init__(self) -> None:
        self.holds: dict[int, list[dict[str, object]]] = {}
        self.errors: dict[int, list[RemoteError]] = {}
        self.roles: dict[int, list[str]] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.reads = 0
        self.gone: set[int] = set()
        self.meanwhile: Callable[[], None] = lambda: None
        self.asked: list[int] = []

    async def messages_after(self, channel_id: int, after: int, limit: int = 100) -> list[Message | Unreadable]:
        self.reads += 1
        found = [m for m in self.holds.get(channel_id, []) if int(str(m["id"])) > after][:limit]
        await self.gate.wait()
        if errors := self.errors.get(channel_id):
            raise errors.pop(0)
        return [message_of(msgspec.json.encode(one)) for one in found]

    async def message(self, channel_id: int, message_id: int) -> Message:
        for message in self.holds.get(channel_id, []):
            if int(str(message["id"])) == message_id:
                return read(message, Message)
        raise MessageGone("it was deleted")

    async def is_gone(self, place_id: int) -> bool:
        self.asked.append(place_id)
        if errors := self.errors.get(place_id):
            raise errors.pop(0)
        self.meanwhile()
        return place_id in self.gone

    async def member(self, guild_id: int, user_id: int) -> Member | None:
        assert guild_id == GUILD
        return read({"roles": self.roles[user_id]}, Member) if user_id in self.roles else None


class Desk:
    """An Inbound, its store, and one session of Ada's."""

    def __init__(self, folder: Path, asked: Policy | None, monotonic: Callable[[], float]) -> None:
        self.store = Store(folder / "db")
        self.rest = ScriptedRest()
        self.told: list[tuple[int, Post, str]] = []
        self.channels = {CHANNEL: Channel(CHANNEL, str(folder))}
        self.start(Asked(asked, self.rest) if asked else None, monotonic)
        self.session = self._session(self.channels[CHANNEL])

    def start(self, at_delivery: Asked | None = None, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Also anew, with nothing but what the store has."""
        self.manager = session_manager(self.store, asked=at_delivery, monotonic=monotonic)
        policy, guilds = Policy(frozenset({ADA}), frozenset({ROLE})), Guilds()
        self.guilds = guilds
        guilds.heard("GUILD_CREATE", {"id": str(GUILD), "name": "home"})
        router = BridgeRouter(policy, self.channels, self.manager)
        guilds.bot_id = BOT
        self.inbound = Inbound(self.manager, router, self.rest, policy, self.channels, self.tell, guilds)

    def tell(self, channel_id: int, post: Post, nonce: str, ended: Callable[[bool], None] = lambda _: None) -> None:
        self.told.append((channel_id, post, nonce))
        self.ended = ended

    def settled(self) -> None:
        """Discord took, or refused, what was told last."""
        self.ended(True)

    def was_away(self) -> None:
        """Discord took nothing, and what was told last is left for now."""
        self.ended(False)

    def _session(self, channel: Channel) -> ManagedSession:
        session = self.manager.create_session(CreateSession(THREAD, GUILD, channel, Person(ADA, "Ada"), "one", "one"))
        post = self.store.post(session.session_id, "thread")
        assert post
        with self.store.transaction():
            self.store.note_shown(post.id, THREAD, post.desired)
        return session

    def prompts(self) -> list[str]:
        inbox = self.store.inbox(self.session.session_id)
        return [item.command.text for item in inbox if isinstance(item.command, c.Prompt)]

    def sees_guild(self, channel_last: int = 0, thread_last: int | None = None) -> None:
        threads = () if thread_last is None else (PlaceShown(THREAD, parent_id=CHANNEL, last_message_id=thread_last),)
        self.inbound.guild_seen(
            GuildShown(GUILD, channels=(PlaceShown(CHANNEL, last_message_id=channel_last),), threads=threads)
        )

    async def caught_up(self) -> None:
        await until(lambda: not self.inbound.behind, "everything was read back")


@contextlib.asynccontextmanager
async def desk(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: Policy | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Desk]:
    """``asked``: who may talk when a prompt is delivered."""
    monkeypatch.setattr("supervisor.threads.inbound.RETRY_MIN_S", 0.001)
    monkeypatch.setattr("supervisor.sessions.store_health.PAUSE_S", 0.001)
    made = Desk(folder, asked, monotonic)
    try:
        async with beside(made.inbound.run()):
            yield made
    finally:
        made.store.close()


def test_who_mentions_the_bots_own_role_has_mentioned_the_bot() -> None:
    message = read({**said(1, "<@&90> fix it"), "mention_roles": ["80", "90"]}, Message)
    seen = message_seen(message, BOT, GUILD, None, Where(own_role=90))
    assert (seen.mentions_bot, seen.text) == (True, "fix it")
    assert not message_seen(message, BOT, GUILD, None).mentions_bot


def test_the_bots_mention_is_not_part_of_the_text() -> None:
    assert without_mention("<@9> fix <@8>", 9) == "fix <@8>"
    assert without_mention("<@&90> fix <@&80>", 9, 90) == "fix <@&80>"
    assert without_mention("hey <@!9>, fix\n  it", 9) == "hey , fix\n  it"


def test_people_write_ordinary_messages_and_replies_and_nothing_else() -> None:
    def is_from_person(**more: object) -> bool:
        return message_seen(read({**said(1, "x"), **more}, Message), BOT, GUILD, None).is_from_person

    assert is_from_person(type=0)
    assert is_from_person(type=19)
    assert not any(is_from_person(type=kind) for kind in (4, 6, 7, 18, 20, 21, 23))
    assert not is_from_person(webhook_id="5")
    assert not is_from_person(author={"id": "3", "bot": True})


def test_names_are_as_the_server_shows_them_and_roles_as_the_event_tells_them() -> None:
    user = {"id": "3", "username": "ada_l", "global_name": "Ada"}
    live = read({**said(1, "x"), "author": user, "member": {"nick": "Countess", "roles": ["50"]}}, Message)
    assert message_seen(live, BOT, GUILD, live.member).author == Person(3, "Countess", GUILD, frozenset({50}))
    assert message_seen(live, BOT, GUILD, None).author == Person(3, "Ada", GUILD)


@awaited
async def test_the_first_start_begins_with_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.holds[CHANNEL] = [said(900, "long ago", channel_id=CHANNEL)]
        d.sees_guild(channel_last=900)
        assert d.manager.cursor(CHANNEL) == 900
        await d.caught_up()
        assert d.manager.active_session_count() == 1


@awaited
async def test_only_what_is_newer_than_its_cursor_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.manager.handled(CHANNEL, 900)
        d.manager.handled(THREAD, 1005)
        d.sees_guild(channel_last=900, thread_last=1005)
        await d.caught_up()
        assert d.rest.reads == 0


@awaited
async def test_a_thread_that_is_archived_is_read_back_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.holds[THREAD] = [said(1001, "two")]
        d.sees_guild()
        await d.caught_up()
        assert d.prompts() == ["one", "two"]


@awaited
async def test_live_messages_wait_and_neither_move_the_cursor_nor_come_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.holds[THREAD] = [said(1003, "four"), said(1001, "two"), said(1002, "three")]
        d.rest.gate.clear()
        d.sees_guild(thread_last=1002)
        d.inbound.live(said(1003, "four", guild_id=str(GUILD)))
        d.inbound.live(said(1004, "five", guild_id=str(GUILD)))
        await until(lambda: d.rest.reads, "the read-back began")
        assert d.manager.cursor(THREAD) == 0
        d.rest.gate.set()
        await d.caught_up()
        d.inbound.live(said(1002, "three", guild_id=str(GUILD)))
        assert d.prompts() == ["one", "two", "three", "four", "five"]
        assert d.manager.cursor(THREAD) == 1004


@awaited
async def test_a_read_back_that_fails_is_repeated_from_where_it_stood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.holds[THREAD] = [said(1001, "two")]
        d.rest.errors[THREAD] = [Unavailable("503"), Unavailable("503")]
        d.sees_guild(thread_last=1001)
        await d.caught_up()
        assert d.prompts() == ["one", "two"]
        assert d.rest.reads == 3


@awaited
async def test_what_may_not_be_read_is_live_again_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.errors[THREAD] = [Forbidden("50001")]
        d.sees_guild(thread_last=1001)
        d.inbound.live(said(1002, "two", guild_id=str(GUILD)))
        await d.caught_up()
        assert d.prompts() == ["one", "two"]


@awaited
async def test_a_thread_that_is_gone_ends_its_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.errors[THREAD] = [ChannelGone("10003")]
        d.sees_guild()
        await d.caught_up()
        assert d.manager.row(d.session.session_id).end_reason == THREAD_DELETED
        (said,) = d.store.posts_like(d.session.session_id, "thread_deleted")
        assert said.desired.where == "channel" and "“one”" in said.desired.content
        d.sees_guild()
        assert not d.inbound.behind


@jumping
async def test_what_waits_for_a_sick_store_is_read_back_as_soon_as_it_takes_writes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, now = Store._execute, asyncio.get_running_loop().time

    def sick(store: Store, sql: str, values: tuple[object, ...] = ()) -> object:
        if sql == "BEGIN IMMEDIATE":
            raise StoreError("the disk is full")
        return execute(store, sql, values)

    async with desk(tmp_path, monkeypatch) as d:
        d.rest.holds[THREAD] = [said(1001, "a text")]
        with monkeypatch.context() as patch:
            patch.setattr(Store, "_execute", sick)
            d.inbound.live(said(1001, "a text"))
            await asyncio.sleep(100.0)
        healed_at = now()
        await d.caught_up()
        assert now() - healed_at < 3.0, "the pauses had grown to half a minute"
        assert d.prompts() == ["one", "a text"]


@jumping
async def test_a_disk_that_takes_some_writes_and_not_what_is_read_back_does_not_have_discord_asked_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = Store._execute

    def full(store: Store, sql: str, values: tuple[object, ...] = ()) -> object:
        if "INTO inbox" in sql:
            raise StoreError("the disk is full")
        return execute(store, sql, values)

    async with desk(tmp_path, monkeypatch) as d:
        monkeypatch.setattr(d.store.health, "_clock", asyncio.get_running_loop().time)
        d.rest.holds[THREAD] = [said(1001, "a text")]
        with monkeypatch.context() as patch:
            patch.setattr(Store, "_execute", full)
            d.inbound.live(said(1001, "a text"))
            await asyncio.sleep(600.0)
            assert d.rest.reads < 60, "it waits longer and longer, as for anything else that does not go"
        await d.caught_up()
        assert d.prompts() == ["one", "a text"]


@pytest.mark.parametrize("shown", [True, False])
@awaited
async def test_a_thread_whose_whole_channel_is_gone_ends_its_session_with_the_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, shown: bool
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.errors[THREAD] = [ChannelGone("10003")]
        if not shown:
            d.rest.gone = {CHANNEL, THREAD}
        d.inbound.guild_seen(GuildShown(GUILD))
        await d.caught_up()
        reason = d.manager.row(d.session.session_id).end_reason
        assert reason == (THREAD_DELETED if shown else CHANNEL_DELETED)
        assert bool(d.store.posts_like(d.session.session_id, "thread_deleted")) is shown, "or there is no place"


@pytest.mark.parametrize("gone", [(), (THREAD,), (THREAD, CHANNEL)])
@jumping
async def test_a_thread_that_sleeps_is_asked_after_seldom_and_ends_when_it_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gone: tuple[int, ...]
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        session_id = d.session.session_id
        d.rest.gone = set(gone)
        async with old_threads_asked_after(d):
            for _ in range(3):
                d.sees_guild()
                assert not d.inbound.behind, "nobody waits for it"
                await asyncio.sleep(EVERY_S + 1)
        assert d.rest.asked == [THREAD, *([CHANNEL] if gone else [])], "once"
        reason = {(): "", (THREAD,): THREAD_DELETED, (THREAD, CHANNEL): CHANNEL_DELETED}[gone]
        assert d.manager.row(session_id).end_reason == reason


@contextlib.asynccontextmanager
async def old_threads_asked_after(d: Desk) -> AsyncIterator[None]:
    """Of a session in whose thread nobody spoke for long."""
    d.session.last_activity = time.time() - 2 * UNLISTED_READ_BACK_S
    d.manager.waiting.drop_all(d.session.session_id)
    async with beside(d.inbound.old_threads.run()):
        yield


@pytest.mark.parametrize("during", ["before it is asked", "while it is asked"])
@jumping
async def test_a_server_that_the_bot_was_thrown_out_of_ends_no_session_whatever_discord_says_of_its_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, during: str
) -> None:
    async with desk(tmp_path, monkeypatch) as d, old_threads_asked_after(d):
        d.rest.gone = {THREAD, CHANNEL}
        d.sees_guild()
        left = ("GUILD_DELETE", {"id": str(GUILD)})
        if during == "before it is asked":
            d.guilds.heard(*left)
        else:
            d.rest.meanwhile = lambda: d.guilds.heard(*left)
        await asyncio.sleep(EVERY_S + 1)
        assert d.manager.row(d.session.session_id).end_reason == ""
        d.guilds.heard("GUILD_CREATE", {"id": str(GUILD), "name": "home"})
        d.rest.gone, d.rest.meanwhile = {THREAD}, lambda: None
        d.sees_guild()
        await asyncio.sleep(EVERY_S + 1)
        assert d.manager.row(d.session.session_id).end_reason == THREAD_DELETED, "asked after as soon as we are back"


@pytest.mark.parametrize("error", [Unavailable("503"), Refused("a proxy's 404", 404), Forbidden("hidden", 50001)])
@jumping
async def test_an_answer_that_says_nothing_of_an_old_thread_ends_nothing_and_only_what_passes_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: RemoteError
) -> None:
    async with desk(tmp_path, monkeypatch) as d, old_threads_asked_after(d):
        d.rest.errors[THREAD] = [error]
        d.rest.gone = {THREAD}
        d.sees_guild()
        await asyncio.sleep(EVERY_S + 1)
        assert d.manager.row(d.session.session_id).end_reason == ""
        await asyncio.sleep(EVERY_S + 1)
        passes = isinstance(error, Unavailable)
        assert d.manager.row(d.session.session_id).end_reason == (THREAD_DELETED if passes else "")


@pytest.mark.parametrize("waits", ["a card", "a prompt", "nothing"])
@awaited
async def test_what_waits_in_a_thread_that_is_gone_ends_however_long_ago_somebody_spoke_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, waits: str
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        session_id = d.session.session_id
        d.session.last_activity = time.time() - 2 * UNLISTED_READ_BACK_S
        if waits != "a prompt":
            d.manager.waiting.drop_all(session_id)
        if waits == "a card":
            asked = e.PermissionRequested("r1", "Bash", "{}", "d")
            d.session.requests[1] = PermissionRequest(RequestName(session_id, "0" * 16, 1), 1.0, ADA, asked)
        d.rest.errors[THREAD] = [ChannelGone("10003")]
        d.sees_guild()
        await d.caught_up()
        assert d.manager.row(session_id).end_reason == ("" if waits == "nothing" else THREAD_DELETED)


@awaited
async def test_roles_are_fetched_for_what_is_read_back_and_nobody_has_them_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.roles[BOB] = [str(ROLE)]
        d.rest.holds[THREAD] = [said(1001, "by role", BOB), said(1002, "by nobody", 113)]
        d.sees_guild(thread_last=1002)
        await d.caught_up()
        assert d.prompts() == ["one", "by role"]


@awaited
async def test_a_refusal_is_said_in_the_channel_once_a_minute_to_the_same_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        bot = [{"id": str(BOT)}]
        for n in (901, 902):
            d.inbound.live(said(n, "x", 113, CHANNEL, guild_id="7", mentions=bot, member={"roles": []}))
        d.inbound.live(said(903, "x", 114, CHANNEL, guild_id="7", mentions=bot, member={"roles": []}))
        assert [(channel, post.reply_to, nonce) for channel, post, nonce in d.told] == [
            (CHANNEL, 901, "r901"),
            (CHANNEL, 903, "r903"),
        ]
        assert all(post.silent and not post.mentions for _, post, _ in d.told)


@awaited
async def test_a_message_whose_roles_are_not_told_waits_until_they_were_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.roles[BOB] = [str(ROLE)]
        d.rest.holds[THREAD] = [said(1001, "bob's", BOB)]
        d.inbound.live(said(1001, "bob's", BOB, guild_id=str(GUILD)))
        assert d.prompts() == ["one"], "nobody's roles are the default"
        await until(lambda: d.prompts() == ["one", "bob's"], "his roles were fetched")


@awaited
async def test_a_message_that_makes_no_sense_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        for data in (None, {}, {"id": "x"}, {**JSON, "author": 5}):
            d.inbound.live(data)
        assert d.prompts() == ["one"]


# --- edits and deletions -----------------------------------------------------------------------------


def edit(message_id: int, text: str, **more: object) -> dict[str, object]:
    return said(message_id, text, **{"edited_timestamp": "2026-11-22T19:00:00+00:00", **more})  # type: ignore[arg-type]


@awaited
async def test_a_waiting_prompt_is_delivered_as_edited_and_a_deleted_one_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        for number in (1001, 1002, 1003):
            d.inbound.live(said(number, f"text {number}"))
        d.inbound.edited(edit(1002, "<@9> edited"))
        d.inbound.deleted({"id": "1003", "channel_id": "1000"})
        d.inbound.deleted({"ids": ["1001"], "channel_id": "1000"})
        assert d.prompts() == ["one", "edited"]
        assert d.manager.waiting.messages(d.session.session_id) == {1002: THREAD}
        marks = {row.key for row in d.store.posts_like(d.session.session_id, "mark:")}
        assert marks == {"mark:1001", "mark:1003"}


@awaited
async def test_what_is_no_edit_of_a_persons_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.inbound.live(said(1001, "text"))
        d.inbound.edited(said(1001, "a preview was put below it"))
        d.inbound.edited({"id": "1001", "channel_id": "1000", "edited_timestamp": "x"})
        d.inbound.edited(edit(1001, "from a stranger", author=999))
        d.inbound.edited(edit(4711, "of another message"))
        d.inbound.edited({"id": "?"})
        d.inbound.deleted({"id": "4711", "channel_id": "222"})
        d.inbound.deleted(None)
        assert d.prompts() == ["one", "text"]


@awaited
async def test_an_edit_of_what_is_read_back_reaches_what_was_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.gate.clear()
        d.sees_guild(thread_last=1001)
        d.inbound.live(said(1002, "as written"))
        d.inbound.live(said(1003, "never sent"))
        d.inbound.edited(edit(1002, "as edited"))
        d.inbound.deleted({"id": "1003", "channel_id": "1000"})
        d.rest.gate.set()
        await d.caught_up()
        assert d.prompts() == ["one", "as edited"]


@awaited
async def test_edits_and_deletions_while_we_were_away_are_seen_by_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        for number in (1001, 1002, 1003):
            d.inbound.live(said(number, f"text {number}"))
        d.rest.holds[THREAD] = [said(1001, "text 1001"), edit(1002, "edited while we were away")]
        d.sees_guild(thread_last=1002)
        await until(lambda: d.prompts() == ["one", "text 1001", "edited while we were away"], "what Discord says now")


@awaited
async def test_what_an_interaction_asked_is_no_message_and_never_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.manager.prompt(d.session.session_id, 1500, "by a command", Person(ADA, "Ada"))
        assert not d.manager.waiting.messages(d.session.session_id)
        d.sees_guild(thread_last=0)
        await d.caught_up()
        assert d.prompts() == ["one", "by a command"]


@awaited
async def test_a_message_that_waits_for_a_sick_store_is_said_to_wait_once_and_in_the_channel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        message = said(1001, "text")
        d.rest.holds[THREAD] = [message]
        hear, failures = d.manager.hear, [StoreError("the disk is full")] * (WAITS_SAID_AFTER + 2)

        def failing(action: PromptSession, handled_in: int) -> None:
            if failures:
                raise failures.pop()
            hear(action, handled_in)

        monkeypatch.setattr(d.manager, "hear", failing)
        d.inbound.live(message)
        assert d.told == [], "it may be over in a moment"
        await until(lambda: d.prompts() == ["one", "text"], "the message, when the store is well")
        assert [(channel, post.content, post.mentions) for channel, post, _ in d.told] == [(CHANNEL, WAITS, ())]


@awaited
async def test_an_edit_that_could_not_be_stored_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.inbound.live(said(1001, "text"))
        d.rest.holds[THREAD] = [edit(1001, "edited")]
        amend, failures = d.manager.waiting.amend, [OSError("the disk is full")]

        def failing(session_id: str, prompt_id: int, text: str | None) -> bool:
            if failures:
                raise failures.pop()
            return amend(session_id, prompt_id, text)

        monkeypatch.setattr(d.manager.waiting, "amend", failing)
        d.inbound.edited(edit(1001, "edited"))
        await until(lambda: d.prompts() == ["one", "edited"], "the edit, by looking again")


def folded(d: Desk, *events: e.AnyEvent) -> None:
    """The session's worker tells these."""
    records = [e.Record("g", d.session.applied + number, 1.0, event) for number, event in enumerate(events, 1)]
    with d.manager.transaction():
        d.manager.reports.record(d.session.session_id, records)


def taken_up(d: Desk, message_id: int, *, is_done: bool = False) -> None:
    """Claude has the message's prompt from now on."""
    events: list[e.AnyEvent] = [
        e.PromptAccepted(message_id, "u", "", ADA, "Ada", is_message=True),
        e.PromptTaken(message_id),
    ]
    folded(d, *events, *([e.PromptDone(message_id)] if is_done else []))


def mark(d: Desk, message_id: int) -> str:
    rows = d.store.posts_like(d.session.session_id, f"late:{message_id}:")
    return "\n".join(row.desired.content for row in rows)


@pytest.mark.parametrize("is_done", [False, True])
@awaited
async def test_an_edit_of_what_claude_took_up_is_said_to_come_too_late_and_a_preview_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.inbound.live(said(1001, "see https://example.org"))
        d.inbound.edited(edit(1001, "see https://example.com"))
        taken_up(d, 1001, is_done=is_done)
        d.inbound.edited(said(1001, "see https://example.com"))
        d.inbound.edited(edit(1001, "see https://example.com"))
        assert mark(d, 1001) == "", "a preview was put below it"
        d.inbound.edited(edit(1001, "from a stranger", author=999))
        assert mark(d, 1001) == ""
        d.inbound.edited(edit(1001, "no, that one"))
        row = d.store.post(d.session.session_id, "late:1001:edited")
        assert row and row.desired == marks.too_late(1001, "it was edited") and row.desired.silent


@pytest.mark.parametrize(
    ("edited_at", "is_said"), [("2026-11-22T18:59:00+00:00", False), ("2026-11-22T19:01:00+00:00", True)]
)
@awaited
async def test_of_what_was_written_before_our_start_an_edit_since_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edited_at: str, is_said: bool
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        heard = HeardTexts(datetime.datetime.fromisoformat("2026-11-22T19:00:00+00:00").timestamp())
        monkeypatch.setattr(d.inbound._amendments, "_heard", heard)
        taken_up(d, 1001)
        d.inbound.edited(edit(1001, "a text", edited_timestamp=edited_at))
        assert bool(mark(d, 1001)) == is_said


@pytest.mark.parametrize("is_done", [False, True])
@awaited
async def test_after_a_restart_an_edit_is_too_late_as_long_as_the_turn_runs_and_then_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.inbound.live(said(1001, "a text"))
        taken_up(d, 1001, is_done=is_done)
        d.start()
        d.inbound.edited(edit(1001, "no, that one", edited_timestamp="2999-01-01T00:00:00+00:00"))
        assert bool(mark(d, 1001)) is not is_done


@pytest.mark.parametrize("how", ["edited", "edited after a restart", "deleted"])
@awaited
async def test_an_edit_of_what_decided_a_question_is_said_to_come_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        folded(d, e.TurnStarted((), "task"), e.PermissionRequested("r", QUESTION_TOOL, QUESTION, digest_of(QUESTION)))
        d.inbound.live(said(1001, "gren"))
        d.inbound.edited(edit(1001, "green"))
        assert mark(d, 1001) == "", "in time"
        monkeypatch.setattr(d.manager.sessions, "clock", lambda: time.time() + MOMENT_S + PATIENCE_S)
        decided = [item.command for _ in range(2) for item in d.manager.inbox(d.session.session_id)]
        assert [one.answers for one in decided if isinstance(one, c.Decide)] == [{"Which?": "green"}]
        if how == "edited after a restart":
            d.start()
        if how == "deleted":
            d.inbound.deleted({"id": "1001", "channel_id": "1000"})
        else:
            d.inbound.edited(edit(1001, "green", edited_timestamp="2020-01-01T00:00:00+00:00"))
            assert mark(d, 1001) == "", "a preview was put below it"
            d.inbound.edited(edit(1001, "blue", edited_timestamp="2999-01-01T00:00:00+00:00"))
        word = "deleted" if how == "deleted" else "edited"
        assert mark(d, 1001) == f"-# ✓ What Claude asked was decided with this before it was {word}: too late."


@awaited
async def test_what_is_no_prompt_can_be_edited_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.inbound.live(said(1001, "/stop"))
        d.inbound.edited(edit(1001, "/queue"))
        d.inbound.edited(edit(1002, "never heard of"))
        assert (mark(d, 1001), mark(d, 1002)) == ("", "")


@awaited
async def test_what_was_emptied_in_time_did_not_reach_claude_whatever_it_is_edited_to_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.inbound.live(said(1001, "do it"))
        d.inbound.edited(edit(1001, "<@9>"))
        assert d.prompts() == ["one"]
        d.inbound.edited(edit(1001, "do it after all"))
        assert mark(d, 1001) == "", "Claude never took it up"


@awaited
async def test_an_edit_of_what_was_stopped_before_claude_took_it_up_is_not_said_to_come_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        for message_id in (1001, 1002):
            d.inbound.live(said(message_id, "do it"))
            folded(d, e.PromptAccepted(message_id, "u", "do it", ADA, "Ada", is_message=True))
        folded(d, e.PromptTaken(1001), e.PromptCancelled(1001), e.PromptCancelled(1002))
        for message_id in (1001, 1002):
            d.inbound.edited(edit(message_id, "do that"))
        assert "before it was edited: too late" in mark(d, 1001)
        assert mark(d, 1002) == "", "Claude never took it up"


@awaited
async def test_a_file_that_is_taken_away_after_claude_took_it_up_is_said_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.inbound.live(said(1001, "look", attachments=[FILE]))
        taken_up(d, 1001)
        d.inbound.edited(edit(1001, "look", attachments=[{**FILE, "url": "https://cdn/a?signed=anew"}]))
        assert mark(d, 1001) == "", "its address is another every day"
        d.inbound.edited(edit(1001, "look", attachments=[]))
        assert "before it was edited: too late" in mark(d, 1001)


@pytest.mark.parametrize("is_done", [False, True])
@awaited
async def test_a_deletion_in_the_middle_of_a_turn_is_said_to_come_too_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_done: bool
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.inbound.live(said(1001, "do it"))
        taken_up(d, 1001, is_done=is_done)
        d.inbound.deleted({"id": "1001", "channel_id": str(THREAD)})
        assert ("before it was deleted: too late" in mark(d, 1001)) is not is_done


# --- files and quotations ----------------------------------------------------------------------------

FILE = {"id": "31", "filename": "a.csv", "size": 4, "content_type": "text/csv", "url": "https://cdn/a"}


@awaited
async def test_files_and_what_a_message_answers_go_into_the_prompt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        target = {"author": {"id": "112", "username": "bob"}, "content": "old"}
        d.inbound.live(said(1001, "new", type=19, referenced_message=target, attachments=[FILE], guild_id="7"))
        (prompt,) = [i.command for i in d.store.inbox(d.session.session_id) if isinstance(i.command, c.Prompt)][1:]
        assert prompt.text == "[In reply to what bob wrote:]\n> old\n\nnew"
        assert [(f.attachment_id, f.name, f.url, f.stored) for f in prompt.attachments] == [
            (31, "a.csv", "https://cdn/a", "")
        ]


@awaited
async def test_an_edit_of_a_reply_that_does_not_tell_what_it_answers_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        target = {"author": {"id": "112", "username": "bob"}, "content": "old"}
        d.inbound.live(said(1001, "new", type=19, referenced_message=target, guild_id="7"))
        edited = said(1001, "newer", type=19, edited_timestamp="2026-01-01T00:00:00Z")
        d.rest.holds[THREAD] = [{**edited, "referenced_message": target}]
        d.inbound.edited(edited)
        await until(lambda: d.prompts()[-1].endswith("newer"), "the new text")
        assert d.prompts()[-1] == "[In reply to what bob wrote:]\n> old\n\nnewer"


# --- words that could not be kept --------------------------------------------------------------------

ODD: dict[str, object] = {"id": "1001", "channel_id": str(THREAD), "author": {"id": str(ADA)}, "content": 5}
WITHOUT_PROMPT = {
    "a command of ours": said(1001, "/stop"),
    "who may not talk": said(1001, "<@9> hello", 113, mentions=[{"id": str(BOT)}]),
    "what cannot be read": ODD,
}


@pytest.mark.parametrize("what", WITHOUT_PROMPT)
@pytest.mark.parametrize("failing_wishes", [1, 2])
@awaited
async def test_what_is_said_of_a_message_is_said_though_the_store_was_sick_when_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, failing_wishes: int
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        message = {**WITHOUT_PROMPT[what], "guild_id": str(GUILD), "member": {"roles": []}}
        d.rest.holds[THREAD] = [message]
        d.rest.roles[113] = []
        desire, failures = d.store.desire, [StoreError("the disk is full")] * failing_wishes

        def failing(session_id: str, key: str, post: Post) -> None:
            if failures:
                raise failures.pop()
            desire(session_id, key, post)

        monkeypatch.setattr(d.store, "desire", failing)
        d.inbound.live(message)
        assert d.manager.cursor(THREAD) < 1001, "it would not be met again"
        await until(lambda: d.manager.cursor(THREAD) == 1001, "the message, when the store is well")
        said_of_it = [r for key in ("refused:1001", "plain:1001") if (r := d.store.post(d.session.session_id, key))]
        assert len(said_of_it) == 1


@awaited
async def test_a_message_before_one_that_cannot_be_read_is_read_again_when_the_store_was_sick(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.rest.holds[THREAD] = [said(1001, "first"), {**ODD, "id": "1002"}, said(1003, "last")]
        hear, failures = d.manager.hear, [StoreError("the disk is full")]

        def failing(action: PromptSession, handled_in: int) -> None:
            if failures:
                raise failures.pop()
            hear(action, handled_in)

        monkeypatch.setattr(d.manager, "hear", failing)
        d.sees_guild(thread_last=1003)
        await d.caught_up()
        assert d.prompts() == ["one", "first", "last"]
        assert d.store.post(d.session.session_id, "refused:1002")


@pytest.mark.parametrize("dies", [True, False])
@awaited
async def test_what_is_said_in_a_channel_outlives_a_death_until_discord_took_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, dies: bool
) -> None:
    async with desk(tmp_path, monkeypatch) as d:
        d.inbound.live(said(901, "/stop", ADA, CHANNEL, guild_id="7"))
        ((channel_id, post, nonce),) = d.told
        assert channel_id == CHANNEL and "Claude did not get this" in post.content and post.buttons
        if not dies:
            d.settled()
        d.told.clear()
        d.start()
        d.inbound.words.tell_again()
        assert d.told == ([(CHANNEL, post, nonce)] if dies else [])
        d.settled()
        d.told.clear()
        d.inbound.words.tell_again()
        assert d.told == [], "once"


@jumping
async def test_what_discord_does_not_take_for_hours_is_said_in_the_channel_though_we_hear_it_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d, beside(d.inbound.words.run()):
        d.inbound.live(said(901, "/stop", ADA, CHANNEL, guild_id="7"))
        first = d.told.copy()
        assert len(first) == 1
        d.was_away()
        await asyncio.sleep(3600.0)
        assert d.told[1:] and all(again == first[0] for again in d.told), "no connection was lost meanwhile"
        d.settled()
        d.told.clear()
        await asyncio.sleep(3600.0)
        assert d.told == [], "once"


@jumping
async def test_what_is_being_said_in_a_channel_is_not_said_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, monkeypatch) as d, beside(d.inbound.words.run()):
        await asyncio.sleep(AGAIN_S - 1)
        d.inbound.live(said(901, "/stop", ADA, CHANNEL, guild_id="7"))
        await asyncio.sleep(AGAIN_S - 1)
        assert len(d.told) == 1
