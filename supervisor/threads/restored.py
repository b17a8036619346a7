"""Messages that a later state of ours answered already, though this store (a restored backup) does not know it.

We answer below what we were asked. So where posts of our own stand that this store did not make, whoever wrote before
them was heard: by a later state of the same bridge, which the backup does not know. To ask Claude again would repeat
what it did then. It is said in the thread; whose message was not answered after all writes it again.

A post whose answer was lost with us is not known either, but its row says that it was attempted: so many of the oldest
unknown posts prove nothing. Nor do those from before a database was rebuilt from the logs.
"""

from collections.abc import Sequence

import msgspec

from bridge.render.posts import Post
from supervisor.discord.beside_text import POST_TYPES
from supervisor.discord.shapes import Message


class Known(msgspec.Struct, frozen=True):
    """``posts``: message ids that the store has. ``attempted``: posts that may stand there without our knowing.

    ``since``: what stands before this message id was made when nobody kept a store that we have.
    """

    posts: frozenset[int] = frozenset()
    attempted: int = 0
    since: int = 0


def before_our_own(messages: Sequence[Message], bot_id: int, known: Known | None) -> set[int]:
    """The ids of those that other people wrote before a post of ours that this store did not make."""
    if known is None:
        return set()
    own = [m.id for m in messages if m.author.id == bot_id and m.type in POST_TYPES and not m.interaction_metadata]
    unknown = sorted(number for number in own if number not in known.posts and number > known.since)
    horizon = max(unknown[known.attempted :], default=0)
    return {m.id for m in messages if m.id < horizon and m.author.id != bot_id}


def answered_before(count: int) -> Post:
    what = "A message above was" if count == 1 else f"{count} messages above were"
    return Post(
        f"-# The bridge's state came from a backup. {what} answered by a later state that is lost, so Claude does not"
        " get it again. If something was not answered, write it again.",
        silent=True,
    )
