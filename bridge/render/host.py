"""What a thread shows of wishes that came by a command on the host: whose they are, and their words."""

import msgspec

from bridge.discord_numbers import CONTENT_CHARS
from bridge.render.posts import File, Post
from bridge.render.replies import quoted
from bridge.render.replies import starter as starter_of
from bridge.text import clip, escape, one_line, utf16_len

NAME_CHARS = 80
SHORT_CHARS, SHORT_LINES = 1000, 200
"""What is longer may be cut in a message, where each line has a mark before it; all of it is in a file then."""
FILE = "message.txt"


def name_of(user: str) -> str:
    """A user of the host's, as a person is named."""
    return f"{one_line(user, NAME_CHARS)}, on the host"


def said(user: str, text: str) -> Post:
    """A prompt."""
    return Post(clip(f"**{escape(name_of(user))}**{quoted(text)}", CONTENT_CHARS), files=_whole(text))


def starter(user: str, directory: str, text: str) -> Post:
    """The message in the channel from which the thread is made."""
    return msgspec.structs.replace(starter_of(name_of(user), directory, text), files=_whole(text))


def stopped(user: str, *, keeps_waiting: bool) -> Post:
    then = " What waits is taken up next." if keeps_waiting else ""
    return Post(f"-# ■ **{escape(name_of(user))}** stops what Claude does.{then}", silent=True)


def ended(user: str, *, dropped: int) -> Post:
    """``dropped``: how many messages waited in it."""
    lost = f" What waited ({dropped}) is dropped." if dropped else ""
    return Post(f"-# ■ **{escape(name_of(user))}** ended this session.{lost} Write here to wake it.", silent=True)


def _whole(text: str) -> tuple[File, ...]:
    is_short = utf16_len(text) <= SHORT_CHARS and len(text.splitlines()) <= SHORT_LINES
    return () if is_short else (File(FILE, text),)
