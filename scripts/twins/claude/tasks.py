"""Cooperative tasks: generators that yield what they wait for. (asyncio would double our start time.)"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Steps = Generator["Wait", None, None]

FOREVER = float("inf")
POLL_S = 0.005


class Interrupted(Exception):  # noqa: N818  (it is no error)
    """Thrown into a task that is to stop what it does."""


class Wait:
    """Until the clock (`seconds` from now) or until `done` says so, which is asked after every line of stdin.

    `poll`: `done` looks at something that stdin does not announce, so it is asked every few milliseconds.
    """

    def __init__(self, seconds: float = FOREVER, done: Callable[[], bool] | None = None, *, poll: bool = False) -> None:
        self._until = time.monotonic() + seconds
        self._done = done
        self._poll = poll

    def is_over(self) -> bool:
        return (self._done is not None and self._done()) or time.monotonic() >= self._until

    def longest_sleep(self) -> float:
        """Seconds after which `is_over` is worth asking, if nothing else happens."""
        return POLL_S if self._poll else max(0.0, self._until - time.monotonic())


class Task:
    """A generator on its way."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._wait: Wait | None = Wait(0)

    @property
    def finished(self) -> bool:
        return self._wait is None

    def advance(self) -> None:
        """Goes on until there is something to wait for."""
        while self._wait is not None and self._wait.is_over():
            self._wait = next(self._steps, None)

    def interrupt(self) -> None:
        try:
            self._wait = self._steps.throw(Interrupted())
        except StopIteration:
            self._wait = None
        self.advance()

    def longest_sleep(self) -> float:
        return FOREVER if self._wait is None else self._wait.longest_sleep()
