"""The slash commands against the loopback Discord."""

import itertools
from pathlib import Path

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.routing.actions import CreateSession
from bridge.session.custom_ids import STOP_PICKER
from bridge.session.managed import ManagedSession
from stages.gateway_stage import DEADLINE_S, Stage, stage
from stages.support import awaited
from supervisor.commands.answer import NOT_KEPT
from supervisor.commands.registration import COMMANDS
from supervisor.commands.slash_settings import MODES
from supervisor.sessions.store_health import StoreError
from twins.discord.interactions import Interaction, Kind
from twins.discord.model import Message, Permission
from twins.discord.person import Person

pytestmark = pytest.mark.slow

COMMAND_ROUTE = "/applications/{application_id}/guilds/{guild_id}/commands"


async def runs(s: Stage, person: Person, command: str, channel_id: int, /, **options: object) -> Interaction:
    """The command, once the commands are there and once its answer is whole."""
    await s.discord.until(s.discord.guild_commands.all, DEADLINE_S, "the commands")
    ran = await person.runs(command, options, channel_id)
    await s.discord.until(lambda: (ran.answer and ran.answer.content) or embeds(ran), DEADLINE_S, "the whole answer")
    assert ran.answer
    return ran


def content(ran: Interaction) -> str:
    assert ran.answer
    return ran.answer.content


def embeds(ran: Interaction) -> str:
    message = ran.answer.message if ran.answer else None
    return "\n".join(str(embed["description"]) for embed in message.embeds) if message else ""


def components(message: Message) -> list[str]:
    return [str(one["custom_id"]) for row in message.components for one in row["components"]]


def is_ended(s: Stage, session: ManagedSession) -> bool:
    return s.manager.row(session.session_id).ended_at is not None


