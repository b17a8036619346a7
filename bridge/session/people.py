"""How a person is named in a post."""

from bridge.text import escape, one_line

NAME_CHARS = 80


def called(user_id: int) -> str:
    """A mention before what is for them; empty for who wrote on the host (0), whom Discord does not know."""
    return f"<@{user_id}> " if user_id else ""


def pinged(*user_ids: int) -> tuple[int, ...]:
    """For ``Post.mentions``: each once, without the one on the host (0)."""
    return tuple(dict.fromkeys(user_id for user_id in user_ids if user_id))


def named(user_id: int, name: str = "") -> str:
    """A mention, which is drawn by Discord and which nobody can take: a display name anybody can.

    It pings only those whom the post pings (``Post.mentions``). Without an id the name, as far as it is known.
    """
    return f"<@{user_id}>" if user_id else escape(one_line(name, NAME_CHARS)) or "somebody"
