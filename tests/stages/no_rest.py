"""REST as far as nobody should need it: each fake overrides what its tests ask."""

from collections.abc import Callable, Sequence

from supervisor.discord.shapes import Member, Message, Unreadable


class NoRest:
    """Has what ``supervisor.discord.asking.Reading`` and ``Downloading`` name."""

    async def messages_after(self, channel_id: int, after: int, limit: int = 100) -> Sequence[Message | Unreadable]:
        raise AssertionError("nothing is read back here")

    async def message(self, channel_id: int, message_id: int) -> Message:
        raise AssertionError("no message is fetched here")

    async def member(self, guild_id: int, user_id: int) -> Member | None:
        raise AssertionError("nobody is looked up here")

    async def look_up[T](self, route: str, kind: type[T], **ids: int) -> T | None:
        raise AssertionError("nothing is looked up here")

    async def is_gone(self, place_id: int) -> bool:
        raise AssertionError("nothing is looked for here")

    async def download(self, url: str, take: Callable[[bytes], object], most_bytes: int) -> None:
        raise AssertionError("nothing is fetched here")
