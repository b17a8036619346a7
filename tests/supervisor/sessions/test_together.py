"""Several requests at once: each decision by itself, in one transaction; what is alike and waits goes with a rule."""

from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.protocol.requests import digest_of
from bridge.session.custom_ids import together_button
from bridge.session.permission import PermissionRequest
from bridge.session.rights import Policy

from .test_rules import BOB, ELSEWHERE, NPM, Desk


def asks(desk: Desk, session_id: str, command: str, *rules: e.SuggestedRule) -> PermissionRequest:
    given = f'{{"command": "{command}"}}'
    desk.happens(session_id, e.PermissionRequested("r", "Bash", given, digest_of(given), rules=rules))
    return desk.manager.row(session_id).view.cards[desk.live(session_id).applied]


def listed(desk: Desk, session_id: str) -> str:
    (card,) = desk.store.posts_like(session_id, "card:")
    button = together_button(card.desired.buttons[0].custom_id)
    assert button
    return button.listing


def test_each_is_decided_by_itself_and_the_first_decision_wins(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    one, two, three = (asks(desk, session_id, name) for name in ("a", "b", "c"))
    assert desk.manager.decide(two, "denied", BOB)
    decisions = [(request, request.decide("allowed", BOB)) for request in (one, two, three)]
    assert desk.manager.settle_all(decisions) == 2
    verdicts = [desk.decision(request.name).verdict for request in (one, two, three)]
    assert verdicts == ["allowed", "denied", "allowed"]
    assert [desk.decision(request.name).digest for request in (one, three)] == [one.event.digest, three.event.digest]
    assert desk.manager.settle_all(decisions) == 0


def test_what_was_listed_is_known_after_a_restart(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    one, two = asks(desk, session_id, "a"), asks(desk, session_id, "b")
    name = listed(desk, session_id)
    desk.restart()
    known = desk.manager.listing(session_id, name)
    assert known and known.has(one) and known.has(two)
    asks(desk, session_id, "c")
    assert listed(desk, session_id) != name and desk.manager.listing(session_id, name) == known


def test_one_by_one_goes_on_with_what_is_open_and_passes_what_is_decided_and_not_heard_yet(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    one, two, three = (asks(desk, session_id, name) for name in ("a", "b", "b"))
    assert [r.name for r in desk.manager.next_beside(one.name)] == [one.name]
    assert desk.manager.decide(one, "allowed", BOB)
    assert [r.name for r in desk.manager.next_beside(one.name)] == [two.name, three.name], "equal ones are one"
    assert [r.name for r in desk.manager.equals_of(three.name)] == [two.name]
    assert desk.manager.equals_of(two.name) == []
    desk.happens(session_id, e.PermissionResolved(one.name.seq, "allowed"))
    assert [r.name for r in desk.manager.next_beside(one.name)] == [two.name, three.name]


def test_always_settles_what_waits_and_is_covered_and_nothing_else(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    first, like = (asks(desk, session_id, "npm test", NPM) for _ in range(2))
    other = asks(desk, session_id, "rm x")
    assert desk.manager.allow_for(first, BOB, "always")
    assert not desk.is_open(like) and desk.is_open(other)
    decision = desk.decision(like.name)
    assert (decision.decider, decision.decided_by, decision.digest) == ("a rule of Bob", 0, like.event.digest)


@pytest.mark.parametrize(("term", "counts"), [("always", False), ("chour", True)])
def test_a_rule_for_the_channel_settles_what_waits_in_its_other_sessions(
    tmp_path: Path, term: str, counts: bool
) -> None:
    desk = Desk(tmp_path)
    here, near, far = desk.session(), desk.session(), desk.session(ELSEWHERE)
    waits = {session_id: asks(desk, session_id, "npm test", NPM) for session_id in (near, far)}
    assert desk.manager.allow_for(asks(desk, here, "npm test", NPM), BOB, term)  # type: ignore[arg-type]
    assert desk.is_open(waits[near]) is not counts
    assert desk.is_open(waits[far])


def test_a_rule_of_somebody_without_the_right_settles_nothing_that_waits(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Policy(frozenset({1})))
    session_id = desk.session()
    first, like = asks(desk, session_id, "npm test", NPM), asks(desk, session_id, "npm test", NPM)
    assert desk.manager.allow_for(first, BOB, "always")
    assert desk.is_open(like)


def test_what_a_rule_allows_is_on_nobodys_card_also_beside_others(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    session_id = desk.session()
    desk.allows(session_id, "always")
    desk.happens(session_id, e.PermissionResolved(desk.live(session_id).applied, "allowed"))
    waits = asks(desk, session_id, "rm x")
    allowed = asks(desk, session_id, "npm test", NPM)
    assert desk.is_open(waits) and not desk.is_open(allowed)
    cards = [row.desired for row in desk.store.posts_like(session_id, "card:") if row.desired.embed]
    assert [card.buttons[0].label for card in cards] == ["Allow"] and "rm x" in cards[0].content
