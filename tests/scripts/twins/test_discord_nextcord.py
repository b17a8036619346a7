"""An unmodified nextcord against the loopback Discord."""

import asyncio
import functools
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import nextcord
import pytest
from nextcord.webhook.async_ import async_context

from twins.discord.forms import CannotError
from twins.discord.loopback import LoopbackDiscord, NotReachedError
from twins.discord.model import ChannelType, Message, MessageType, Upload
from twins.discord.person import InteractionFailedError
from twins.discord.session import Intent

type OnInteraction = Callable[[nextcord.Interaction[Any]], Awaitable[object]]


DEADLINE_S = 5.0
COMMANDS: list[dict[str, Any]] = [
    {
        "name": "new",
        "description": "Start a session",
        "options": [
            {"type": 3, "name": "prompt", "description": "What to do", "required": True},
            {"type": 3, "name": "dir", "description": "Where", "autocomplete": True},
            {"type": 11, "name": "file", "description": "A file"},
            {"type": 6, "name": "who", "description": "Somebody"},
        ],
    },
    {
        "name": "session",
        "description": "About a session",
        "options": [{"type": 1, "name": "stop", "description": "Stop it"}],
    },
]


def awaited(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run an async test in a loop of its own, bounded in time."""

    @functools.wraps(test)
    def run() -> None:
        asyncio.run(asyncio.wait_for(test(), 20))

    return run


def button(custom_id: str, label: str = "Allow", **more: object) -> dict[str, Any]:
    return {"type": 2, "style": 1, "custom_id": custom_id, "label": label, **more}


def row(*components: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(components)}


class Bot(nextcord.Client):
    """Keeps what it hears; hands interactions to `on_interaction_do`."""

    def __init__(self, intents: nextcord.Intents) -> None:
        super().__init__(
            intents=intents,
            guild_ready_timeout=0.05,
            rollout_associate_known=False,
            rollout_delete_unknown=False,
            rollout_register_new=False,
            rollout_update_known=False,
        )
        self.heard: list[nextcord.Message] = []
        self.threads_joined: list[nextcord.Thread] = []
        self.resumed_count = 0
        self.on_interaction_do: OnInteraction | None = None

    async def on_message(self, message: nextcord.Message) -> None:
        self.heard.append(message)

    async def on_thread_join(self, thread: nextcord.Thread) -> None:
        self.threads_joined.append(thread)

    async def on_resumed(self) -> None:
        self.resumed_count += 1

    async def on_interaction(self, interaction: nextcord.Interaction[Any]) -> None:
        if self.on_interaction_do is not None:
            await self.on_interaction_do(interaction)


@asynccontextmanager
async def connected(discord: LoopbackDiscord, *, content: bool = True) -> AsyncIterator[Bot]:
    intents = nextcord.Intents.default()
    intents.message_content = content
    intents.members = True
    nextcord.http.Route.BASE = discord.api_base
    bot = Bot(intents)
    running = asyncio.create_task(bot.start(discord.token))
    try:
        ready = asyncio.create_task(bot.wait_until_ready())
        await asyncio.wait({ready, running}, timeout=DEADLINE_S, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            ready.cancel()
            await running
        assert ready.done()
        yield bot
    finally:
        await bot.close()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def scene(*, limits: bool = False, content: bool = True) -> AsyncIterator[tuple[LoopbackDiscord, Bot, int]]:
    """A Discord with one channel, and a bot that is ready."""
    async with LoopbackDiscord(limits=limits) as discord:
        channel = discord.add_channel("general")
        async with connected(discord, content=content) as bot:
            yield discord, bot, channel.id


async def say_hello(interaction: nextcord.Interaction[Any]) -> None:
    await interaction.response.send_message("only you see this", ephemeral=True)


async def send_raw(bot: Bot, channel_id: int, **payload: object) -> dict[str, Any]:
    route = nextcord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=channel_id)
    answer: dict[str, Any] = await bot.http.request(route, json=payload)
    return answer


@awaited
async def test_a_message_of_a_person_reaches_the_bot_with_author_roles_and_mention() -> None:
    async with LoopbackDiscord() as discord:
        channel = discord.add_channel("general")
        role = discord.add_role("coders")
        ada = discord.add_person("Ada", [role])
        async with connected(discord) as bot:
            await ada.says(channel.id, "hello", mention_bot=True)
            heard = await discord.until(lambda: bot.heard, DEADLINE_S, "the message")
            assert heard[0].content == f"<@{discord.bot.id}> hello"
            assert isinstance(heard[0].author, nextcord.Member)
            assert [found.name for found in heard[0].author.roles] == ["@everyone", "coders"]
            assert bot.user is not None
            assert bot.user in heard[0].mentions


@awaited
async def test_a_person_who_joins_later_is_known_as_a_member() -> None:
    async with scene() as (discord, bot, channel_id):
        await discord.add_person("Late").says(channel_id, "hi")
        heard = await discord.until(lambda: bot.heard, DEADLINE_S, "the message")
        assert isinstance(heard[0].author, nextcord.Member)


@awaited
async def test_without_the_intent_content_is_empty_unless_the_bot_is_mentioned() -> None:
    async with scene(content=False) as (discord, bot, channel_id):
        ada = discord.add_person("Ada")
        await ada.says(channel_id, "secret")
        await ada.says(channel_id, "for you", mention_bot=True)
        await discord.until(lambda: len(bot.heard) == 2, DEADLINE_S, "both messages")
        assert [message.content for message in bot.heard] == ["", f"<@{discord.bot.id}> for you"]


@awaited
async def test_a_thread_started_from_a_message_has_its_id_and_a_starter_message() -> None:
    async with scene() as (discord, bot, channel_id):
        message = await discord.add_person("Ada").says(channel_id, "do it")
        heard = await discord.until(lambda: bot.heard, DEADLINE_S, "the message")
        thread = await heard[0].create_thread(name="do it", auto_archive_duration=1440)
        await thread.send("working")
        found = discord.thread_of(message)
        assert found is not None
        assert found.id == message.id == thread.id
        assert [post.type for post in discord.messages(thread.id)] == [
            MessageType.THREAD_STARTER,
            MessageType.DEFAULT,
        ]
        joined = await discord.until(lambda: bot.threads_joined, DEADLINE_S, "THREAD_CREATE")
        assert joined[0].id == thread.id
        with pytest.raises(nextcord.HTTPException) as refusal:
            await heard[0].create_thread(name="again")
        assert refusal.value.code == 160004


@awaited
async def test_every_revision_of_a_post_is_kept_with_its_time() -> None:
    async with scene() as (discord, bot, channel_id):
        channel = bot.get_partial_messageable(channel_id)
        sent = await channel.send("one")
        await sent.edit(content="two")
        await sent.edit(content="three", embed=nextcord.Embed(title="t"))
        message = discord.messages(channel_id)[0]
        history = discord.history(message)
        assert [revision.content for revision in history] == ["one", "two", "three"]
        assert history[0].at <= history[1].at <= history[2].at
        assert history[2].embeds[0]["title"] == "t"


@awaited
async def test_files_travel_both_ways_and_stay_when_only_the_content_is_edited() -> None:
    async with scene() as (discord, bot, channel_id):
        ada = discord.add_person("Ada")
        await ada.says(channel_id, "look", attachments=[Upload("a.txt", b"from ada", "text/plain")])
        heard = await discord.until(lambda: bot.heard, DEADLINE_S, "the message")
        assert await heard[0].attachments[0].read() == b"from ada"
        sent = await bot.get_partial_messageable(channel_id).send(
            "log", file=nextcord.File(io.BytesIO(b"from the bot"), "log.txt")
        )
        await sent.edit(content="log, edited")
        post = discord.messages(channel_id)[-1]
        assert [(kept.upload.filename, kept.upload.content) for kept in post.attachments] == [
            ("log.txt", b"from the bot")
        ]
        await sent.edit(attachments=[])
        assert post.attachments == []


@awaited
async def test_a_click_gets_an_ephemeral_answer_that_only_the_person_sees() -> None:
    async with scene() as (discord, bot, channel_id):
        ada, bob = discord.add_person("Ada"), discord.add_person("Bob")
        bot.on_interaction_do = say_hello
        await bot.http.send_message(channel_id, "May I?", components=[row(button("allow"))])  # type: ignore[list-item]
        post = discord.messages(channel_id)[0]
        clicked = await ada.clicks(post, "allow")
        assert clicked.answer is not None
        assert clicked.answer.ephemeral
        assert clicked.answer.content == "only you see this"
        assert discord.messages(channel_id) == [post]
        assert clicked.answer.message in discord.ephemerals(channel_id)
        with pytest.raises(CannotError):
            await ada.clicks(post, "deny")
        with pytest.raises(CannotError):
            await bob.clicks(discord.ephemerals(channel_id)[0], "anything")


@awaited
async def test_a_click_on_a_button_that_is_gone_or_disabled_is_refused() -> None:
    async with scene() as (discord, bot, channel_id):
        ada = discord.add_person("Ada")
        sent = await bot.http.send_message(channel_id, "May I?", components=[row(button("allow"))])  # type: ignore[list-item]
        post = discord.messages(channel_id)[0]
        disabled = [row(button("allow", disabled=True))]
        await bot.http.edit_message(channel_id, int(sent["id"]), components=disabled)
        with pytest.raises(CannotError, match="disabled"):
            await ada.clicks(post, "allow")
        await bot.http.edit_message(channel_id, int(sent["id"]), components=[])
        with pytest.raises(CannotError, match="no 'allow'"):
            await ada.clicks(post, "allow")


@awaited
async def test_an_update_answer_changes_the_clicked_message_and_a_select_brings_its_values() -> None:
    async with scene() as (discord, bot, channel_id):
        ada = discord.add_person("Ada")
        select = {
            "type": 3,
            "custom_id": "pick",
            "max_values": 2,
            "options": [{"label": value, "value": value} for value in "abc"],
        }

        async def show(interaction: nextcord.Interaction[Any]) -> None:
            data: Any = interaction.data
            await interaction.response.edit_message(content=" ".join(data["values"]), view=None)

        bot.on_interaction_do = show
        await bot.http.send_message(channel_id, "Which?", components=[row(select)])  # type: ignore[list-item]
        post = discord.messages(channel_id)[0]
        with pytest.raises(CannotError):
            await ada.clicks(post, "pick", ["z"])
        await ada.clicks(post, "pick", ["a", "c"])
        assert post.content == "a c"
        assert post.components == []


@awaited
async def test_a_modal_with_a_labelled_select_and_a_text_is_shown_and_submitted() -> None:
    modal = {
        "title": "Answer",
        "custom_id": "form",
        "components": [
            {
                "type": 18,
                "label": "Which",
                "component": {
                    "type": 3,
                    "custom_id": "which",
                    "options": [{"label": "A", "value": "a"}, {"label": "B", "value": "b"}],
                },
            },
            {"type": 18, "label": "Why", "component": {"type": 4, "custom_id": "why", "style": 2}},
        ],
    }
    submitted: list[Any] = []

    async def answer(interaction: nextcord.Interaction[Any]) -> None:
        if interaction.type is nextcord.InteractionType.modal_submit:
            submitted.append(interaction.data)
            await interaction.response.defer(ephemeral=True, with_message=True)
            await interaction.followup.send("thank you", ephemeral=True)
            return
        await async_context.get().create_interaction_response(
            interaction.id, interaction.token, session=interaction._session, type=9, data=modal
        )

    async with scene() as (discord, bot, channel_id):
        ada = discord.add_person("Ada")
        bot.on_interaction_do = answer
        await bot.http.send_message(channel_id, "?", components=[row(button("ask"))])  # type: ignore[list-item]
        shown = await ada.clicks(discord.messages(channel_id)[0], "ask")
        assert shown.answer is not None
        assert shown.answer.modal is not None
        with pytest.raises(CannotError, match="required"):
            await ada.submits(shown, {"which": "b"})
        sent = await ada.submits(shown, {"which": "b", "why": "because"})
        await discord.until(
            lambda: sent.answer is not None and sent.answer.content == "thank you", DEADLINE_S, "the answer"
        )
        first, second = submitted[0]["components"]
        assert first["component"]["values"] == ["b"]
        assert second["component"]["value"] == "because"


@awaited
async def test_a_registered_command_is_run_with_its_options_and_autocompleted() -> None:
    seen: list[Any] = []

    async def answer(interaction: nextcord.Interaction[Any]) -> None:
        seen.append(interaction.data)
        if interaction.type is nextcord.InteractionType.application_command_autocomplete:
            await interaction.response.send_autocomplete(["/srv/a", "/srv/b"])
        else:
            await interaction.response.send_message("started")

    async with scene() as (discord, bot, channel_id):
        ada = discord.add_person("Ada")
        bot.on_interaction_do = answer
        application = discord.bot.id
        registered: Any = await bot.http.bulk_upsert_guild_commands(
            application,
            discord.guild_id,
            COMMANDS,  # type: ignore[arg-type]
        )
        again: Any = await bot.http.bulk_upsert_guild_commands(
            application,
            discord.guild_id,
            COMMANDS,  # type: ignore[arg-type]
        )
        assert [command["id"] for command in registered] == [command["id"] for command in again]
        choices = await ada.completes("new", {"prompt": "x", "dir": "/sr"}, "dir", channel_id)
        assert [choice["value"] for choice in choices] == ["/srv/a", "/srv/b"]
        options = {"prompt": "fix it", "file": Upload("a.py", b"pass"), "who": ada}
        ran = await ada.runs("new", options, channel_id)
        assert ran.answer is not None
        assert ran.answer.content == "started"
        attachment = seen[1]["resolved"]["attachments"][seen[1]["options"][1]["value"]]
        assert attachment["filename"] == "a.py"
        assert str(ada.id) in seen[1]["resolved"]["members"]
        await ada.runs("session stop", channel_id=channel_id)
        assert seen[2]["options"] == [{"name": "stop", "type": 1, "options": []}]
        with pytest.raises(CannotError, match="missing"):
            await ada.runs("new", {}, channel_id)


@awaited
async def test_a_click_that_nobody_answers_fails_and_a_late_answer_is_unknown() -> None:
    late: list[nextcord.Interaction[Any]] = []

    async def keep(interaction: nextcord.Interaction[Any]) -> None:
        late.append(interaction)

    async with scene() as (discord, bot, channel_id):
        ada = discord.add_person("Ada")
        ada.patience_s = 0.1
        bot.on_interaction_do = keep
        await bot.http.send_message(channel_id, "?", components=[row(button("ask"))])  # type: ignore[list-item]
        post = discord.messages(channel_id)[0]
        with pytest.raises(InteractionFailedError):
            await ada.clicks(post, "ask")
        assert (await ada.clicks(post, "ask", may_fail=True)).failed
        discord.interactions.all[0].created_at -= 4
        await discord.until(lambda: late, DEADLINE_S, "the click")
        with pytest.raises(nextcord.NotFound) as refusal:
            await late[0].response.send_message("too late")
        assert refusal.value.code == 10062


@awaited
async def test_a_second_answer_is_refused_and_a_deferred_one_is_edited() -> None:
    codes: list[int] = []

    async def answer_twice(interaction: nextcord.Interaction[Any]) -> None:
        await interaction.response.defer()
        try:
            await async_context.get().create_interaction_response(
                interaction.id, interaction.token, session=interaction._session, type=5
            )
        except nextcord.HTTPException as refusal:
            codes.append(refusal.code)
        await interaction.edit_original_message(content="done")

    async with scene() as (discord, bot, channel_id):
        ada = discord.add_person("Ada")
        bot.on_interaction_do = answer_twice
        await bot.http.bulk_upsert_guild_commands(
            discord.bot.id,
            discord.guild_id,
            COMMANDS,  # type: ignore[arg-type]
        )
        ran = await ada.runs("session stop", channel_id=channel_id)
        await discord.until(lambda: ran.answer and ran.answer.content == "done", DEADLINE_S, "the edit")
        assert codes == [40060]


@awaited
async def test_a_repeated_nonce_gives_the_old_message_and_makes_no_other() -> None:
    async with scene() as (discord, bot, channel_id):
        first = await send_raw(bot, channel_id, content="one", nonce="n-1", enforce_nonce=True)
        second = await send_raw(bot, channel_id, content="two", nonce="n-1", enforce_nonce=True)
        assert second["id"] == first["id"]
        assert second["content"] == "one"
        assert [post.content for post in discord.messages(channel_id)] == ["one"]


@awaited
async def test_a_lost_socket_resumes_and_gets_what_it_missed_once() -> None:
    async with scene() as (discord, bot, channel_id):
        ada = discord.add_person("Ada")
        await ada.says(channel_id, "before")
        await discord.until(lambda: bot.heard, DEADLINE_S, "the first message")
        discord.drop_gateway()
        await discord.until(lambda: not discord.connected, DEADLINE_S, "the loss")
        await ada.says(channel_id, "meanwhile")
        await discord.until(lambda: bot.resumed_count, DEADLINE_S, "RESUMED")
        await discord.until(lambda: len(bot.heard) == 2, DEADLINE_S, "the missed message")
        assert [message.content for message in bot.heard] == ["before", "meanwhile"]
        assert (discord.gateway.identified, discord.gateway.resumed) == (1, 1)


@awaited
async def test_op_7_makes_the_client_resume() -> None:
    async with scene() as (discord, bot, _channel_id):
        discord.gateway.ask_to_reconnect()
        await discord.until(lambda: bot.resumed_count == 1, DEADLINE_S, "RESUMED")


@awaited
async def test_intents_that_the_portal_has_not_switched_on_end_the_connection() -> None:
    async with LoopbackDiscord() as discord:
        discord.allow_intents(message_content=False)
        nextcord.http.Route.BASE = discord.api_base
        bot = Bot(nextcord.Intents.all())
        with pytest.raises(nextcord.PrivilegedIntentsRequired):
            async with asyncio.timeout(DEADLINE_S):
                await bot.start(discord.token)
        await bot.close()
        assert not discord.gateway.allowed_intents & Intent.MESSAGE_CONTENT


@awaited
async def test_a_wrong_token_is_a_login_failure_and_counted() -> None:
    async with LoopbackDiscord() as discord:
        nextcord.http.Route.BASE = discord.api_base
        bot = Bot(nextcord.Intents.default())
        with pytest.raises(nextcord.LoginFailure):
            await bot.start("wrong")
        await bot.close()
        assert [request.status for request in discord.invalid_requests] == [401]


@awaited
async def test_the_sixth_post_in_five_seconds_has_to_wait() -> None:
    async with scene(limits=True) as (discord, bot, channel_id):
        for number in range(5):
            await bot.http.send_message(channel_id, str(number))
        with pytest.raises(nextcord.errors.HTTPInternalRatelimitLocked):
            await bot.http.send_message(channel_id, "six", retry_request=False)
        posts = [request for request in discord.requests if request.method == "POST"]
        assert {(request.route, request.status) for request in posts} == {("/channels/{channel_id}/messages", 200)}
        assert {request.channel_id for request in posts} == {channel_id}


@awaited
async def test_presence_typing_reactions_and_rename_are_seen() -> None:
    async with scene() as (discord, bot, channel_id):
        message = await discord.add_person("Ada").says(channel_id, "go")
        heard = await discord.until(lambda: bot.heard, DEADLINE_S, "the message")
        await bot.change_presence(activity=nextcord.Game("3 sessions"))
        await discord.until(lambda: discord.presences, DEADLINE_S, "the presence")
        assert discord.presences[-1]["activities"][0]["name"] == "3 sessions"
        await bot.get_partial_messageable(channel_id).trigger_typing()
        assert [typing[0] for typing in discord.typings] == [channel_id]
        await heard[0].add_reaction("✅")
        assert message.reactions == {"✅": [discord.bot.id]}
        thread = await heard[0].create_thread(name="old")
        await thread.edit(name="new", archived=True)
        found = discord.thread_of(message)
        assert found is not None
        assert found.thread is not None
        assert (found.name, found.thread.archived, found.type) == ("new", True, ChannelType.PUBLIC_THREAD)


@awaited
async def test_a_person_revives_an_archived_thread_by_writing() -> None:
    async with scene() as (discord, bot, channel_id):
        ada = discord.add_person("Ada")
        message = await ada.says(channel_id, "go")
        heard = await discord.until(lambda: bot.heard, DEADLINE_S, "the message")
        thread = await heard[0].create_thread(name="work")
        sent = await thread.send("done")
        discord.archive(thread.id)
        with pytest.raises(nextcord.HTTPException) as refusal:
            await sent.edit(content="more")
        assert refusal.value.code == 50083
        await ada.says(thread.id, "again")
        found = discord.thread_of(message)
        assert found is not None
        assert found.thread is not None
        assert not found.thread.archived


@awaited
async def test_components_v2_are_sent_and_edited_over_raw_payloads() -> None:
    text = [{"type": 17, "components": [{"type": 10, "content": "hello"}, row(button("b"))]}]
    async with scene() as (discord, bot, channel_id):
        await send_raw(bot, channel_id, components=text, flags=1 << 15)
        post = discord.messages(channel_id)[0]
        assert post.text == "hello"
        assert post.components[0]["id"] == 1
        with pytest.raises(nextcord.HTTPException) as refusal:
            await bot.http.edit_message(channel_id, post.id, content="old kind")
        assert refusal.value.code == 50035


@awaited
async def test_a_forged_click_reaches_the_bot_whatever_the_message_shows() -> None:
    async with scene() as (discord, bot, channel_id):
        ada = discord.add_person("Ada")
        bot.on_interaction_do = say_hello
        forged = discord.forge_click(channel_id, "allow:other-session", ada.user)
        await discord.until(lambda: forged.answer, DEADLINE_S, "an answer")
        assert forged.answer is not None
        assert forged.answer.ephemeral


@awaited
async def test_what_is_waited_for_in_vain_is_reported_with_the_state_of_the_threads() -> None:
    async with LoopbackDiscord() as discord:
        channel = discord.add_channel("general")
        message: Message = await discord.add_person("Ada").says(channel.id, "anyone?")
        with pytest.raises(NotReachedError, match=r"a thread(.|\n)*Ada: 'anyone\?'"):
            await discord.until(lambda: discord.thread_of(message), 0.01, "a thread")
