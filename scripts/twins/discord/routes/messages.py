"""Routes about messages, reactions and files."""

from urllib.parse import unquote

from twins.discord.checks.message import check_edit, check_new_message
from twins.discord.clock import moment_of
from twins.discord.errors import (
    Problems,
    missing_permissions,
    not_a_text_channel,
    not_found,
    not_your_message,
    system_message,
    thread_is_archived,
    thread_is_locked,
)
from twins.discord.limits import OLD_AFTER_S, Limits
from twins.discord.model import Channel, ChannelType, Json, Message, MessageType, Permission
from twins.discord.rest import Call, Download, Route
from twins.discord.world import World

_MESSAGES = "/channels/{channel_id}/messages"
_MESSAGE = _MESSAGES + "/{message_id}"
_DELETABLE = (MessageType.DEFAULT, MessageType.REPLY, MessageType.CHAT_INPUT_COMMAND, MessageType.NAME_CHANGE)
_WITHOUT_MESSAGES = (ChannelType.CATEGORY, ChannelType.FORUM, ChannelType.MEDIA)
_HIDDEN = ("content", "embeds", "attachments", "components")


class MessageRoutes:
    """`content_allowed`: whether the application may have the MESSAGE_CONTENT intent; REST obeys it too."""

    def __init__(self, world: World, limits: Limits) -> None:
        self.content_allowed = True
        self._world = world
        self._limits = limits

    def routes(self) -> list[Route]:
        reaction = _MESSAGE + "/reactions/{emoji}"
        return [
            ("GET", _MESSAGES, self._list),
            ("GET", _MESSAGE, lambda call: self._json(self._found(call, Permission.READ_MESSAGE_HISTORY))),
            ("POST", _MESSAGES, self._create),
            ("PATCH", _MESSAGE, self._edit),
            ("DELETE", _MESSAGE, self._delete),
            ("PUT", reaction + "/@me", self._react),
            ("DELETE", reaction + "/@me", lambda call: self._unreact(call, self._world.bot.id)),
            ("DELETE", reaction + "/{user_id}", lambda call: self._unreact(call, call.id("user_id"))),
            ("GET", "/attachments/{channel_id}/{attachment_id}/{filename}", self._download),
        ]

    def _channel(self, call: Call, wanted: Permission) -> Channel:
        channel = self._world.channel(call.id("channel_id"))
        self._world.require(channel, wanted)
        return channel

    def _found(self, call: Call, wanted: Permission = Permission.NONE) -> Message:
        return self._world.message(self._channel(call, wanted), call.id("message_id"))

    def _json(self, message: Message) -> Json:
        body = self._world.message_json(message)
        if not self.content_allowed and self._world.is_private_content(message):
            body.update({key: "" if key == "content" else [] for key in _HIDDEN})
        return body

    def _list(self, call: Call) -> list[Json]:
        """Newest first, whatever the direction (documentation, "Get Channel Messages")."""
        channel = self._channel(call, Permission.READ_MESSAGE_HISTORY)
        limit = _checked_limit(call)
        listed = self._world.listed(channel)
        if "after" in call.query:
            found = [message for message in listed if message.id > int(call.query["after"])][:limit]
        elif "around" in call.query:
            found = _around(listed, int(call.query["around"]), limit)
        else:
            before = int(call.query.get("before", 1 << 63))
            found = [message for message in listed if message.id < before][-limit:]
        return [self._json(message) for message in reversed(found)]

    def _create(self, call: Call) -> Json:
        channel = self._channel(call, Permission.NONE)
        self._require_posting(channel, call)
        check_new_message(call.payload, call.uploads)
        repeated = self._world.with_nonce(self._world.bot, call.payload)
        if repeated is not None:
            return self._json(repeated)
        return self._json(self._world.post(channel, self._world.bot, call.payload, call.uploads))

    def _require_posting(self, channel: Channel, call: Call) -> None:
        wanted = Permission.SEND_MESSAGES_IN_THREADS if channel.thread else Permission.SEND_MESSAGES
        if call.uploads:
            wanted |= Permission.ATTACH_FILES
        if call.payload.get("embeds"):
            wanted |= Permission.EMBED_LINKS
        if call.payload.get("message_reference"):
            wanted |= Permission.READ_MESSAGE_HISTORY
        self._world.require(channel, wanted)
        if channel.type in _WITHOUT_MESSAGES:
            raise not_a_text_channel()
        may_manage = not self._world.denied_to_bot(channel) & Permission.MANAGE_THREADS
        if channel.thread and channel.thread.locked and not may_manage:
            raise thread_is_locked()

    def _edit(self, call: Call) -> Json:
        message = self._found(call)
        if message.author is not self._world.bot:
            raise not_your_message()
        if message.type not in (MessageType.DEFAULT, MessageType.REPLY, MessageType.CHAT_INPUT_COMMAND):
            raise system_message()
        self._require_active(message)
        check_edit(call.payload, call.uploads, message)
        age_s = (self._world.clock.wall() - moment_of(message.id)).total_seconds()
        if age_s > OLD_AFTER_S:
            self._limits.admit_old_edit(message.channel_id)
        self._world.edit(message, call.payload, call.uploads)
        return self._json(message)

    def _require_active(self, message: Message) -> None:
        """In an archived thread nothing can be edited or reacted to, but deleted ("Threads")."""
        thread = self._world.channels[message.channel_id].thread
        if thread is not None and thread.archived:
            raise thread_is_archived()

    def _delete(self, call: Call) -> None:
        message = self._found(call)
        if message.type not in _DELETABLE:
            raise system_message()
        if message.author is not self._world.bot:
            self._world.require(self._world.channels[message.channel_id], Permission.MANAGE_MESSAGES)
        self._world.delete(message)

    def _react(self, call: Call) -> None:
        message = self._found(call, Permission.ADD_REACTIONS)
        self._require_active(message)
        self._world.react(message, self._world.bot, unquote(call.parameters["emoji"]))

    def _unreact(self, call: Call, user_id: int) -> None:
        message = self._found(call)
        self._require_active(message)
        if user_id != self._world.bot.id:
            self._world.require(self._world.channels[message.channel_id], Permission.MANAGE_MESSAGES)
        user = self._world.users.get(user_id)
        if user is None:
            raise missing_permissions()
        self._world.unreact(message, user, unquote(call.parameters["emoji"]))

    def _download(self, call: Call) -> Download:
        found = self._world.attachments.get(call.id("attachment_id"))
        if found is None or found.channel_id != call.id("channel_id"):
            raise not_found()
        return Download(found.upload)


def _checked_limit(call: Call) -> int:
    problems = Problems()
    text = call.query.get("limit", "50")
    limit = int(text) if text.isdecimal() else 0
    if not 1 <= limit <= 100:
        problems.add("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    problems.raise_if_any()
    return limit


def _around(listed: list[Message], message_id: int, limit: int) -> list[Message]:
    """Up to half of `limit` on each side of the message."""
    before = [message for message in listed if message.id < message_id]
    rest = [message for message in listed if message.id >= message_id]
    half = limit // 2
    return (before[-half:] if half else []) + rest[: limit - half]
