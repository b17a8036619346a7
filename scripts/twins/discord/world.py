"""Messages and threads of the guild: every change of them, and the event that tells the bot.

Payloads are those of REST and have been checked before; people write through the same methods.
"""

import copy
from dataclasses import dataclass

from twins.discord.checks.message import flags_in, stripped
from twins.discord.clock import Clock
from twins.discord.errors import Problems, not_on_this_channel_type, thread_already_created, unknown_message
from twins.discord.events import Events
from twins.discord.mentions import allowed_part, existing_part, mentioned_in, reply_pings
from twins.discord.model import (
    Attachment,
    Channel,
    ChannelType,
    Json,
    Message,
    MessageFlag,
    MessageType,
    Permission,
    Pinged,
    ThreadState,
    Upload,
    User,
    walk,
)
from twins.discord.wire import (
    attachment_json,
    member_json,
    message_json,
    thread_member_json,
    user_json,
)

NONCE_WINDOW_S = 180.0
"""How long a nonce is remembered. Discord says "the past few minutes" (Create Message)."""

_THREADS_BELOW = {
    ChannelType.TEXT: ChannelType.PUBLIC_THREAD,
    ChannelType.ANNOUNCEMENT: ChannelType.ANNOUNCEMENT_THREAD,
}
"""The kind of a thread that is made from a message, by its channel's."""


@dataclass(slots=True, frozen=True)
class Manner:
    """How a message comes about, when not by plain posting. An ephemeral one is for one user id.

    ``message_id``: of a forum's post, whose first message has the thread's id.
    """

    kind: MessageType = MessageType.DEFAULT
    interaction: Json | None = None
    ephemeral_for: int | None = None
    loading: bool = False
    message_id: int = 0

    @property
    def flags(self) -> MessageFlag:
        flags = MessageFlag.LOADING if self.loading else MessageFlag.NONE
        return flags | (MessageFlag.NONE if self.ephemeral_for is None else MessageFlag.EPHEMERAL)


