"""A guild's parts as JSON. Nothing here changes anything."""

from datetime import datetime
from urllib.parse import quote

from twins.discord.clock import moment_of
from twins.discord.model import (
    EVERYONE_DEFAULT,
    Attachment,
    Channel,
    Json,
    Message,
    Permission,
    Role,
    ThreadState,
    User,
)


def stamp(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def user_json(user: User) -> Json:
    return {
        "id": str(user.id),
        "username": user.name,
        "global_name": None if user.bot else user.name,
        "discriminator": "0000" if user.bot else "0",
        "avatar": None,
        "bot": user.bot or user.webhook,
        "public_flags": 0,
    }


def member_json(user: User, *, with_user: bool = True) -> Json:
    member: Json = {
        "nick": None,
        "avatar": None,
        "roles": [str(role) for role in user.roles],
        "joined_at": stamp(user.joined_at),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": None,
    }
    return {**member, "user": user_json(user)} if with_user else member


def role_json(role: Role) -> Json:
    return {
        "id": str(role.id),
        "name": role.name,
        "position": role.position,
        "permissions": str(role.permissions),
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": role.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def everyone_role(guild_id: int) -> Role:
    """The role that everybody has; its id is the guild's."""
    return Role(guild_id, "@everyone", 0, EVERYONE_DEFAULT)


def channel_json(channel: Channel, guild_id: int, bot: User) -> Json:
    """A channel or thread; a thread has the bot's membership in it (`member`) if there is one."""
    common: Json = {
        "id": str(channel.id),
        "guild_id": str(guild_id),
        "type": int(channel.type),
        "name": channel.name,
        "last_message_id": None if channel.last_message_id is None else str(channel.last_message_id),
        "rate_limit_per_user": 0,
        "flags": 0,
    }
    if channel.thread is None:
        return {**common, **_channel_part(channel, bot)}
    return {**common, **_thread_part(channel, channel.thread, bot)}


def _channel_part(channel: Channel, bot: User) -> Json:
    denied = {bot.id: channel.denied} if channel.denied != Permission.NONE else {}
    denied |= dict.fromkeys(sorted(channel.hidden_from), Permission.VIEW_CHANNEL)
    return {
        "position": channel.position,
        "parent_id": None if channel.parent_id is None else str(channel.parent_id),
        "topic": channel.topic,
        "nsfw": False,
        "permission_overwrites": [
            {"id": str(user_id), "type": 1, "allow": "0", "deny": str(int(permissions))}
            for user_id, permissions in denied.items()
        ],
    }


def _thread_part(channel: Channel, thread: ThreadState, bot: User) -> Json:
    part: Json = {
        "parent_id": str(channel.parent_id),
        "owner_id": str(thread.owner_id),
        "message_count": thread.message_count,
        "total_message_sent": thread.message_count,
        "member_count": min(len(thread.members), 50),
        "thread_metadata": {
            "archived": thread.archived,
            "locked": thread.locked,
            "auto_archive_duration": thread.auto_archive_minutes,
            "archive_timestamp": stamp(thread.archive_changed_at),
            "create_timestamp": stamp(thread.created_at),
        },
    }
    if bot.id in thread.members:
        part["member"] = thread_member_json(channel.id, bot.id, thread.members[bot.id])
    return part


def thread_member_json(thread_id: int, user_id: int, joined_at: datetime) -> Json:
    return {
        "id": str(thread_id),
        "user_id": str(user_id),
        "join_timestamp": stamp(joined_at),
        "flags": 1,
    }


def attachment_json(attachment: Attachment, origin: str) -> Json:
    """`origin` is the server's `http://127.0.0.1:port`."""
    upload = attachment.upload
    url = f"{origin}/attachments/{attachment.channel_id}/{attachment.id}/{quote(upload.filename)}"
    found: Json = {
        "id": str(attachment.id),
        "filename": upload.filename,
        "size": len(upload.content),
        "url": url,
        "proxy_url": url,
        "content_type": upload.content_type,
    }
    if upload.description is not None:
        found["description"] = upload.description
    return {**found, "ephemeral": True} if attachment.ephemeral else found


def message_json(message: Message, origin: str, users: dict[int, User], bot: User) -> Json:
    """A message as REST gives it, without `thread` and `referenced_message`."""
    body: Json = {
        "id": str(message.id),
        "channel_id": str(message.channel_id),
        "author": user_json(message.author),
        "content": message.content,
        "timestamp": stamp(moment_of(message.id)),
        "edited_timestamp": stamp(message.edited_at),
        "tts": False,
        "mention_everyone": message.mentions.everyone,
        "mentions": [user_json(users[user]) for user in sorted(message.mentions.users) if user in users],
        "mention_roles": [str(role) for role in sorted(message.mentions.roles)],
        "attachments": [attachment_json(attachment, origin) for attachment in message.attachments],
        "embeds": message.drawn_embeds,
        "components": message.components,
        "pinned": False,
        "type": int(message.type),
        "flags": int(message.flags),
    }
    return {**body, **_optional_message_part(message, bot)}


def _optional_message_part(message: Message, bot: User) -> Json:
    part: Json = {}
    if message.reactions:
        part["reactions"] = [reaction_json(emoji, users, bot.id) for emoji, users in message.reactions.items()]
    if message.nonce is not None:
        part["nonce"] = message.nonce
    if message.reference is not None:
        part["message_reference"] = message.reference
    if message.author.webhook:
        part["webhook_id"] = str(message.author.id)
    if message.interaction is not None:
        part["interaction_metadata"] = message.interaction
        part["application_id"] = part["webhook_id"] = str(bot.id)
    return part


def reaction_json(emoji: str, users: list[int], me: int) -> Json:
    return {
        "emoji": emoji_json(emoji),
        "count": len(users),
        "count_details": {"burst": 0, "normal": len(users)},
        "me": me in users,
        "me_burst": False,
        "burst_colors": [],
    }


def emoji_json(emoji: str) -> Json:
    """`emoji` is a unicode emoji or `name:id`."""
    name, _, identity = emoji.partition(":")
    return {"id": identity or None, "name": name}
