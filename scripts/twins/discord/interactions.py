"""Interactions: a person clicks, submits or runs something, and the bot answers.

Source: Discord documentation, "Receiving and Responding": the first answer within 3 s, the token lives 15
minutes, an answer is given once.
"""

import asyncio
import secrets
from dataclasses import dataclass, field
from enum import IntEnum

from twins.discord.checks.components import check_modal
from twins.discord.checks.message import check_edit, check_new_message
from twins.discord.errors import (
    Problems,
    already_acknowledged,
    invalid_webhook_token,
    unknown_interaction,
    unknown_message,
    unknown_webhook,
)
from twins.discord.events import Dispatch
from twins.discord.model import ALL_PERMISSIONS, Json, Message, MessageFlag, MessageType, Upload, User
from twins.discord.wire import member_json, user_json
from twins.discord.world import Manner, World

FIRST_ANSWER_S = 3.0
TOKEN_LIFE_S = 900.0
MOST_CHOICES = 25


class Kind(IntEnum):
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


class AnswerType(IntEnum):
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


_MESSAGES = (AnswerType.MESSAGE, AnswerType.DEFERRED_MESSAGE)
_UPDATES = (AnswerType.DEFERRED_UPDATE, AnswerType.UPDATE)
_ALLOWED: dict[Kind, tuple[AnswerType, ...]] = {
    Kind.COMMAND: (*_MESSAGES, AnswerType.MODAL),
    Kind.COMPONENT: (*_MESSAGES, *_UPDATES, AnswerType.MODAL),
    Kind.AUTOCOMPLETE: (AnswerType.CHOICES,),
    Kind.MODAL_SUBMIT: (*_MESSAGES, *_UPDATES),
}


@dataclass(slots=True, eq=False)
class InteractionResponse:
    """The first answer. `message` is the original response, which later edits change."""

    type: AnswerType
    after_s: float
    message: Message | None = None
    modal: Json | None = None
    choices: list[Json] = field(default_factory=list)

    @property
    def content(self) -> str:
        return "" if self.message is None else self.message.content

    @property
    def flags(self) -> MessageFlag:
        return MessageFlag.NONE if self.message is None else self.message.flags

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & MessageFlag.EPHEMERAL)


@dataclass(slots=True, eq=False)
class Interaction:
    """One click, submission or command. `failed`: nobody answered within 3 s, the person sees an error."""

    id: int
    token: str
    kind: Kind
    user: User
    channel_id: int
    data: Json
    created_at: float
    message: Message | None = None
    answer: InteractionResponse | None = None
    followups: list[Message] = field(default_factory=list)
    failed: bool = False
    first_answer: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def custom_id(self) -> str:
        return str(self.data.get("custom_id", ""))


