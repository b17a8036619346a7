"""A guild that was kept in a file, and comes back as it was: for a state directory whose threads have to be there.

What a message showed before it was edited is not kept, nor are files. Ids stay; new ones are larger than all kept.
"""

from datetime import datetime

import msgspec

from twins.discord.clock import Clock
from twins.discord.loopback import LoopbackDiscord
from twins.discord.model import (
    Channel,
    ChannelType,
    Json,
    Message,
    MessageFlag,
    MessageType,
    Permission,
    Role,
    ThreadState,
    User,
)
from twins.discord.world import World


class KeptMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    id: int
    author: int
    content: str
    type: int
    flags: int
    embeds: list[Json] = []
    components: list[Json] = []
    edited_at: datetime | None = None
    nonce: str | int | None = None
    reply_to: int | None = None
    reference: Json | None = None
    reactions: dict[str, list[int]] = {}


class KeptChannel(msgspec.Struct, frozen=True, omit_defaults=True):
    """A channel or, with ``thread``, a thread."""

    id: int
    name: str
    type: int
    position: int
    messages: list[KeptMessage]
    parent_id: int | None = None
    topic: str | None = None
    last_message_id: int | None = None
    thread: ThreadState | None = None
    denied: int = 0
    hidden_from: tuple[int, ...] = ()


class KeptGuild(msgspec.Struct, frozen=True):
    id: int
    name: str
    application_id: int
    bot_name: str
    owner_id: int
    roles: list[Role]
    people: list[User]
    strangers: list[User]
    channels: list[KeptChannel]
    commands: list[Json]


def keep(discord: LoopbackDiscord) -> bytes:
    """JSON for ``read``. Raises ValueError when there is something in it that cannot be kept."""
    world = discord.world
    if world.attachments:
        raise ValueError("messages with files are not kept")
    kept = KeptGuild(
        id=world.id,
        name=world.name,
        application_id=world.application_id,
        bot_name=world.bot.name,
        owner_id=world.owner_id,
        roles=[role for role in world.roles.values() if role.id != world.id],
        people=[user for user in world.members.values() if user is not world.bot],
        strangers=list(world.strangers.values()),
        channels=[_channel(channel) for channel in world.channels.values()],
        commands=discord.guild_commands.all(),
    )
    return msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n"


def read(data: bytes) -> KeptGuild:
    """Raises msgspec.ValidationError for what ``keep`` did not write."""
    return msgspec.json.decode(data, type=KeptGuild)


def world_of(kept: KeptGuild, clock: Clock) -> World:
    """With everything in it but the commands, which are the server's."""
    world = World(clock, kept.name, kept.bot_name)
    everyone = world.roles.pop(world.id)
    everyone.id = kept.id
    world.id, world.application_id, world.owner_id = kept.id, kept.application_id, kept.owner_id
    world.bot.id = kept.application_id
    world.roles = {kept.id: everyone, **{role.id: role for role in kept.roles}}
    world.members = {user.id: user for user in (world.bot, *kept.people)}
    world.strangers = {user.id: user for user in kept.strangers}
    for one in kept.channels:
        channel = _restored(one)
        world.channels[channel.id] = channel
        for message in one.messages:
            _restore(world, channel, message)
    world.ids.skip(max([kept.id, *world.everything, *world.channels]))
    return world


def _channel(channel: Channel) -> KeptChannel:
    return KeptChannel(
        *(channel.id, channel.name, int(channel.type), channel.position),
        [_message(message) for message in channel.messages.values() if not message.deleted],
        parent_id=channel.parent_id,
        topic=channel.topic,
        last_message_id=channel.last_message_id,
        thread=channel.thread,
        denied=int(channel.denied),
        hidden_from=tuple(sorted(channel.hidden_from)),
    )


def _message(message: Message) -> KeptMessage:
    return KeptMessage(
        *(message.id, message.author.id, message.content, int(message.type), int(message.flags)),
        *(message.embeds, message.components, message.edited_at, message.nonce),
        *(message.reply_to, message.reference, message.reactions),
    )


def _restored(kept: KeptChannel) -> Channel:
    channel = Channel(kept.id, kept.name, ChannelType(kept.type), kept.position, kept.parent_id, kept.topic)
    channel.last_message_id, channel.thread = kept.last_message_id, kept.thread
    channel.denied = Permission(kept.denied)
    channel.hidden_from = frozenset(kept.hidden_from)
    return channel


def _restore(world: World, channel: Channel, kept: KeptMessage) -> None:
    author = world.users[kept.author]
    kind, flags = MessageType(kept.type), MessageFlag(kept.flags)
    message = Message(kept.id, channel.id, author, kept.content, kind, flags, kept.embeds, kept.components)
    message.edited_at, message.nonce = kept.edited_at, kept.nonce
    message.reply_to, message.reference, message.reactions = kept.reply_to, kept.reference, kept.reactions
    message.remember(world.clock.monotonic())
    channel.messages[message.id] = world.everything[message.id] = message
