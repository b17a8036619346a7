"""Texts that are written while something is asked: held for a moment, then they answer it, or not."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.requests import PLAN_TOOL, QUESTION_TOOL, digest_of
from bridge.routing import bursts
from bridge.routing.actions import PromptSession
from bridge.routing.channel import Channel
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import MessageSeen
from bridge.session.permission import PermissionRequest, Person
from bridge.session.rights import Access, Grant, Policy, Rights

from .test_rules import ADA, BOB, HERE, Desk

OPTIONS: list[dict[str, str]] = [{"label": "Red", "description": ""}, {"label": "Blue", "description": ""}]
ONE_QUESTION: dict[str, list[Any]] = {
    "questions": [{"question": "Which?", "header": "h", "options": OPTIONS, "multiSelect": False}]
}
TWO_QUESTIONS: dict[str, list[Any]] = {
    "questions": [ONE_QUESTION["questions"][0], {**ONE_QUESTION["questions"][0], "question": "And?"}]
}
EVE = Person(66, "Eve", 9)
FIRST = 900 << 22


class Typing(Desk):
    """``window_s`` of bursts is 0 here: every message is a prompt of its own."""

    rights: Rights = Policy(frozenset({1, 2}))
    messages = FIRST

    def asks_for(self, session_id: str, tool: str, given: Mapping[str, object]) -> PermissionRequest:
        text = json.dumps(given)
        self.happens(session_id, e.PermissionRequested("r", tool, text, digest_of(text), tool_use_id="t"))
        return self.live(session_id).requests[self.live(session_id).applied]

    def writes(self, session_id: str, text: str, author: Person = ADA, **fields: Any) -> int:
        """The message's id, once it was handled."""
        self.messages += 60 << 22
        thread = self.live(session_id).thread_id
        seen = MessageSeen(
            self.messages, thread, HERE, 9, author, text, is_from_person=True, mentions_bot=False, **fields
        )
        channels = {HERE: Channel(HERE, str(self.folder))}
        router = BridgeRouter(self.rights, channels, self.manager)
        action = router.handle_message(seen)
        assert isinstance(action, PromptSession)
        self.manager.hear(action, thread)
        return self.messages

    def joins_a_file(self, session_id: str) -> None:
        """To the text that is held."""
        waiting = [item.command for item in self.store.inbox(session_id)]
        (held,) = [one for one in waiting if isinstance(one, c.Prompt) and one.answer_to]
        with self.manager.transaction():
            files = (e.Attachment(1, "a.png", 9, stored="1/a.png"),)
            self.store.change_wish(session_id, msgspec.structs.replace(held, attachments=files))

    def mark(self, session_id: str, message_id: int) -> str:
        post = self.store.post(session_id, f"mark:{message_id}")
        return post.desired.content if post else ""

    def goes(self, session_id: str) -> list[c.AnyCommand]:
        """What is delivered once nothing new comes any more, but for what began the session."""
        found = [item.command for item in self.manager.inbox(session_id)]
        return [one for one in found if not (isinstance(one, c.Prompt) and one.text == "hi")]

    def moment_passes(self) -> None:
        self.now += bursts.MOMENT_S + 60.0


@pytest.fixture
def desk(tmp_path: Path) -> Typing:
    return Typing(tmp_path)


def test_a_text_answers_the_one_open_question_once_its_moment_is_over(desk: Typing) -> None:
    session_id = desk.session()
    request = desk.asks_for(session_id, QUESTION_TOOL, ONE_QUESTION)
    message = desk.writes(session_id, "something green")
    assert "Taken as the answer" in desk.mark(session_id, message)
    assert desk.goes(session_id) == [] and desk.is_open(request), "there is a moment to say that it is none"
    desk.moment_passes()
    desk.goes(session_id)
    (decision,) = desk.goes(session_id)
    assert isinstance(decision, c.Decide)
    assert (decision.seq, decision.digest, decision.verdict) == (request.name.seq, request.event.digest, "allowed")
    assert (decision.answers, decision.decided_by) == ({"Which?": "something green"}, ADA.user_id)
    assert "gets this as the answer" in desk.mark(session_id, message)


