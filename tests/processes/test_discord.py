"""Whole conversations: what people see in Discord when real workers do the work."""

import asyncio
import json

import pytest

from bridge.render.marks import WAITS
from stages.playhouse import Playhouse, buttons, playhouse
from stages.support import awaited
from twins.discord.model import Permission

LOOKS = 40
"""Each takes a process."""


@awaited
async def test_two_threads_ask_at_once_and_each_answer_lands_in_its_own() -> None:
    async with playhouse() as house:
        one, two = await asyncio.gather(house.starts("run touch one.txt"), house.starts("run touch two.txt"))
        card_one, card_two = await asyncio.gather(house.card(one), house.card(two))
        assert "one.txt" in str(card_one.embeds)
        assert "two.txt" in str(card_two.embeds)
        refused = await house.press(card_one, "Allow", house.mallory)
        assert refused.answer
        assert refused.answer.ephemeral
        forged = house.discord.forge_click(two.id, buttons(card_one)["Allow"], house.you.user, card_two.id)
        await house.until(lambda: forged.answer, "an answer to the forged click")
        assert "another thread" in str(forged.answer)
        assert buttons(card_one), "nothing was decided yet"
        await asyncio.gather(house.press(card_two, "Deny"), house.press(card_one, "Allow"))
        await asyncio.gather(house.settled(card_one, "· allowed by You"), house.settled(card_two, "· denied by You"))
        await asyncio.gather(house.done(one), house.done(two))
        assert (house.project / "one.txt").exists()
        assert not (house.project / "two.txt").exists()
        listed = json.loads((await house.host.threadbridge.ask("list", "--json")).out)
        assert {line["thread"] for line in listed} == {one.id, two.id}
        assert all(line["attached"] and line["state"] == "idle" for line in listed)
        assert (await house.host.threadbridge.ask("kill", "--all")).code == 0
        listed = json.loads((await house.host.threadbridge.ask("list", "--json")).out)
        assert [(line["state"], line["worker_pid"]) for line in listed] == [("ended", None)] * 2


@awaited
async def test_a_reason_for_a_denial_goes_from_the_modal_to_claude_and_into_the_card() -> None:
    async with playhouse() as house:
        thread = await house.starts("run touch secret.txt")
        card = await house.card(thread)
        assert card.pinged.users == {house.you.id}
        asked = await house.press(card, "Deny with a reason…")
        assert asked.answer
        assert asked.answer.modal
        field = asked.answer.modal["components"][0]
        inner = field.get("component") or field["components"][0]
        await house.you.submits(asked, {inner["custom_id"]: "use another name"})
        await house.settled(card, "use another name")
        await house.done(thread)
        assert not (house.project / "secret.txt").exists()
        log = (await house.host.threadbridge.ask("log", str(thread.id))).out
        assert "use another name" in log


@awaited
async def test_a_click_on_a_settled_card_says_how_it_ended() -> None:
    async with playhouse() as house:
        thread = await house.starts("run touch x.txt")
        card = await house.card(thread)
        allow = buttons(card)["Allow"]
        await house.press(card, "Deny")
        await house.settled(card, "denied by")
        late = house.discord.forge_click(thread.id, allow, house.you.user, card.id)
        await house.until(lambda: late.answer, "an answer")
        assert f"already denied by {house.you.mention}" in str(late.answer)


@awaited
async def test_a_message_during_a_turn_has_a_reaction_and_nothing_of_that_is_left_when_it_is_taken_up() -> None:
    async with playhouse() as house:
        thread = await house.starts("sleep 3\nsay first answer")
        await house.shows(thread, "sleep 3")
        said = await house.you.says(thread.id, "say second answer")
        mark = await house.shows(thread, "Sent to Claude")
        await house.until(lambda: WAITS in said.reactions, "a reaction")
        await house.until(lambda: mark.deleted and not said.reactions, "no trace of it")
        await house.shows(thread, "first answer")


@awaited
async def test_where_the_bot_may_not_react_the_mark_below_a_message_says_what_became_of_it() -> None:
    async with playhouse() as house:
        house.discord.deny(house.host.channel.id, Permission.ADD_REACTIONS)
        thread = await house.starts("sleep 3\nsay first answer")
        await house.shows(thread, "sleep 3")
        said = await house.you.says(thread.id, "say second answer")
        mark = await house.shows(thread, "Sent to Claude")
        await house.until(lambda: "Claude took this up" in mark.content, "the changed mark")
        assert not said.reactions


@awaited
async def test_claudes_text_pings_nobody() -> None:
    async with playhouse() as house:
        thread = await house.starts(f"say Hello @everyone and @here and <@{house.mallory.id}>")
        await house.shows(thread, "Hello")
        await house.done(thread)
        assert not [m for m in house.posts(thread) if m.pinged]


@awaited
async def test_a_subagent_may_ask_after_its_turn_and_the_turn_that_follows_is_shown() -> None:
    async with playhouse() as house:
        thread = await house.starts("subagent ask touch sub.txt after 0.3 s\nsay Launched it")
        await house.done(thread)
        card = await house.card(thread)
        assert "asked by a subagent" in card.content
        await house.press(card, "Allow")
        await house.settled(card, "· allowed by You")
        await house.until((house.project / "sub.txt").exists, "the subagent's file")
        await house.shows(thread, "A background task ended")
        await house.done(thread, 2)


@awaited
async def test_a_plan_is_shown_whole_and_approved() -> None:
    async with playhouse() as house:
        thread = await house.starts("plan # The plan\\n- step one\\n- step two")
        card = await house.card(thread)
        assert "Keep planning…" in buttons(card)
        assert "step two" in str(card.embeds)
        await house.press(card, "Approve")
        await house.settled(card, "Plan approved by You")
        await house.done(thread)


