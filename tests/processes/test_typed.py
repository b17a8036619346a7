"""What is typed while a question is open answers it, on the whole path; with one tap it is a message after all."""

from stages.playhouse import buttons, playhouse
from stages.support import awaited

QUESTION = "question Which colour? | Red = warm | Blue = cold"


@awaited
async def test_a_typed_text_answers_the_open_question() -> None:
    async with playhouse() as house:
        thread = await house.starts(f"Ask me\n{QUESTION}")
        card = await house.card(thread)
        await house.you.says(thread.id, "green, please")
        mark = await house.shows(thread, "Taken as the answer to Claude’s question")
        assert list(buttons(mark)) == ["Not an answer"]
        await house.settled(card, "Answered by You")
        assert "green, please" in str(card.embeds)
        await house.until(lambda: "Claude gets this as the answer" in mark.content, "what became of the text")
        assert not buttons(mark)
        await house.done(thread)


@awaited
async def test_not_an_answer_sends_it_as_a_message_and_leaves_the_question_open() -> None:
    async with playhouse() as house:
        thread = await house.starts(f"Ask me\n{QUESTION}")
        card = await house.card(thread)
        await house.you.says(thread.id, "say And this is a message")
        mark = await house.shows(thread, "Taken as the answer to Claude’s question")
        refused = await house.press(mark, "Not an answer", house.mallory)
        assert refused.answer and "do not have the right" in refused.answer.content
        await house.press(mark, "Not an answer")
        await house.until(lambda: "Not an answer" not in buttons(mark), "it is a message")
        await house.press(card, "No answer")
        await house.shows(thread, "And this is a message")
        await house.settled(card, "You chose not to answer")
