"""The gateway against the loopback Discord: messages, clicks, and what comes between."""

import asyncio
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.protocol.errors import UserError
from bridge.routing.actions import PromptSession
from stages.gateway_stage import DEADLINE_S, buttons, stage
from stages.support import awaited, until
from supervisor.discord.connection import MOST_LOSSES
from supervisor.discord.identify_budget import IDENTIFY_BURST, IdentifyBudget
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.store import Store
from supervisor.threads.gone import CHANNEL_DELETED, THREAD_DELETED
from supervisor.threads.inbound import FIRST_CONNECTION_S
from twins.discord.model import MessageFlag, MessageType, Permission

pytestmark = pytest.mark.slow


# --- messages ----------------------------------------------------------------------------------------


@awaited
async def test_a_message_in_a_channel_becomes_a_session_and_its_first_prompt(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session_of(await s.ada.says(s.channel.id, "fix\nthe bug", mention_bot=True))
        assert s.prompts(session) == ["fix\nthe bug"]
        assert (session.channel_id, session.guild_id, session.owner_id) == (s.channel.id, s.discord.guild_id, s.ada.id)
        assert session.directory == str(s.project)
        assert s.manager.title(session.session_id) == "fix the bug"


@awaited
async def test_a_message_in_the_thread_is_a_prompt_and_a_role_is_enough(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session("one")
        await s.bob.says(session.thread_id, "two")
        three = await s.ada.says(session.thread_id, "three")
        await s.heard(session.thread_id, three)
        assert s.prompts(session) == ["one", "two", "three"]


@awaited
async def test_messages_that_no_person_wrote_and_other_channels_are_ignored(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        robot = s.discord.add_person("Robot", bot=True)
        s.discord.allow_intents()
        await robot.says(s.channel.id, "hello", mention_bot=True)
        s.discord.webhook_says(s.channel.id, "hook", "hello")
        s.discord.system_message(s.channel.id, MessageType.MEMBER_JOIN, s.ada.user)
        await s.ada.says(s.unrelated.id, "hello", mention_bot=True)
        thread = await s.ada.starts_thread(await s.ada.says(s.unrelated.id, "x"), "a thread of theirs")
        await s.ada.says(thread.id, "hello", mention_bot=True)
        last = await s.ada.says(s.quiet.id, "the bot is not mentioned")
        await s.heard(s.quiet.id, last)
        assert not s.manager.has_any_sessions()


@awaited
async def test_a_stranger_is_refused_silently_and_once_a_minute(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        first = await s.eve.says(s.channel.id, "do it", mention_bot=True)
        await s.eve.says(s.channel.id, "do it!", mention_bot=True)
        last = await s.eve.says(s.channel.id, "please", mention_bot=True)
        await s.heard(s.channel.id, last)
        told = await s.discord.until(
            lambda: [m for m in s.discord.messages(s.channel.id) if m.author is s.discord.bot], DEADLINE_S, "a refusal"
        )
        session = await s.session()  # by then a second refusal would have been sent
        assert s.manager.get_all_sessions() == [session]
        assert [m.reply_to for m in s.discord.messages(s.channel.id) if m.author is s.discord.bot] == [first.id]
        assert "the right **talk**" in told[0].text
        assert told[0].flags & MessageFlag.SUPPRESS_NOTIFICATIONS
        assert not told[0].pinged.users


@awaited
async def test_what_cannot_be_read_is_answered_in_the_thread(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        only_mention = await s.ada.says(session.thread_id, "", mention_bot=True)
        await s.heard(session.thread_id, only_mention)
        post = s.store.post(session.session_id, f"refused:{only_mention.id}")
        assert post is not None
        assert "no text" in post.desired.content
        assert post.desired.reply_to == only_mention.id


@awaited
async def test_a_deleted_thread_or_channel_ends_its_sessions(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        first, second = await s.session("one"), await s.session("two")
        s.discord.delete_channel(first.thread_id)
        await s.discord.until(
            lambda: s.manager.row(first.session_id).end_reason == THREAD_DELETED, DEADLINE_S, "the session's end"
        )
        s.discord.delete_channel(s.channel.id)
        await s.discord.until(
            lambda: s.manager.row(second.session_id).end_reason == CHANNEL_DELETED, DEADLINE_S, "the session's end"
        )


@awaited
async def test_a_channel_that_is_hidden_from_the_bot_is_said_to_be_until_it_is_shown_again(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back() as standing:
        s.discord.deny(s.channel.id, Permission.VIEW_CHANNEL)
        await s.discord.until(lambda: standing.unusable == 1, DEADLINE_S, "that it is hidden")
        assert standing.state == f"connected to Discord; the bot may not see channel {s.channel.id} (View Channels)"
        s.discord.deny(s.channel.id, Permission.SEND_MESSAGES)
        await s.discord.until(lambda: standing.unusable == 0, DEADLINE_S, "that it is there again")
        assert standing.state == "connected to Discord"


@awaited
async def test_a_message_that_could_not_be_handled_is_read_back_and_then_given_up_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("supervisor.threads.inbound.RETRY_MIN_S", 0.01)
    monkeypatch.setattr("supervisor.threads.inbound.RETRY_MAX_S", 0.01)
    async with stage(tmp_path) as s, s.back():
        session = await s.session("one")
        hear, failures = s.manager.hear, {"two": 2, "poison": 100}

        def failing(action: PromptSession, handled_in: int) -> None:
            failures[action.text] = failures.get(action.text, 0) - 1
            if failures[action.text] >= 0:
                raise OSError("no space left on the device")
            hear(action, handled_in)

        monkeypatch.setattr(s.manager, "hear", failing)
        await s.ada.says(session.thread_id, "two")
        poison = await s.ada.says(session.thread_id, "poison")
        last = await s.ada.says(session.thread_id, "last")
        await s.heard(session.thread_id, last)
        assert s.prompts(session) == ["one", "two", "last"]
        post = s.store.post(session.session_id, f"refused:{poison.id}")
        assert post
        assert "could not be handled" in post.desired.content


# --- clicks ------------------------------------------------------------------------------------------


@awaited
async def test_two_requests_are_decided_crosswise_each_in_its_own_thread(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        a, b = await s.session("a"), await s.session("b")
        s.begins_turn(a)
        s.begins_turn(b)
        card_a, card_b = await s.asks(a, "ls a"), await s.asks(b, "ls b")
        await s.ada.clicks(card_b, buttons(card_b)["Deny"])
        await s.bob.clicks(card_a, buttons(card_a)["Allow"])
        (of_a,), (of_b,) = s.decisions(a), s.decisions(b)
        assert (of_a.verdict, of_a.decider, of_a.digest) == ("allowed", "Bob", a.requests[of_a.seq].event.digest)
        assert (of_b.verdict, of_b.decider, of_b.decided_by) == ("denied", "Ada", s.ada.id)


@awaited
async def test_a_click_with_the_custom_id_of_another_threads_request_decides_nothing(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        a, b = await s.session("a"), await s.session("b")
        s.begins_turn(a)
        card = await s.asks(a, "rm -rf /")
        forged = s.discord.forge_click(b.thread_id, buttons(card)["Allow"], s.ada.user)
        answer = await s.discord.until(lambda: forged.answer, DEADLINE_S, "an answer")
        assert answer
        assert answer.ephemeral
        assert "another thread" in answer.content
        assert not s.decisions(a)


@awaited
async def test_the_wrong_person_is_refused_and_the_first_decision_wins(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        s.begins_turn(session)
        card = await s.asks(session, "ls")
        refused = await s.eve.clicks(card, buttons(card)["Allow"])
        assert refused.answer
        assert refused.answer.ephemeral
        assert not s.decisions(session)
        await s.ada.clicks(card, buttons(card)["Allow"])
        late = await s.bob.clicks(card, buttons(card)["Deny"])
        assert late.answer
        assert late.answer.content == f"This request was already allowed by {s.ada.mention}."
        assert [d.verdict for d in s.decisions(session)] == ["allowed"]


@awaited
async def test_a_reason_is_asked_for_in_a_modal_and_travels_with_the_denial(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        s.begins_turn(session)
        card = await s.asks(session, "ls")
        modal = await s.ada.clicks(card, buttons(card)["Deny with a reason…"])
        assert not s.decisions(session)
        await s.ada.submits(modal, {"reason": "use git ls-files"})
        (decision,) = s.decisions(session)
        assert (decision.verdict, decision.reason, decision.decider) == ("denied", "use git ls-files", "Ada")


@awaited
async def test_start_fresh_is_wished_for_and_an_unknown_button_is_said_to_be_so(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():
        session = await s.session()
        fresh = f"tb:fresh:{session.session_id.replace('-', '')}"
        clicked = s.discord.forge_click(session.thread_id, fresh, s.ada.user, session.thread_id)
        await s.discord.until(lambda: clicked.answer, DEADLINE_S, "an answer")
        assert s.manager.row(session.session_id).fresh
        unknown = s.discord.forge_click(session.thread_id, "something else", s.ada.user)
        answer = await s.discord.until(lambda: unknown.answer, DEADLINE_S, "an answer")
        assert answer
        assert "not known" in answer.content


# --- the connection ----------------------------------------------------------------------------------


@awaited
async def test_what_was_written_while_we_were_away_is_handled_once_and_in_order(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        await s.ada.says(s.channel.id, "before our first start")
        async with s.back():
            session = await s.session("one")
            assert s.manager.get_all_sessions() == [session]
        for n in range(120):
            await s.ada.says(session.thread_id, f"away {n}")
        await s.eve.says(session.thread_id, "a stranger")
        await s.bob.says(session.thread_id, "by role")
        new = await s.ada.says(s.channel.id, "a new session")
        await s.eve.says(s.channel.id, "not allowed")
        async with s.back():
            expected = ["one", *(f"away {n}" for n in range(120)), "by role"]
            assert s.prompts(session) == expected
            await s.session_of(new)
            assert s.manager.active_session_count() == 2
        async with s.back():
            assert s.prompts(session) == expected
            assert s.manager.active_session_count() == 2


@awaited
async def test_what_is_written_between_the_very_first_start_and_the_first_connection_is_heard(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        before = await s.ada.says(s.channel.id, "before our first start")
        port = int(s.discord.api_base.rpartition(":")[2].partition("/")[0])
        await s.discord.stop()
        async with s.running():
            begun = s.ears.inbound._started_at + 0.01  # an id of Discord's tells its time in milliseconds
            await until(lambda: s.manager.clock() > begun, "a later time")
            early = await s.ada.says(s.channel.id, "you have just been started")
            await s.discord.start(port)
            await s.is_back()
            session = await s.session_of(early)
            assert s.manager.get_all_sessions() == [session]
            assert s.discord.thread_of(before) is None


@awaited
async def test_a_server_that_shows_itself_long_after_the_start_begins_with_what_is_written_then(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        port = int(s.discord.api_base.rpartition(":")[2].partition("/")[0])
        await s.discord.stop()
        async with s.running():
            await s.ada.says(s.channel.id, "long ago")
            s.ears.inbound._started_at -= FIRST_CONNECTION_S
            await s.discord.start(port)
            await s.is_back()
            session = await s.session("now")
            assert s.manager.get_all_sessions() == [session]


@awaited
async def test_a_live_message_waits_for_the_end_of_a_read_back(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        async with s.back():
            session = await s.session("one")
        await s.ada.says(session.thread_id, "two")
        s.discord.latency_s = 0.3
        async with s.running() as standing:
            await s.discord.until(lambda: s.discord.connected and "reading back" in standing.state, DEADLINE_S, "a gap")
            await s.ada.says(session.thread_id, "three")
            await s.is_back()
            await s.discord.until(lambda: len(s.prompts(session)) == 3, DEADLINE_S, "three prompts")
            assert s.prompts(session) == ["one", "two", "three"]


@awaited
async def test_an_invalidated_session_is_read_back_and_a_lost_socket_resumed(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back() as standing:
        session = await s.session("one")
        s.discord.drop_gateway()
        await s.ada.says(session.thread_id, "two")
        await s.discord.until(lambda: s.discord.gateway.resumed, DEADLINE_S, "RESUMED")
        await s.is_back()
        s.discord.gateway.invalidate_sessions()
        three = await s.ada.says(session.thread_id, "three")
        await s.discord.until(lambda: not standing.back_at, DEADLINE_S, "away")
        await s.heard(session.thread_id, three)
        assert s.prompts(session) == ["one", "two", "three"]


@awaited
async def test_a_thread_that_was_deleted_while_we_were_away_ends_its_session(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        async with s.back():
            session = await s.session("one")
        s.discord.delete_channel(session.thread_id)
        async with s.back():
            assert s.manager.row(session.session_id).end_reason == THREAD_DELETED


@awaited
async def test_a_session_whose_thread_is_not_made_yet_survives_a_read_back(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        async with s.back():
            session = await s.session_of(await s.ada.says(s.channel.id, "one"))
        async with s.back():
            assert s.manager.row(session.session_id).ended_at is None


@awaited
async def test_a_discord_that_is_away_at_the_start_is_waited_for(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        port = int(s.discord.api_base.split(":")[2].split("/")[0])
        await s.discord.stop()
        async with s.running() as standing:
            await s.discord.until(lambda: "Discord is away" in standing.state, DEADLINE_S, "words about it")
            await s.discord.start(port)
            await s.is_back()
            assert standing.state == "connected to Discord"


@awaited
async def test_a_wrong_token_and_a_missing_intent_are_final_and_say_what_to_do(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        async with s.running("wrong"):
            with pytest.raises(UserError, match="token"):
                await asyncio.wait_for(s.task, DEADLINE_S)
        s.discord.allow_intents(message_content=False)
        async with s.running():
            with pytest.raises(UserError, match="Message Content Intent"):
                await asyncio.wait_for(s.task, DEADLINE_S)


@awaited
async def test_a_socket_that_is_lost_again_and_again_is_given_up_for_a_fresh_connection(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back() as standing:
        for n in range(1, MOST_LOSSES + 1):
            s.discord.drop_gateway()
            await s.discord.until(lambda: not standing.back_at, DEADLINE_S, f"loss {n}")
            await s.is_back()
        assert s.discord.gateway.resumed == MOST_LOSSES - 1
        assert s.discord.gateway.identified == 2


@awaited
async def test_a_spent_budget_of_identifies_is_waited_for_and_not_overdrawn(tmp_path: Path) -> None:
    async with stage(tmp_path) as s:
        store = Store(s.config.layout.database)
        with store.transaction():
            store.remember(Fact.IDENTIFY_BUDGET, '{"left": 0.5, "at": 99999999999}')
        store.close()
        async with s.running() as standing:
            await s.discord.until(lambda: "too many connections" in standing.state, DEADLINE_S, "words about it")
            assert not s.discord.gateway.identified


def test_the_budget_of_identifies_allows_a_burst_and_then_one_every_two_minutes() -> None:
    budget, waits = IdentifyBudget(), []
    for _ in range(IDENTIFY_BURST + 1):
        budget, wait_s = budget.take(1000.0)
        waits.append(wait_s)
    assert waits == [0.0] * IDENTIFY_BURST + [120.0]
    budget, wait_s = budget.take(1000.0 + 60.0)
    assert wait_s == pytest.approx(60.0)
    assert budget.take(1000.0 + 120.0)[1] == 0.0


@awaited
async def test_the_presence_shows_sessions_and_work_and_is_sent_when_it_changes(tmp_path: Path) -> None:
    async with stage(tmp_path) as s, s.back():

        def shown() -> list[str]:
            return [presence["activities"][0]["state"] for presence in s.discord.presences]

        await s.discord.until(lambda: shown() == ["ready"], DEADLINE_S, "ready")
        session = await s.session()
        await s.discord.until(lambda: shown()[-1] == "1 session active", DEADLINE_S, "active")
        s.begins_turn(session)
        await s.discord.until(lambda: shown()[-1] == "working on 1", DEADLINE_S, "working")
        s.happens(session, e.TurnEnded("completed"))
        await s.discord.until(lambda: shown()[-1] == "1 session active", DEADLINE_S, "active again")
        assert len(shown()) == 4
