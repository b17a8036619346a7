"""What a person steers while Claude works: what waits, what it runs with, and when it sleeps. Real processes."""

import json

import pytest

from stages.backstage import backstage
from stages.playhouse import Playhouse, buttons, playhouse
from stages.support import awaited, until
from twins.discord.interactions import Interaction
from twins.discord.model import Channel, Message


async def runs(house: Playhouse, thread: Channel, name: str, **options: object) -> str:
    """What the command answers, once it is whole."""
    ran: Interaction = await house.you.runs(name, options, thread.id)
    return await house.until(lambda: ran.answer.content if ran.answer else "", f"an answer to /{name}")


async def waits(house: Playhouse, thread: Channel, text: str) -> Message:
    """The mark below a message that was written while Claude worked."""
    message = await house.you.says(thread.id, text)
    return await house.until(
        lambda: next((m for m in house.posts(thread) if m.reply_to == message.id and buttons(m)), None),
        f"a mark below {text!r}",
    )


@awaited
async def test_a_prompt_that_is_to_wait_is_taken_up_after_the_turn_and_not_folded_in() -> None:
    async with playhouse() as house:
        thread = await house.starts("sleep 3")
        await house.shows(thread, "sleep 3")
        mark = await waits(house, thread, "say afterwards")
        await house.press(mark, "After this turn")
        await house.until(lambda: "when this turn is over" in mark.content, "a mark that says so")
        assert list(buttons(mark)) == ["At the next step", "Now"]
        assert "1. say afterwards · after this turn" in await runs(house, thread, "queue")
        await house.done(thread, turns=2)
        await house.until(lambda: mark.deleted, "a mark that is gone")
        assert (await runs(house, thread, "queue")) == "Nothing waits for Claude in this thread."


@awaited
async def test_a_prompt_that_is_to_be_taken_now_ends_the_running_tool_and_comes_before_what_waited_longer() -> None:
    async with playhouse() as house:
        thread = await house.starts("sleep 60")
        await house.shows(thread, "sleep 60")
        await waits(house, thread, "say the older one")
        mark = await waits(house, thread, "say the urgent one")
        await house.press(mark, "Now")
        await house.done(thread, turns=2)
        text = house.text(thread)
        assert text.index("the urgent one") < text.rindex("the older one")
        assert "■ interrupted" in text and text.count("the urgent one") == 1
        await house.until(lambda: mark.deleted, "a mark that is gone")


@awaited
@pytest.mark.parametrize(("label", "is_kept"), [("Stop, and drop", False), ("Stop, and go on with", True)])
async def test_stopping_a_turn_behind_which_something_waits_asks_what_becomes_of_it(label: str, is_kept: bool) -> None:
    async with playhouse() as house:
        thread = await house.starts("sleep 60")
        await house.shows(thread, "sleep 60")
        await waits(house, thread, "say what waited")
        ran = await house.you.runs("stop", {}, thread.id)
        asked = await house.until(lambda: ran.answer.message if ran.answer else None, "the question")
        chosen = next(button for name, button in buttons(asked).items() if name.startswith(label))
        await house.you.clicks(asked, chosen)
        await house.shows(thread, "■ interrupted")
        if is_kept:
            await house.done(thread)
        await house.until(lambda: not _waiting_marks(house, thread), "no mark that waits")
        assert ("what waited" in house.text(thread)) == is_kept


def _waiting_marks(house: Playhouse, thread: Channel) -> list[Message]:
    return [m for m in house.posts(thread) if m.reply_to and buttons(m)]


@awaited
async def test_model_mode_and_effort_switch_live_and_the_thread_remembers_them_when_it_wakes() -> None:
    async with playhouse() as house:
        thread = await house.starts("say hello")
        await house.done(thread)
        for command, value in (("model", "sonnet"), ("mode", "acceptEdits"), ("effort", "high")):
            assert "asked to switch now" in await runs(house, thread, command, **{command: value})
            await house.shows(thread, f"{command.capitalize()}: {value}")
        await runs(house, thread, "context")
        await house.shows(thread, "Model `sonnet`, effort high, mode acceptEdits")
        await runs(house, thread, "stop")  # ends the session: another child is started for what comes now
        await until_asleep(house)
        assert "counts from the next prompt" in await runs(house, thread, "effort", effort="low")
        await runs(house, thread, "cost")
        await house.shows(thread, "Model `sonnet`, effort low, mode acceptEdits")