class World(Events):
    """The guild with what is written in it."""

    def __init__(self, clock: Clock, guild_name: str, bot_name: str) -> None:
        super().__init__(clock, guild_name, bot_name)
        self.origin = ""
        self.attachments: dict[int, Attachment] = {}
        self.ephemerals: dict[int, Message] = {}
        self.everything: dict[int, Message] = {}
        self._nonces: dict[tuple[int, str], tuple[float, Message]] = {}

    # --- messages

    def message(self, channel: Channel, message_id: int) -> Message:
        """A message that is there and not ephemeral, or ApiError 10008."""
        found = channel.messages.get(message_id)
        if found is None or found.deleted:
            raise unknown_message()
        return found

    def listed(self, channel: Channel) -> list[Message]:
        """What a channel shows to everybody, oldest first."""
        return [message for message in channel.messages.values() if not message.deleted]

    def with_nonce(self, author: User, payload: Json) -> Message | None:
        """The message that `enforce_nonce` answers with instead of making another one."""
        if not payload.get("enforce_nonce") or payload.get("nonce") is None:
            return None
        made_at, message = self._nonces.get((author.id, str(payload["nonce"])), (float("-inf"), None))
        return message if self.clock.monotonic() - made_at < NONCE_WINDOW_S else None

    def post(
        self,
        channel: Channel,
        author: User,
        payload: Json,
        uploads: dict[int, Upload] | None = None,
        manner: "Manner | None" = None,
    ) -> Message:
        """Create a message. An archived thread is revived, its author joins the thread."""
        how = manner or Manner()
        flags = (flags_in(payload) & ~MessageFlag.EPHEMERAL) | how.flags
        message_id = how.message_id or self.ids.next()
        message = Message(message_id, channel.id, author, stripped(payload), how.kind, flags)
        message.ephemeral_for = how.ephemeral_for
        message.interaction = how.interaction
        message.nonce = payload.get("nonce")
        message.embeds = copy.deepcopy(payload.get("embeds") or [])
        message.components = numbered(payload.get("components") or [])
        message.attachments = self._store_files(message, payload, uploads or {})
        self._refer(channel, message, payload)
        self._ping(message, payload.get("allowed_mentions"))
        self._publish(channel, message)
        return message

    def edit(self, message: Message, payload: Json, uploads: dict[int, Upload] | None = None) -> None:
        """Change what the payload names; attachments stay unless `attachments` lists which to keep."""
        if "content" in payload:
            message.content = stripped(payload)
        if "embeds" in payload:
            message.embeds = copy.deepcopy(payload["embeds"] or [])
        if "components" in payload:
            message.components = numbered(payload["components"] or [])
        kept = message.attachments
        if payload.get("attachments") is not None:
            listed = {str(entry.get("id")) for entry in payload["attachments"]}
            kept = [attachment for attachment in kept if str(attachment.id) in listed]
        message.attachments = kept + self._store_files(message, payload, uploads or {})
        self._edit_flags(message, payload)
        if "content" in payload or "components" in payload:
            self._ping(message, payload.get("allowed_mentions"))
        message.edited_at = self.clock.wall()
        message.remember(self.clock.monotonic())
        self.emit_message("MESSAGE_UPDATE", message)

    def delete(self, message: Message) -> None:
        message.deleted = True
        message.remember(self.clock.monotonic())
        data = {"id": str(message.id), "channel_id": str(message.channel_id)}
        self.tell("MESSAGE_DELETE", data if message.ephemeral else {**data, "guild_id": str(self.id)})

    def _edit_flags(self, message: Message, payload: Json) -> None:
        """V2 can be set and never unset; only SUPPRESS_EMBEDS can be both. An edit ends the loading state."""
        message.flags &= ~MessageFlag.LOADING
        wanted = flags_in(payload)
        message.flags |= wanted & MessageFlag.COMPONENTS_V2
        if "flags" in payload:
            message.flags &= ~MessageFlag.SUPPRESS_EMBEDS
            message.flags |= wanted & MessageFlag.SUPPRESS_EMBEDS

    def _publish(self, channel: Channel, message: Message) -> None:
        self.everything[message.id] = message
        if message.nonce is not None:
            self._nonces[message.author.id, str(message.nonce)] = (self.clock.monotonic(), message)
        message.remember(self.clock.monotonic())
        if message.ephemeral:
            self.ephemerals[message.id] = message
        else:
            self._join_by_writing(channel, message)
            channel.messages[message.id] = message
            channel.last_message_id = message.id
        self.emit_message("MESSAGE_CREATE", message)

    def _join_by_writing(self, channel: Channel, message: Message) -> None:
        if channel.thread is None:
            return
        if channel.thread.archived:
            self.update_thread(channel, self.bot, {"archived": False})
        if message.type is not MessageType.THREAD_STARTER:
            channel.thread.message_count += 1
        if not message.author.webhook:
            self.join(channel, message.author)

    def _refer(self, channel: Channel, message: Message, payload: Json) -> None:
        reference = payload.get("message_reference")
        if not reference:
            return
        target = channel.messages.get(int(reference["message_id"]))
        if target is None or target.deleted:
            if reference.get("fail_if_not_exists", True):
                problems = Problems()
                problems.add("message_reference", "MESSAGE_REFERENCE_UNKNOWN_MESSAGE", "Unknown message")
                problems.raise_if_any()
            return
        message.type, message.reply_to = MessageType.REPLY, target.id
        message.reference = self.reference_to(target)

    def reference_to(self, target: Message) -> Json:
        return {
            "type": 0,
            "message_id": str(target.id),
            "channel_id": str(target.channel_id),
            "guild_id": str(self.id),
        }

    def _ping(self, message: Message, allowed: Json | None) -> None:
        channel = self.channels[message.channel_id]
        bits = self.permissions_of(message.author, channel) if not message.author.webhook else 0
        may_everyone = bool(bits & Permission.MENTION_EVERYONE)
        found = existing_part(
            allowed_part(mentioned_in(message.text), allowed),
            self.members,
            self.pingable_roles(may_everyone=may_everyone),
            may_everyone=may_everyone,
        )
        if message.reply_to and reply_pings(allowed):
            found |= Pinged(frozenset({self.everything[message.reply_to].author.id}))
        message.mentions = found
        message.pinged |= found

    def _store_files(self, message: Message, payload: Json, uploads: dict[int, Upload]) -> list[Attachment]:
        described = {str(entry.get("id")): entry for entry in payload.get("attachments") or []}
        stored = []
        for index, upload in sorted(uploads.items()):
            entry = described.get(str(index), {})
            named = Upload(
                entry.get("filename") or upload.filename,
                upload.content,
                upload.content_type,
                entry.get("description"),
            )
            stored.append(self.keep_file(message.channel_id, named, ephemeral=message.ephemeral))
        return stored

    def keep_file(self, channel_id: int, upload: Upload, *, ephemeral: bool = False) -> Attachment:
        attachment = Attachment(self.ids.next(), channel_id, upload, ephemeral)
        self.attachments[attachment.id] = attachment
        return attachment

    def upload_json(self, channel_id: int, upload: Upload) -> Json:
        """Keep a file that came with a command's option."""
        kept = self.keep_file(channel_id, upload, ephemeral=True)
        return attachment_json(kept, self.origin)

    # --- messages as JSON

    def message_json(self, message: Message) -> Json:
        """A message as REST gives it, with its thread and the message it refers to."""
        body = message_json(message, self.origin, self.users, self.bot)
        if message.flags & MessageFlag.HAS_THREAD and message.id in self.channels:
            body["thread"] = self.channel_json(self.channels[message.id])
        if message.reply_to is not None:
            target = self.everything[message.reply_to]
            body["referenced_message"] = (
                None if target.deleted else message_json(target, self.origin, self.users, self.bot)
            )
        return body

    def emit_message(self, event: str, message: Message) -> None:
        body = self.message_json(message)
        if not message.ephemeral and self.channels[message.channel_id].type is not ChannelType.DIRECT:
            body["guild_id"] = str(self.id)
            if not message.author.webhook and message.author.id in self.members:
                body["member"] = member_json(message.author, with_user=False)
            body["mentions"] = [
                {
                    **user_json(self.members[user]),
                    "member": member_json(self.members[user], with_user=False),
                }
                for user in sorted(message.mentions.users)
            ]
        self.tell(event, body, private_content=self.is_private_content(message))

    def is_private_content(self, message: Message) -> bool:
        """Content that needs the MESSAGE_CONTENT intent: somebody else's, and it does not mention the bot."""
        return message.author.id != self.bot.id and self.bot.id not in message.mentions.users

    # --- threads

    def start_thread(self, message: Message, author: User, name: str, auto_archive_minutes: int) -> Channel:
        """A public thread from a message; it has the message's id and begins with a starter message."""
        if message.id in self.channels:
            raise thread_already_created()
        kind = _THREADS_BELOW.get(self.channel(message.channel_id).type)
        if kind is None:
            raise not_on_this_channel_type()
        message.flags |= MessageFlag.HAS_THREAD
        thread = self._open(Channel(message.id, name, kind, parent_id=message.channel_id), author, auto_archive_minutes)
        self.emit_message("MESSAGE_UPDATE", message)
        starter = Message(self.ids.next(), thread.id, message.author, "", MessageType.THREAD_STARTER)
        starter.reply_to, starter.reference = message.id, self.reference_to(message)
        self._publish(thread, starter)
        return thread

    def start_post(self, forum: Channel, author: User, name: str, text: str) -> Channel:
        """A post of a forum or media channel: a thread whose first message has its id."""
        post = Channel(self.ids.next(), name, ChannelType.PUBLIC_THREAD, parent_id=forum.id)
        self._open(post, author, 4320)
        self.post(post, author, {"content": text}, manner=Manner(message_id=post.id))
        return post

    def _open(self, thread: Channel, author: User, auto_archive_minutes: int) -> Channel:
        now = self.clock.wall()
        thread.thread = ThreadState(author.id, now, now, auto_archive_minutes)
        thread.thread.members[author.id] = now
        self.channels[thread.id] = thread
        self.tell("THREAD_CREATE", {**self.channel_json(thread), "newly_created": True})
        return thread

    def update_thread(self, thread: Channel, actor: User, changes: Json) -> None:
        """Rename, archive, lock or unlock; a new name leaves a system message in the thread."""
        state = thread.thread
        assert state is not None
        renamed = changes.get("name", thread.name) != thread.name
        thread.name = changes.get("name", thread.name)
        if changes.get("archived", state.archived) != state.archived:
            state.archived, state.archive_changed_at = changes["archived"], self.clock.wall()
        state.locked = changes.get("locked", state.locked)
        state.auto_archive_minutes = changes.get("auto_archive_duration", state.auto_archive_minutes)
        self.tell("THREAD_UPDATE", self.channel_json(thread))
        if renamed and not state.archived:
            self.post(thread, actor, {"content": thread.name}, manner=Manner(MessageType.NAME_CHANGE))

    def update_channel(self, channel: Channel, changes: Json) -> None:
        channel.name = changes.get("name", channel.name)
        channel.topic = changes.get("topic", channel.topic)
        channel.type = changes.get("type", channel.type)
        channel.parent_id = changes.get("parent_id", channel.parent_id)
        self.tell("CHANNEL_UPDATE", self.channel_json(channel))

    def delete_channel(self, channel: Channel) -> None:
        del self.channels[channel.id]
        if channel.thread is None:
            for thread in [one for one in self.channels.values() if one.parent_id == channel.id and one.thread]:
                del self.channels[thread.id]
            self.tell("CHANNEL_DELETE", self.channel_json(channel))
            return
        data = {"id": str(channel.id), "guild_id": str(self.id), "parent_id": str(channel.parent_id)}
        self.tell("THREAD_DELETE", {**data, "type": int(channel.type)})

    def join(self, thread: Channel, user: User) -> None:
        """Make `user` a member of the thread (no effect if it is one)."""
        assert thread.thread is not None
        if user.id in thread.thread.members:
            return
        thread.thread.members[user.id] = self.clock.wall()
        added = thread_member_json(thread.id, user.id, thread.thread.members[user.id])
        self.tell(
            "THREAD_MEMBERS_UPDATE",
            {
                "id": str(thread.id),
                "guild_id": str(self.id),
                "member_count": min(len(thread.thread.members), 50),
                "added_members": [{**added, "member": member_json(user)}],
                "removed_member_ids": [],
            },
        )


def numbered(components: list[Json]) -> list[Json]:
    """A copy in which each component without an `id` has one: Discord numbers them in order, from 1."""
    fresh = copy.deepcopy(components)
    everything = walk(fresh)
    taken = {component["id"] for component in everything if component.get("id")}
    spare = iter(number for number in range(1, len(everything) + len(taken) + 1) if number not in taken)
    for component in everything:
        if not component.get("id"):
            component["id"] = next(spare)
    return fresh
