"""The worker's own question, whether a branch is pushed: one name, one digest, one decision, and always an answer."""

import json

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.push import PUSH_TOOL, Push, as_input
from bridge.protocol.requests import digest_of
from stages.replay import CLAUDE_ID
from worker import control_frames as cf
from worker import frames as f
from worker.asks import NOT_OURS, Asks
from worker.steps import Line, PushDecided, Step
from worker.stream import Stream

SHOWN = as_input(Push("git@h:app", "main", "main", "a" * 40))
REQUEST = e.PermissionRequested("r1", PUSH_TOOL, SHOWN, digest_of(SHOWN), tool_use_id="toolu_1")


def no_control(subtype: str, _answered: object, /, **_fields: object) -> Line:
    raise AssertionError(f"nothing is to be asked of the CLI, but {subtype} was")


def asked() -> Asks:
    """A push's card is open under seq 7."""
    asks = Asks(no_control)
    assert asks.claim_push("r1", 5)
    assert asks.ask_push(REQUEST) == [REQUEST]
    asks.named("r1", 7)
    return asks


def decide(verdict: e.Verdict, shown: str = SHOWN) -> c.Decide:
    return c.Decide("g", 7, digest_of(shown), verdict, always=True)


def test_a_decision_is_logged_before_the_push_and_never_for_always() -> None:
    resolved, decided = asked().decide(decide("allowed"))
    assert resolved == e.PermissionResolved(7, "allowed")
    assert decided == PushDecided("r1", 5, "allowed")


def test_a_decision_on_another_push_than_the_shown_one_is_refused_and_the_first_one_wins() -> None:
    asks = asked()
    (refused,) = asks.decide(decide("allowed", SHOWN.replace("main", "evil")))
    assert isinstance(refused, e.DecisionRefused)
    assert isinstance(asks.decide(decide("denied"))[1], PushDecided)
    (refused,) = asks.decide(decide("allowed"))
    assert isinstance(refused, e.DecisionRefused)


def test_there_is_one_push_at_a_time_and_none_under_an_id_that_was_heard() -> None:
    asks = asked()
    assert not asks.claim_push("r2", 6)
    asks.decide(decide("denied"))
    assert not asks.claim_push("r1", 7)
    assert asks.claim_push("r2", 8)
    asks.give_up_push("r2")
    assert asks.claim_push("r3", 9)


def test_the_clis_own_request_under_a_pushs_id_or_name_is_no_push() -> None:
    asks = asked()
    assert asks.asked("r1", cf.Ask("can_use_tool", "Bash", f.Raw(b"{}"))) == []
    (line,) = asks.asked("r2", cf.Ask("can_use_tool", PUSH_TOOL, f.Raw(SHOWN.encode())))
    assert isinstance(line, Line)
    assert NOT_OURS in json.loads(line.data)["response"]["response"]["message"]


def test_a_push_that_ends_with_its_turn_is_withdrawn_and_its_call_answered() -> None:
    withdrawn, line = asked().turn_ended()
    assert withdrawn == e.PermissionWithdrawn(7, "the turn ended") and isinstance(line, Line)
    told = json.loads(line.data)["response"]
    assert told["request_id"] == "r1" and told["response"]["mcp_response"]["id"] == 5


def test_a_push_that_is_taken_back_or_whose_turn_ends_while_it_is_prepared_comes_to_no_card() -> None:
    asks = Asks(no_control)
    assert asks.claim_push("r1", 5)
    assert asks.taken_back("r1") == []
    assert asks.ask_push(REQUEST) == []
    assert asks.claim_push("r2", 6)
    assert asks.turn_ended() == []
    assert asks.ask_push(REQUEST) == []


def asked_by_the_cli(remote: str) -> list[Step]:
    stream = Stream(1, claude_id=CLAUDE_ID, resuming=False, remote=remote)
    request = {"subtype": "can_use_tool", "tool_name": "mcp__threadbridge__git_push", "input": {"branch": "main"}}
    line = {"type": "control_request", "request_id": "r1", "request": request}
    return stream.receive(json.dumps(line).encode())


def test_where_the_cli_asks_too_it_is_let_because_our_own_card_follows_and_only_there() -> None:
    (line,) = asked_by_the_cli("git@h:app")
    assert isinstance(line, Line)
    allowed = {"behavior": "allow", "updatedInput": {"branch": "main"}}
    assert json.loads(line.data)["response"]["response"] == allowed
    (request,) = asked_by_the_cli("")
    assert isinstance(request, e.PermissionRequested), "where no push is offered it is a tool like any other"
