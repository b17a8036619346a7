"""How a post is tried again, and found again after a reply that was lost. Pure."""

import hashlib
from collections.abc import Sequence

import msgspec

from bridge.render.posts import Post
from supervisor.discord.errors import Found
from supervisor.sessions.posts_table import PostRow

LONGEST_BACKOFF_S = 30.0


def backoff_s(failures: int, retry_after: float, jitter: float) -> float:
    """How long to leave Discord alone after so many failures in a row. ``jitter`` is from 0 to 1."""
    return min(max(retry_after, 2.0 ** min(failures - 1, 10)) * (1 + jitter / 4), LONGEST_BACKOFF_S)


def nonce_of(row: PostRow, attempt: int) -> str:
    """24 characters. By the key and not the row's id, which a rebuilt store gives to another post."""
    name = f"{row.session_id}\n{row.key}\n{attempt}"
    return hashlib.blake2b(name.encode(), digest_size=12).hexdigest()


def as_found(desired: Post, content: str) -> Post:
    """What a message shows of which only the content is known: edited, unless it is plain text and the desired one."""
    if content.strip() == desired.content.strip():
        content = desired.content
    return msgspec.structs.replace(desired, content=content, embed=None, buttons=(), selects=())


def lost_among(found: Sequence[Found], row: PostRow) -> Found | None:
    """The lost post among our own messages that no row has.

    The gateway's refusals stand in threads as well, but they reply to other messages; in the channel other sessions
    post too, so there the text must be the same. What stands above a file of Claude's never changes either.
    """
    nonces = {nonce_of(row, attempt) for attempt in range(row.attempt + 1)}
    for message in found:
        is_equal = message.content.strip() == row.desired.content.strip()
        may_differ = row.desired.where == "thread" and not any(file.path for file in row.desired.files)
        is_alike = message.reply_to == row.desired.reply_to and (may_differ or is_equal)
        if message.nonce in nonces or (not message.nonce and is_alike):
            return message
    return None
