"""What one person sees of the loopback Discord, as named items of JSON, and how two such sights differ.

guild            its name and id, who looks
user:ID          name, whether a bot
channel:ID       a channel or thread; in the order of the ids
message:ID       a message, also an ephemeral one if it is for this person
commands         what "/" offers
bot              connected or not, and its presence
bridge           whether its supervisor runs; how it ended
scene            what one may try first, and who may what
typing           channel id → names of who types there
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from playground.host.bridge_host import Host
from playground.host.claude import Chosen
from twins.discord.clock import moment_of
from twins.discord.interactions import Interaction
from twins.discord.model import Attachment, Channel, Json, Message, MessageFlag, User
from twins.discord.person import Person
from twins.discord.wire import stamp

TYPING_S = 10.0
"""How long a client shows typing after it was told (Discord documentation, "Trigger Typing Indicator")."""
CHAT_INPUT = 1
type Items = dict[str, object]


class Change(msgspec.Struct, frozen=True):
    """What turns one sight into the next. `fresh`: forget everything from before."""

    items: Mapping[str, object]
    gone: list[str]
    fresh: bool = False

    def __bool__(self) -> bool:
        return bool(self.items or self.gone or self.fresh)


def change(old: Items | None, new: Items) -> Change:
    if old is None:
        return Change(new, [], fresh=True)
    items = {name: item for name, item in new.items() if old.get(name) is not item and old.get(name) != item}
    return Change(items, [name for name in old if name not in new])


class View:
    """One person's sight. Messages are made into JSON again only when they changed."""

    def __init__(self, host: Host, person: Person) -> None:
        self._host = host
        discord = self._discord = host.discord
        self._world = discord.world
        self._person = person
        self._made: dict[int, tuple[object, Json]] = {}
        self._commands: dict[str, str] = {}
        self._read = 0

    def items(self) -> Items:
        self._know_commands()
        found: Items = {
            "guild": {"id": str(self._world.id), "name": self._world.name, "me": str(self._person.id)},
            "bot": self._bot(),
            "bridge": {"runs": self._host.supervisor.exit_code is None, "ending": self._host.supervisor.ending},
            "scene": {"prompts": first_prompts(self._host.claude)},
            "commands": self._offered(),
            "typing": self._typing(),
        }
        found |= {f"user:{user.id}": user_item(user) for user in self._world.users.values()}
        for channel in self._world.channels.values():
            found[f"channel:{channel.id}"] = channel_item(channel)
            found |= {f"message:{message.id}": self._message(message) for message in self._world.listed(channel)}
        mine = [message for message in self._world.ephemerals.values() if message.ephemeral_for == self._person.id]
        return found | {f"message:{m.id}": self._message(m) for m in mine if not m.deleted}

    # --- messages

    def _message(self, message: Message) -> Json:
        """A change of text makes a revision; marks, reactions and threads do not."""
        reactions = [(emoji, tuple(users)) for emoji, users in message.reactions.items()]
        stamp_of_it = (len(message.revisions), int(message.flags), reactions)
        known = self._made.get(message.id)
        if known is None or known[0] != stamp_of_it:
            known = self._made[message.id] = (stamp_of_it, self._item(message))
        return known[1]

    def _item(self, message: Message) -> Json:
        has_thread = bool(message.flags & MessageFlag.HAS_THREAD)
        return {
            "channel": str(message.channel_id),
            "author": str(message.author.id),
            "type": int(message.type),
            "at": stamp(moment_of(message.id)),
            "edited": stamp(message.edited_at),
            "content": message.content,
            "embeds": message.drawn_embeds,
            "components": message.components,
            "files": [file_item(attachment) for attachment in message.attachments],
            "reactions": [[emoji, len(users)] for emoji, users in message.reactions.items()],
            "reply": None if message.reply_to is None else str(message.reply_to),
            "thread": str(message.id) if has_thread else None,
            "ephemeral": message.ephemeral,
            "loading": bool(message.flags & MessageFlag.LOADING),
            "pings": self._person.id in message.mentions.users or message.mentions.everyone,
            "used": self._used(message),
        }

    def _used(self, message: Message) -> Json | None:
        """Whose command a message answers. The loopback's metadata has no name, the interaction has."""
        name = self._commands.get(str((message.interaction or {}).get("id")))
        if message.interaction is None or name is None:
            return None
        return {"name": name, "by": message.interaction["user"]["id"]}

    def _know_commands(self) -> None:
        every = self._discord.interactions.all
        self._commands |= {str(made.id): _command_path(made) for made in every[self._read :] if "name" in made.data}
        self._read = len(every)

    # --- the rest

    def _bot(self) -> Json:
        presence = self._discord.presences[-1] if self._discord.presences else {}
        told = [str(activity.get("state") or activity.get("name") or "") for activity in presence.get("activities", [])]
        return {
            "id": str(self._world.bot.id),
            "online": self._discord.connected,
            "status": str(presence.get("status", "online")),
            "activity": " · ".join(filter(None, told)),
        }

    def _offered(self) -> list[Json]:
        every = [*self._discord.guild_commands.all(), *self._discord.global_commands.all()]
        mine = self._world.permissions_of(self._person.user)
        return [
            {"name": command["name"], "description": command["description"], "options": command.get("options") or []}
            for command in every
            if command["type"] == CHAT_INPUT and not int(command["default_member_permissions"] or 0) & ~mine
        ]

    def _typing(self) -> dict[str, list[str]]:
        """The bot types for 10 s, or until it writes."""
        now, bot = self._world.clock.monotonic(), self._world.bot
        last = dict(self._discord.typings)
        return {
            str(channel_id): [bot.name]
            for channel_id, at in last.items()
            if now - at < TYPING_S and channel_id in self._world.channels and self._wrote_at(channel_id) < at
        }

    def _wrote_at(self, channel_id: int) -> float:
        written = self._world.channels[channel_id].messages.values()
        return max((m.revisions[0].at for m in written if m.author is self._world.bot and m.revisions), default=0.0)


def first_prompts(claude: Chosen) -> list[str]:
    """What somebody may tap who does not know what to write: something that is asked about, edited, and chosen."""
    if claude.is_scripted:
        return [
            "run ls -la",
            "write notes.txt Hello from Discord",
            "question Which database? | SQLite = one file | PostgreSQL = a server",
        ]
    return [
        "What is in this directory?",
        "Write a small Python program that prints the first ten primes, and run it.",
        "Ask me which kind of web page I want, then make one.",
    ]


def user_item(user: User) -> Json:
    return {"name": user.name, "bot": user.bot or user.webhook}


def channel_item(channel: Channel) -> Json:
    thread = channel.thread
    return {
        "name": channel.name,
        "parent": None if channel.parent_id is None else str(channel.parent_id),
        "topic": channel.topic,
        "thread": thread is not None,
        "archived": bool(thread and thread.archived),
        "locked": bool(thread and thread.locked),
        "count": thread.message_count if thread else 0,
    }


def file_item(attachment: Attachment) -> Json:
    upload = attachment.upload
    return {
        "name": upload.filename,
        "size": len(upload.content),
        "type": upload.content_type,
        "about": upload.description or "",
        "url": f"/files/{attachment.id}/{quote(upload.filename, safe='')}",
    }


def _command_path(made: Interaction) -> str:
    """`session stop` for a subcommand."""
    node: dict[str, Any] = made.data
    words = [str(node["name"])]
    while (inside := node.get("options") or []) and inside[0]["type"] in (1, 2):
        node = inside[0]
        words.append(str(node["name"]))
    return " ".join(words)
