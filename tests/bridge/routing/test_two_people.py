"""``decide_own = false`` and ``second``: who may allow what, and that to deny takes one person."""

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.protocol.requests import PLAN_TOOL, QUESTION_TOOL
from bridge.render import cards, decided
from bridge.render.runs import LOOKS
from bridge.routing import actions as a
from bridge.routing.answers import ONE_MORE
from bridge.routing.channel import Channel
from bridge.routing.claims import objection
from bridge.routing.clicks import OWN
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import Clicked
from bridge.session.managed import ManagedSession, session_from
from bridge.session.patterns import ToolPattern
from bridge.session.permission import First, PermissionRequest, Person, RequestName, Settled
from bridge.session.rights import Access, Policy
from stages.known import Told

ADA, BOB, CYD = Person(1, "ada", 500), Person(2, "bob", 500), Person(3, "cyd", 500)
ID = "aaaaaaaa-0000-4000-8000-000000000001"
NAME = RequestName(ID, "0123456789abcdef", 7)
RM = ToolPattern("Bash", "rm*")
QUESTION = '{"questions": [{"question": "q?", "header": "q", "multiSelect": false, "options": [{"label": "a", "description": ""}, {"label": "b", "description": ""}]}]}'  # noqa: E501


def asking(tool: str = "Bash", tool_input: str = '{"command": "rm -rf x"}', asked_for: int = 1) -> PermissionRequest:
    event = e.PermissionRequested("r", tool, tool_input, "digest", rules=(e.SuggestedRule("Bash", "rm:*"),))
    return PermissionRequest(NAME, 1.0, asked_for, event)


def click(request: PermissionRequest, person: Person, verb: str, access: Access, **modal: object) -> a.Action:
    session = session_from(e.SessionCreated(ID, 700, 500, 600, "/srv", 1), 1.0)
    policy = Policy(frozenset({1, 2, 3}), channels={600: access})
    router = BridgeRouter(policy, {600: Channel(600, "/srv")}, Told({700: session}.get, lambda _: request))
    return router.handle_click(msgspec.structs.replace(Clicked(NAME.custom_id(verb), 700, 500, person), **modal))


# --- decide_own = false ----------------------------------------------------------------------------------

NOT_OWN = Access(decide_own=False)


@pytest.mark.parametrize("verb", ["allow", "always"])
def test_who_asked_does_not_allow_it_and_another_one_does(verb: str) -> None:
    assert click(asking(), ADA, verb, NOT_OWN) == a.Refuse(OWN)
    assert isinstance(click(asking(), BOB, verb, NOT_OWN), a.DecideRequest)
    assert isinstance(click(asking(), ADA, verb, Access()), a.DecideRequest)


def test_who_asked_may_deny_it() -> None:
    assert isinstance(click(asking(), ADA, "deny", NOT_OWN), a.DecideRequest)
    assert isinstance(click(asking(), ADA, "reason", NOT_OWN), a.AskReason)
    denied = click(asking(), ADA, "reason", NOT_OWN, reason="no")
    assert isinstance(denied, a.DecideRequest) and not denied.allowed


def test_where_nobody_is_known_to_have_asked_it_is_the_owner() -> None:
    assert click(asking(asked_for=0), ADA, "allow", NOT_OWN) == a.Refuse(OWN)
    assert isinstance(click(asking(asked_for=2), ADA, "allow", NOT_OWN), a.DecideRequest)


def test_it_holds_for_plans_and_for_questions_and_what_is_written_in_their_forms() -> None:
    question, plan = asking(QUESTION_TOOL, QUESTION), asking(PLAN_TOOL, '{"plan": "p"}')
    for verb in ("option0", "other0"):
        assert click(question, ADA, verb, NOT_OWN) == a.Refuse(OWN)
    assert click(question, ADA, "other0", NOT_OWN, reason="", texts={0: "mine"}) == a.Refuse(OWN)
    assert click(plan, ADA, "allow", NOT_OWN) == a.Refuse(OWN)
    assert isinstance(click(question, ADA, "skip", NOT_OWN), a.DecideRequest)
    assert isinstance(click(plan, ADA, "plan", NOT_OWN, reason="not so"), a.DecideRequest)


def turn_of_two(*late: e.AnyEvent) -> tuple[ManagedSession, PermissionRequest]:
    """Ada writes, Bob writes, and Claude takes both into one turn; then it asks."""
    session = session_from(e.SessionCreated(ID, 700, 500, 600, "/srv", 3), 1.0)
    events: list[e.AnyEvent] = [
        e.WorkerStarted(1, contained=True, containment=""),
        e.ChildStarted(2, "id", resumed=False),
        e.PromptAccepted(11, "u1", "rm it all", 1, "ada"),
        e.TurnStarted((11,)),
        e.PromptTaken(11),
        e.PromptAccepted(12, "u2", "and hello", 2, "bob"),
        e.PromptTaken(12),
        *late,
        asking().event,
    ]
    for seq, event in enumerate(events, 1):
        session.apply(e.Record(NAME.generation, seq, 1.0, event))
    (request,) = session.requests.values()
    return session, request


