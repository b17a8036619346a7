"""What tests of several packages share: async tests, waiting for a condition, the scripted claude's argv."""

import asyncio
import contextlib
import functools
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 15.0
TEST_DEADLINE_S = 60.0
POLL_INTERVAL_S = 0.01


def awaited(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test in a loop of its own, bounded in time."""

    @functools.wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        asyncio.run(asyncio.wait_for(test(*args, **kwargs), TEST_DEADLINE_S))

    return run


async def until[T](
    look: Callable[[], T], what: str, describe: Callable[[], str] = str, deadline_s: float = DEADLINE_S
) -> T:
    """What ``look`` sees, once it is true; looks again and again, until the deadline in seconds."""
    end = asyncio.get_running_loop().time() + deadline_s
    while not (seen := look()):
        if asyncio.get_running_loop().time() > end:
            raise AssertionError(f"not within {deadline_s} s: {what}; {describe()}")
        await asyncio.sleep(POLL_INTERVAL_S)
    return seen


@contextlib.asynccontextmanager
async def beside(work: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """It runs while this does, and is cancelled then; what it fell over before is raised."""
    running = asyncio.create_task(work)
    try:
        yield
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running


def scripted_claude() -> tuple[str, ...]:
    """The argv of the scripted CLI (its language stands in scripts/twins/claude/program.py)."""
    return (sys.executable, "-S", "-E", str(ROOT / "scripts/twins/claude/program.py"))
