"""Requests that are open at once, on the whole path: one card, one ping, one tap; or one by one."""

import json
import os
import signal

from stages.playhouse import Playhouse, buttons, is_open, playhouse
from stages.support import awaited
from twins.discord.model import Channel, Message


async def asks_three(house: Playhouse) -> tuple[Channel, Message]:
    """A thread in which three reads wait on one card."""
    for name in ("one", "two", "three"):
        (house.project.parent / name).write_text(name)
    paths = " ".join(str(house.project.parent / name) for name in ("one", "two", "three"))
    thread = await house.starts(f"parallel read {paths}\nsay So be it")
    return thread, await house.shows(thread, "Claude asks for 3 things")


@awaited
async def test_one_card_one_ping_and_one_tap_allow_all_of_it() -> None:
    async with playhouse() as house:
        thread, card = await asks_three(house)
        cards = [message for message in house.posts(thread) if message.embeds]
        assert cards == [card] and list(buttons(card)) == ["Allow all 3", "One by one", "Deny all"]
        assert [message for message in house.posts(thread) if message.pinged.users] == [card]
        await house.press(card, "Allow all 3")
        await house.done(thread)
        assert card.content.count("allowed by") == 3 and list(buttons(card)) == ["Show 1", "Show 2", "Show 3"]
        shown = await house.press(card, "Show 2")
        await house.until(
            lambda: shown.answer and shown.answer.message and shown.answer.message.embeds, "what it asked"
        )


@awaited
async def test_one_by_one_is_for_ones_own_eyes_and_goes_on_by_itself() -> None:
    async with playhouse() as house:
        thread, card = await asks_three(house)
        refused = await house.press(card, "One by one", house.mallory)
        assert refused.answer and "do not have the right" in refused.answer.content
        made = await house.press(card, "One by one")
        assert made.answer and made.answer.ephemeral and made.answer.message
        mine = made.answer.message
        assert "Allow" in buttons(mine) and "one" in mine.content
        await house.press(mine, "Allow")
        await house.until(lambda: "two" in mine.content, "the second one")
        await house.press(mine, "Deny")
        await house.until(lambda: "three" in mine.content, "the third one")
        await house.press(mine, "Deny")
        await house.until(lambda: not is_open(mine), "nothing more")
        await house.done(thread)
        said = card.content.split("\n")
        assert [("allowed" in line, "denied" in line) for line in said] == [(True, False), (False, True), (False, True)]


@awaited
async def test_what_somebody_decided_meanwhile_is_told_and_the_rest_is_allowed() -> None:
    async with playhouse() as house:
        thread, card = await asks_three(house)
        old = buttons(card)["Allow all 3"]
        made = await house.press(card, "One by one")
        assert made.answer and made.answer.message
        await house.press(made.answer.message, "Deny")
        await house.shows(thread, "Claude asks for 2 things")
        again = await house.press(card, "Allow all 2")
        assert again.answer
        await house.done(thread)
        assert card.content.count("allowed by") == 2 and card.content.count("denied by") == 1
        assert old not in buttons(card).values()


@awaited
async def test_what_one_person_looks_at_alone_is_settled_when_somebody_decides_it_elsewhere() -> None:
    async with playhouse() as house:
        thread, card = await asks_three(house)
        made = await house.press(card, "One by one")
        assert made.answer and made.answer.message
        mine = made.answer.message
        assert is_open(mine)
        await house.press(card, "Allow all 3")
        await house.until(lambda: not is_open(mine), "nothing of it can be pressed any more")
        assert "already allowed by" in mine.content
        await house.done(thread)


async def worker_of(house: Playhouse) -> int:
    (line,) = json.loads((await house.host.threadbridge.ask("list", "--json")).out)
    return int(line["worker_pid"])


@awaited
async def test_all_that_was_allowed_is_allowed_once_though_the_supervisor_dies_before_the_worker_hears_it() -> None:
    async with playhouse() as house:
        thread, card = await asks_three(house)
        worker = await worker_of(house)
        os.kill(worker, signal.SIGSTOP)
        try:
            await house.press(card, "Allow all 3")
            os.kill(house.host.supervisor.pid, signal.SIGKILL)
            await house.host.supervisor.ended()
            await house.host.supervisor.stop()
        finally:
            os.kill(worker, signal.SIGCONT)
        await house.host.supervisor.__aenter__()
        await house.done(thread)
        await house.until(lambda: card.content.count("allowed by") == 3, "each is decided on the card")
        assert house.text(thread).count("So be it") == 1
        journal = (await house.host.threadbridge.ask("audit")).out
        assert journal.count("allowed Read") == 3, journal


@awaited
async def test_of_what_was_allowed_nothing_runs_when_the_worker_dies_before_it_hears_it() -> None:
    async with playhouse() as house:
        thread = await house.starts("parallel read /etc/hosts /etc/group\nwrite one.txt one")
        card = await house.shows(thread, "Claude asks for 2 things")
        old = buttons(card)["Allow all 2"]
        worker = await worker_of(house)
        os.kill(worker, signal.SIGSTOP)
        await house.press(card, "Allow all 2")
        os.kill(worker, signal.SIGKILL)
        lost = await house.shows(thread, "This turn was lost")
        await house.until(lambda: not is_open(card), "nothing can be decided on the card any more")
        assert "allowed by" not in card.content
        late = house.discord.forge_click(thread.id, old, house.you.user)
        await house.until(lambda: late.answer, "an answer to the old button")
        assert late.answer and late.answer.ephemeral
        assert "Continue" in buttons(lost)
        assert not (house.project / "one.txt").exists()
