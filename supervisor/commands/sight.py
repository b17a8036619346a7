"""What commands need to know of channels, as Discord shows them."""

from collections.abc import Callable
from typing import Any

import msgspec

from bridge.routing.places import Place


class Sight(msgspec.Struct, frozen=True):
    """``sees(channel_id, guild_id, member)``: whether that guild's member (as JSON) may read and write there;
    ``reads``: whether they may read.
    ``unfit(channel_id)``: why no session can begin there; empty where one can.
    ``place(channel_id)``: the channel, if the bot is shown it.
    """

    sees: Callable[[int, int, dict[str, Any]], bool]
    reads: Callable[[int, int, dict[str, Any]], bool]
    unfit: Callable[[int], str]
    place: Callable[[int], Place | None] = lambda _: None
