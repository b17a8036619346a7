"""What others need of REST: small Protocols by what is done. Each method may raise ``supervisor.discord.errors`` only.

``supervisor.discord.rest.Rest`` has all of them; tests have fakes.
"""

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

from bridge.render.posts import File, Post
from supervisor.discord.errors import Found
from supervisor.discord.pace import Priority
from supervisor.discord.shapes import Member, Message, Unreadable


class Reading(Protocol):
    """What is there."""

    async def messages_after(self, channel_id: int, after: int, limit: int = ...) -> Sequence[Message | Unreadable]:
        """At most ``limit`` (1 to 100) messages after that id, oldest first. One that is garbage spoils no other."""

    async def message(self, channel_id: int, message_id: int) -> Message: ...

    async def member(self, guild_id: int, user_id: int) -> Member | None:
        """A member with roles (messages of REST carry none). None: no member of that guild."""

    async def look_up[T](self, route: str, kind: type[T], **ids: int) -> T | None:
        """What GET ``route`` gives, which names its ids in braces; None where there is no such thing."""

    async def is_gone(self, place_id: int) -> bool:
        """Whether Discord knows no such channel or thread, in its own words: not every 404 says that."""


class ReadingOne(Protocol):
    async def message(self, channel_id: int, message_id: int) -> Message: ...


class Downloading(Protocol):
    async def download(self, url: str, take: Callable[[bytes], object], most_bytes: int) -> None:
        """Hand the body to ``take``, piece by piece. Raises LinkExpired, TooLarge, Unavailable or Refused."""

    async def message(self, channel_id: int, message_id: int) -> Message: ...


class _Creating(Protocol):
    async def create(self, channel_id: int, post: Post, nonce: str, priority: Priority = ...) -> Found:
        """A new message, or the one that this nonce made within the last minutes."""


class Posting(_Creating, Protocol):
    """Messages that are made once, and at most taken back."""

    async def delete(self, channel_id: int, message_id: int) -> None:
        """A message of ours; that it is gone already is no error."""


class Commanding(Posting, ReadingOne, Protocol):
    """What slash commands take."""


class Showing(_Creating, Protocol):
    """Threads, and posts that are kept as they should be."""

    def wait_s(self, write: Literal["create", "edit"], channel_id: int, priority: Priority) -> float:
        """Seconds until such a write may go; 0.0 is now. Text is picked only then, so that the newest goes."""

    async def edit(self, channel_id: int, message_id: int, post: Post, priority: Priority = ...) -> None: ...

    async def make_thread(self, channel_id: int, message_id: int, name: str) -> bool:
        """A thread from a message; that it exists already is no error (160004). Whether we had made it before."""

    async def add_member(self, thread_id: int, user_id: int) -> None: ...

    async def unarchive(self, thread_id: int) -> None: ...

    async def own_messages(self, channel_id: int, after: int) -> list[Found]:
        """Our own posts among the messages after the message id ``after``, oldest first."""

    async def typing(self, channel_id: int) -> None: ...


class Reacting(Protocol):
    """Marks on messages, and messages of ours that are taken away."""

    async def react(self, channel_id: int, message_id: int, emoji: str) -> None: ...

    async def take_back(self, channel_id: int, message_id: int, emoji: str) -> None:
        """A reaction of ours; that it is gone already is no error."""

    async def delete(self, channel_id: int, message_id: int) -> None: ...


class Renaming(Protocol):
    async def rename(self, thread_id: int, name: str) -> None: ...


class Placing(_Creating, Renaming, Protocol):
    """What a wish from the host takes."""

    async def unarchive(self, thread_id: int) -> None: ...

    async def own_messages(self, channel_id: int, after: int) -> list[Found]:
        """Our own posts among the messages after the message id ``after``, oldest first."""


class Answering(Protocol):
    """Interactions, and the commands that lead to them."""

    def age_s(self, discord_id: int) -> float:
        """How long ago Discord gave that id, in seconds."""
        ...

    async def answer_interaction(
        self, interaction_id: int, token: str, kind: int, data: dict[str, Any] | None = ...
    ) -> None: ...

    async def edit_interaction_answer(
        self, application_id: int, token: str, data: dict[str, Any], files: tuple[File, ...] = ()
    ) -> None: ...

    async def bulk_put_commands(self, application_id: int, guild_id: int, commands: list[dict[str, Any]]) -> None:
        """Replace all of the guild's slash commands."""
