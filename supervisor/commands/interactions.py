"""Interactions: clicks, modals and commands, each answered within 3 s from what is stored.

There are no view objects: a custom_id names what it is about, so a button works after any restart. Answers go
over our own REST, in front of which stands the one limiter. A card is never changed by a click; it changes by
the event that the click leads to.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec

from bridge.discord_numbers import CONTENT_CHARS, AnswerType, InteractionType
from bridge.protocol.errors import RemoteError, UserError
from bridge.render.posts import File, Post, payload
from bridge.routing.router import BridgeRouter
from bridge.session import custom_ids
from bridge.session.permission import RequestName
from bridge.text import clip
from supervisor.commands.alone_cards import AloneCards
from supervisor.commands.answer import (
    NOT_KEPT,
    Answer,
    answer_again,
    answer_choices,
    answer_in_words,
)
from supervisor.commands.click_answers import ClickAnswers
from supervisor.discord.asking import Answering
from supervisor.discord.rest import ANSWER_PATIENCE_S
from supervisor.discord.shapes import Interaction, read
from supervisor.discord.snowflakes import CLOCKS_DIFFER_S
from supervisor.sessions.in_log import InLog
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store_health import StoreError
from supervisor.sessions.trust import Trusts

FAILED = "Something went wrong in the bridge, and nothing was done. Its log says what."
UNREADABLE = "Discord sent this in a form that the bridge cannot read, so nothing was done. Please try again."

VOID_AFTER_S = ANSWER_PATIENCE_S + CLOCKS_DIFFER_S
"""Discord told its person by then that it failed (docs/discord-api.md, "Messages and components"): who still wants it
asks again. Carried out after minutes it would meet what it was not meant for."""

log = logging.getLogger(__name__)


class CommandSet(Protocol):
    """The slash commands: what they answer, and to what is picked in what they show."""

    def run(self, asked: Interaction) -> Answer: ...

    def complete(self, asked: Interaction) -> Answer: ...

    def picked(self, asked: Interaction) -> Answer | None: ...

    def list_again(self, asked: Interaction) -> Post | None: ...

    async def trusted_again(self, asked: Interaction) -> Post: ...


class Interactions:
    def __init__(
        self,
        manager: SessionManager,
        router: BridgeRouter,
        rest: Answering,
        commands: CommandSet,
        trusts: Trusts,
        in_log: InLog,
        alone: AloneCards,
    ) -> None:
        self._alone = alone
        self._manager = manager
        self._rest = rest
        self._commands = commands
        self._clicks = ClickAnswers(manager, router, trusts, in_log, commands.trusted_again)

    async def handle(self, data: object) -> None:
        """Answer one INTERACTION_CREATE. Never raises (but for being cancelled)."""
        try:
            asked = read(data, Interaction)
        except msgspec.ValidationError as error:
            log.warning("an interaction that cannot be read: %s", error)
            return
        if (age_s := self._rest.age_s(asked.id)) > VOID_AFTER_S:
            log.warning("interaction %s came after %d s, when it had failed for who asked: left alone", asked.id, age_s)
            return
        pressed = self._alone.take(asked)
        answer = self._answer(asked)
        if pressed:
            self._alone.put_back(pressed, answer)
        try:
            await self._rest.answer_interaction(asked.id, asked.token, answer.kind, answer.data)
            self._alone.sent(asked, answer)
            if answer.later:
                data, files = await _finished(answer.later)
                await self._rest.edit_interaction_answer(asked.application_id, asked.token, data, files)
        except RemoteError as error:
            log.warning("interaction %s could not be answered: %s", asked.id, error)
        except Exception:
            log.exception("interaction %s could not be answered", asked.id)

    def _answer(self, asked: Interaction) -> Answer:
        """Whatever goes wrong, there is an answer in words."""
        try:
            return self._decide(asked)
        except msgspec.ValidationError as error:
            log.warning("interaction %s cannot be read: %s", asked.id, error)
            return answer_in_words(UNREADABLE) if asked.type != InteractionType.AUTOCOMPLETE else answer_choices()
        except UserError as error:
            return answer_in_words(str(error)) if asked.type != InteractionType.AUTOCOMPLETE else answer_choices()
        except StoreError as error:
            log.warning("interaction %s: nothing was done: %s", asked.id, error)
            return answer_in_words(NOT_KEPT)
        except Exception:
            log.exception("interaction %s failed", asked.id)
            return answer_in_words(FAILED) if asked.type != InteractionType.AUTOCOMPLETE else answer_choices()

    def _decide(self, asked: Interaction) -> Answer:
        match asked.type:
            case InteractionType.COMMAND:
                return self._commands.run(asked)
            case InteractionType.AUTOCOMPLETE:
                return self._commands.complete(asked)
            case InteractionType.COMPONENT | InteractionType.MODAL_SUBMIT:
                return self._commands.picked(asked) or self._click(asked)
            case _:
                return answer_in_words(f"This kind of interaction ({asked.type}) is not known here.")

    def _click(self, asked: Interaction) -> Answer:
        answer = self._clicks.answer(asked)
        custom_id = str(asked.data.get("custom_id", ""))
        if asked.is_for_one and answer.kind == AnswerType.MESSAGE and (post := self._commands.list_again(asked)):
            return answer_again(post, str((answer.data or {}).get("content", "")))
        parsed = RequestName.parse(custom_id) if asked.is_for_one and not custom_ids.only_shows(custom_id) else None
        return self._one_by_one(parsed[1], answer) if parsed else answer

    def _one_by_one(self, name: RequestName, answer: Answer) -> Answer:
        """What only one person sees goes on to the next request of the same card, once this one is decided."""
        words = str((answer.data or {}).get("content", "")) if answer.kind == AnswerType.MESSAGE else ""
        post = self._alone.upcoming(name, words)
        return Answer(AnswerType.UPDATE, payload(post, editing=True)) if post else answer


async def _finished(work: Callable[[], Awaitable[dict[str, Any] | Post]]) -> tuple[dict[str, Any], tuple[File, ...]]:
    """What the answer becomes, and its files."""
    try:
        done = await work()
    except (UserError, RemoteError) as error:
        done = Post(clip(f"That did not work: {error}", CONTENT_CHARS))
    except Exception:
        log.exception("what takes longer failed")
        done = Post(FAILED)
    return (payload(done, editing=True), done.files) if isinstance(done, Post) else (done, ())