def test_a_text_keeps_a_plan_going(desk: Typing) -> None:
    session_id = desk.session()
    desk.asks_for(session_id, PLAN_TOOL, {"plan": "# do"})
    message = desk.writes(session_id, "without the second step")
    assert "what to change in Claude’s plan" in desk.mark(session_id, message)
    desk.moment_passes()
    desk.goes(session_id)
    (decision,) = desk.goes(session_id)
    assert isinstance(decision, c.Decide)
    assert (decision.verdict, decision.reason) == ("denied", "without the second step")


def test_not_an_answer_makes_it_a_prompt_and_the_question_stays_open(desk: Typing) -> None:
    session_id = desk.session()
    request = desk.asks_for(session_id, QUESTION_TOOL, ONE_QUESTION)
    message = desk.writes(session_id, "by the way")
    assert desk.manager.delivery.typed.is_message(session_id, message)
    assert not desk.manager.delivery.typed.is_message(session_id, message), "once"
    desk.moment_passes()
    (prompt,) = desk.goes(session_id)
    assert isinstance(prompt, c.Prompt) and (prompt.text, prompt.answer_to, prompt.answer_in) == ("by the way", 0, "")
    assert desk.is_open(request) and "message for Claude" in desk.mark(session_id, message)


def test_a_restart_in_the_moment_changes_nothing(desk: Typing) -> None:
    session_id = desk.session()
    desk.asks_for(session_id, QUESTION_TOOL, ONE_QUESTION)
    desk.writes(session_id, "green")
    desk.restart()
    assert desk.goes(session_id) == []
    desk.moment_passes()
    desk.goes(session_id)
    (decision,) = desk.goes(session_id)
    assert isinstance(decision, c.Decide) and decision.answers == {"Which?": "green"}


@pytest.mark.parametrize("how", ["decided", "withdrawn"])
def test_what_is_over_meanwhile_is_not_answered_and_the_text_is_a_prompt(desk: Typing, how: str) -> None:
    session_id = desk.session()
    request = desk.asks_for(session_id, QUESTION_TOOL, ONE_QUESTION)
    message = desk.writes(session_id, "green")
    if how == "decided":
        assert desk.manager.decide(request, "allowed", BOB, answers={"Which?": "Red"}), "the first decision wins"
    else:
        desk.happens(session_id, e.PermissionWithdrawn(request.name.seq, ""))
    desk.moment_passes()
    prompts = [one for one in desk.goes(session_id) if isinstance(one, c.Prompt)]
    assert [one.text for one in prompts] == ["green"] and "answers nothing any more" in desk.mark(session_id, message)


def test_an_edit_counts_and_a_deletion_takes_it_back(desk: Typing) -> None:
    session_id = desk.session()
    request = desk.asks_for(session_id, QUESTION_TOOL, ONE_QUESTION)
    first = desk.writes(session_id, "gren")
    assert desk.manager.waiting.amend(session_id, first, "green")
    desk.moment_passes()
    desk.goes(session_id)
    (decision,) = [one for one in desk.goes(session_id) if isinstance(one, c.Decide)]
    assert decision.answers == {"Which?": "green"}
    desk.happens(session_id, e.PermissionResolved(request.name.seq, "allowed"))
    again = desk.asks_for(session_id, QUESTION_TOOL, ONE_QUESTION)
    second = desk.writes(session_id, "blue")
    assert desk.manager.waiting.amend(session_id, second, None)
    desk.moment_passes()
    assert not [one for one in desk.goes(session_id) if isinstance(one, c.Decide | c.Prompt)] and desk.is_open(again)


@pytest.mark.parametrize("what", ["a file beside it", "far too long by now"])
def test_what_became_more_than_an_answer_is_a_message_while_the_question_stays_open(desk: Typing, what: str) -> None:
    session_id = desk.session()
    request = desk.asks_for(session_id, QUESTION_TOOL, ONE_QUESTION)
    message = desk.writes(session_id, "green")
    if what == "a file beside it":
        desk.joins_a_file(session_id)
    else:
        desk.manager.waiting.amend(session_id, message, "green " * 2000)
    desk.moment_passes()
    assert any(isinstance(one, c.Prompt) for one in desk.goes(session_id))
    assert desk.is_open(request)
    assert "answers nothing any more" not in desk.mark(session_id, message), "it could be answered"


