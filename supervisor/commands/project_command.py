"""``/project add | list | remove``: which channels have a project, for who may manage.

Who adds one gets no right by it: in the new channel holds what holds everywhere.
"""

from pathlib import Path
from typing import Any

from bridge.journal import entries as j
from bridge.protocol.errors import UserError
from bridge.render import projects
from bridge.routing.needs import MANAGE, TALK
from bridge.routing.places import unfit_in_words
from bridge.routing.router import BridgeRouter
from bridge.session.permission import Person
from bridge.session.rights import ANY, holders
from supervisor.commands.answer import Answer, answer_in_words
from supervisor.commands.sight import Sight
from supervisor.config_in_force import Settings
from supervisor.discord.shapes import Interaction
from supervisor.projects.channels import ProjectChannels
from supervisor.sessions.manager import SessionManager

KEPT = (
    "For {channel} the configuration says who decides what (`second`, `decide_own`); without its table that would be"
    " over, also for what runs there. So only the bridge's operator can remove it."
)


class ProjectCommand:
    def __init__(
        self,
        manager: SessionManager,
        router: BridgeRouter,
        settings: Settings,
        sight: Sight,
        channels: ProjectChannels,
    ) -> None:
        self._manager = manager
        self._router = router
        self._settings = settings
        self._sight = sight
        self._channels = channels

    def run(self, asked: Interaction, person: Person) -> Answer:
        """Raises UserError for what cannot be, and for who may not."""
        verb, options = subcommand(asked)
        match verb:
            case "add":
                directory = str(options.get("directory", ""))
                return answer_in_words(self._add(asked, person, _channel_in(options), directory))
            case "remove":
                return answer_in_words(self._remove(asked, person, _channel_in(options)))
            case _:
                return answer_in_words(self._list(asked, person))

    def _add(self, asked: Interaction, person: Person, channel_id: int, given: str) -> str:
        place = self._sight.place(channel_id)
        if place is None or place.guild_id != asked.guild_id:
            raise UserError(f"The bot does not see <#{channel_id}>: let it in there first, and try again.")
        if not self._sight.sees(channel_id, asked.guild_id, asked.member or {}):
            raise UserError(f"You may not read and write in <#{channel_id}> yourself, so nothing was done.")
        if why := unfit_in_words(place):
            raise UserError(f"No session can begin in <#{channel_id}>: it {why}.")
        directory = self._channels.directory(given.strip())
        with self._manager.transaction():
            self._manager.sessions.note(j.ProjectAdded("", channel_id, person.user_id, directory))
            self._channels.add(channel_id, directory)
        return projects.added(channel_id, directory, holders(TALK, self._router.access(channel_id)))

    def _remove(self, asked: Interaction, person: Person, channel_id: int) -> str:
        place = self._sight.place(channel_id)
        if words := self._router.lacks(MANAGE, person, place.guild_id if place else 0, channel_id):
            raise UserError(words)
        access = self._router.access(channel_id)
        if channel_id in self._settings.channels and (access.second or not access.decide_own):
            raise UserError(KEPT.format(channel=f"<#{channel_id}>"))
        with self._manager.transaction():
            self._manager.sessions.note(j.ProjectRemoved("", channel_id, person.user_id))
            self._channels.remove(channel_id)
        left = [one for one in self._manager.active_sessions() if one.channel_id == channel_id]
        return projects.removed(channel_id, len(left))

    def _list(self, asked: Interaction, person: Person) -> str:
        """Those of this server where they have some right."""
        mine = [
            (channel.channel_id, channel.directory)
            for channel in self._settings.channels.values()
            if (place := self._sight.place(channel.channel_id)) and place.guild_id == asked.guild_id
            if not self._router.lacks(ANY, person, asked.guild_id, channel.channel_id)
        ]
        return projects.listed(mine, [str(Path(root)) for root in self._settings.now.project_roots])


def subcommand(asked: Interaction) -> tuple[str, dict[str, Any]]:
    """(its name, its options by name), from JSON that may be anything; ("", {}) for none."""
    options = asked.data.get("options")
    first = options[0] if isinstance(options, list) and options and isinstance(options[0], dict) else {}
    inner = first.get("options")
    given = [one for one in inner if isinstance(one, dict)] if isinstance(inner, list) else []
    return str(first.get("name", "")), {str(one.get("name")): one.get("value") for one in given}


def _channel_in(options: dict[str, Any]) -> int:
    given = str(options.get("channel", ""))
    if not (given.isascii() and given.isdecimal() and len(given) <= 20):
        raise UserError("Choose a channel of this server.")
    return int(given)
