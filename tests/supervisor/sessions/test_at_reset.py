"""A turn that a usage limit ended goes on when that is free again: by a tap, or by the configuration."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.render import limits
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.custom_ids import ResetButton, reset_button
from bridge.session.permission import Person
from supervisor.assembly import session_manager
from supervisor.sessions.at_reset import MARGIN_S, AtReset
from supervisor.sessions.mends import GO_ON_AT_RESET
from supervisor.sessions.store import Store

ADA = Person(111, "Ada", 7)
FREE_AT = 5000.0


class Desk:
    """One session whose turn a limit ended, under a clock that is turned by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1000.0
        self.by_itself = False
        self.store: Store | None = None
        self.start()
        action = CreateSession(10**18, 7, Channel(222, str(folder)), ADA, "", "fix it")
        self.session_id = self.manager.create_session(action).session_id
        self.take(e.WorkerStarted(1, True, ""), e.ChildStarted(2, "c", False))
        self.turn(outcome="failed", error="usage_limit_reached", resets_at=FREE_AT)

    def start(self) -> None:
        """A supervisor begins where another one ended."""
        self.close()
        self.store = Store(self.folder / "db")
        self.manager = session_manager(self.store, lambda: self.now)
        self.at_reset = AtReset(self.manager, lambda: self.by_itself)

    def close(self) -> None:
        if self.store:
            self.store.close()

    def take(self, *events: e.AnyEvent) -> None:
        session = self.manager.get_session(self.session_id)
        assert session
        records = [e.Record("a" * 16, session.applied + n, self.now, event) for n, event in enumerate(events, 1)]
        self.manager.reports.record(self.session_id, records)

    def turn(self, outcome: e.Outcome = "completed", error: str = "", resets_at: float = 0.0) -> None:
        self.take(
            e.PromptAccepted(5, "u5", "fix it", ADA.user_id, "Ada"),
            e.TurnStarted((5,)),
            e.TurnEnded(outcome, (5,), error=error, resets_at=resets_at),
            e.PromptDone(5),
        )

    def wants(self, person: Person = ADA, *, wanted: bool = True) -> bool:
        return self.manager.want_reset(self.session_id, wanted=wanted, person=person)

    def at(self, now: float) -> "Desk":
        self.now = now
        self.at_reset.look()
        return self

    def ours(self) -> list[c.Prompt]:
        """What Claude is told by us."""
        inbox = [item.command for item in self.manager.store.inbox(self.session_id)]
        return [one for one in inbox if isinstance(one, c.Prompt) and one.is_ours]

    def told(self) -> list[str]:
        return [one.text for one in self.ours()]

    def card(self) -> str:
        (row,) = self.manager.store.posts_like(self.session_id, "limit:")
        return row.desired.content

    def buttons(self) -> list[str]:
        (row,) = self.manager.store.posts_like(self.session_id, "limit:")
        return [button.label for button in row.desired.buttons]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def test_the_card_offers_to_go_on_when_it_is_free(desk: Desk) -> None:
    assert desk.buttons() == ["Go on at reset"]
    assert desk.at(FREE_AT + 60).told() == [], "nobody asked for it"


def test_who_taps_has_the_turn_taken_up_once_it_is_free_and_only_once(desk: Desk) -> None:
    assert desk.wants()
    assert f"<t:{FREE_AT:.0f}:R>, as <@111> wants" in desk.card() and desk.buttons() == ["Cancel"]
    assert desk.at(FREE_AT + MARGIN_S - 0.1).told() == []
    assert desk.at(FREE_AT + MARGIN_S).told() == [GO_ON_AT_RESET]
    assert desk.at(FREE_AT + 60).told() == [GO_ON_AT_RESET] and desk.buttons() == []
    assert limits.FREE_AGAIN in desk.card()


def test_it_is_kept_over_a_restart(desk: Desk) -> None:
    desk.wants()
    desk.start()
    assert desk.at(FREE_AT + MARGIN_S).told() == [GO_ON_AT_RESET]
    desk.start()
    assert desk.at(FREE_AT + 60).told() == [GO_ON_AT_RESET]


