"""Which event answers which wish, by one table."""

from typing import get_args

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.answers import ANSWERED_BY, VOID_WITH_CHILD, VOID_WITH_LOG, answered_by, key_of, keys_of

LOG = "f" * 16
PAIRS: list[tuple[c.AnyCommand, str, tuple[e.AnyEvent, ...]]] = [
    (c.Prompt(5, "go", 1, "Ada"), "prompt:5", (e.PromptAccepted(5, "u", "go", 1, "Ada"),)),
    (
        c.Decide(LOG, 7, "digest", "allowed"),
        f"decide:{LOG}:7",
        (e.PermissionResolved(7, "allowed"), e.PermissionWithdrawn(7, "over"), e.DecisionRefused(7, "late")),
    ),
    (c.Interrupt("c1"), "interrupt:c1", (e.InterruptAccepted("c1"),)),
    (c.Configure("c2", "model", "opus"), "configure:c2", (e.ConfigureAccepted("c2", "model", "opus"),)),
    (c.Amend("5.a", 5, None), "amend:5.a", (e.PromptAmended("5.a", 5, deleted=True, done=True),)),
    (c.Requeue("c4", 5, "now"), "requeue:c4", (e.PromptRequeued("c4", 5, "now", done=False),)),
    (c.Stop("c3"), "stop:c3", (e.WorkerStopping("why", "c3"), e.StopDeclined("c3"))),
]


def test_each_command_has_an_answer_and_stands_here() -> None:
    kinds = set(get_args(c.AnyCommand))
    assert set(ANSWERED_BY) == kinds == {type(command) for command, *_ in PAIRS}
    answers = [event for events in ANSWERED_BY.values() for event in events]
    assert len(answers) == len(set(answers)), "an event answers one kind of wish"
    assert set(answers) == {type(event) for *_, events in PAIRS for event in events}
    assert {*VOID_WITH_CHILD, *VOID_WITH_LOG} <= kinds


@pytest.mark.parametrize(("command", "key", "events"), PAIRS)
def test_a_wish_and_its_answers_have_one_key(command: c.AnyCommand, key: str, events: tuple[e.AnyEvent, ...]) -> None:
    assert key_of(command) == key
    assert key.startswith(keys_of(type(command)))
    assert [answered_by(e.Record(LOG, 9, 0.0, event)) for event in events] == [key] * len(events)


def test_a_decision_is_answered_by_its_own_log_only_and_the_first_one_wins() -> None:
    first, second = c.Decide(LOG, 7, "digest", "allowed"), c.Decide(LOG, 7, "other", "denied")
    assert key_of(first) == key_of(second)
    of_another = e.Record("0" * 16, 9, 0.0, e.PermissionResolved(7, "allowed"))
    assert answered_by(of_another) != key_of(first)


def test_any_other_event_answers_nothing() -> None:
    answering = {event for events in ANSWERED_BY.values() for event in events}
    assert e.PromptTaken not in answering and e.ChildExited not in answering
    assert answered_by(e.Record(LOG, 1, 0.0, e.PromptTaken(5))) == ""
    assert answered_by(e.Record(LOG, 1, 0.0, e.ChildExited(0, wanted=True))) == ""
