"""Every test has an end: whatever it loops on or waits for, it fails after ``LONGEST_TEST_S`` by the clock.

The tests' own loops have nearer deadlines, which say what was waited for (``support.until``); this one is for those
that somebody forgot. Only the main thread can be interrupted so, and pytest and its workers run tests in theirs.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

LONGEST_TEST_S = 900.0
"""More than the longest takes on a busy machine."""
AGAIN_S = 5.0
"""Once more so much later: the first may be heard where nobody minds, as in the end of an object."""


@contextmanager
def within(seconds: float = LONGEST_TEST_S) -> Iterator[None]:
    """What is in it fails when it takes longer."""

    def fail(_number: int, _frame: FrameType | None) -> None:
        pytest.fail(f"not over after {seconds:g} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
