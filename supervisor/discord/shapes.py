"""Discord's JSON, as far as it is read; it is the same on the gateway and from REST.

The shapes after discord-api-docs, resources/message.mdx, user.mdx, guild.mdx, channel.mdx and
interactions/receiving-and-responding.mdx, API version 10. What is not named here is not read. Ids come as strings and
are integers here; what may be absent has a default.
"""

import re
from typing import Annotated, Any

import msgspec

from bridge.discord_numbers import MOST_ID, MessageFlag
from bridge.protocol.errors import UNREADABLE, UserError
from bridge.routing.places import Place
from bridge.session.permission import Person

Id = Annotated[int, msgspec.Meta(ge=0, le=MOST_ID)]
"""The store keeps no larger number."""


class WithId(msgspec.Struct, frozen=True):
    id: Id


# --- people --------------------------------------------------------------------------------------------


class User(msgspec.Struct, frozen=True):
    id: Id
    username: str = ""
    global_name: str | None = None
    bot: bool = False

    @property
    def name(self) -> str:
        """As they want to be called everywhere."""
        return self.global_name or self.username


class Member(msgspec.Struct, frozen=True):
    """Somebody in one server. ``user``: not told with a message, whose author it is."""

    roles: tuple[int, ...] = ()
    nick: str | None = None
    user: User | None = None


def person_of(user: User, member: Member | None, guild_id: int) -> Person:
    """Somebody, with the roles that were told with the event; none, if none were."""
    name = (member.nick if member else None) or user.name or str(user.id)
    return Person(user.id, name, guild_id, frozenset(member.roles) if member else frozenset())


class Ready(msgspec.Struct, frozen=True):
    """A READY: who we are, and in which servers, also those that are away for a moment; None: it tells of none."""

    application: WithId
    user: User
    guilds: tuple[WithId, ...] | None = None


# --- messages ------------------------------------------------------------------------------------------


class AttachedFile(msgspec.Struct, frozen=True):
    """``size`` in bytes. ``url`` is signed, and expires after a day."""

    id: Id
    filename: str = ""
    size: int = 0
    content_type: str | None = None
    url: str = ""


class Embed(msgspec.Struct, frozen=True):
    title: str | None = None
    description: str | None = None


class Writer(msgspec.Struct, frozen=True):
    """Of a quoted message; what is not known of them has a default, ``id`` too."""

    id: Id = 0
    username: str = ""
    global_name: str | None = None


class Quoted(msgspec.Struct, frozen=True):
    """The message that another one answers; or a snapshot of one, which has no author."""

    author: Writer | None = None
    content: str = ""
    embeds: tuple[Embed, ...] = ()
    attachments: tuple[AttachedFile, ...] = ()


class Snapshot(msgspec.Struct, frozen=True):
    """Of a message that was forwarded."""

    message: Quoted = Quoted()


class Reference(msgspec.Struct, frozen=True):
    """What a message answers or forwards."""

    message_id: Id | None = None


class StartedThread(msgspec.Struct, frozen=True):
    """The thread that was started from a message; only a message that is read back has one."""

    id: Id = 0
    owner_id: Id = 0


class Message(msgspec.Struct, frozen=True):
    """``member``, ``guild_id``: REST leaves them out. ``nonce``: Discord keeps it for minutes only.

    ``referenced_message``: UNSET when Discord did not look for it, None when it is gone.
    """

    id: Id
    channel_id: Id
    author: User
    content: str = ""
    type: int = 0
    guild_id: Id = 0
    member: Member | None = None
    webhook_id: Id | None = None
    mentions: tuple[User, ...] = ()
    mention_roles: tuple[int, ...] = ()
    flags: int = 0
    attachments: tuple[AttachedFile, ...] = ()
    message_reference: Reference | None = None
    referenced_message: Quoted | msgspec.UnsetType | None = msgspec.UNSET
    message_snapshots: tuple[Snapshot, ...] = ()
    interaction_metadata: object = None
    nonce: str | int | None = None
    edited_timestamp: str | None = None
    thread: StartedThread | None = None

    @property
    def reply_to(self) -> int:
        return (self.message_reference and self.message_reference.message_id) or 0


class Typing(msgspec.Struct, frozen=True):
    """A TYPING_START: told when somebody begins, and again about every ten seconds while they go on."""

    channel_id: Id
    user_id: Id


class Edit(msgspec.Struct, frozen=True):
    """A MESSAGE_UPDATE. Without ``edited_timestamp`` nobody edited it: Discord put a preview below it, or the like."""

    id: Id
    channel_id: Id
    content: str | None = None
    edited_timestamp: str | None = None
    author: User | None = None
    member: Member | None = None
    type: int = 0
    attachments: tuple[AttachedFile, ...] = ()
    referenced_message: Quoted | msgspec.UnsetType | None = msgspec.UNSET
    message_snapshots: tuple[Snapshot, ...] = ()