def test_while_a_tool_waits_a_text_is_a_message_and_may_be_the_reason_to_deny(desk: Typing) -> None:
    session_id = desk.session()
    request = desk.asks_for(session_id, "Bash", {"command": "rm -rf x"})
    first = desk.writes(session_id, "use another name")
    desk.moment_passes()
    (prompt,) = desk.goes(session_id)
    assert isinstance(prompt, c.Prompt) and prompt.text == "use another name" and desk.is_open(request)
    assert not desk.manager.delivery.typed.denies(session_id, first, BOB), "it is on its way"
    second = desk.writes(session_id, "not that folder")
    assert desk.manager.delivery.typed.denies(session_id, second, BOB)
    decision = desk.decision(request.name)
    assert (decision.verdict, decision.reason, decision.decided_by) == ("denied", "not that folder", BOB.user_id)
    assert [one.text for one in desk.goes(session_id) if isinstance(one, c.Prompt)] == ["use another name"]


NO_ANSWERS: list[tuple[str, dict[str, object]]] = [
    ("green", {"attachments": (e.Attachment(1, "a.png", 5),)}),
    ("green", {"quote": "> eve wrote"}),
    ("green", {"is_reply": True}),
    ("/cost", {}),
    ("x" * 5000, {}),
]


@pytest.mark.parametrize(("text", "fields"), NO_ANSWERS)
def test_what_is_more_than_a_text_is_a_prompt(desk: Typing, text: str, fields: dict[str, Any]) -> None:
    session_id = desk.session()
    desk.asks_for(session_id, QUESTION_TOOL, ONE_QUESTION)
    message = desk.writes(session_id, text, **fields)
    assert desk.mark(session_id, message) == ""


def test_a_file_beside_the_reason_to_deny_still_comes_to_claude(desk: Typing) -> None:
    session_id = desk.session()
    request = desk.asks_for(session_id, "Bash", {"command": "rm x"})
    message = desk.writes(session_id, "like in the picture")
    desk.joins_a_file(session_id)
    assert desk.manager.delivery.typed.denies(session_id, message, BOB)
    desk.moment_passes()
    decision, prompt = desk.goes(session_id)
    if isinstance(decision, c.Prompt):
        decision, prompt = prompt, decision
    assert isinstance(decision, c.Decide) and (decision.seq, decision.reason) == (
        request.name.seq,
        "like in the picture",
    )
    assert isinstance(prompt, c.Prompt) and [one.name for one in prompt.attachments] == ["a.png"]


def test_with_several_questions_open_nobody_could_know_which(desk: Typing) -> None:
    session_id = desk.session()
    desk.asks_for(session_id, QUESTION_TOOL, TWO_QUESTIONS)
    assert desk.mark(session_id, desk.writes(session_id, "green")) == ""
    other = desk.session()
    for _ in range(2):
        desk.asks_for(other, QUESTION_TOOL, ONE_QUESTION)
    assert desk.mark(other, desk.writes(other, "green")) == ""


def test_a_question_beside_a_tool_is_the_one_that_is_answered(desk: Typing) -> None:
    session_id = desk.session()
    desk.asks_for(session_id, "Bash", {"command": "ls"})
    desk.asks_for(session_id, QUESTION_TOOL, ONE_QUESTION)
    assert "Taken as the answer" in desk.mark(session_id, desk.writes(session_id, "green"))


def test_who_may_not_decide_writes_messages(desk: Typing) -> None:
    everybody, deciders = Grant(frozenset({1, 2, 66})), Grant(frozenset({1}))
    desk.rights = Policy(everywhere=Access(everybody, deciders, deciders))
    session_id = desk.session()
    desk.asks_for(session_id, QUESTION_TOOL, ONE_QUESTION)
    assert desk.mark(session_id, desk.writes(session_id, "green", EVE)) == ""
    desk.rights = Policy(frozenset({1, 2}), channels={HERE: Access(decide_own=False)})
    assert desk.mark(session_id, desk.writes(session_id, "green", ADA)) == "", "nobody decides for oneself there"
    assert "Taken as the answer" in desk.mark(session_id, desk.writes(session_id, "green", BOB))