@awaited
async def test_retries_and_failures_are_said_as_they_happen() -> None:
    async with playhouse() as house:
        retried = await house.starts("retry 529 2 times every 0.1 s\nsay Here after all")
        await house.shows(retried, "Claude is overloaded, trying again")
        await house.shows(retried, "Here after all")
        failed = await house.starts("not logged in")
        await house.shows(failed, "run `claude` on the host and log in")
        await house.done(failed, how="✗ failed")
        assert "✓ done" not in house.text(failed)


@awaited
async def test_a_long_answer_leaves_a_summary_with_a_link_in_the_channel() -> None:
    async with playhouse() as house:
        thread = await house.starts("stream 3000 chars over 0.5 s")
        await house.done(thread)
        found = await house.until(
            lambda: [m for m in house.posts(house.host.channel) if str(thread.id) in m.content], "the summary"
        )
        assert f"/{thread.id}" in found[0].content
        assert len(house.posts(thread)) >= 2
        deletions = [r for r in house.discord.requests if r.method == "DELETE"]
        assert deletions == [], "nothing is posted and then deleted"


@awaited
async def test_a_claude_that_dies_is_told_and_the_next_message_goes_on() -> None:
    async with playhouse() as house:
        thread = await house.starts("say before\nstderr out of memory\ndie 3")
        await house.shows(thread, "exit code 3")
        await house.you.says(thread.id, "say after the crash")
        await house.shows(thread, "after the crash")
        await house.done(thread)


@awaited
async def test_stop_ends_the_turn_then_the_session_and_continue_wakes_it() -> None:
    async with playhouse() as house:
        thread = await house.starts("stream 4000 chars over 20 s")
        await house.until(lambda: house.posts(thread), "streaming text")
        await house.you.runs("stop", channel_id=thread.id)
        await house.done(thread, how="■ interrupted")
        await house.you.runs("stop", channel_id=thread.id)
        async with asyncio.timeout(20):
            while (await listed(house))[0]["state"] != "ended":
                await asyncio.sleep(0.1)
        await house.you.runs("continue", {"prompt": "say awake again"}, channel_id=thread.id)
        await house.shows(thread, "awake again")


async def listed(house: Playhouse) -> list[dict[str, object]]:
    answer = await house.host.threadbridge.ask("list", "--json")
    found: list[dict[str, object]] = json.loads(answer.out)
    return found


@awaited
async def test_others_bots_webhooks_and_strangers_start_nothing() -> None:
    async with playhouse() as house:
        bot = house.discord.add_person("Robot", bot=True)
        await bot.says(house.host.channel.id, "say hello")
        house.discord.webhook_says(house.host.channel.id, "Hook", "say hello")
        await house.mallory.says(house.host.channel.id, "say hello")
        thread = await house.starts("say this one counts")
        await house.done(thread)
        assert [t.id for t in house.discord.threads(house.host.channel.id)] == [thread.id]


@awaited
async def test_where_the_bot_may_not_embed_a_card_stands_in_plain_words_and_can_be_pressed() -> None:
    async with playhouse() as house:
        house.discord.deny(house.host.channel.id, Permission.EMBED_LINKS)
        thread = await house.starts("run touch plain.txt")
        card = await house.card(thread)
        assert "touch plain.txt" in card.content and not card.embeds
        await house.press(card, "Allow")
        await house.settled(card, "· allowed by You")
        await house.done(thread)
        assert (house.project / "plain.txt").exists()


@awaited
async def test_a_click_in_the_moment_in_which_the_next_supervisor_comes_in_is_answered_at_once() -> None:
    async with playhouse() as house:
        thread = await house.starts("run touch x.txt")
        card = await house.card(thread)
        supervisor = house.host.supervisor
        await supervisor.kill()
        await house.until(lambda: not house.discord.connected, "the end of the connection")
        await supervisor.start()
        await house.until(lambda: house.discord.connected, "the next one's, before it heard of any server")
        await house.press(card, "Allow")
        await house.settled(card, "· allowed by You")
        await house.done(thread)


async def status_of(house: Playhouse, line: str, words: str = "") -> str:
    """Its first line that begins so and has these words; what it said last where there is none."""
    for _ in range(LOOKS):
        said = (await house.host.threadbridge.ask("status")).out
        if found := [one for one in said.splitlines() if one.startswith(line) and words in one]:
            return found[0]
    return said


@pytest.mark.parametrize(
    ("taken", "words"),
    [
        (Permission.SEND_MESSAGES_IN_THREADS, "the bot lacks the permission *Send Messages in Threads*"),
        (Permission.VIEW_CHANNEL, "the bot lacks the permission *View Channel*"),
    ],
)
@awaited
async def test_a_permission_that_is_taken_away_in_a_turn_is_known_to_status_at_once(
    taken: Permission, words: str
) -> None:
    async with playhouse() as house:
        thread = await house.starts("say before\nsleep 1\nrun touch x.txt")
        await house.shows(thread, "before")
        house.discord.deny(house.host.channel.id, taken)
        await house.until(lambda: house.discord.invalid_requests, "a refusal")
        line = "NOT WELL: the bridge says: I cannot write in"
        assert (said := await status_of(house, line, words)).startswith(line), said
        house.discord.deny(house.host.channel.id, Permission.NONE)
        await house.press(await house.card(thread), "Allow")
        await house.done(thread)
        assert await status_of(house, "well") == "well"
