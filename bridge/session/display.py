"""What a channel's threads show of Claude's work; chosen in the configuration."""

from typing import Literal

import msgspec

from bridge.session.patterns import ToolPattern

Verbosity = Literal["quiet", "normal", "full"]
Thinking = Literal["off", "spoiler"]
PING_AFTER_S = 60.0


class Display(msgspec.Struct, frozen=True):
    """``ping_after_s``: a turn that took at least so many seconds pings who asked for it; None: no turn does.

    quiet: Claude's text, cards, failures, the last line; of its tools only how many. normal: a line for each tool,
    old ones counted when there are many, and the diffs of edits. full: everything, with the beginnings of outputs.
    """

    verbosity: Verbosity = "normal"
    thinking: Thinking = "off"
    ping_after_s: float | None = PING_AFTER_S
    second: tuple[ToolPattern, ...] = ()
    """Of what its cards say that two people must allow it."""
