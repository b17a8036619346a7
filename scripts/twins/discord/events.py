"""What the bot is told of: reactions, typing and members here; whatever else happens tells it the same way."""

from collections.abc import Callable
from dataclasses import dataclass

from twins.discord.clock import Clock
from twins.discord.errors import ApiError
from twins.discord.guild import Guild
from twins.discord.model import (
    Channel,
    Json,
    Message,
    User,
)
from twins.discord.wire import (
    emoji_json,
    member_json,
    stamp,
)


@dataclass(slots=True, frozen=True)
class Dispatch:
    """An event for the gateway; `private_content` says that its content needs the MESSAGE_CONTENT intent."""

    event: str
    data: Json
    private_content: bool = False


class Events(Guild):
    """`emit` gets each event, `changed` is called after each change."""

    def __init__(self, clock: Clock, guild_name: str, bot_name: str) -> None:
        super().__init__(clock, guild_name, bot_name)
        self.emit: Callable[[Dispatch], None] = lambda _dispatch: None
        self.changed: Callable[[], None] = lambda: None

    def react(self, message: Message, user: User, emoji: str) -> None:
        users = message.reactions.setdefault(emoji, [])
        if user.id not in users:
            users.append(user.id)
            data = self._reaction(message, user, emoji)
            self.tell(
                "MESSAGE_REACTION_ADD",
                {**data, "member": member_json(user), "message_author_id": str(message.author.id)},
            )

    def unreact(self, message: Message, user: User, emoji: str) -> None:
        users = message.reactions.get(emoji, [])
        if user.id not in users:
            raise ApiError(404, 10014, "Unknown Emoji")
        users.remove(user.id)
        if not users:
            del message.reactions[emoji]
        self.tell("MESSAGE_REACTION_REMOVE", self._reaction(message, user, emoji))

    def _reaction(self, message: Message, user: User, emoji: str) -> Json:
        return {
            "user_id": str(user.id),
            "channel_id": str(message.channel_id),
            "message_id": str(message.id),
            "guild_id": str(self.id),
            "emoji": emoji_json(emoji),
            "burst": False,
            "type": 0,
        }

    def type_in(self, channel: Channel, user: User) -> None:
        self.tell(
            "TYPING_START",
            {
                "channel_id": str(channel.id),
                "guild_id": str(self.id),
                "user_id": str(user.id),
                "timestamp": int(self.clock.wall().timestamp()),
                "member": member_json(user),
            },
        )

    def join_guild(self, user: User) -> None:
        self.tell("GUILD_MEMBER_ADD", {**member_json(user), "guild_id": str(self.id)})

    def update_member(self, user: User) -> None:
        """Tell that a member's roles are now others."""
        self.tell(
            "GUILD_MEMBER_UPDATE",
            {**member_json(user), "guild_id": str(self.id), "joined_at": stamp(user.joined_at)},
        )

    def tell(self, event: str, data: Json, *, private_content: bool = False) -> None:
        """Events of channels that the bot cannot see do not reach it."""
        channel = self.channels.get(int(data.get("channel_id") or data["id" if "id" in data else "guild_id"]))
        if channel is None or self.visible(channel):
            self.emit(Dispatch(event, data, private_content))
        self.changed()
