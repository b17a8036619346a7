"""What a wish takes at its delivery: every kind of wish has an answer, and what is nobody's takes nothing."""

from typing import get_args

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.routing.claims import Claim, claims
from bridge.session.rights import Right
from bridge.session.rules import Rule

BY, ALSO, GIVER = 1, 2, 3
WISHES: list[tuple[c.AnyCommand, list[Claim]]] = [
    (c.Prompt(7, "t", BY, "ada"), [Claim(BY, ("talk",))]),
    (c.Amend("i", 7, "edited", BY), [Claim(BY, ("talk",))]),
    (c.Amend("i", 7, None, BY), []),
    (c.Requeue("i", 7, "now", BY), [Claim(BY, ("talk",))]),
    (c.Configure("i", "model", "opus", BY), [Claim(BY, ("talk", "manage"))]),
    (c.Configure("i", "permission_mode", "auto", BY, loosens=True), [Claim(BY, ("manage",))]),
    (c.Decide("g", 7, "d", "allowed", decided_by=BY), [Claim(BY, ("decide",))]),
    (c.Decide("g", 7, "d", "denied", decided_by=BY), [Claim(BY, ("decide",))]),
    (
        c.Decide("g", 7, "d", "allowed", decided_by=BY, also_by=ALSO, loosens=True),
        [Claim(person, ("decide",)) for person in (BY, ALSO)],
    ),
    (c.Decide("g", 7, "d", "expired"), []),
    (c.Interrupt("i", BY), []),
    (c.Stop("i"), []),
]


@pytest.mark.parametrize(("wish", "takes"), WISHES)
def test_each_wish_takes_what_it_took_when_it_was_made(wish: c.AnyCommand, takes: list[Claim]) -> None:
    assert claims(wish) == takes


def test_every_kind_of_wish_is_here() -> None:
    assert {type(wish) for wish, _ in WISHES} == set(get_args(c.AnyCommand))


def test_only_to_stop_takes_nothing_of_anybody() -> None:
    takes = {type(wish) for wish, wanted in WISHES if wanted}
    assert set(get_args(c.AnyCommand)) - takes == {c.Interrupt, c.Stop}


@pytest.mark.parametrize(("session_id", "takes"), [("s", ["decide"]), ("", ["decide", "manage"])])
def test_a_decision_by_a_rule_is_its_givers(session_id: str, takes: list[Right]) -> None:
    rule = Rule("r", 6, session_id, "Bash", (e.SuggestedRule("Bash", "ls"),), GIVER, "cyd", 1.0)
    assert claims(c.Decide("g", 7, "d", "allowed", by_rules=("r",)), [rule]) == [Claim(GIVER, (one,)) for one in takes]


@pytest.mark.parametrize(
    "wish",
    [c.Prompt(7, "t", 0, ""), c.Amend("i", 7, "t"), c.Requeue("i", 7, "now"), c.Configure("i", "model", "opus")],
)
def test_what_an_older_version_noted_without_a_name_goes_on(wish: c.AnyCommand) -> None:
    assert claims(wish) == []
