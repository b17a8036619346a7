"""The application commands that the bot has registered: one set for all guilds, one for this guild."""

import copy

from twins.discord.checks.commands import CHAT_INPUT, check_commands
from twins.discord.clock import Snowflakes
from twins.discord.errors import too_many_commands_today, unknown_command
from twins.discord.model import Json

CREATES_A_DAY = 200


class Commands:
    """One scope. `created` counts towards Discord's 200 creates a day in a guild."""

    def __init__(self, ids: Snowflakes, application_id: int, guild_id: int | None) -> None:
        self.created = 0
        self._ids = ids
        self._application_id = application_id
        self._guild_id = guild_id
        self._commands: list[Json] = []

    def all(self) -> list[Json]:
        return copy.deepcopy(self._commands)

    def overwrite(self, commands: list[Json]) -> list[Json]:
        """Put these in place of all; one with a known type and name keeps its id."""
        check_commands(commands)
        known = {_key(command): command for command in self._commands}
        self._commands = [self._stored(command, known.get(_key(command))) for command in commands]
        return self.all()

    def upsert(self, command: Json) -> Json:
        """Create one, or replace the one of that type and name."""
        others = [kept for kept in self._commands if _key(kept) != _key(command)]
        self.overwrite([*others, command])
        return self.all()[-1]

    def get(self, command_id: int) -> Json:
        """One command, or ApiError 10063."""
        for command in self._commands:
            if command["id"] == str(command_id):
                return copy.deepcopy(command)
        raise unknown_command()

    def delete(self, command_id: int) -> None:
        gone = self.get(command_id)["id"]
        self._commands = [command for command in self._commands if command["id"] != gone]

    def find(self, name: str, kind: int = CHAT_INPUT) -> Json | None:
        return next((command for command in self._commands if _key(command) == (kind, name)), None)

    def _stored(self, command: Json, known: Json | None) -> Json:
        if known is None:
            self.created += 1
            if self.created > CREATES_A_DAY:
                raise too_many_commands_today()
        stored: Json = {
            "type": CHAT_INPUT,
            "description": "",
            "default_member_permissions": None,
            "nsfw": False,
            **copy.deepcopy(command),
            "id": known["id"] if known else str(self._ids.next()),
            "application_id": str(self._application_id),
            "version": str(self._ids.next()),
        }
        return stored if self._guild_id is None else {**stored, "guild_id": str(self._guild_id)}


def _key(command: Json) -> tuple[object, object]:
    return command.get("type", CHAT_INPUT), command.get("name")
