"""A message of Discord's as the router wants it, and what an edit makes of a prompt. Pure."""

import re

from bridge.discord_numbers import MessageFlag, MessageType
from bridge.routing.seen import MessageSeen
from supervisor.discord.beside_text import POST_TYPES, attachments_of, quote_of, with_quote
from supervisor.discord.guilds import NOWHERE, Guilds, Where
from supervisor.discord.shapes import Edit, Member, Message, person_of


def is_from_person(message: Message) -> bool:
    return message.type in POST_TYPES and not message.author.bot and message.webhook_id is None


def message_seen(
    message: Message, bot_id: int, guild_id: int, member: Member | None, where: Where = NOWHERE
) -> MessageSeen:
    return MessageSeen(
        message_id=message.id,
        channel_id=message.channel_id,
        parent_id=0,  # a configured id is a channel's; a thread is found by its session
        guild_id=guild_id,
        author=person_of(message.author, member, guild_id),
        text=without_mention(message.content, bot_id, where.own_role),
        is_from_person=is_from_person(message),
        mentions_bot=any(user.id == bot_id for user in message.mentions) or where.own_role in message.mention_roles,
        quote=quote_of(message, bot_id),
        is_forward=bool(message.message_snapshots),
        is_reply=message.type == MessageType.REPLY,
        is_voice=bool(message.flags & MessageFlag.IS_VOICE_MESSAGE),
        attachments=attachments_of(message),
        is_post=message.type in POST_TYPES and message.author.id != bot_id,
        place=where.place,
        parent=where.parent,
    )


def seen_by(guilds: Guilds, message: Message, guild_id: int, member: Member | None) -> MessageSeen:
    """With what the servers show us of where it was written."""
    return message_seen(message, guilds.bot_id, guild_id, member, guilds.where(guild_id, message.channel_id))


def without_mention(text: str, bot_id: int, own_role: int = 0) -> str:
    """The text without the bot's own mention, which is an address and not part of what is asked."""
    return re.sub(rf"<@(?:!?{bot_id}|&{own_role})>[ \t]?", "", text).strip()


def edited_text(message: Edit, bot_id: int) -> str | None:
    """The prompt that the message is now; None: it is none any more. A file without words still is one."""
    text = without_mention(message.content or "", bot_id)
    if not (text or message.attachments or message.message_snapshots):
        return None
    return with_quote(quote_of(message, bot_id), text)


def is_edit_of_a_person(message: Edit) -> bool:
    return message.author is not None and not message.author.bot
