"""A loop whose clock jumps: when all tasks wait, the time goes on to the next timer at once, and nothing sleeps."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

LONGEST_TEST_S = 7200.0


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer it moves the clock. Nothing real is ever waited for."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("every task waits for ever")
        if not ready and timeout:
            self.now += timeout
        if self.now > LONGEST_TEST_S:
            raise AssertionError("the test goes on and on")
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def jumping(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an async test under a clock that jumps."""

    @functools.wraps(test)
    def run(*args: object, **kwargs: object) -> None:
        with asyncio.Runner(loop_factory=JumpingLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run
