"""What commands need to know of channels, as Discord shows them."""

from collections.abc import Callable
from typing import Any

import msgspec

from bridge.routing.places import Place
from bridge.routing.seen import MessageSeen
from supervisor.discord.shapes import Member, Message
from supervisor.threads.message_seen import message_seen


class Sight(msgspec.Struct, frozen=True):
    """``sees(channel_id, guild_id, member)``: whether that guild's member (as JSON) may read and write there;
    ``reads``: whether they may read.
    ``unfit(channel_id)``: why no session can begin there; empty where one can.
    ``place(channel_id)``: the channel, if the bot is shown it.
    ``seen(message, guild_id, member)``: what the router knows of a message.
    """

    sees: Callable[[int, int, dict[str, Any]], bool]
    reads: Callable[[int, int, dict[str, Any]], bool]
    unfit: Callable[[int], str]
    place: Callable[[int], Place | None] = lambda _: None
    seen: Callable[[Message, int, Member | None], MessageSeen] = lambda *told: message_seen(told[0], 0, *told[1:])
