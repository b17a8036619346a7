"""A channel of Discord's whose messages start sessions, as the configuration has it."""

import msgspec

from bridge.render.display import Thinking, Verbosity


class Channel(msgspec.Struct, frozen=True):
    """A configured channel."""

    channel_id: int
    directory: str
    mention_only: bool = False
    containment: str = "required"
    """required or none: whether its Claudes are shut in."""
    verbosity: Verbosity = "normal"
    thinking: Thinking = "off"
