"""The last question of set-up: who may talk to Claude. Whoever writes in the channel, and says that it was them."""

from collections.abc import Mapping

from bridge.protocol.errors import UserError
from bridge.text import one_line
from supervisor.config.document import Changes
from supervisor.discord.beside_text import POST_TYPES
from supervisor.discord.shapes import Message
from supervisor.operator.setup.asked_discord import Discord
from supervisor.operator.setup.kept import Kept
from supervisor.operator.setup.terminal import Terminal

WAIT_S = 600.0
OTHERS = 5
"""So many people may write there before the one who sits at the terminal."""


class FirstPerson:
    """``names``: of channels, by their ids."""

    def __init__(self, kept: Kept, terminal: Terminal, names: Mapping[int, str]) -> None:
        self._kept = kept
        self._terminal = terminal
        self._names = names

    def add(self, users: tuple[int, ...]) -> None:
        self._kept.change(Changes(users=users))
        self._terminal.yes(f"may talk, decide and manage: {', '.join(map(str, users))} (docs/access.md says more)")

    def find(self, discord: Discord | None) -> None:
        if self._kept.known.is_anybody_named:
            self._terminal.yes("the configuration says who may talk to Claude")
            if self._terminal.is_quiet or not self._terminal.agrees("Add somebody?", default=False):
                return
        if self._terminal.is_quiet:
            self._terminal.no("nobody may talk to Claude yet: give --user ID (Developer Mode, Copy User ID)")
        elif discord is None or not self._kept.known.channels:
            self._terminal.no("without a token and a channel nobody can be asked on Discord: give --user ID")
        else:
            self._hear(discord, next(reversed(self._kept.known.channels)))

    def _hear(self, discord: Discord, channel_id: int) -> None:
        found = discord.channel(channel_id)
        if found is None:
            raise UserError(f"the bot sees no channel {channel_id} (any more)")
        name, after = self._names.get(channel_id) or found.name, found.last_message_id or 0
        what = f'write "hi" in #{name} on Discord; who does so gets all rights'
        for _ in range(OTHERS):
            message = self._terminal.waits(what, lambda after=after: _first(discord, channel_id, after), WAIT_S)  # type: ignore[misc]
            if message is None:
                break
            after = message.id
            if self._terminal.agrees(f"{_name(message)} wrote there. Is that you?"):
                self.add((message.author.id,))
                return
        self._terminal.no("nobody was added: run this again, or give --user ID")


def _first(discord: Discord, channel_id: int, after: int) -> Message | None:
    """The first message behind that one that is a person's."""
    return next((message for message in discord.messages(channel_id, after) if _is_persons(message)), None)


def _is_persons(message: Message) -> bool:
    return not message.author.bot and not message.webhook_id and message.type in POST_TYPES


def _name(message: Message) -> str:
    author = message.author
    return f"{one_line(author.global_name or author.username, 40)} (@{author.username}, {author.id})"