class Interactions:
    """All interactions, by id and by token."""

    def __init__(self, world: World) -> None:
        self.all: list[Interaction] = []
        self._world = world
        self._by_token: dict[str, Interaction] = {}

    def create(
        self, kind: Kind, user: User, channel_id: int, data: Json, message: Message | None = None
    ) -> Interaction:
        """Record an interaction and tell the bot."""
        world = self._world
        made = Interaction(
            world.ids.next(),
            secrets.token_urlsafe(32),
            kind,
            user,
            channel_id,
            data,
            world.clock.monotonic(),
            message,
        )
        self.all.append(made)
        self._by_token[made.token] = made
        world.emit(Dispatch("INTERACTION_CREATE", self._json(made)))
        world.changed()
        return made

    def answer(self, interaction_id: int, token: str, payload: Json, uploads: dict[int, Upload]) -> Interaction:
        """The callback. Raises 10062 if it is unknown or too late, 40060 if it was answered before."""
        found = self._by_token.get(token)
        if found is None or found.id != interaction_id:
            raise unknown_interaction()
        if found.answer is not None:
            raise already_acknowledged()
        after_s = self._world.clock.monotonic() - found.created_at
        if after_s > FIRST_ANSWER_S:
            raise unknown_interaction()
        kind = _checked_type(found, payload)
        found.answer = self._answered(found, kind, payload.get("data") or {}, uploads, after_s)
        found.first_answer.set()
        self._world.changed()
        return found

    def by_token(self, token: str) -> Interaction:
        """The interaction with that webhook. Raises 50027 after 15 minutes, 10015 before the first answer."""
        found = self._by_token.get(token)
        if found is None or self._world.clock.monotonic() - found.created_at > TOKEN_LIFE_S:
            raise invalid_webhook_token()
        if found.answer is None:
            raise unknown_webhook()
        return found

    def follow_up(self, found: Interaction, payload: Json, uploads: dict[int, Upload]) -> Message:
        """Another message; after a deferred answer the first one becomes that answer."""
        check_new_message(payload, uploads)
        original = found.answer.message if found.answer else None
        if original is not None and original.flags & MessageFlag.LOADING:
            self._world.edit(original, payload, uploads)
            return original
        followup = self._post(found, payload, uploads)
        found.followups.append(followup)
        return followup

    def response(self, found: Interaction, which: str) -> Message:
        """`@original` or one of the follow-ups, or ApiError 10008."""
        original = found.answer.message if found.answer else None
        candidates = [*found.followups, *([original] if original else [])]
        for message in candidates:
            asked = message is original if which == "@original" else str(message.id) == which
            if asked and not message.deleted:
                return message
        raise unknown_message()

    def _answered(
        self, found: Interaction, kind: AnswerType, data: Json, uploads: dict[int, Upload], after_s: float
    ) -> InteractionResponse:
        match kind:
            case AnswerType.MESSAGE:
                check_new_message(data, uploads)
                return InteractionResponse(kind, after_s, self._post(found, data, uploads))
            case AnswerType.DEFERRED_MESSAGE:
                return InteractionResponse(kind, after_s, self._post(found, data, {}, loading=True))
            case AnswerType.DEFERRED_UPDATE:
                return InteractionResponse(kind, after_s, found.message)
            case AnswerType.UPDATE:
                return InteractionResponse(kind, after_s, self._update(found, data, uploads))
            case AnswerType.CHOICES:
                return InteractionResponse(kind, after_s, choices=_checked_choices(data))
            case AnswerType.MODAL:
                check_modal(data)
                return InteractionResponse(kind, after_s, modal=data)

    def _update(self, found: Interaction, data: Json, uploads: dict[int, Upload]) -> Message:
        if found.message is None:
            raise unknown_message()
        check_edit(data, uploads, found.message)
        self._world.edit(found.message, data, uploads)
        return found.message

    def _post(self, found: Interaction, payload: Json, uploads: dict[int, Upload], *, loading: bool = False) -> Message:
        ephemeral = bool(int(payload.get("flags") or 0) & MessageFlag.EPHEMERAL)
        command = found.kind is Kind.COMMAND and found.answer is None
        manner = Manner(
            MessageType.CHAT_INPUT_COMMAND if command else MessageType.DEFAULT,
            self._metadata(found),
            found.user.id if ephemeral else None,
            loading,
        )
        channel = self._world.channel(found.channel_id)
        return self._world.post(channel, self._world.bot, payload, uploads, manner)

    def _metadata(self, found: Interaction) -> Json:
        return {
            "id": str(found.id),
            "type": int(found.kind),
            "user": user_json(found.user),
            "authorizing_integration_owners": {"0": str(self._world.id)},
        }

    def _json(self, made: Interaction) -> Json:
        world = self._world
        channel = world.channel(made.channel_id)
        permissions = str(world.permissions_of(made.user, channel))
        body: Json = {
            "id": str(made.id),
            "application_id": str(world.application_id),
            "type": int(made.kind),
            "token": made.token,
            "version": 1,
            "data": made.data,
            "guild_id": str(world.id),
            "channel_id": str(made.channel_id),
            "channel": {**world.channel_json(channel), "permissions": permissions},
            "member": {**member_json(made.user), "permissions": permissions},
            "locale": "en-US",
            "guild_locale": "en-US",
            "app_permissions": str(ALL_PERMISSIONS & ~int(world.denied_to_bot(channel))),
            "authorizing_integration_owners": {"0": str(world.id)},
            "context": 0,
            "entitlements": [],
            "attachment_size_limit": 10 * 1024 * 1024,
        }
        return body if made.message is None else {**body, "message": world.message_json(made.message)}


def _checked_type(found: Interaction, payload: Json) -> AnswerType:
    problems = Problems()
    allowed = _ALLOWED[found.kind]
    problems.choice("type", payload.get("type"), tuple(int(kind) for kind in allowed))
    problems.raise_if_any()
    return AnswerType(payload["type"])


def _checked_choices(data: Json) -> list[Json]:
    problems = Problems()
    choices = data.get("choices")
    if not isinstance(choices, list):
        problems.required("data.choices")
        choices = []
    problems.length("data.choices", len(choices), MOST_CHOICES)
    for index, choice in enumerate(choices):
        problems.text(f"data.choices.{index}.name", choice.get("name"), 100, least=1)
        if isinstance(choice.get("value"), str):
            problems.text(f"data.choices.{index}.value", choice["value"], 100)
    problems.raise_if_any()
    return choices