@pytest.mark.parametrize("late", [(), (e.PromptDone(11),), (e.PromptDone(11), e.PromptDone(12))])
def test_whoever_wrote_into_the_same_turn_allows_none_of_what_it_asks(late: tuple[e.AnyEvent, ...]) -> None:
    session, request = turn_of_two(*late)
    policy = Policy(frozenset({1, 2, 3}), channels={600: NOT_OWN})
    router = BridgeRouter(policy, {600: Channel(600, "/srv")}, Told({700: session}.get, lambda _: request))

    def allows(person: Person) -> a.Action:
        return router.handle_click(Clicked(request.name.custom_id("allow"), 700, 500, person))

    assert allows(ADA) == a.Refuse(OWN), "that somebody else wrote after her changes nothing"
    assert allows(BOB) == a.Refuse(OWN)
    assert isinstance(allows(CYD), a.DecideRequest)
    for by in (1, 2):
        decision = request.decide("allowed", msgspec.structs.replace(ADA, user_id=by))
        assert objection(decision, session, NOT_OWN, [])
    assert not objection(request.decide("allowed", CYD), session, NOT_OWN, [])


def test_what_was_stored_before_knows_one_asker() -> None:
    session, request = turn_of_two()
    older = msgspec.structs.replace(request, askers=())
    assert session.askers_of(older) == {2} and session.askers_of(request) == {1, 2}


# --- second ----------------------------------------------------------------------------------------------

TWO = Access(second=(RM,))


def allowed_by(person: Person, request: PermissionRequest, verb: str = "allow") -> PermissionRequest:
    action = click(request, person, verb, TWO)
    assert isinstance(action, a.AllowFirst)
    return msgspec.structs.replace(request, first=action.first)


def test_the_first_of_two_is_noted_and_the_second_decides() -> None:
    once = allowed_by(ADA, asking())
    assert once.first == First(1, "ada", "digest")
    action = click(once, BOB, "allow", TWO)
    assert isinstance(action, a.DecideRequest) and action.allowed
    decision = action.request.decide("allowed", BOB)
    assert (decision.decided_by, decision.also_by, decision.digest) == (2, 1, "digest")


def test_one_person_is_not_two() -> None:
    assert click(allowed_by(ADA, asking()), ADA, "allow", TWO) == a.Refuse(ONE_MORE)


def test_anybodys_denial_ends_it_also_that_of_who_allowed_first() -> None:
    once = allowed_by(ADA, asking())
    for person in (ADA, BOB):
        denied = click(once, person, "deny", TWO)
        assert isinstance(denied, a.DecideRequest) and not denied.allowed
        assert denied.request.decide("denied", person).also_by == 0


def test_no_rule_comes_of_it() -> None:
    action = click(allowed_by(ADA, asking(), "always"), BOB, "always", TWO)
    assert isinstance(action, a.DecideRequest) and not action.always


def test_what_is_in_no_class_takes_one() -> None:
    assert isinstance(click(asking(tool_input='{"command": "ls"}'), ADA, "allow", TWO), a.DecideRequest)


def test_another_input_needs_two_again() -> None:
    once = msgspec.structs.replace(asking(), first=First(1, "ada", "another digest"))
    assert isinstance(click(once, BOB, "allow", TWO), a.AllowFirst)


def test_two_people_must_say_the_same() -> None:
    two = Access(second=(ToolPattern(QUESTION_TOOL),))
    question = asking(QUESTION_TOOL, QUESTION)
    first = click(question, ADA, "option0", two)
    assert isinstance(first, a.AllowFirst)
    once = msgspec.structs.replace(question, first=first.first)
    other = click(once, BOB, "option1", two)
    assert isinstance(other, a.AllowFirst) and other.first.user_id == 2
    assert isinstance(click(once, BOB, "option0", two), a.DecideRequest)


def test_with_both_neither_of_the_two_is_who_asked() -> None:
    both = Access(decide_own=False, second=(RM,))
    assert click(asking(), ADA, "allow", both) == a.Refuse(OWN)
    first = click(asking(), BOB, "allow", both)
    assert isinstance(first, a.AllowFirst)
    once = msgspec.structs.replace(asking(), first=first.first)
    assert click(once, ADA, "allow", both) == a.Refuse(OWN)
    assert isinstance(click(once, CYD, "allow", both), a.DecideRequest)


# --- the card --------------------------------------------------------------------------------------------


def test_the_card_says_that_it_takes_two_who_was_the_first_and_pings_only_who_asked() -> None:
    open_ = cards.open_card(msgspec.structs.replace(asking(), needs_two=True), 9, "/srv")
    assert "Two people must allow this." in open_.content
    assert "Always allow" not in [button.label for button in open_.buttons]
    once = cards.open_card(msgspec.structs.replace(allowed_by(ADA, asking()), needs_two=True), 9, "/srv")
    assert "1 of 2: allowed by <@1>; one more." in once.content and once.mentions == (9,)
    item = decided.item_of(asking(), "card:1")
    decided.settle(item, asking(), Settled("allowed", "bob", "", decider_id=2, also_by=1))
    assert "· allowed by <@1> and <@2>" in decided.post(item, LOOKS["normal"], "/srv").content
