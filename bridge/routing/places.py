"""Channels and threads as a server shows them, and why no session can begin in some.

A session is a thread that is made from a message. That can be done in text and announcement channels alone
(discord-api-docs, "Channel Types" and "Start Thread from Message").
"""

from collections.abc import Mapping

import msgspec

from bridge.discord_numbers import ChannelType

THREADS = frozenset({ChannelType.ANNOUNCEMENT_THREAD, ChannelType.PUBLIC_THREAD, ChannelType.PRIVATE_THREAD})
FITTING = frozenset({ChannelType.TEXT, ChannelType.ANNOUNCEMENT})
_NAMES: Mapping[int, str] = {
    ChannelType.TEXT: "a text channel",
    ChannelType.DIRECT: "a direct message",
    ChannelType.VOICE: "a voice channel",
    ChannelType.GROUP_DIRECT: "a group's direct message",
    ChannelType.CATEGORY: "a category",
    ChannelType.ANNOUNCEMENT: "an announcement channel",
    **dict.fromkeys(THREADS, "a thread"),
    ChannelType.STAGE: "a stage channel",
    ChannelType.DIRECTORY: "a directory of servers",
    ChannelType.FORUM: "a forum",
    ChannelType.MEDIA: "a media channel",
}


class Place(msgspec.Struct, frozen=True):
    """A channel, thread or category. ``guild_id`` and ``parent_id``: 0 for none."""

    place_id: int
    kind: int
    name: str = ""
    parent_id: int = 0
    guild_id: int = 0

    @property
    def is_thread(self) -> bool:
        return self.kind in THREADS

    @property
    def mention(self) -> str:
        return f"<#{self.place_id}>"


def kind_in_words(kind: int) -> str:
    return _NAMES.get(kind, f"a channel of the unknown kind {kind}")


def unfit_in_words(place: Place) -> str:
    """Why no session can begin there, and which id to give instead; empty where one can."""
    if place.kind in FITTING:
        return ""
    what = f"is {kind_in_words(place.kind)}"
    if place.is_thread and place.parent_id:
        return f"{what}, and Claude begins a thread for each session: give the id of its channel, {place.parent_id}"
    if place.kind == ChannelType.CATEGORY:
        return f"{what}, and nobody can write in one: give the id of a text channel in it"
    return f"{what}, in which Claude cannot begin threads: give the id of a text channel of a server"
