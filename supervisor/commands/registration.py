"""The slash commands as data, and their registration.

One bulk PUT a guild, and only when the set changed: nextcord's own synchronising writes each command by itself at
every IDENTIFY (docs/discord-api.md, "nextcord").
"""

import hashlib
import logging
from collections.abc import Collection, Iterable
from typing import Any

import msgspec

from bridge.discord_numbers import OPTION_CHARS, OptionType
from bridge.protocol.errors import RemoteError
from bridge.render.status import STATES
from bridge.routing.places import FITTING
from supervisor.discord.asking import Answering
from supervisor.discord.guilds import Guilds
from supervisor.discord.shapes import WithId, read
from supervisor.errands import Errands
from supervisor.sessions.manager import SessionManager

log = logging.getLogger(__name__)


def _text(name: str, description: str) -> dict[str, Any]:
    return {"type": OptionType.STRING, "name": name, "description": description, "max_length": OPTION_CHARS}


def _setting(name: str, description: str, value: str) -> dict[str, Any]:
    return {
        "name": name,
        "description": f"{description}; without a value it shows what is set",
        "options": [
            {"type": OptionType.STRING, "name": name, "description": value, "autocomplete": True},
            {
                "type": OptionType.BOOLEAN,
                "name": "for_channel",
                "description": "Also for sessions that begin in this channel from now on",
            },
        ],
    }


def _channel(description: str, *, required: bool = True) -> dict[str, Any]:
    fitting = sorted(FITTING)
    return {
        "type": OptionType.CHANNEL,
        "name": "channel",
        "description": description,
        "required": required,
        "channel_types": fitting,
    }


COMMANDS: list[dict[str, Any]] = [
    {
        "name": "new",
        "description": "Start a session of Claude Code in a thread of its own",
        "options": [
            {
                "type": OptionType.STRING,
                "name": "prompt",
                "description": "What Claude should do",
                "max_length": OPTION_CHARS,
            },
            {
                "type": OptionType.STRING,
                "name": "directory",
                "description": "Where; below this channel's directory",
                "autocomplete": True,
            },
        ],
    },
    {"name": "stop", "description": "End the turn in this thread, or the session when Claude is idle"},
    {
        "name": "continue",
        "description": "Go on with this thread's session, or with this channel's most recent one",
        "options": [
            {
                "type": OptionType.STRING,
                "name": "prompt",
                "description": "What Claude should do",
                "max_length": OPTION_CHARS,
            }
        ],
    },
    {"name": "queue", "description": "Show what waits for Claude in this thread"},
    _setting("model", "Choose Claude's model", "One that Claude offers, or a model's full name"),
    _setting("mode", "Choose what Claude may do without asking", "Its permission mode"),
    _setting("effort", "Choose how much Claude thinks", "From low to max"),
    {
        "name": "claude",
        "description": "Run one of Claude's own commands or skills; the project's once they are trusted",
        "options": [
            {
                "type": OptionType.STRING,
                "name": "command",
                "description": "Which one",
                "autocomplete": True,
                "required": True,
            },
            {
                "type": OptionType.STRING,
                "name": "arguments",
                "description": "What to give it",
                "max_length": OPTION_CHARS,
            },
        ],
    },
    {
        "name": "compact",
        "description": "Let Claude sum up the conversation, to make room",
        "options": [
            {
                "type": OptionType.STRING,
                "name": "arguments",
                "description": "What it should keep",
                "max_length": OPTION_CHARS,
            }
        ],
    },
    {"name": "clear", "description": "Let Claude forget this thread's conversation; its files stay"},
    {"name": "context", "description": "Show what fills Claude's context"},
    {"name": "cost", "description": "Show what this conversation cost so far"},
    {
        "name": "trust",
        "description": "What of the project's own files acts here, since when and by whom; and revoke it",
    },
    {"name": "rules", "description": "What is allowed here without asking, since when and by whom; and revoke it"},
    {
        "name": "project",
        "description": "Which channels have a project; for who may manage",
        "options": [
            {
                "type": OptionType.SUBCOMMAND,
                "name": "add",
                "description": "Let messages in a channel start sessions in a directory",
                "options": [
                    _channel("Where people will write"),
                    {
                        "type": OptionType.STRING,
                        "name": "directory",
                        "description": "Where Claude works; below a directory that is allowed for this",
                        "required": True,
                        "max_length": 1000,
                    },
                ],
            },
            {"type": OptionType.SUBCOMMAND, "name": "list", "description": "Show them"},
            {
                "type": OptionType.SUBCOMMAND,
                "name": "remove",
                "description": "Let messages in a channel start nothing any more; its sessions go on",
                "options": [_channel("Which one")],
            },
        ],
    },
    {
        "name": "invite",
        "description": "Let somebody write to Claude in this thread",
        "options": [{"type": OptionType.USER, "name": "person", "description": "Who", "required": True}],
    },
    {
        "name": "uninvite",
        "description": "Let somebody who was invited write in this thread no more",
        "options": [{"type": OptionType.USER, "name": "person", "description": "Who", "required": True}],
    },
    {
        "name": "status",
        "description": "Show the sessions of this server that you can see, what needs somebody first",
        "options": [
            _channel("Only those of this channel", required=False),
            {
                "type": OptionType.STRING,
                "name": "state",
                "description": "Only those in this state",
                "choices": [{"name": f"{state}: {meaning}", "value": state} for state, meaning in STATES.items()],
            },
            {"type": OptionType.USER, "name": "person", "description": "Only those that this person began"},
        ],
    },
    {"name": "help", "description": "How to use Claude Code here"},
]


class Registration:
    """Of the servers that have a configured channel. Errors of REST are logged: the next GUILD_CREATE tries again."""

    def __init__(
        self,
        manager: SessionManager,
        rest: Answering,
        channels: Collection[int],
        guilds: Guilds,
        errands: Errands,
    ) -> None:
        self._manager = manager
        self._rest = rest
        self._channels = channels
        self._guilds = guilds
        self._errands = errands

    def guild_seen(self, data: object) -> None:
        """A GUILD_CREATE, which the servers that we know have heard of. Raises msgspec.ValidationError."""
        guild_id = read(data, WithId).id
        places = map(self._guilds.place, self._channels)
        if any(place and place.guild_id == guild_id for place in places):
            self._errands.begin(self._register(guild_id))

    def channels_added(self, channel_ids: Iterable[int]) -> None:
        """They are configured while we run."""
        places = map(self._guilds.place, channel_ids)
        for guild_id in {place.guild_id for place in places if place}:
            self._errands.begin(self._register(guild_id))

    def guild_gone(self, data: object) -> None:
        """The bot was removed from the guild, and its commands with it. Raises msgspec.ValidationError."""
        self._keep(read(data, WithId).id, "")

    async def _register(self, guild_id: int) -> None:
        """Make the guild's commands ours, if they are not already."""
        application_id = self._guilds.application_id
        wanted = hashlib.sha256(msgspec.json.encode([application_id, COMMANDS])).hexdigest()
        if self._manager.store.registration(guild_id) == wanted:
            return
        try:
            await self._rest.bulk_put_commands(application_id, guild_id, COMMANDS)
        except RemoteError as error:
            log.warning("the slash commands could not be registered in server %s: %s", guild_id, error)
        else:
            self._keep(guild_id, wanted)

    def _keep(self, guild_id: int, digest: str) -> None:
        with self._manager.transaction():
            self._manager.store.keep_registration(guild_id, digest)
