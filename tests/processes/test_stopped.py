"""A supervisor that gets no time for a while (SIGSTOP, a hung disk): what people did, and what is said of it."""

import contextlib
import os
import signal
from collections.abc import Iterator

from stages.playhouse import Playhouse, buttons, playhouse
from stages.support import awaited

MINUTE = 60.0


@contextlib.contextmanager
def stopped(house: Playhouse, seconds: float) -> Iterator[None]:
    """So much time passes before it goes on."""
    pid = house.host.supervisor.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
        house.passes(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)


@awaited
async def test_a_click_that_failed_for_its_person_does_nothing_minutes_later() -> None:
    async with playhouse(moves_clocks=True) as house:
        thread, other = await house.starts("run touch x.txt"), await house.starts("say hello")
        card = await house.card(thread)
        await house.done(other)
        with stopped(house, 3 * MINUTE):
            failed = await house.you.clicks(card, buttons(card)["Allow"], may_fail=True)
            assert failed.failed
            await house.you.says(other.id, "say written meanwhile")
        await house.shows(other, "written meanwhile")
        log = house.host.place.log
        await house.until(lambda: "when it had failed for who asked" in log.read_text(), "the click was left alone")
        assert "Allow" in buttons(card) and not (house.project / "x.txt").exists()
        await house.press(card, "Allow")
        await house.done(thread)
        assert (house.project / "x.txt").exists()


@awaited
async def test_status_says_of_a_supervisor_that_gets_no_time_that_it_hangs() -> None:
    async with playhouse(moves_clocks=True) as house:
        ask = house.host.threadbridge.ask
        with stopped(house, 0.0):
            house.passes(3 * MINUTE)
            hangs = await ask("status")
            listed = await ask("list", "--json")
        assert hangs.code == 1 and "it hangs, or its disk does" in hangs.out
        assert listed.code == 0
        await house.starts("say here again")
        assert (await ask("status")).code == 0
