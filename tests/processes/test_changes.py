"""*Diff* below a turn's last line: what the turn changed, and what the session did."""

from stages.playhouse import Playhouse, buttons, playhouse
from stages.support import awaited
from twins.discord.model import Channel, Message


async def changes(house: Playhouse, thread: Channel, label: str = "Diff", of: Message | None = None) -> Message:
    """What the newest *Diff* of the thread is answered with."""
    last = of or [m for m in house.posts(thread) if "Diff" in buttons(m)][-1]
    pressed = await house.press(last, label)
    await house.until(lambda: pressed.answer and pressed.answer.content, "the whole answer")
    assert pressed.answer and pressed.answer.message
    return pressed.answer.message


def body(message: Message) -> str:
    return "".join(str(embed["description"]) for embed in message.embeds)


@awaited
async def test_a_turns_changes_and_the_sessions_are_shown_to_who_presses() -> None:
    async with playhouse() as house:
        (house.project / "notes.txt").write_text("one\ntwo\nthree\n")
        thread = await house.starts("edit notes.txt two => zwei")
        await house.press(await house.card(thread), "Allow")
        await house.done(thread)
        await house.you.says(thread.id, "edit notes.txt zwei => deux\nwrite new.txt hello")
        await house.press(await house.card(thread), "Accept edits")
        await house.done(thread, 2)
        answer = await changes(house, thread)
        assert answer.ephemeral_for == house.you.id
        assert answer.content.startswith("In this turn +2 −1:\nnotes.txt +1 −1\nnew.txt +1 −0 (new)")
        assert "- 2 zwei\n+ 2 deux" in body(answer)
        whole = await changes(house, thread, "Since the session's start", answer)
        assert "- 2 two\n+ 2 deux" in body(whole)
        assert "zwei" not in body(whole)


@awaited
async def test_a_turn_that_changed_nothing_has_no_such_button() -> None:
    async with playhouse() as house:
        thread = await house.starts("say hello")
        await house.done(thread)
        assert not any("Diff" in buttons(post) for post in house.posts(thread))


@awaited
async def test_a_long_change_comes_as_a_file_too() -> None:
    async with playhouse() as house:
        (house.project / "long.txt").write_text("a\n" * 200)
        thread = await house.starts("write long.txt short")
        await house.press(await house.card(thread), "Allow")
        await house.done(thread)
        answer = await changes(house, thread)
        (file,) = answer.attachments
        assert file.upload.filename == "change.diff"
        assert file.upload.content.count(b"\n-a") == 200
