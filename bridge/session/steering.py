"""Buttons that steer a running turn: when a waiting prompt is taken up, and what a stop does with those that wait.

Like a permission's, such a button names its session and, where it is about one, its prompt; a click in another
thread does nothing.
"""

import re
from typing import Literal, Self

import msgspec

from bridge.protocol.events import When
from bridge.session.permission import dashed

_SESSION = "([0-9a-f]{32})"
_TURN = re.compile(rf"tb:when:(next|later|now):{_SESSION}:([0-9]{{1,20}})")
_HALT = re.compile(rf"tb:halt:(keep|drop):{_SESSION}")

Fate = Literal["keep", "drop"]


class WhenButton(msgspec.Struct, frozen=True):
    """Take this prompt up at another time."""

    session_id: str
    prompt_id: int
    when: When

    def custom_id(self) -> str:
        return f"tb:when:{self.when}:{self.session_id.replace('-', '')}:{self.prompt_id}"

    @classmethod
    def parse(cls, custom_id: str) -> Self | None:
        if not (found := _TURN.fullmatch(custom_id)):
            return None
        when, session, prompt_id = found.groups()
        return cls(dashed(session), int(prompt_id), msgspec.convert(when, When))


class HaltButton(msgspec.Struct, frozen=True):
    """End the running turn, and keep or drop what waits."""

    session_id: str
    waiting: Fate

    def custom_id(self) -> str:
        return f"tb:halt:{self.waiting}:{self.session_id.replace('-', '')}"

    @classmethod
    def parse(cls, custom_id: str) -> Self | None:
        if not (found := _HALT.fullmatch(custom_id)):
            return None
        return cls(dashed(found[2]), msgspec.convert(found[1], Fate))


def steering_button(custom_id: str) -> WhenButton | HaltButton | None:
    return WhenButton.parse(custom_id) or HaltButton.parse(custom_id)
