"""That Claude asks less than by itself: said in the channel with who did it, and in the thread while it holds."""

import msgspec

from bridge.protocol.modes import ACCEPT_EDITS, DEFAULT, is_looser
from bridge.render.posts import Button, Post
from bridge.session.custom_ids import ChannelModeButton, to_make_strict
from bridge.text import escape, one_line

MODE_CHARS = 60
_MEANS = {
    "acceptEdits": "edits, and runs rm, mv, mkdir and sed in the directory, without asking",
    "auto": "decides by itself what is safe enough not to ask",
    "bypassPermissions": "asks nothing, ever",
}
KEY = "loosened"


def in_thread(mode: str, person: int, thread_id: int) -> Post:
    """For the channel: one session of it asks less from now on."""
    return _said(f"<@{person}> lets Claude ask less in <#{thread_id}>", mode)


def in_channel(mode: str, person: int, channel_id: int) -> Post:
    """For the channel: new sessions of it ask less from now on, until somebody presses its button."""
    said = _said(f"<@{person}> lets Claude ask less in sessions that begin in this channel from now on", mode)
    return msgspec.structs.replace(said, buttons=ends_in_channel(channel_id, mode))


def ends_in_channel(channel_id: int, mode: str) -> tuple[Button, ...]:
    """The button that ends what the channel's sessions begin with, where that is a looser mode."""
    ends = Button("Ask again in new sessions", ChannelModeButton("off", channel_id).custom_id())
    return (ends,) if is_looser(mode, DEFAULT) else ()


def ended_in_channel(person: int) -> Post:
    return Post(f"⚙ <@{person}> ended that: in sessions that begin in this channel from now on Claude asks again.")


def ended_in(thread_id: int, person: int) -> Post:
    """For the channel, where what it ends was announced. ``thread_id``: in which it was ended; 0: in the channel."""
    there = f" in <#{thread_id}>" if thread_id else ""
    return Post(
        f"⚙ <@{person}> ended{there} that Claude asks less: in sessions that begin in this channel from now on it asks"
        " again.",
        silent=True,
        where="channel",
    )


def over_in_channel() -> Post:
    return Post("⚙ This is over: in sessions that begin in this channel Claude asks.")


def ends_it(session_id: str, mode: str) -> tuple[Button, ...]:
    """The button that ends the session's mode, where that is a looser one."""
    return (Button("Ask again", to_make_strict(session_id)),) if is_looser(mode, DEFAULT) else ()


def while_it_holds(session_id: str, channel_id: int, before: str, mode: str) -> Post | None:
    """The thread's own line. ``before``: the mode that the line tells of now, empty for none. None: it stays."""
    if is_looser(mode, DEFAULT):
        return None if mode == before else line(session_id, channel_id, mode)
    return Post(f"-# ⚙ Claude asks again: the mode {_named(before)} was ended.", silent=True) if before else None


def line(session_id: str, channel_id: int, mode: str, of_channel: str = "") -> Post:
    """``of_channel``: the mode in which the channel's sessions begin, where one was chosen for them."""
    words, buttons = f"{_in_words(mode)}, as long as this line says so.", ends_it(session_id, mode)
    if ends := ends_in_channel(channel_id, of_channel):
        words = f"{words} Sessions that begin in this channel have the mode {_named(of_channel)}, too."
        buttons = (*buttons, *ends)
    elif mode == ACCEPT_EDITS:
        buttons = (*buttons, Button("For the whole channel", ChannelModeButton("on", channel_id).custom_id()))
    return Post(f"-# ⚠ {words}", buttons=buttons, silent=True)


def _said(what: str, mode: str) -> Post:
    return Post(f"⚠ {what}. {_in_words(mode)}.", silent=True, where="channel")


def _in_words(mode: str) -> str:
    means = f": Claude {_MEANS[mode]}" if mode in _MEANS else ""
    return f"Mode {_named(mode)}{means}"


def _named(mode: str) -> str:
    return f"**{escape(one_line(mode, MODE_CHARS))}**"
