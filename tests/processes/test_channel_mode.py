"""Edits accepted for a whole channel: offered where they are for a thread, to who manages, and ended by one tap."""

from bridge.render import loosened
from stages.playhouse import buttons, playhouse
from stages.support import awaited

FOR_ALL, ENDS = "For the whole channel", "Ask again in new sessions"


@awaited
async def test_edits_are_accepted_for_the_channel_from_the_threads_line_until_one_tap_ends_that() -> None:
    async with playhouse() as house:
        channel, you = house.host.channel, house.you
        thread = await house.starts("write a.txt one")
        await house.press(await house.card(thread), "Accept edits")
        line = await house.shows(thread, "as long as this line says so")
        refused = await house.press(line, FOR_ALL, house.mallory)
        assert refused.answer and "do not have the right **manage**" in refused.answer.content
        old = buttons(line)[FOR_ALL]
        await house.press(line, FOR_ALL)
        said = await house.shows(channel, "in sessions that begin in this channel from now on")
        assert f"<@{you.id}> lets Claude ask less" in said.content and list(buttons(said)) == [ENDS]
        await house.until(lambda: list(buttons(line)) == ["Ask again", ENDS], "the line is drawn anew")
        assert "Sessions that begin in this channel have the mode **acceptEdits**, too" in line.content
        again = house.discord.forge_click(thread.id, old, you.user)
        await house.until(lambda: again.answer, "an answer to the old button")
        assert again.answer and again.answer.content == "Sessions that begin in this channel accept edits already."
        other = await house.starts("write b.txt two")
        await house.done(other)
        begun = await house.shows(other, "as long as this line says so")
        assert list(buttons(begun)) == ["Ask again", ENDS], "it began so"
        assert (house.project / "b.txt").exists() and not [m for m in house.posts(other) if "Allow" in buttons(m)]
        shown = await you.runs("mode", {}, channel.id)
        assert shown.answer and shown.answer.message and list(buttons(shown.answer.message)) == [ENDS]
        await house.press(said, ENDS)
        await house.until(lambda: "ended that" in said.content and not buttons(said), "it says so")
        offered = ["Ask again", FOR_ALL]
        await house.until(lambda: [list(buttons(one)) for one in (line, begun)] == [offered] * 2, "each line says so")
        third = await house.starts("write c.txt three")
        await house.press(await house.card(third), "Deny")
        await house.done(third)
        assert not (house.project / "c.txt").exists()


@awaited
async def test_what_counts_for_the_channel_ends_in_the_line_of_a_thread_too_which_stays() -> None:
    async with playhouse() as house:
        thread = await house.starts("write a.txt one")
        await house.press(await house.card(thread), "Accept edits")
        line = await house.shows(thread, "as long as this line says so")
        await house.press(line, FOR_ALL)
        await house.until(lambda: ENDS in buttons(line), "it counts for the channel")
        ended = await house.press(line, ENDS)
        assert ended.answer and ended.answer.ephemeral and "Claude asks" in ended.answer.content
        await house.until(lambda: list(buttons(line)) == ["Ask again", FOR_ALL], "for the thread it holds")
        told = await house.shows(house.host.channel, "that Claude asks less: in sessions that begin in this channel")
        assert f"<#{thread.id}>" in told.content and not told.mentions
        assert "as long as this line says so" in line.content
        shown = await house.you.runs("mode", {}, house.host.channel.id)
        assert shown.answer and shown.answer.message and not buttons(shown.answer.message)


def test_only_what_is_looser_has_a_button_that_ends_it() -> None:
    assert [button.label for button in loosened.ends_in_channel(6, "auto")] == [ENDS]
    assert loosened.ends_in_channel(6, "plan") == loosened.ends_in_channel(6, "") == ()
