"""A command of ours that was written as a text, on the whole path: said, and sent once when its author wants that."""

from stages.playhouse import Playhouse, buttons, playhouse
from stages.support import awaited
from twins.discord.model import Channel, Message

SEND = "Send it to Claude"


async def offered(house: Playhouse, place: Channel, text: str) -> Message:
    """The post that is said below it."""
    message = await house.you.says(place.id, text)
    return await house.until(
        lambda: next((m for m in house.posts(place) if SEND in buttons(m) and m.reply_to == message.id), None),
        f"what is said of {text}",
    )


@awaited
async def test_in_a_thread_it_is_sent_once_also_after_a_restart() -> None:
    async with playhouse() as house:
        thread = await house.starts("say Hello")
        await house.done(thread)
        said = await offered(house, thread, "/queue")
        assert "is a command of this bridge" in said.content
        refused = await house.press(said, SEND, house.mallory)
        assert refused.answer and "right **talk**" in refused.answer.content
        old = buttons(said)[SEND]
        await house.restarts()
        await house.press(said, SEND)
        await house.until(lambda: "Sent to Claude" in said.content and not buttons(said), "it was sent")
        await house.done(thread, 2)
        house.discord.forge_click(thread.id, old, house.you.user)
        await house.you.says(thread.id, "say And on")
        await house.done(thread, 3)
        assert house.text(thread).count("✓ done") == 3, "the second tap sent nothing"


@awaited
async def test_in_a_channel_it_begins_a_thread_only_when_its_author_wants_that() -> None:
    async with playhouse() as house:
        channel = house.host.channel
        said = await offered(house, channel, "/stop")
        assert not house.discord.threads(channel.id)
        await house.restarts()
        await house.press(said, SEND)
        await house.until(lambda: "Sent to Claude" in said.content and not buttons(said), "it was sent")
        gone = await offered(house, channel, "/rules")
        message = next(m for m in house.discord.messages(channel.id) if m.id == gone.reply_to)
        await house.you.deletes(message)
        await house.press(gone, SEND)
        await house.until(lambda: "not there any more" in gone.content and not buttons(gone), "it says why not")
        assert len(house.discord.threads(channel.id)) == 1, "of the first one"
