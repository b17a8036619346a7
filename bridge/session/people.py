"""How a person is named in a post."""

from bridge.text import escape, one_line

NAME_CHARS = 80


def named(user_id: int, name: str = "") -> str:
    """A mention, which is drawn by Discord and which nobody can take: a display name anybody can.

    It pings only those whom the post pings (``Post.mentions``). Without an id the name, as far as it is known.
    """
    return f"<@{user_id}>" if user_id else escape(one_line(name, NAME_CHARS)) or "somebody"