def test_it_can_be_cancelled_until_then(desk: Desk) -> None:
    desk.wants()
    assert desk.wants(wanted=False)
    assert desk.buttons() == ["Go on at reset"]
    assert desk.at(FREE_AT + 60).told() == []


def test_by_the_configuration_nobody_needs_to_ask_and_a_cancel_still_counts(desk: Desk) -> None:
    desk.by_itself = True
    desk.at(2000.0)
    assert "by itself" in desk.card() and desk.buttons() == ["Cancel"]
    desk.wants(wanted=False)
    assert desk.at(FREE_AT + 60).told() == []


def test_by_the_configuration_it_goes_on(desk: Desk) -> None:
    desk.by_itself = True
    assert desk.at(2000.0).at(FREE_AT + MARGIN_S).told() == [GO_ON_AT_RESET]


def test_whoever_writes_in_between_overtakes_it(desk: Desk) -> None:
    desk.wants()
    desk.turn()
    assert desk.at(FREE_AT + 60).told() == []
    assert limits.OVERTAKEN in desk.card() and not desk.wants()


def test_what_waits_for_the_worker_overtakes_it_too(desk: Desk) -> None:
    desk.wants()
    desk.manager.prompt(desk.session_id, 9, "something else", ADA)
    assert desk.at(FREE_AT + 60).told() == [] and limits.OVERTAKEN in desk.card()


def test_a_setting_that_waits_for_the_worker_overtakes_nothing(desk: Desk) -> None:
    desk.wants()
    desk.manager.configure(desk.session_id, "one", "model", "opus", ADA.user_id)
    assert desk.at(FREE_AT + 60).told() == [GO_ON_AT_RESET] and limits.FREE_AGAIN in desk.card()


def test_a_second_limit_has_a_card_of_its_own(desk: Desk) -> None:
    desk.wants()
    desk.turn(outcome="failed", error="usage_limit_reached", resets_at=9000.0)
    first, second = desk.manager.store.posts_like(desk.session_id, "limit:")
    assert first.desired.buttons == () and len(second.desired.buttons) == 1
    assert desk.at(9000.0 + MARGIN_S).told() == []


def test_it_goes_on_in_the_name_of_who_tapped_and_else_of_whose_turn_it_was(desk: Desk) -> None:
    bob = Person(112, "Bob", 7)
    desk.wants(bob)
    assert "as <@112> wants" in desk.card()
    desk.at(FREE_AT + MARGIN_S)
    assert [(one.author_id, one.author) for one in desk.ours()] == [(112, "Bob")]


def test_by_itself_it_goes_on_in_the_name_of_whose_turn_it_was(desk: Desk) -> None:
    desk.by_itself = True
    desk.at(2000.0)
    desk.manager.row(desk.session_id).session.last_prompter_id = 112
    desk.at(FREE_AT + MARGIN_S)
    assert [one.author_id for one in desk.ours()] == [ADA.user_id]


@pytest.mark.parametrize(
    ("outcome", "error", "resets_at"),
    [("completed", "", 0.0), ("failed", "overloaded", 0.0), ("failed", "rate_limit", 0.0)],
)
def test_other_ends_offer_nothing(outcome: e.Outcome, error: str, resets_at: float) -> None:
    assert not limits.is_hit(e.TurnEnded(outcome, error=error, resets_at=resets_at))


def test_its_buttons_are_parsed_as_they_are_spelled() -> None:
    button = ResetButton("off", "aaaaaaaa-0000-4000-8000-000000000001")
    assert reset_button(button.custom_id()) == button and reset_button("tb:stop") is None


def test_in_a_session_that_is_ended_nothing_goes_on_and_its_card_says_so(desk: Desk) -> None:
    desk.wants()
    desk.manager.destroy_session(desk.session_id, "ended by Ada")
    assert limits.ENDED in desk.card() and desk.buttons() == []
    assert desk.at(FREE_AT + 60).told() == [] and not desk.wants()


def test_who_taps_where_a_limit_came_after_the_end_goes_on_with_the_session(desk: Desk) -> None:
    desk.manager.destroy_session(desk.session_id, "ended by Ada")
    desk.turn(outcome="failed", error="usage_limit_reached", resets_at=9000.0)
    assert desk.wants()
    assert desk.at(9000.0 + MARGIN_S).told() == [GO_ON_AT_RESET]
