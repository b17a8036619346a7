"""Messages that follow closely, on the whole path: one thread, one turn, also when the supervisor dies in between."""

import os
import signal

from bridge.routing.bursts import between_s
from stages.playhouse import Playhouse, playhouse
from stages.support import awaited
from twins.discord.model import Upload

WINDOW_S = 10.0


async def shown(house: Playhouse, *texts: str, threads: int = 1) -> None:
    """What the texts ask is done, in so many threads, each in one turn."""
    await house.until(lambda: len(house.discord.threads()) >= threads, f"{threads} threads")
    found = house.discord.threads()
    await house.until(lambda: all(any(text in house.text(thread) for thread in found) for text in texts), "all of it")
    for thread in found:
        await house.done(thread)
    assert [house.text(thread).count("✓ done") for thread in found] == [1] * threads


@awaited
async def test_a_file_and_then_words_are_one_prompt() -> None:
    async with playhouse(burst="2s") as house:
        channel = house.host.channel.id
        await house.you.says(channel, attachments=[Upload("notes.txt", b"remember the milk")])
        await house.you.types(channel)
        await house.you.says(channel, "show what I sent")
        await shown(house, "notes.txt", "17 bytes")


@awaited
async def test_what_was_begun_before_the_supervisor_died_is_ended_after_it() -> None:
    async with playhouse(burst=f"{WINDOW_S:g}s") as house:
        channel = house.host.channel.id
        first = await house.you.says(channel, "say the first half")
        await house.until(house.discord.threads, "a thread")
        os.kill(house.host.supervisor.pid, signal.SIGKILL)
        await house.host.supervisor.ended()
        await house.host.supervisor.stop()
        second = await house.you.says(channel, "say the second half")
        await house.host.supervisor.__aenter__()
        is_one = between_s(first.id, second.id) <= WINDOW_S  # a machine can be that slow
        await shown(house, "the first half", "the second half", threads=1 if is_one else 2)
