"""A channel of Discord's whose messages start sessions, as the configuration has it."""

import msgspec

from bridge.session.display import Thinking, Verbosity


class Channel(msgspec.Struct, frozen=True):
    """A configured channel."""

    channel_id: int
    directory: str
    mention_only: bool = False
    containment: str = "project"
    """project, home or none: how far its Claudes are shut in."""
    verbosity: Verbosity = "normal"
    thinking: Thinking = "off"
    git_push: str = "off"
    """ask: its Claudes may ask that a branch is pushed for them; off."""
