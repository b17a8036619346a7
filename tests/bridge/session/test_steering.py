"""Buttons that steer a turn, and what a session remembers of its settings."""

import pytest

from bridge.protocol import events as e
from bridge.protocol.commands import HIBERNATION
from bridge.render import marks
from bridge.routing.actions import InterruptSession, Refuse, RequeuePrompt
from bridge.routing.channel import Channel
from bridge.routing.router import BridgeRouter
from bridge.routing.seen import Clicked
from bridge.session.custom_ids import HaltButton, WhenButton, steering_button
from bridge.session.managed import ManagedSession, session_from
from bridge.session.permission import Person
from bridge.session.rights import Policy
from stages.known import Told

SESSION = "0f0f0f0f-1111-4222-8333-444444444444"
ADA, EVE = Person(42, "Ada", 7), Person(66, "Eve", 7)


def session() -> ManagedSession:
    return session_from(e.SessionCreated(SESSION, 5, 7, 3, "/srv", 42), 1.0)


def router() -> BridgeRouter:
    mine = session()
    return BridgeRouter(Policy(frozenset({42})), {3: Channel(3, "/srv")}, Told({5: mine}.get))


def click(custom_id: str, person: Person = ADA, channel_id: int = 5) -> Clicked:
    return Clicked(custom_id, channel_id, 7, person)


def test_a_button_names_its_session_and_prompt_and_fits_discords_limit() -> None:
    button = WhenButton(SESSION, 2**63, "later")
    assert steering_button(button.custom_id()) == button and len(button.custom_id()) <= 100
    halt = HaltButton(SESSION, "keep")
    assert steering_button(halt.custom_id()) == halt


@pytest.mark.parametrize("custom_id", ["", "tb:when:never:x:1", "tb:halt:keep:" + "g" * 32, "tb:when:now:" + "0" * 32])
def test_what_is_no_such_button_is_left_to_others(custom_id: str) -> None:
    assert steering_button(custom_id) is None
    assert router().steer(click(custom_id)) is None


def test_a_click_steers_only_its_own_thread_and_only_by_an_allowed_person() -> None:
    later = WhenButton(SESSION, 9, "later").custom_id()
    assert router().steer(click(later)) == RequeuePrompt(SESSION, 9, "later")
    keep = HaltButton(SESSION, "keep").custom_id()
    assert router().steer(click(keep)) == InterruptSession(SESSION, keeps_waiting=True)
    for wrong in (click(later, EVE), click(later, channel_id=6), click(keep, EVE)):
        assert isinstance(router().steer(wrong), Refuse)


def test_a_mark_offers_the_other_times_and_none_once_it_is_now() -> None:
    labels = [button.label for button in marks.waiting(SESSION, 9, "next", is_edited=False).buttons]
    assert labels == ["After this turn", "Now"]
    assert not marks.waiting(SESSION, 9, "now", is_edited=False).buttons


def test_a_session_remembers_what_claude_accepted_and_not_what_it_refused() -> None:
    mine = session()
    events: list[e.AnyEvent] = [
        e.ConfigureAccepted("c1", "model", "sonnet"),
        e.ConfigureAccepted("c2", "effort", "high", "no such effort"),
        e.ModeChanged("plan"),
    ]
    for seq, event in enumerate(events, 1):
        mine.apply(e.Record("a" * 16, seq, 2.0, event))
    assert (mine.model, mine.effort, mine.permission_mode) == ("sonnet", "", "plan")


def test_a_session_that_was_put_to_sleep_says_so_until_it_wakes() -> None:
    mine = session()
    mine.apply(e.Record("a" * 16, 1, 2.0, e.WorkerStopping(HIBERNATION, "c1")))
    mine.apply(e.Record("a" * 16, 2, 2.0, e.ChildExited(0, wanted=True)))
    assert mine.shown_state() == "hibernating"
    mine.apply(e.Record("a" * 16, 3, 2.0, e.WorkerStarted(1, contained=True, containment="")))
    assert mine.shown_state() == "starting"
