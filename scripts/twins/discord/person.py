"""A person at a Discord client: says, clicks, submits and runs what a client would let them."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Protocol

from twins.discord.commands import Commands
from twins.discord.forms import (
    CannotError,
    Filled,
    filled_command,
    filled_modal,
    focused_command,
    found_component,
    pressed,
)
from twins.discord.interactions import FIRST_ANSWER_S, AnswerType, Interaction, Interactions, Kind
from twins.discord.model import Channel, Json, Message, Upload, User
from twins.discord.world import World

MOST_TYPED = 4000
"""Characters that a client sends (with Nitro; 2,000 without)."""


class InteractionFailedError(AssertionError):
    """The bot did not answer within 3 s: the person sees "This interaction failed"."""

    def __init__(self, interaction: Interaction) -> None:
        super().__init__(f"no answer to {interaction.kind.name} {interaction.data}")
        self.interaction = interaction


class Guild(Protocol):
    """Where a person is: `LoopbackDiscord`."""

    world: World
    interactions: Interactions
    guild_commands: Commands
    global_commands: Commands


class Person:
    """A member of the guild who acts. What a client would refuse raises CannotError.

    Interactions wait for the bot's first answer, at most `patience_s`; without it they raise
    InteractionFailedError, or with `may_fail=True` come back with `failed` set.
    """

    def __init__(self, discord: Guild, user: User) -> None:
        self.user = user
        self.patience_s = FIRST_ANSWER_S
        self._discord = discord
        self._world = discord.world

    @property
    def id(self) -> int:
        return self.user.id

    @property
    def name(self) -> str:
        return self.user.name

    @property
    def mention(self) -> str:
        return self.user.mention

    # --- messages

    async def says(
        self,
        channel_id: int,
        text: str = "",
        *,
        mention_bot: bool = False,
        reply_to: Message | None = None,
        attachments: Sequence[Upload] = (),
    ) -> Message:
        """Post a message. `mention_bot` puts the bot's mention before the text."""
        if mention_bot:
            text = f"{self._world.bot.mention} {text}"
        if len(text) > MOST_TYPED or not (text.strip() or attachments):
            raise CannotError(f"a message of {len(text)} characters cannot be sent")
        channel = self._world.channel(channel_id)
        if channel.thread and channel.thread.locked:
            raise CannotError(f"{channel.name!r} is locked")
        payload: Json = {"content": text}
        if reply_to is not None:
            payload["message_reference"] = {"message_id": str(reply_to.id)}
        return self._world.post(channel, self.user, payload, dict(enumerate(attachments)))

    async def edits(self, message: Message, text: str) -> None:
        self._require_own(message)
        self._world.edit(message, {"content": text})

    async def deletes(self, message: Message) -> None:
        self._require_own(message)
        self._world.delete(message)

    async def reacts(self, message: Message, emoji: str) -> None:
        self._world.react(message, self.user, emoji)

    async def types(self, channel_id: int) -> None:
        self._world.type_in(self._world.channel(channel_id), self.user)

    async def starts_thread(self, message: Message, name: str) -> Channel:
        return self._world.start_thread(message, self.user, name, 4320)

    async def starts_post(self, forum: Channel, name: str, text: str) -> Channel:
        """In a forum or media channel."""
        return self._world.start_post(forum, self.user, name, text)

    def has_roles(self, role_ids: Sequence[int]) -> None:
        """From now on this person has exactly these roles."""
        self.user.roles = list(role_ids)
        self._world.update_member(self.user)

    def _require_own(self, message: Message) -> None:
        if message.author is not self.user or message.deleted:
            raise CannotError(f"message {message.id} is not {self.name}'s, or is gone")

    # --- interactions

    async def clicks(
        self,
        message: Message,
        custom_id: str,
        values: Sequence[str] | None = None,
        *,
        may_fail: bool = False,
    ) -> Interaction:
        """Press a button, or pick `values` in a select, among what the message shows now."""
        if message.ephemeral_for not in (None, self.id):
            raise CannotError(f"message {message.id} is not shown to {self.name}")
        data = pressed(found_component(message, custom_id), values, self._world)
        made = self._discord.interactions.create(Kind.COMPONENT, self.user, message.channel_id, data, message)
        return await self._answered(made, may_fail=may_fail)

    async def submits(self, modal: Interaction, values: Mapping[str, Filled], *, may_fail: bool = False) -> Interaction:
        """Fill in and send the modal that an interaction was answered with."""
        if modal.answer is None or modal.answer.modal is None or modal.user is not self.user:
            raise CannotError("that interaction showed this person no modal")
        data = filled_modal(modal.answer.modal, values)
        made = self._discord.interactions.create(Kind.MODAL_SUBMIT, self.user, modal.channel_id, data, modal.message)
        return await self._answered(made, may_fail=may_fail)

    async def runs(
        self,
        command: str,
        options: Mapping[str, object] | None = None,
        channel_id: int | None = None,
        *,
        may_fail: bool = False,
    ) -> Interaction:
        """Run a slash command (`"session stop"` for a subcommand), in the first channel if none is given.

        Option values: str, int, float, bool, Upload, or what has an `id` (Person, Role, Channel).
        """
        found, path = self._command(command)
        where = self._where(channel_id)
        data = filled_command(found, path, options or {}, self._world, where)
        made = self._discord.interactions.create(Kind.COMMAND, self.user, where, data)
        return await self._answered(made, may_fail=may_fail)

    async def completes(
        self,
        command: str,
        options: Mapping[str, object],
        focused: str,
        channel_id: int | None = None,
    ) -> list[Json]:
        """The choices offered while typing in the option `focused` (autocomplete)."""
        found, path = self._command(command)
        data = focused_command(found, path, options, focused)
        made = self._discord.interactions.create(Kind.AUTOCOMPLETE, self.user, self._where(channel_id), data)
        await self._answered(made, may_fail=False)
        assert made.answer is not None and made.answer.type is AnswerType.CHOICES
        return made.answer.choices

    async def _answered(self, made: Interaction, *, may_fail: bool) -> Interaction:
        try:
            async with asyncio.timeout(self.patience_s):
                await made.first_answer.wait()
        except TimeoutError:
            made.failed = True
            if not may_fail:
                raise InteractionFailedError(made) from None
        return made

    def _command(self, text: str) -> tuple[Json, list[str]]:
        """The registered command and its subcommand's path, if this person may use it."""
        name, *path = text.split()
        found = self._discord.guild_commands.find(name) or self._discord.global_commands.find(name)
        if found is None:
            raise CannotError(f"there is no command /{name}")
        needed = found.get("default_member_permissions")
        if needed is not None and int(needed) & ~self._world.permissions_of(self.user):
            raise CannotError(f"{self.name} may not use /{name}")
        return found, path

    def _where(self, channel_id: int | None) -> int:
        channel = self._world.channel(channel_id or next(iter(self._world.channels)))
        if channel.thread and channel.thread.archived:
            raise CannotError(f"{channel.name!r} is archived: no commands there")
        return channel.id
