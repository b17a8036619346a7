"""A person who takes long over what Claude asks: clocks are moved on, supervisors come and go, others press too."""

from stages.playhouse import buttons, playhouse
from stages.support import awaited

from .test_questions import picks, presses, selects, shows, told

WHAT = ("one", "two", "three", "four", "five", "six")
SIX = "question " + " || ".join(f"Which {what}? | A{what} | B{what}" for what in WHAT)
MINUTE = 60.0


@awaited
async def test_a_card_with_several_questions_takes_its_answers_over_more_than_an_hour() -> None:
    async with playhouse(moves_clocks=True) as house:
        thread = await house.starts(SIX)
        card = await house.card(thread)
        await picks(house, card, 0, "1")
        await shows(house, card, "Chosen so far: **Bone**")
        house.passes(20 * MINUTE)
        refused = await house.mallory.clicks(card, selects(card)[1]["custom_id"], ("1",))
        assert refused.answer and "the right **decide**" in refused.answer.content
        await picks(house, card, 1, "0")
        await shows(house, card, "Chosen so far: **Atwo**")
        modal = await presses(house, card, "Other…")
        house.passes(20 * MINUTE)
        await house.restarts()
        await house.you.submits(modal, {"answer2": "my own"})
        await shows(house, card, "Chosen so far: **my own**")

        house.passes(20 * MINUTE)
        house.discord.world.delete(card)
        again = await house.card(thread)
        assert again is not card and "Send answers (3 of 6)" in buttons(again), "a moderator deleted it"
        await presses(house, again, "More (1 of 2)")
        await house.until(lambda: len(selects(again)) == 2, "the second part")
        house.passes(20 * MINUTE)
        await house.restarts()
        for value, chosen in (("0", "Afive"), ("1", "Bfive")):
            await picks(house, again, 0, value)
            await shows(house, again, f"Chosen so far: **{chosen}**")
        await presses(house, again, "Send answers (4 of 6)")
        await house.settled(again, "✓ Answered by You")
        await house.done(thread)
        log = told(house)
        assert '\\"Which one?\\"=\\"Bone\\"' in log and '\\"Which three?\\"=\\"my own\\"' in log
        assert '=\\"Bfive\\"' in log and '=\\"Bfour\\"' not in log
