"""A list that one person asked for: after a press in it, it shows what is the case now."""

from stages.playhouse import Playhouse, buttons, playhouse
from stages.support import awaited
from twins.discord.model import Channel, Message


async def asks_for(house: Playhouse, thread: Channel, command: str) -> Message:
    ran = await house.you.runs(command, {}, thread.id)
    return await house.until(
        lambda: ran.answer.message if ran.answer and ran.answer.message and ran.answer.content else None, f"/{command}"
    )


@awaited
async def test_the_queue_tells_when_each_is_taken_up_once_that_was_changed_in_it() -> None:
    async with playhouse() as house:
        thread = await house.starts("sleep 60")
        await house.shows(thread, "sleep 60")
        for text in ("say one", "say two"):
            await house.you.says(thread.id, text)
            await house.until(lambda: [m for m in house.posts(thread) if "Now" in buttons(m)], "it waits")
        shown = await asks_for(house, thread, "queue")
        assert "2. say two · at Claude's next step" in shown.content
        (later,) = [label for label in buttons(shown) if label.startswith("2") and "After this turn" in label]
        await house.press(shown, later)
        assert "2. say two · after this turn" in shown.content and later not in buttons(shown)
        stop = await asks_for(house, thread, "stop")
        await house.press(stop, next(label for label in buttons(stop) if "drop" in label))
        await house.until(lambda: "interrupted" in house.text(thread), "the turn is over")
        (first,) = [label for label in buttons(shown) if label.startswith("1") and "After" in label]
        await house.press(shown, first)
        assert shown.content == (
            "Claude took this up already, or it was withdrawn.\nNothing waits for Claude in this thread."
        )


@awaited
async def test_the_rules_are_those_that_are_left_once_one_was_revoked_in_their_list() -> None:
    async with playhouse() as house:
        thread = await house.starts("run touch a.txt\nrun touch b.txt")
        for n, name in enumerate(("a.txt", "b.txt"), 1):
            await house.press(await house.shows(thread, f"Bash: touch {name}"), "Always allow")
            await house.until(lambda name=name: (house.project / name).exists(), f"rule {n}")  # type: ignore[misc]
        await house.done(thread)
        shown = await asks_for(house, thread, "rules")
        assert list(buttons(shown)) == ["Revoke 1", "Revoke 2"]
        await house.press(shown, "Revoke 1")
        assert shown.content.startswith("Revoked: it is asked about again.\nAllowed without asking:")
        assert list(buttons(shown)) == ["Revoke 1"] and "b.txt" in shown.content and "a.txt" not in shown.content
        await house.press(shown, "Revoke 1")
        assert "Nothing is allowed here without asking" in shown.content and not buttons(shown)


@awaited
async def test_what_mode_showed_has_no_button_once_claude_is_to_ask_again() -> None:
    async with playhouse() as house:
        thread = await house.starts("write a.txt one")
        await house.press(await house.card(thread), "Accept edits")
        await house.done(thread)
        shown = await asks_for(house, thread, "mode")
        await house.press(shown, "Ask again")
        assert "Mode **default**" in shown.content and not buttons(shown)