class Deletion(msgspec.Struct, frozen=True):
    """A MESSAGE_DELETE, or of several at once (``ids``)."""

    channel_id: Id
    id: Id = 0
    ids: tuple[int, ...] = ()


class Unreadable(msgspec.Struct, frozen=True):
    """A message that is none as we know them. ``id``: 0 when not even that can be read."""

    id: Id = 0
    channel_id: Id = 0
    is_from_bot: bool = False


# --- servers -------------------------------------------------------------------------------------------


class ThreadMetadata(msgspec.Struct, frozen=True):
    archived: bool = False


class PlaceShown(msgspec.Struct, frozen=True):
    """A channel or a thread."""

    id: Id
    type: int = 0
    name: str | None = None
    parent_id: Id | None = None
    guild_id: Id | None = None
    last_message_id: Id | None = None
    thread_metadata: ThreadMetadata = ThreadMetadata()

    @property
    def place(self) -> Place:
        return Place(self.id, self.type, self.name or "", self.parent_id or 0, self.guild_id or 0)


class RoleTags(msgspec.Struct, frozen=True):
    bot_id: Id = 0


class RoleShown(msgspec.Struct, frozen=True):
    id: Id
    name: str = ""
    tags: RoleTags = RoleTags()


class GuildShown(msgspec.Struct, frozen=True):
    """A GUILD_CREATE or GUILD_UPDATE; the latter has neither channels nor threads."""

    id: Id
    name: str | None = None
    channels: tuple[PlaceShown, ...] = ()
    threads: tuple[PlaceShown, ...] = ()
    roles: tuple[RoleShown, ...] = ()


class ThreadsShown(msgspec.Struct, frozen=True):
    """A THREAD_LIST_SYNC."""

    guild_id: Id
    threads: tuple[PlaceShown, ...] = ()


class RoleChange(msgspec.Struct, frozen=True):
    guild_id: Id
    role: RoleShown


class RoleGone(msgspec.Struct, frozen=True):
    role_id: Id


# --- interactions --------------------------------------------------------------------------------------


class PressedIn(msgspec.Struct, frozen=True):
    """The message whose component was pressed."""

    flags: int = 0


class Interaction(msgspec.Struct, frozen=True):
    """A command, a click, a form, or what somebody types in one. ``member`` as it came: nextcord takes it so."""

    id: Id
    application_id: Id
    type: int
    token: str
    data: dict[str, Any] = {}
    guild_id: Id = 0
    channel_id: Id = 0
    channel: PlaceShown | None = None
    member: dict[str, Any] | None = None
    message: PressedIn | None = None

    @property
    def is_for_one(self) -> bool:
        """Whether it was pressed in a message that only this person sees."""
        return self.message is not None and bool(self.message.flags & MessageFlag.EPHEMERAL)

    @property
    def person(self) -> Person:
        """Who did it, with their roles of now. Raises UserError outside a server."""
        member = read(self.member, Member) if self.member else Member()
        if not self.guild_id or member.user is None:
            raise UserError("This works only in a server.")
        return person_of(member.user, member, self.guild_id)

    @property
    def parent_id(self) -> int:
        """The channel of the thread that it came from; of a channel, 0 or its category."""
        return (self.channel.parent_id if self.channel else 0) or 0


# --- reading -------------------------------------------------------------------------------------------

_ID = re.compile("[0-9]{1,20}")


def read[T](data: object, kind: type[T]) -> T:
    """From JSON, where Discord writes ids as strings, or from another shape. Raises msgspec.ValidationError."""
    try:
        return msgspec.convert(data, kind, strict=False, from_attributes=True)
    except UnicodeEncodeError:
        raise msgspec.ValidationError("half of a character") from None


def id_of(data: object, name: str = "id") -> int:
    """An id in what may be garbage; 0 for none."""
    value = data.get(name) if isinstance(data, dict) else None
    found = int(value) if isinstance(value, int | str) and _ID.fullmatch(str(value)) else 0
    return found if found <= MOST_ID else 0


def glimpse(data: object) -> Unreadable:
    """What can be told of a message that cannot be read."""
    author = data.get("author") if isinstance(data, dict) else None
    is_from_bot = isinstance(author, dict) and bool(author.get("bot"))
    return Unreadable(id_of(data), id_of(data, "channel_id"), is_from_bot)


def message_of(raw: bytes) -> Message | Unreadable:
    """One message of REST's. Never raises."""
    try:
        return msgspec.json.decode(raw, type=Message, strict=False)
    except UNREADABLE:
        pass
    try:
        return glimpse(msgspec.json.decode(raw))
    except UNREADABLE:
        return Unreadable()
