"""``/new``: a session that begins with a starter message of ours, in its channel's directory or another."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from bridge.discord_numbers import CHOICE_CHARS
from bridge.protocol.errors import UserError
from bridge.render import replies
from bridge.render.posts import Post, payload
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.routing.needs import TALK
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import thread_name
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from bridge.text import one_line
from supervisor.commands.answer import NOT_KEPT, Answer, answer_choices, answer_later, option
from supervisor.commands.sight import Sight
from supervisor.discord.asking import Posting
from supervisor.discord.pace import Priority
from supervisor.discord.shapes import Interaction
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError

STORE_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Between the tries to note a session whose starter is posted. The answer can be edited for 15 minutes."""
_STRICTNESS = ("none", "home", "project")

log = logging.getLogger(__name__)


class NewCommand:
    def __init__(
        self,
        manager: SessionManager,
        router: BridgeRouter,
        rest: Posting,
        channels: Mapping[int, Channel],
        sight: Sight,
    ) -> None:
        self._manager = manager
        self._router = router
        self._rest = rest
        self._channels = channels
        self._sight = sight

    def run(self, asked: Interaction, person: Person) -> Answer:
        channel = self._channel_of(asked)
        if why := self._sight.unfit(channel.channel_id):
            raise UserError(f"No session can begin here: the configured id {channel.channel_id} {why}.")
        prompt = option(asked, "prompt").strip()
        if directory := option(asked, "directory").strip():
            channel = self._elsewhere(channel, directory, asked)
        elif not Path(channel.directory).is_dir():
            raise UserError(f"The directory {channel.directory} of this channel is not there (any more).")
        return answer_later(lambda: self._start(asked, person, channel, prompt))

    async def _start(self, asked: Interaction, person: Person, channel: Channel, prompt: str) -> dict[str, Any]:
        """The starter message first: the thread is made from it, and has its id."""
        post = replies.starter(person.name, channel.directory, prompt)
        found = await self._rest.create(channel.channel_id, post, str(asked.id), Priority.URGENT)
        action = CreateSession(
            thread_id=found.message_id,
            guild_id=asked.guild_id,
            channel=channel,
            owner=person,
            text=prompt,
            thread_name=thread_name(prompt or f"Claude in {Path(channel.directory).name}"),
        )
        session = await self._begun(action)
        if not prompt:
            with suppress(StoreError):  # the session is there, and that is what counts
                self._manager.show(session.session_id, "welcome", replies.welcome(channel.directory))
        return payload(Post(replies.started(session.url(), with_prompt=bool(prompt))), editing=True)

    async def _begun(self, action: CreateSession) -> ManagedSession:
        """The starter stands in the channel already: a store that is locked for a moment is waited for.

        If it stays so the starter is taken away again. Raises UserError then.
        """
        for pause_s in STORE_PAUSES_S:
            try:
                return self._manager.create_session(action)
            except StoreError as error:
                log.info("a session waits for the store: %s", error)
            await asyncio.sleep(pause_s)
        try:
            return self._manager.create_session(action)
        except StoreError as error:
            await self._rest.delete(action.channel.channel_id, action.thread_id)
            log.warning("no session was begun: %s", error)
            raise UserError(NOT_KEPT) from None

    def _channel_of(self, asked: Interaction) -> Channel:
        """The configured channel in which, or in a thread of which, somebody asked."""
        channel = self._channels.get(asked.channel_id) or self._channels.get(asked.parent_id)
        if channel is None:
            raise UserError(self._unconfigured_in_words(asked))
        return channel

    def _unconfigured_in_words(self, asked: Interaction) -> str:
        is_thread = asked.channel is not None and asked.channel.place.is_thread
        channel_id = asked.parent_id if is_thread else asked.channel_id
        if why := self._sight.unfit(channel_id).partition(": ")[0]:
            return f"No session can begin here: <#{channel_id}> {why}."
        return "This channel is not configured for Claude. The bridge's operator can add it under [[channels]]."

    def _elsewhere(self, channel: Channel, given: str, asked: Interaction) -> Channel:
        """The channel with another directory: below its own, or one of a channel that the person may use."""
        directory = _existing(Path(channel.directory), given)
        owner = channel if _is_below(directory, channel) else self._owner_of(directory, asked)
        if owner is None:
            raise UserError(
                f"`{one_line(given, 200)}` is not below the directory of this channel, or of another that you may use."
            )
        if not self._router.access(channel.channel_id).is_within(self._router.access(owner.channel_id)):
            raise UserError(
                f"Other people may use and decide in `{one_line(given, 200)}`. Start it in its own channel,"
                f" <#{owner.channel_id}>."
            )
        if _STRICTNESS.index(owner.containment) > _STRICTNESS.index(channel.containment):
            raise UserError(
                f"Sessions in `{one_line(given, 200)}` are contained more strictly. Start it in its own channel."
            )
        return msgspec.structs.replace(channel, directory=str(directory))

    def _owner_of(self, directory: Path, asked: Interaction) -> Channel | None:
        """The most specific configured channel above the directory that the person may use."""
        usable = [c for c in self._usable(asked) if _is_below(directory, c)]
        return max(usable, key=lambda c: len(Path(c.directory).parts), default=None)

    def _usable(self, asked: Interaction) -> list[Channel]:
        person = asked.person
        mine = [
            c for c in self._channels.values() if not self._router.lacks(TALK, person, asked.guild_id, c.channel_id)
        ]
        return [c for c in mine if self._sight.sees(c.channel_id, asked.guild_id, asked.member or {})]

    def complete(self, asked: Interaction) -> Answer:
        """Directories: those of channels, and the ones right below this channel's."""
        channel, typed = self._channel_of(asked), option(asked, "directory").strip()
        known = [channel.directory, *_folders_in(channel.directory), *(c.directory for c in self._usable(asked))]
        fitting = [d for d in dict.fromkeys(known) if typed in d and len(d) <= CHOICE_CHARS]
        return answer_choices((d, d) for d in fitting)


def _existing(base: Path, given: str) -> Path:
    """The directory with all links resolved, so that none leads out. Raises UserError."""
    try:
        path = (base / Path(given).expanduser()).resolve(strict=True)
        is_directory = path.is_dir()
    except (OSError, RuntimeError, ValueError):
        is_directory = False
    if not is_directory:
        raise UserError(f"There is no directory `{one_line(given, 200)}`.")
    return path


def _is_below(directory: Path, channel: Channel) -> bool:
    return directory.is_relative_to(Path(channel.directory).resolve())


def _folders_in(directory: str) -> list[str]:
    try:
        inside = sorted(Path(directory).iterdir())
    except OSError:
        return []
    return [str(path) for path in inside if path.is_dir() and not path.name.startswith(".")]
