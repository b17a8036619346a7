"""What one person sees alone is settled when somebody else decides it, as long as Discord takes edits of it."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from bridge.discord_numbers import AnswerType, MessageFlag
from bridge.protocol import events as e
from bridge.protocol.errors import RemoteError
from bridge.render import cards, rules
from bridge.render.posts import Post
from bridge.session.permission import PermissionRequest
from stages.support import beside
from supervisor.commands.alone_cards import TOKEN_S, AloneCards
from supervisor.commands.answer import Answer, answer_with
from supervisor.discord.asking import Answering
from supervisor.discord.shapes import Interaction, PressedIn

from ..sessions.test_rules import ADA, BOB, NPM, Desk

MEMBER = {"user": {"id": "2", "username": "bob"}, "roles": []}


class Edits:
    """Of REST only the edits of answers; ``fails``: Discord takes none."""

    def __init__(self) -> None:
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.fails = False
        self.told = asyncio.Event()

    async def edit_interaction_answer(self, _application: int, token: str, data: dict[str, Any]) -> None:
        self.made.append((token, data))
        self.told.set()
        if self.fails:
            raise RemoteError("Unknown Webhook")


def pressed(custom_id: str, token: str = "t", *, alone: bool = False) -> Interaction:
    message = PressedIn(MessageFlag.EPHEMERAL if alone else 0)
    return Interaction(1, 3, 3, token, {"custom_id": custom_id}, 9, 700, member=MEMBER, message=message)


def card(request: PermissionRequest) -> Answer:
    return answer_with(cards.alone([request], "/srv/app"))


async def settled(desk: Desk, edits: Edits, alone: AloneCards, happen: Callable[[], object]) -> None:
    """While it runs, something happens; then all that is due was done."""
    async with beside(alone.run()):
        await asyncio.sleep(0)
        happen()
        for _ in range(20):
            await asyncio.sleep(0)


def played(tmp_path: Path, shown: Callable[[PermissionRequest], Post | None], later_s: float = 1.0) -> Edits:
    """Bob looks at a request alone, and Ada allows it in the thread so much later."""

    async def play() -> Edits:
        desk, edits = Desk(tmp_path), Edits()
        request = desk.asks(desk.session(), NPM)
        alone = AloneCards(desk.manager, cast(Answering, edits))
        post = shown(request)
        alone.sent(pressed("x"), answer_with(post) if post else card(request))

        def allow() -> None:
            desk.now += later_s
            assert desk.manager.decide(request, "allowed", ADA)

        await settled(desk, edits, alone, allow)
        return edits

    return asyncio.run(play())


def test_a_request_that_was_looked_at_alone_says_who_decided_it(tmp_path: Path) -> None:
    ((token, data),) = played(tmp_path, lambda _: None).made
    assert token == "t" and data["components"] == []
    assert data["content"] == "This request was already allowed by <@1>."


def test_the_choice_of_how_long_ends_likewise(tmp_path: Path) -> None:
    ((_, data),) = played(tmp_path, rules.choice).made
    assert data["components"] == [] and "already allowed by <@1>" in data["content"]


def test_behind_the_quarter_of_an_hour_in_which_discord_takes_it_nothing_is_tried(tmp_path: Path) -> None:
    assert played(tmp_path, lambda _: None, TOKEN_S + 1).made == []


def test_words_without_a_button_are_left_alone(tmp_path: Path) -> None:
    assert played(tmp_path, lambda _: Post("no")).made == []


@pytest.mark.parametrize("kind", [AnswerType.MODAL, AnswerType.DEFERRED_UPDATE, AnswerType.UPDATE])
def test_what_is_pressed_in_it_is_its_own_answers_to_show(tmp_path: Path, kind: int) -> None:
    async def play() -> Edits:
        desk, edits = Desk(tmp_path), Edits()
        request = desk.asks(desk.session(), NPM)
        alone = AloneCards(desk.manager, cast(Answering, edits))
        alone.sent(pressed("x"), card(request))
        held = alone.take(pressed(request.name.custom_id("allow"), alone=True))
        assert held and alone.take(pressed(request.name.custom_id("allow"), alone=True)) is None
        alone.put_back(held, Answer(kind))
        await settled(desk, edits, alone, lambda: desk.manager.decide(request, "allowed", BOB))
        return edits

    assert bool(asyncio.run(play()).made) is (kind != AnswerType.UPDATE)


def test_what_discord_takes_no_more_ends_nothing(tmp_path: Path) -> None:
    async def play() -> None:
        desk, edits = Desk(tmp_path), Edits()
        edits.fails = True
        session_id = desk.session()
        one, two = desk.asks(session_id, NPM), desk.asks(session_id, e.SuggestedRule("Bash", "make"))
        alone = AloneCards(desk.manager, cast(Answering, edits))
        alone.sent(pressed("x"), card(one))
        alone.sent(pressed("x", "u"), card(two))
        both = [(one, one.decide("allowed", ADA)), (two, two.decide("allowed", ADA))]
        await settled(desk, edits, alone, lambda: desk.manager.settle_all(both))
        assert [token for token, _ in edits.made] == ["t", "u"]

    asyncio.run(play())
