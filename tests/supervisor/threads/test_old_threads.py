"""Which of the old threads is asked after next, when there are more than there is time for."""

import asyncio
from collections.abc import Callable

import pytest

from stages.jumping_clock import jumping
from stages.no_rest import NoRest
from stages.support import beside
from supervisor.discord.errors import Unavailable
from supervisor.threads.old_threads import EVERY_S, OldThreads

THREADS = range(20)


class Rest(NoRest):
    """It knows all threads, and does not answer for some of them."""

    def __init__(self, *silent: int) -> None:
        self.asked: list[int] = []
        self._silent = silent

    async def is_gone(self, channel_id: int) -> bool:
        self.asked.append(channel_id)
        if channel_id in self._silent:
            raise Unavailable("no answer")
        return False


async def nobody(_thread_id: int) -> None:
    raise AssertionError("none is gone")


def begun(rest: Rest, *lot: Callable[[], float]) -> OldThreads:
    """Of a supervisor that starts, and is shown none of the threads."""
    old = OldThreads(rest, nobody, lambda _: True, *lot)
    for thread_id in THREADS:
        old.sleeps(thread_id)
    return old


@jumping
async def test_a_bridge_that_starts_anew_again_and_again_reaches_all_of_them() -> None:
    rest = Rest()
    for _ in range(30):
        async with beside(begun(rest).run()):
            await asyncio.sleep(EVERY_S * 10.5)
        if len(set(rest.asked)) == len(THREADS):
            return
    pytest.fail(f"after 30 starts {len(THREADS) - len(set(rest.asked))} were never asked after")


@jumping
async def test_one_for_which_discord_does_not_answer_comes_behind_all_others() -> None:
    rest, lots = Rest(0), iter([0.0, *(float(n) for n in THREADS[1:]), -1.0, -1.0])
    async with beside(begun(rest, lambda: next(lots)).run()):
        await asyncio.sleep(EVERY_S * (len(THREADS) + 1.5))
    assert rest.asked == [*THREADS, 0]
