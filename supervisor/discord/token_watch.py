"""Whether Discord still knows the bot's token: one refusal is looked at again before it is believed.

A single 401 (or a close with 4004) comes from a fault of Discord's as well as from a token that was revoked. So after
each nothing is asked for a while, longer each time, and the next request is the next look. A token that is revoked
costs a request each quarter of an hour, is told in the status, and works again when Discord takes it again. Only before
the first READY of a process a token is believed to be wrong, after ``TRIES``: then a person is at the keyboard.
"""

import time
from collections.abc import Callable

PAUSES_S = (1.0, 5.0, 30.0, 120.0, 600.0, 900.0)
TRIES = 3

REFUSED = (
    "Discord does not accept the bot's token. Take a new one in the developer portal (Bot, Reset Token) and put it"
    " where the configuration's discord.token_file says."
)


def pause_s(times: int) -> float:
    """After so many refusals in a row, at least one."""
    return PAUSES_S[min(times, len(PAUSES_S)) - 1]


class TokenWatch:
    """Of REST. ``clock`` gives seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._times = 0
        self._not_before = 0.0

    @property
    def wait_s(self) -> float:
        """How long nothing is to be asked with the token."""
        return max(0.0, self._not_before - self._clock())

    @property
    def trouble(self) -> str:
        """In words, once it is believed; else empty."""
        if self._times < TRIES:
            return ""
        return f"{REFUSED} It is tried again in {self.wait_s:.0f} s."

    def refused(self) -> None:
        """Several that were on their way at once count as one."""
        if self.wait_s:
            return
        self._times += 1
        self._not_before = self._clock() + pause_s(self._times)

    def accepted(self) -> None:
        self._times, self._not_before = 0, 0.0
