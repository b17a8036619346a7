"""Messages that lead to nothing, though somebody may wait for an answer: what is said, and what is only noted.

                          | in a channel or thread of ours     | elsewhere
    ----------------------+------------------------------------+------------------------------------------
    a person with a right | (a prompt; if the channel cannot   | where the bot was mentioned, in a thread below
                          | have sessions: said)               | a channel of ours, in direct messages: said
    anybody else          | said                               | noted, if the bot was spoken to
    another bot, webhook  | noted                              | nothing

Said is one quiet line; both are done once per person and place within the whisper's period. To strangers in a channel
that is not ours nothing is said: whose bot is in their server is not for them to hear from us.
"""

from collections.abc import Mapping

import msgspec

from bridge.discord_numbers import ChannelType
from bridge.routing.actions import Ignore, Whisper
from bridge.routing.channel import Channel
from bridge.routing.places import Place, unfit_in_words
from bridge.session.permission import Person

ADDRESSED_PERIOD_S = 60.0
ELSEWHERE_PERIOD_S = 3600.0
UNADDRESSED_PERIOD_S = 86400.0
MOST_NAMED = 5
"""Channels, to who could write in any of them."""


class Unheard(msgspec.Struct, frozen=True):
    """A message, as far as it matters here. ``place`` is None where no server showed it."""

    author: Person
    channel_id: int
    place: Place | None
    parent: Place | None
    mentions_bot: bool
    is_direct: bool = False

    @property
    def where(self) -> str:
        if self.is_direct:
            return "direct messages"
        if self.place and self.place.is_thread:  # its name is the beginning of a prompt, which no log has
            return f"thread {self.channel_id}"
        return f"channel {self.place.name if self.place else ''!r} ({self.channel_id})"

    @property
    def who(self) -> str:
        return f"{self.author.name!r} ({self.author.user_id})"


def of_stranger(message: Unheard, lacks: str) -> Whisper:
    """In a channel or thread of ours. ``lacks``: the right that is missing, and who has it, in words."""
    period_s = ADDRESSED_PERIOD_S if message.mentions_bot else UNADDRESSED_PERIOD_S
    words = f"{lacks} Your id is `{message.author.user_id}`."
    return Whisper(words, f"{message.who} may not talk; written in the {message.where}", period_s)


def of_bot(message: Unheard) -> Whisper:
    noted = f"{message.who} is a bot or webhook, and these are not listened to; written in the {message.where}"
    return Whisper("", noted, UNADDRESSED_PERIOD_S)


def in_unfit(message: Unheard, *, is_allowed: bool) -> Whisper:
    """In a channel that is configured and cannot have sessions."""
    why = unfit_in_words(message.place) if message.place else ""
    words = f"Claude cannot work here: the configured id {message.channel_id} {why}."
    return Whisper(words if is_allowed else "", words, ELSEWHERE_PERIOD_S)


def elsewhere(message: Unheard, channels: Mapping[int, Channel], *, is_allowed: bool) -> Whisper | Ignore:
    """In a place that is not configured and has no session; a direct message is always for us."""
    above = channels.get(message.parent.place_id) if message.parent else None
    is_thread = bool(message.place and message.place.is_thread)
    is_below = is_thread and above is not None and not above.mention_only
    if not (message.mentions_bot or message.is_direct or (is_below and is_allowed)):
        return Ignore("not a channel or thread of ours")
    if not is_allowed:
        noted = f"{message.who} has no right here, and spoke to the bot in the {message.where}, not in one of ours"
        return Whisper("", noted, ELSEWHERE_PERIOD_S)
    period_s = ELSEWHERE_PERIOD_S if message.mentions_bot else UNADDRESSED_PERIOD_S
    words = _in_private_in_words(channels) if message.is_direct else _elsewhere_in_words(message, above)
    return Whisper(words, f"{message.who} wrote in the {message.where}: {words}", period_s)


def _in_private_in_words(channels: Mapping[int, Channel]) -> str:
    named = ", ".join(f"<#{channel_id}>" for channel_id in list(channels)[:MOST_NAMED])
    return f"Claude does not listen to direct messages. Write in {named}: a thread with Claude begins there."


def _elsewhere_in_words(message: Unheard, above: Channel | None) -> str:
    parent = message.parent
    if above and parent and (why := unfit_in_words(parent)):
        if parent.kind != ChannelType.CATEGORY:
            return f"Claude does not listen here: the configured id {parent.place_id} {why}."
        return (
            f"Claude does not listen here: the configured id {parent.place_id} is the category that this channel is in."
            f" The bridge's operator can put this channel's id, {message.channel_id}, in its place."
        )
    if above and parent:
        return (
            "Claude does not listen in this thread, because somebody else began it. Write in"
            f" {parent.mention}: a thread with Claude begins from each message there."
        )
    place = message.place
    channel = parent if place and place.is_thread else place
    if channel and (why := unfit_in_words(channel).partition(": ")[0]):
        return (
            f"Claude does not listen here: {channel.mention} {why}. The bridge's operator can add a [[channels]] table"
            " with the id of a text channel."
        )
    channel_id = place.parent_id if place and place.is_thread else message.channel_id
    return (
        "Claude does not listen here: this channel is not configured. The bridge's operator can add a [[channels]]"
        f" table with the id {channel_id}."
    )
