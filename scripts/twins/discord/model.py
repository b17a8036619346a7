"""What a guild consists of. Ids are integers in here and become strings on the wire."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Any, Final

MOST_PREVIEWS = 5
_LINK = re.compile(r"(?<!<)https?://[^\s<>)]+")
type Json = dict[str, Any]
"""A JSON object as it travels. Its members are checked by the `discord_check_*` modules, not by types."""


class Permission(IntFlag):
    """Permission bits (Discord documentation, "Permissions"). Only those that something here asks for."""

    NONE = 0
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_APPLICATION_COMMANDS = 1 << 31
    MANAGE_THREADS = 1 << 34
    CREATE_PUBLIC_THREADS = 1 << 35
    SEND_MESSAGES_IN_THREADS = 1 << 38


ALL_PERMISSIONS: Final = (1 << 53) - 1
EVERYONE_DEFAULT: Final = int(
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.SEND_MESSAGES_IN_THREADS
    | Permission.ADD_REACTIONS
    | Permission.ATTACH_FILES
    | Permission.EMBED_LINKS
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_APPLICATION_COMMANDS
)


class ChannelType(IntEnum):
    TEXT = 0
    DIRECT = 1
    VOICE = 2
    CATEGORY = 4
    ANNOUNCEMENT = 5
    ANNOUNCEMENT_THREAD = 10
    PUBLIC_THREAD = 11
    PRIVATE_THREAD = 12
    STAGE = 13
    FORUM = 15
    MEDIA = 16


class MessageType(IntEnum):
    DEFAULT = 0
    NAME_CHANGE = 4
    PINNED = 6
    MEMBER_JOIN = 7
    THREAD_CREATED = 18
    REPLY = 19
    CHAT_INPUT_COMMAND = 20
    THREAD_STARTER = 21


class MessageFlag(IntFlag):
    NONE = 0
    SUPPRESS_EMBEDS = 1 << 2
    HAS_THREAD = 1 << 5
    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    SUPPRESS_NOTIFICATIONS = 1 << 12
    COMPONENTS_V2 = 1 << 15


@dataclass(slots=True, eq=False)
class User:
    """Somebody who writes: a person, a bot or a webhook. A person's roles in the guild are here too."""

    id: int
    name: str
    joined_at: datetime
    bot: bool = False
    webhook: bool = False
    roles: list[int] = field(default_factory=list)

    @property
    def mention(self) -> str:
        return f"<@{self.id}>"


@dataclass(slots=True, eq=False)
class Role:
    id: int
    name: str
    position: int
    permissions: int = 0
    mentionable: bool = False


@dataclass(slots=True, eq=False)
class ThreadState:
    """What a thread has and another channel has not."""

    owner_id: int
    created_at: datetime
    archive_changed_at: datetime
    auto_archive_minutes: int
    archived: bool = False
    locked: bool = False
    members: dict[int, datetime] = field(default_factory=dict)
    message_count: int = 0


@dataclass(slots=True, eq=False)
class Channel:
    """A channel of a kind, or a thread (`thread` is set). `denied` is what the bot may not do here."""

    id: int
    name: str
    type: ChannelType
    position: int = 0
    parent_id: int | None = None
    topic: str | None = None
    last_message_id: int | None = None
    thread: ThreadState | None = None
    denied: Permission = Permission.NONE
    hidden_from: frozenset[int] = frozenset()
    """Users who cannot read here."""
    messages: dict[int, "Message"] = field(default_factory=dict)


@dataclass(slots=True, frozen=True)
class Upload:
    """A file on its way in."""

    filename: str
    content: bytes
    content_type: str = "application/octet-stream"
    description: str | None = None


@dataclass(slots=True, eq=False)
class Attachment:
    id: int
    channel_id: int
    upload: Upload
    ephemeral: bool = False


@dataclass(slots=True, frozen=True)
class Pinged:
    """Whom a message really notified, after `allowed_mentions` and permissions."""

    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)

    def __or__(self, other: "Pinged") -> "Pinged":
        return Pinged(self.users | other.users, self.roles | other.roles, self.everyone or other.everyone)


@dataclass(slots=True, frozen=True)
class Revision:
    """What a message showed from `at` (seconds, monotonic) until the next revision."""

    at: float
    content: str
    embeds: tuple[Json, ...]
    components: tuple[Json, ...]
    filenames: tuple[str, ...]
    deleted: bool = False


@dataclass(slots=True, eq=False)
class Message:
    """One message, with everything it ever showed in `revisions` (the last one is what it shows now).

    `pinged` is the union over creation and all edits: an edit notifies nobody in Discord, but it highlights,
    and a bridge that lets it has the same mistake in it.
    """

    id: int
    channel_id: int
    author: User
    content: str
    type: MessageType = MessageType.DEFAULT
    flags: MessageFlag = MessageFlag.NONE
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    mentions: Pinged = field(default_factory=Pinged)
    pinged: Pinged = field(default_factory=Pinged)
    edited_at: datetime | None = None
    nonce: str | int | None = None
    reply_to: int | None = None
    reference: Json | None = None
    reactions: dict[str, list[int]] = field(default_factory=dict)
    ephemeral_for: int | None = None
    interaction: Json | None = None
    deleted: bool = False
    revisions: list[Revision] = field(default_factory=list)

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & MessageFlag.EPHEMERAL)

    @property
    def filenames(self) -> tuple[str, ...]:
        return tuple(attachment.upload.filename for attachment in self.attachments)

    @property
    def text(self) -> str:
        """Everything readable in it outside embeds: the content and the text displays."""
        return "\n".join([self.content, *texts_of(self.components)]).strip()

    @property
    def drawn_embeds(self) -> list[Json]:
        """Its own embeds and previews of its links (for which Discord takes a moment); with SUPPRESS_EMBEDS neither."""
        if self.flags & MessageFlag.SUPPRESS_EMBEDS:
            return []
        links = dict.fromkeys(_LINK.findall(self.content))
        return [*self.embeds, *({"type": "link", "url": url, "title": url} for url in list(links)[:MOST_PREVIEWS])]

    def remember(self, at: float) -> None:
        """Append what it shows now to its revisions."""
        self.revisions.append(
            Revision(at, self.content, tuple(self.embeds), tuple(self.components), self.filenames, self.deleted)
        )


def walk(components: list[Json]) -> list[Json]:
    """Every component in the tree, parents first."""
    found: list[Json] = []
    for component in components:
        found.append(component)
        found += walk(component.get("components") or [])
        found += walk([component[key] for key in ("accessory", "component") if component.get(key)])
    return found


def texts_of(components: list[Json]) -> list[str]:
    """The contents of the text displays (type 10) in the tree."""
    return [str(component["content"]) for component in walk(components) if component.get("type") == 10]
