"""Claude's questions and plans, from Claude through Discord and back, across restarts of the supervisor."""

from typing import Any

from stages.playhouse import Playhouse, buttons, playhouse
from stages.support import awaited
from twins.discord.interactions import AnswerType, Interaction
from twins.discord.model import Message

TWO = "question Which colour? | Red = warm | Blue = cold || Which fruits? (several) | Apple | Pear | Fig"


def selects(card: Message) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = list(card.components)
    return [part for row in rows for part in row["components"] if part["type"] == 3]


async def shows(house: Playhouse, card: Message, part: str) -> None:
    await house.until(lambda: part in card.content or part in str(card.embeds), f"a card with {part!r}")


async def picks(house: Playhouse, card: Message, number: int, *values: str) -> Interaction:
    return await house.you.clicks(card, selects(card)[number]["custom_id"], values)


async def presses(house: Playhouse, card: Message, label: str) -> Interaction:
    """The button whose label begins so."""
    found = await house.until(lambda: [b for b in buttons(card) if b.startswith(label)], f"a button {label!r}")
    return await house.press(card, found[0])


def told(house: Playhouse) -> str:
    """All that the session's log holds."""
    return "".join(log.read_text() for log in house.host.place.state.glob("sessions/*/log*"))


@awaited
async def test_two_questions_are_answered_by_selects_with_a_dead_supervisor_in_between() -> None:
    async with playhouse() as house:
        thread = await house.starts(TWO)
        card = await house.card(thread)
        assert "Claude asks: Which colour? (and 1 more)" in card.content
        await picks(house, card, 0, "1")
        await shows(house, card, "Chosen so far: **Blue**")
        await house.restarts()
        assert "Send answers (1 of 2)" in buttons(card)
        await picks(house, card, 1, "0", "2")
        await shows(house, card, "Chosen so far: **Apple, Fig**")
        await presses(house, card, "Send answers (2 of 2)")
        await house.settled(card, "✓ Answered by You")
        assert "→ Blue" in str(card.embeds) and "→ Apple, Fig" in str(card.embeds)
        assert not selects(card)
        await house.done(thread)
        assert '\\"Which colour?\\"=\\"Blue\\", \\"Which fruits?\\"=\\"Apple, Fig\\"' in told(house)


@awaited
async def test_one_question_is_answered_by_one_click_and_the_first_answer_counts() -> None:
    async with playhouse() as house:
        thread = await house.starts("question Which colour? | Red | Blue")
        card = await house.card(thread)
        assert list(buttons(card)) == ["1. Red", "2. Blue", "Other…", "No answer"]
        ids = buttons(card)
        refused = await house.press(card, "1. Red", house.mallory)
        assert refused.answer and refused.answer.ephemeral and "the right **decide**" in refused.answer.content
        await house.press(card, "2. Blue")
        await house.settled(card, "✓ Answered by You")
        assert "→ Blue" in str(card.embeds)
        card.components = [{"type": 1, "components": [{"type": 2, "id": 1, "custom_id": ids["1. Red"], "style": 1}]}]
        late = await house.you.clicks(card, ids["1. Red"])
        assert late.answer and f"already allowed by {house.you.mention}" in late.answer.content


@awaited
async def test_own_words_go_through_the_modal_and_no_answer_is_said_in_words() -> None:
    async with playhouse() as house:
        thread = await house.starts("question Which colour? | Red | Blue\n" + TWO + "\nquestion Really? | Yes | No")
        first = await house.card(thread)
        modal = await house.press(first, "Other…")
        assert modal.answer and modal.answer.type is AnswerType.MODAL
        await house.you.submits(modal, {"answer0": "Mauve, *please*"})
        await house.settled(first, "✓ Answered by You")
        assert r"Mauve, \\*please\\*" in str(first.embeds)

        second = (await house.until(lambda: [m for m in house.posts(thread) if selects(m)], "the second card"))[0]
        nothing = await presses(house, second, "Send answers (0 of 2)")
        assert nothing.answer and nothing.answer.ephemeral and "at least one answer" in nothing.answer.content
        await house.you.submits(await presses(house, second, "Other…"), {"answer1": "Quince"})
        await shows(house, second, "Chosen so far: **Quince**")
        await presses(house, second, "Send answers (1 of 2)")
        await house.settled(second, "✓ Answered by You")
        assert "(no answer)" in str(second.embeds)

        third = await house.card(thread)
        await house.press(third, "No answer")
        await house.settled(third, "✗ You chose not to answer")
        await house.done(thread)
        log = told(house)
        assert '\\"Which fruits?\\"=\\"Quince\\"' in log and "The person chose not to answer" in log


@awaited
async def test_a_question_that_claude_takes_back_keeps_no_draft_and_takes_no_answer() -> None:
    async with playhouse() as house:
        thread = await house.starts(TWO)
        card = await house.card(thread)
        send = next(custom_id for label, custom_id in buttons(card).items() if label.startswith("Send"))
        await picks(house, card, 0, "0")
        await shows(house, card, "Chosen so far: **Red**")
        await house.you.runs("stop", channel_id=thread.id)
        await house.settled(card, "Withdrawn")
        card.components = [{"type": 1, "components": [{"type": 2, "id": 1, "custom_id": send, "style": 1}]}]
        late = await house.you.clicks(card, send)
        assert late.answer and "withdrawn" in late.answer.content


@awaited
async def test_a_plan_is_approved_with_edits_accepted_so_the_next_edit_is_not_asked_about() -> None:
    async with playhouse() as house:
        thread = await house.starts("plan # The plan\\n- step one\nwrite notes.txt hello")
        card = await house.card(thread)
        assert list(buttons(card)) == ["Approve", "Approve and accept edits", "Keep planning…"]
        await house.press(card, "Approve and accept edits")
        await house.settled(card, "Plan approved by You, edits are accepted without asking")
        await house.done(thread)
        assert (house.project / "notes.txt").read_text() == "hello\n"
        assert len([m for m in house.posts(thread) if m.embeds]) == 1


@awaited
async def test_what_to_change_in_a_plan_reaches_claude_and_the_card() -> None:
    async with playhouse() as house:
        thread = await house.starts("plan Use sqlite\nplan Use postgres")
        first = await house.card(thread)
        modal = await house.press(first, "Keep planning…")
        await house.you.submits(modal, {"reason": "not *sqlite*"})
        await house.settled(first, "You wants Claude to keep planning: “not")
        second = await house.card(thread)
        await house.you.submits(await house.press(second, "Keep planning…"), {})
        await house.settled(second, "You wants Claude to keep planning")
        await house.done(thread)
        log = told(house)
        assert "not *sqlite*" in log and "The person wants you to keep planning" in log


@awaited
async def test_a_servers_tool_and_a_subagent_are_called_by_their_names() -> None:
    async with playhouse() as house:
        thread = await house.starts("mcp github search open issues\nsubagent ask touch sub.txt")
        card = await house.card(thread)
        assert "Use **search** of the server **github**" in card.content
        await house.press(card, "Always allow")
        await house.settled(card, "allowed always")
        asked = await house.card(thread)
        assert "asked by a subagent of Claude’s (general-purpose: run touch)" in asked.content
        await house.press(asked, "Allow")
        await house.settled(asked, "· allowed by You")
