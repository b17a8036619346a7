"""Discord's JSON, as far as it is read; it is the same on the gateway and from REST.

What is not named here is not read. Ids come as strings and are integers here.
"""

import re

import msgspec

from supervisor.discord.message import AttachmentJson, QuotedJson, SnapshotJson


class WithId(msgspec.Struct, frozen=True):
    id: int


class UserJson(msgspec.Struct, frozen=True):
    id: int
    username: str = ""
    global_name: str | None = None
    bot: bool = False


class MemberJson(msgspec.Struct, frozen=True):
    roles: tuple[int, ...] = ()
    nick: str | None = None
    user: UserJson | None = None


class MessageJson(msgspec.Struct, frozen=True):
    id: int
    channel_id: int
    author: UserJson
    content: str = ""
    type: int = 0
    guild_id: int = 0
    member: MemberJson | None = None
    webhook_id: int | None = None
    mentions: tuple[UserJson, ...] = ()
    mention_roles: tuple[int, ...] = ()
    flags: int = 0
    attachments: tuple[AttachmentJson, ...] = ()
    referenced_message: QuotedJson | msgspec.UnsetType | None = msgspec.UNSET
    message_snapshots: tuple[SnapshotJson, ...] = ()
    interaction_metadata: object = None
    thread: "StartedJson | None" = None


class StartedJson(msgspec.Struct, frozen=True):
    """The thread that was started from a message; only a message that is read back has one."""

    owner_id: int = 0


class EditedJson(msgspec.Struct, frozen=True):
    """A MESSAGE_UPDATE. Without ``edited_timestamp`` nobody edited it: Discord put a preview below it, or the like."""

    id: int
    channel_id: int
    content: str | None = None
    edited_timestamp: str | None = None
    author: UserJson | None = None
    member: MemberJson | None = None
    type: int = 0
    attachments: tuple[AttachmentJson, ...] = ()
    referenced_message: QuotedJson | msgspec.UnsetType | None = msgspec.UNSET
    message_snapshots: tuple[SnapshotJson, ...] = ()


class DeletedJson(msgspec.Struct, frozen=True):
    """A MESSAGE_DELETE, or of several at once (``ids``)."""

    channel_id: int
    id: int = 0
    ids: tuple[int, ...] = ()


class ChannelJson(msgspec.Struct, frozen=True):
    id: int
    parent_id: int | None = None
    last_message_id: int | None = None


class Ready(msgspec.Struct, frozen=True):
    """A READY: who we are."""

    application: WithId
    user: UserJson


class GuildJson(msgspec.Struct, frozen=True):
    id: int
    channels: tuple[ChannelJson, ...] = ()
    threads: tuple[ChannelJson, ...] = ()


def read[T](data: object, kind: type[T]) -> T:
    """From JSON, where Discord writes ids as strings, or from what REST made of it. Raises msgspec.ValidationError."""
    try:
        return msgspec.convert(data, kind, strict=False, from_attributes=True)
    except UnicodeEncodeError:
        raise msgspec.ValidationError("half of a character") from None


def id_of(data: object, name: str = "id") -> int:
    """An id in what may be garbage; 0 for none."""
    value = data.get(name) if isinstance(data, dict) else getattr(data, name, 0)
    return int(value) if isinstance(value, int | str) and _ID.fullmatch(str(value)) else 0


_ID = re.compile("[0-9]{1,20}")
