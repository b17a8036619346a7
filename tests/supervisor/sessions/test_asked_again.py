"""What nobody answered in time: one tap tells Claude that somebody is there now, once."""

from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.requests import PLAN_TOOL
from bridge.render.posts import Post
from bridge.session.permission import RequestName

from .test_rules import BOB, Desk, G


def ask(desk: Desk, session_id: str, tool: str, given: str) -> RequestName:
    desk.happens(session_id, e.PermissionRequested("r", tool, given, "d"))
    return RequestName(session_id, G, desk.live(session_id).applied)


def expires(desk: Desk, name: RequestName) -> None:
    desk.happens(name.session_id, e.PermissionResolved(name.seq, "expired"))


def card(desk: Desk, session_id: str) -> Post:
    (found,) = desk.store.posts_like(session_id, "card:")
    return found.desired


def again(post: Post) -> list[tuple[str, str]]:
    return [(button.label, button.custom_id) for button in post.buttons if "again" in button.label]


def told(desk: Desk, session_id: str) -> list[str]:
    inbox = [item.command for item in desk.store.inbox(session_id)]
    return [one.text for one in inbox if isinstance(one, c.Prompt) and one.is_ours]


@pytest.mark.parametrize(("tool", "given"), [("Bash", '{"command":"make"}'), (PLAN_TOOL, '{"plan":"# do"}')])
def test_one_tap_tells_claude_once_also_after_a_restart(tmp_path: Path, tool: str, given: str) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    name = ask(desk, session_id, tool, given)
    assert again(card(desk, session_id)) == [], "it is open"
    expires(desk, name)
    assert again(card(desk, session_id)) == [("Let Claude ask again", name.custom_id("again"))]
    desk.restart()
    assert desk.manager.let_ask_again(name, BOB, 777)
    assert not desk.manager.let_ask_again(name, BOB, 778)
    (text,) = told(desk, session_id)
    assert ("Bash: make" if tool == "Bash" else "Claude has a plan") in text and "Somebody is there now" in text
    post = card(desk, session_id)
    assert again(post) == [] and "<@2> lets Claude ask again" in post.content


@pytest.mark.parametrize("verdict", ["allowed", "denied"])
def test_what_was_answered_is_not_asked_again(tmp_path: Path, verdict: e.Verdict) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    name = ask(desk, session_id, "Bash", '{"command":"make"}')
    desk.happens(session_id, e.PermissionResolved(name.seq, verdict))
    assert again(card(desk, session_id)) == [] and not desk.manager.let_ask_again(name, BOB, 777)


def test_of_several_on_one_card_each_has_its_button(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    one, two = (ask(desk, session_id, "Bash", f'{{"command":"{what}"}}') for what in ("a", "b"))
    expires(desk, one)
    expires(desk, two)
    assert [label for label, _ in again(card(desk, session_id))] == ["Let Claude ask 1 again", "Let Claude ask 2 again"]
    assert desk.manager.let_ask_again(one, BOB, 777)
    assert [label for label, _ in again(card(desk, session_id))] == ["Let Claude ask 2 again"]


def test_a_lost_log_leaves_nothing_to_ask_again(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    name = ask(desk, session_id, "Bash", '{"command":"make"}')
    expires(desk, name)
    assert desk.manager.reports.record(session_id, [e.Record("f" * 16, 1, 2000.0, e.WorkerStarted(1, True, ""))])
    assert not desk.manager.let_ask_again(name, BOB, 777)
