"""One guild: who is in it, what channels it has, who may do what. Messages are in `discord_world`."""

from twins.discord.clock import Clock, Snowflakes
from twins.discord.errors import missing_access, missing_permissions, unknown_channel
from twins.discord.model import ALL_PERMISSIONS, Channel, ChannelType, Json, Permission, Role, User
from twins.discord.wire import channel_json, everyone_role, member_json, role_json, stamp


class Guild:
    """The guild that the bot is in. The bot may do everything but what a channel's `denied` takes away."""

    def __init__(self, clock: Clock, name: str, bot_name: str) -> None:
        self.clock = clock
        self.ids = Snowflakes(clock)
        self.name = name
        self.id = self.ids.next()
        self.application_id = self.ids.next()
        self.bot = User(self.application_id, bot_name, clock.wall(), bot=True)
        self.owner_id = self.ids.next()
        self.roles: dict[int, Role] = {self.id: everyone_role(self.id)}
        self.members: dict[int, User] = {self.bot.id: self.bot}
        self.strangers: dict[int, User] = {}
        self.channels: dict[int, Channel] = {}

    def add_role(self, name: str, permissions: int, *, mentionable: bool) -> Role:
        role = Role(self.ids.next(), name, len(self.roles), permissions, mentionable)
        self.roles[role.id] = role
        return role

    def add_user(self, name: str, roles: list[int], *, bot: bool = False, owner: bool = False) -> User:
        identity = self.owner_id if owner else self.ids.next()
        user = User(identity, name, self.clock.wall(), bot=bot, roles=roles)
        self.members[user.id] = user
        return user

    def add_webhook(self, name: str) -> User:
        user = User(self.ids.next(), name, self.clock.wall(), webhook=True)
        self.strangers[user.id] = user
        return user

    def add_channel(self, name: str, kind: ChannelType = ChannelType.TEXT, parent_id: int | None = None) -> Channel:
        channel = Channel(self.ids.next(), name, kind, position=len(self.channels), parent_id=parent_id)
        self.channels[channel.id] = channel
        return channel

    @property
    def users(self) -> dict[int, User]:
        return {**self.strangers, **self.members}

    def channel(self, channel_id: int) -> Channel:
        """The channel, or ApiError 10003."""
        try:
            return self.channels[channel_id]
        except KeyError:
            raise unknown_channel() from None

    def threads(self, parent_id: int | None = None, *, archived: bool = False) -> list[Channel]:
        """The threads of one channel (or all), active or archived, oldest first."""
        return [
            channel
            for channel in self.channels.values()
            if channel.thread and channel.thread.archived == archived and parent_id in (None, channel.parent_id)
        ]

    def denied_to_bot(self, channel: Channel) -> Permission:
        """A thread has its parent's permissions."""
        parent = self.channels.get(channel.parent_id or 0)
        return channel.denied | (parent.denied if parent else Permission.NONE)

    def require(self, channel: Channel, wanted: Permission) -> None:
        """Raise 50001 if the bot cannot see the channel, 50013 if it may not do `wanted` there."""
        denied = self.denied_to_bot(channel)
        if denied & Permission.VIEW_CHANNEL:
            raise missing_access()
        if denied & wanted:
            raise missing_permissions()

    def permissions_of(self, user: User, channel: Channel | None = None) -> int:
        """Permission bits of a member, in `channel` if given."""
        if user.id == self.bot.id:
            denied = self.denied_to_bot(channel) if channel else Permission.NONE
            return ALL_PERMISSIONS & ~int(denied | Permission.ADMINISTRATOR)  # who is one is denied nothing
        if user.id == self.owner_id:
            return ALL_PERMISSIONS
        bits = self.roles[self.id].permissions
        for role in user.roles:
            bits |= self.roles[role].permissions
        return ALL_PERMISSIONS if bits & Permission.ADMINISTRATOR else bits

    def pingable_roles(self, *, may_everyone: bool) -> set[int]:
        """Roles that a mention notifies: the mentionable ones, or all for who may mention everyone."""
        return {role.id for role in self.roles.values() if role.mentionable or may_everyone} - {self.id}

    def channel_json(self, channel: Channel) -> Json:
        return channel_json(channel, self.id, self.bot)

    def visible(self, channel: Channel) -> bool:
        return not self.denied_to_bot(channel) & Permission.VIEW_CHANNEL

    def rest_json(self) -> Json:
        """The guild as GET /guilds/{id} gives it."""
        return {
            "id": str(self.id),
            "name": self.name,
            "icon": None,
            "owner_id": str(self.owner_id),
            "afk_timeout": 300,
            "verification_level": 0,
            "default_message_notifications": 0,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": 0,
            "preferred_locale": "en-US",
            "system_channel_id": None,
            "system_channel_flags": 0,
            "features": [],
            "emojis": [],
            "stickers": [],
            "roles": [role_json(role) for role in self.roles.values()],
        }

    def create_json(self) -> Json:
        """The guild as GUILD_CREATE gives it: with the visible channels and the active threads."""
        plain = [c for c in self.channels.values() if not c.thread and c.type is not ChannelType.DIRECT]
        return {
            **self.rest_json(),
            "joined_at": stamp(self.bot.joined_at),
            "large": False,
            "unavailable": False,
            "member_count": len(self.members),
            "members": [member_json(user) for user in self.members.values()],
            "channels": [self.channel_json(channel) for channel in plain if self.visible(channel)],
            "threads": [self.channel_json(thread) for thread in self.threads() if self.visible(thread)],
            "presences": [],
            "voice_states": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
        }