@awaited
async def test_the_commands_are_registered_once_with_one_request(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        for _ in range(2):
            async with s.back():
                await s.discord.until(s.discord.guild_commands.all, DEADLINE_S, "the commands")
                await s.session()  # by then a second registration would have been sent
        sent = [(r.method, r.route) for r in s.discord.requests if r.route.endswith("/commands")]
        assert sent == [("PUT", COMMAND_ROUTE)]
        assert [c["name"] for c in s.discord.guild_commands.all()] == [c["name"] for c in COMMANDS]


@awaited
async def test_who_is_not_allowed_gets_a_refusal_that_only_they_see(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        for command in ("new", "stop", "continue", "status", "help"):
            ran = await runs(s, s.eve, command, s.channel.id)
            assert ran.answer
            assert ran.answer.ephemeral
            assert "You do not have the right" in content(ran)
        assert not s.manager.has_any_sessions()
        assert not s.discord.messages(s.channel.id)


@awaited
async def test_an_unknown_command_is_answered_in_words(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        made = s.discord.interactions.create(
            Kind.COMMAND, s.ada.user, s.channel.id, {"id": "1", "name": "old", "type": 1}
        )
        await s.discord.until(lambda: made.answer, DEADLINE_S, "an answer")
        assert "no command /old" in content(made)


@awaited
async def test_a_mistyped_model_mode_or_effort_says_which_one_is_meant(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        for command, given, words in (
            ("model", "sonet", "Claude may know no such model; did you mean `sonnet`?"),
            ("mode", "acceptEdit", "is no mode. Did you mean `acceptEdits`?"),
            ("effort", "hihg", "is no effort. Did you mean `high`?"),
        ):
            ran = await s.ada.runs(command, {command: given}, s.channel.id)
            assert words in content(ran)
        ran = await s.ada.runs("model", {"model": "claude-something-new"}, s.channel.id)
        assert "did you mean" not in content(ran).lower()


@awaited
async def test_models_and_efforts_are_offered_as_claude_told_them_and_modes_are_ours(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        told = (e.Offer("default", "Opus 9", efforts=("low", "high")), e.Offer("haiku9", "the small one"))
        s.happens(session, e.ChildOffered(models=told))
        offered = {}
        for command in ("model", "effort", "mode"):
            choices = await s.ada.completes(command, {command: ""}, command, session.thread_id)
            offered[command] = [choice["value"] for choice in choices]
        assert offered["model"] == ["default", "haiku9"]
        assert offered["effort"] == ["default", "low", "high"]
        assert offered["mode"] == list(MODES)


@awaited
async def test_offers_of_one_session_that_cannot_be_read_are_missing_there_alone(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        good, bad = await s.session(), await s.session()
        for session in (good, bad):
            told = (e.Offer("default", "Opus 9", efforts=("low", "high")), e.Offer("haiku9"))
            s.happens(session, e.ChildOffered(told, (e.Offer("dream"),)))
        s.manager.store.keep_offers(bad.session_id, '{"models": 7}')
        offered = {}
        for place in (s.channel.id, good.thread_id, bad.thread_id):
            for command in ("model", "effort", "mode"):
                choices = await s.ada.completes(command, {command: ""}, command, place)
                offered[place, command] = [choice["value"] for choice in choices]
        for place in (s.channel.id, good.thread_id):
            assert offered[place, "model"] == ["default", "haiku9"]
            assert offered[place, "effort"] == ["default", "low", "high"]
        assert offered[bad.thread_id, "model"] == ["default"] and "xhigh" in offered[bad.thread_id, "effort"]
        assert all(offered[place, "mode"] == list(MODES) for place in (s.channel.id, good.thread_id, bad.thread_id))
        assert s.manager.claude_commands(s.channel.id, None) == {"dream"}, "of the channel's session that can be read"
        assert s.manager.claude_commands(s.channel.id, bad) == set()


# --- /new --------------------------------------------------------------------------------------------


@awaited
async def test_new_posts_a_starter_and_begins_a_session_with_the_prompt(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        ran = await runs(s, s.bob, "new", s.channel.id, prompt="fix @everyone\nnow")
        (session,) = s.manager.get_all_sessions()
        starter = s.discord.messages(s.channel.id)[-1]
        assert session.thread_id == starter.id
        assert starter.text == "**Bob** started a session in **project**\n> fix @everyone\n> now"
        assert not starter.pinged.everyone
        assert (session.owner_id, session.directory) == (s.bob.id, str(s.project))
        assert s.prompts(session) == ["fix @everyone\nnow"]
        assert session.url() in content(ran)
        create = next(r for r in s.discord.requests if r.method == "POST" and r.channel_id == s.channel.id)
        body = msgspec.convert(create.body, dict[str, object])
        assert (body["nonce"], body["enforce_nonce"]) == (str(ran.id), True)


@awaited
async def test_new_without_a_prompt_starts_the_thread_and_says_what_to_do(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        await runs(s, s.ada, "new", s.channel.id)
        (session,) = s.manager.get_all_sessions()
        assert s.prompts(session) == []
        assert s.manager.title(session.session_id) == "Claude in project"
        welcome = s.store.post(session.session_id, "welcome")
        assert welcome
        assert "Write here" in welcome.desired.content


@awaited
async def test_new_takes_directories_below_its_own_or_of_a_channel_that_the_person_may_use(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        (s.project / "web").mkdir()
        (s.project / "out").symlink_to(tmp_path)
        (tmp_path / "secret").mkdir()
        (tmp_path / "project-2").mkdir()
        for directory in ("web", str(s.project / "web"), str(s.other), str(s.project)):
            await runs(s, s.ada, "new", s.channel.id, directory=directory)
        found = [session.directory for session in s.manager.get_all_sessions()]
        assert found == [str(s.project / "web"), str(s.project / "web"), str(s.other), str(s.project)]
        for directory in ("..", "out", "out/secret", str(tmp_path / "secret"), str(tmp_path / "project-2")):
            assert "is not below" in content(await runs(s, s.ada, "new", s.channel.id, directory=directory))
        for directory in ("nowhere", "a\0b", "~nobody-of-that-name"):
            assert "no directory" in content(await runs(s, s.ada, "new", s.channel.id, directory=directory))
        assert s.manager.active_session_count() == 4


@awaited
async def test_new_does_not_lead_to_the_directory_of_a_channel_that_is_contained_more_strictly(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        loose = msgspec.structs.replace(s.config.channels[s.channel.id], containment="none")
        s.config.channels[s.channel.id] = loose
        async with s.back():
            assert "more strictly" in content(await runs(s, s.ada, "new", s.channel.id, directory=str(s.other)))
            await runs(s, s.ada, "new", s.quiet.id, directory=str(s.project))
            assert [session.directory for session in s.manager.get_all_sessions()] == [str(s.project)]


@awaited
async def test_new_where_nothing_is_configured_or_discord_refuses_says_so(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        assert "not configured" in content(await runs(s, s.ada, "new", s.unrelated.id, prompt="x"))
        s.discord.deny(s.channel.id, Permission.SEND_MESSAGES)
        assert "did not work" in content(await runs(s, s.ada, "new", s.channel.id, prompt="x"))
        assert not s.manager.has_any_sessions()


@awaited
async def test_directories_are_offered_while_typing_to_those_who_are_allowed(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        (s.project / "web").mkdir()
        (s.project / ".git").mkdir()
        await s.discord.until(s.discord.guild_commands.all, DEADLINE_S, "the commands")
        offered = await s.ada.completes("new", {"directory": ""}, "directory", s.channel.id)
        assert [c["value"] for c in offered] == [str(s.project), str(s.project / "web"), str(s.other)]
        assert not await s.eve.completes("new", {"directory": ""}, "directory", s.channel.id)


# --- /stop -------------------------------------------------------------------------------------------


@awaited
async def test_stop_in_a_thread_interrupts_a_turn_and_ends_an_idle_session(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        s.begins_turn(session)
        prompt_id = session.thread_id
        s.happens(session, e.PromptAccepted(prompt_id, "u", "go", s.ada.id, "Ada"), e.PromptTaken(prompt_id))
        ran = await runs(s, s.bob, "stop", session.thread_id)
        assert [(i.command_id, i.by) for i in s.interrupts(session)] == [(str(ran.id), s.bob.id)]
        assert not is_ended(s, session)
        s.happens(session, e.TurnEnded("interrupted"), e.PromptCancelled(prompt_id))
        assert "ended" in content(await runs(s, s.ada, "stop", session.thread_id))
        assert s.manager.row(session.session_id).end_reason == "ended by Ada"
        assert "ended already" in content(await runs(s, s.ada, "stop", session.thread_id))


@awaited
async def test_stop_in_a_channel_offers_its_sessions_and_stops_the_chosen_one(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        assert "no active session" in content(await runs(s, s.ada, "stop", s.channel.id))
        one, two = await s.session("one"), await s.session("two")
        elsewhere = await s.session("three", s.quiet.id)
        s.begins_turn(one)
        s.begins_turn(two)
        ran = await runs(s, s.ada, "stop", s.channel.id)
        assert ran.answer
        assert ran.answer.ephemeral
        assert ran.answer.message
        picker = ran.answer.message
        options = picker.components[0]["components"][0]["options"]
        assert {o["value"] for o in options} == {one.session_id, two.session_id}
        assert {o["label"] for o in options} == {"one", "two"}
        await s.ada.clicks(picker, STOP_PICKER, [two.session_id])
        assert s.interrupts(two)
        assert not s.interrupts(one)
        assert "Stopping" in picker.content
        assert picker.components == []
        assert not is_ended(s, elsewhere)


# --- /continue, /status, /help -----------------------------------------------------------------------


@awaited
async def test_continue_wakes_the_most_recent_session_of_the_channel_and_shows_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        assert "no session" in content(await runs(s, s.ada, "continue", s.channel.id))
        old, recent, gone = await s.session("old"), await s.session("recent"), await s.session("gone")
        s.manager.destroy_session(recent.session_id, "ended by Ada")
        s.discord.delete_channel(gone.thread_id)
        await s.discord.until(lambda: is_ended(s, gone), DEADLINE_S, "the end of the deleted one")
        ran = await runs(s, s.bob, "continue", s.channel.id)
        assert ran.answer
        assert not ran.answer.ephemeral
        for part in ("recent", recent.url(), str(s.project), "**Messages:** 0", "$0.00", "Write in the thread"):
            assert part in embeds(ran)
        assert not is_ended(s, recent)
        ran = await runs(s, s.bob, "continue", old.thread_id, prompt="go on")
        assert s.prompts(old) == ["old", "go on"]
        assert old.url() in embeds(ran)
        assert is_ended(s, gone)


@awaited
async def test_continue_in_a_thread_without_a_session_says_that_there_is_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        thread = await s.ada.starts_thread(await s.ada.says(s.unrelated.id, "x"), "theirs")
        assert "There is no session of Claude's here" in content(await runs(s, s.ada, "continue", thread.id))


@awaited
async def test_status_lists_the_sessions_to_the_person_alone(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        assert "no session yet" in content(await runs(s, s.ada, "status", s.channel.id))
        idle, busy = await s.session("idle one"), await s.session("busy one")
        s.begins_turn(busy)
        s.manager.destroy_session(idle.session_id, "ended by Ada")
        ran = await runs(s, s.ada, "status", s.channel.id)
        assert ran.answer
        assert ran.answer.ephemeral
        mine, first, over, second = embeds(ran).splitlines()
        assert (mine, over) == ("**Yours**", "**Ended**")
        assert first.startswith(f"**busy one** · {busy.url()} · busy · <@{s.ada.id}>")
        assert second.startswith(f"**idle one** · {idle.url()} · ended")


@awaited
async def test_status_turns_its_pages_and_looks_for_a_person(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        for n in range(11):
            await s.session(f"number {n}")
        ran = await runs(s, s.ada, "status", s.channel.id)
        assert ran.answer and ran.answer.message
        assert ran.answer.message.embeds[0]["footer"] == {"text": "1–10 of 11"}
        (_, forth) = components(ran.answer.message)
        await s.ada.clicks(ran.answer.message, forth)
        assert ran.answer.message.embeds[0]["footer"] == {"text": "11–11 of 11"}
        ran = await runs(s, s.ada, "status", s.channel.id, person=s.bob)
        assert "No session that you can see fits that" in content(ran)


@awaited
async def test_status_shows_nothing_of_a_channel_that_the_asker_cannot_read(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session("secret")
        assert session.url() in embeds(await runs(s, s.bob, "status", s.unrelated.id))
        s.discord.hide(s.channel.id, s.bob)
        await s.session("another")  # its message came after the channel's permissions
        assert "no session yet" in content(await runs(s, s.bob, "status", s.unrelated.id))
        assert session.url() in embeds(await runs(s, s.ada, "status", s.unrelated.id))


@awaited
async def test_help_names_every_command(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        text = content(await runs(s, s.ada, "help", s.channel.id))
        assert all(f"/{command['name']}" in text for command in COMMANDS)


# --- a store that is locked --------------------------------------------------------------------------


@awaited
async def test_new_with_a_store_that_is_locked_for_a_moment_starts_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.commands.new_command.STORE_PAUSES_S", (0.02,) * 100)
    async with stage(tmp_path) as s, s.back():
        tries = itertools.count()
        begin = s.manager.create_session

        def locked(action: CreateSession) -> ManagedSession:
            if next(tries) < 3:
                raise StoreError("another program has it locked")
            return begin(action)

        monkeypatch.setattr(s.manager, "create_session", locked)
        ran = await runs(s, s.ada, "new", s.channel.id, prompt="fix it")
        (session,) = s.manager.get_all_sessions()
        assert session.url() in content(ran)


@awaited
async def test_new_with_a_store_that_stays_locked_leaves_no_starter_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.commands.new_command.STORE_PAUSES_S", (0.01,))
    async with stage(tmp_path) as s, s.back():

        def locked(_action: CreateSession) -> ManagedSession:
            raise StoreError("another program has it locked")

        monkeypatch.setattr(s.manager, "create_session", locked)
        ran = await runs(s, s.ada, "new", s.channel.id, prompt="fix it")
        assert NOT_KEPT in content(ran)
        assert not s.discord.messages(s.channel.id)


@awaited
async def test_what_a_sick_store_keeps_from_being_done_names_no_path_of_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage(tmp_path) as s, s.back():

        def sick(*_: object) -> None:
            raise StoreError("the store /srv/state/threadbridge.db does not work now: the disk is full")

        monkeypatch.setattr(s.manager, "set_default", sick)
        ran = await s.ada.runs("model", {"model": "opus"}, s.channel.id)
        assert content(ran) == NOT_KEPT


# --- what loosens something --------------------------------------------------------------------------


def announced(s: Stage) -> list[str]:
    return [m.text for m in s.discord.messages(s.channel.id) if m.author is s.discord.bot]


@awaited
async def test_a_looser_default_of_a_channel_is_announced_there_with_who_did_it(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        await runs(s, s.ada, "mode", s.channel.id, mode="acceptEdits")
        (post,) = [m for m in s.discord.messages(s.channel.id) if m.author is s.discord.bot]
        assert f"<@{s.ada.id}> lets Claude ask less" in post.text and "**acceptEdits**" in post.text
        assert not post.pinged.users
        assert s.manager.default(s.channel.id, "permission_mode") == "acceptEdits"
        await runs(s, s.ada, "mode", s.channel.id, mode="default")
        assert f"<@{s.ada.id}> ended that Claude asks less: in sessions that begin" in announced(s)[1]
        await runs(s, s.ada, "mode", s.channel.id, mode="plan")
        await runs(s, s.ada, "effort", s.channel.id, effort="high")
        assert len(announced(s)) == 2, "what gets stricter is nobody's alarm"


@awaited
async def test_who_ends_a_channels_mode_with_a_command_in_a_thread_ends_it_with_a_word_in_the_channel(
    tmp_path: Path,
) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        s.manager.set_default(s.channel.id, "permission_mode", "acceptEdits", s.ada.id)
        await runs(s, s.ada, "mode", session.thread_id, mode="plan")
        assert not s.store.posts_like(session.session_id, "loosened:ended:"), "the channel keeps its mode"
        await runs(s, s.ada, "mode", session.thread_id, mode="plan", for_channel=True)
        (row,) = s.store.posts_like(session.session_id, "loosened:ended:")
        assert row.desired.where == "channel" and row.desired.silent
        assert f"<@{s.ada.id}> ended in <#{session.thread_id}> that Claude asks less" in row.desired.content
        await runs(s, s.ada, "mode", session.thread_id, mode="default", for_channel=True)
        assert len(s.store.posts_like(session.session_id, "loosened:ended:")) == 1, "nothing is ended twice"


@awaited
async def test_a_channel_does_not_get_looser_without_a_word(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        s.discord.deny(s.channel.id, Permission.SEND_MESSAGES)
        ran = await runs(s, s.ada, "mode", s.channel.id, mode="acceptEdits")
        assert "did not work" in content(ran)
        assert s.manager.default(s.channel.id, "permission_mode") == ""


@awaited
async def test_a_thread_that_gets_looser_is_announced_in_its_channel(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        await runs(s, s.ada, "mode", session.thread_id, mode="plan")
        assert not s.store.posts_like(session.session_id, "loosened:")
        await runs(s, s.ada, "mode", session.thread_id, mode="acceptEdits")
        (row,) = s.store.posts_like(session.session_id, "loosened:")
        assert row.desired.where == "channel" and f"<#{session.thread_id}>" in row.desired.content