async def until_asleep(house: Playhouse) -> None:
    """Until no worker runs; each look takes a process."""
    for _ in range(40):
        listed = json.loads((await house.host.threadbridge.ask("list", "--json")).out)
        if not any(one["worker_pid"] for one in listed):
            return
    raise AssertionError(f"a worker still runs: {listed}")


@awaited
async def test_a_channels_choice_is_what_its_new_sessions_begin_with() -> None:
    async with playhouse() as house:
        channel = house.host.channel
        assert "in this channel" in await runs(house, channel, "model", model="opus")
        assert "**opus**" in await runs(house, channel, "model")
        thread = await house.starts("say hello")
        await house.done(thread)
        await runs(house, thread, "context")
        await house.shows(thread, "Model `opus`")


@awaited
async def test_values_that_cannot_be_and_commands_that_are_not_there_are_refused_in_words() -> None:
    async with playhouse() as house:
        assert "no mode" in await runs(house, house.host.channel, "mode", mode="root")
        assert "no effort" in await runs(house, house.host.channel, "effort", effort="infinite")
        assert "in a session's thread" in await runs(house, house.host.channel, "clear")
        thread = await house.starts("say hello")
        await house.done(thread)
        assert "no command `/nothing`" in await runs(house, thread, "claude", command="nothing")
        assert "Use /model" in await runs(house, thread, "claude", command="/model")
        assert "bypass" not in await runs(house, thread, "mode")


@awaited
async def test_a_command_that_is_only_written_is_text_and_one_that_is_chosen_is_run() -> None:
    async with playhouse() as house:
        thread = await house.starts("say hello")
        await house.done(thread)
        await house.you.says(thread.id, "/clear")
        await house.done(thread, turns=2)
        assert "remembers nothing" not in house.text(thread)
        await runs(house, thread, "clear")
        await house.shows(thread, "Claude remembers nothing of what stands above")


@awaited
async def test_an_idle_session_hibernates_and_wakes_where_it_was() -> None:
    async with backstage() as stage:
        session = stage.session("say one")
        await stage.settles(session)
        await until(lambda: stage.live(session).may_hibernate, "nothing is owed")
        stage.manager.hibernate_idle(3600.0)
        assert stage.worker_pid(session), "it is not idle for long enough"
        stage.manager.hibernate_idle(0.0)
        await until(lambda: not stage.worker_pid(session), "no worker")
        await until(lambda: stage.manager.shown_state(session.session_id) == "hibernating", "the state says so")
        assert not stage.manager.inbox(session.session_id)
        stage.prompt(session, "say two")
        live = await stage.settles(session, turns=2)
        assert live.shown_state() == "idle" and live.claude_id == session.session_id
        assert not any("⚠" in post for post in stage.posts(session))


@awaited
async def test_a_session_that_got_something_to_do_in_the_last_moment_does_not_hibernate() -> None:
    async with backstage() as stage:
        session = stage.session("say one")
        await stage.settles(session)
        await until(lambda: stage.live(session).may_hibernate, "nothing is owed")
        stage.manager.hibernate_idle(0.0)
        stage.prompt(session, "say two")
        live = await stage.settles(session, turns=2)
        assert live.turn_count == 2
        await until(lambda: not stage.manager.inbox(session.session_id), "nothing waits in the inbox")
        busy = stage.session("sleep 30")
        await until(lambda: stage.live(busy).is_processing, "a running turn")
        stage.manager.hibernate_idle(0.0)
        assert not stage.manager.inbox(busy.session_id), "what works is not asked to sleep"
