"""What waits in a session that is broken: until somebody writes again or asks for it, by no clock."""

from pathlib import Path

from bridge.protocol import events as e
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import QUICK_DEATHS_BEFORE_BROKEN
from bridge.session.permission import Person
from supervisor.assembly import session_manager
from supervisor.sessions.store import Store

ADA = Person(1, "Ada", 9)


class Desk:
    def __init__(self, folder: Path) -> None:
        self.now = 1_000_000.0
        self.store = Store(folder / "db")
        self.manager = session_manager(self.store, lambda: self.now)
        action = CreateSession(10**18, 9, Channel(222, "/srv"), ADA, "hello", "a name")
        self.session = self.manager.create_session(action)
        self.id = self.session.session_id

    def dies(self) -> None:
        for event in (
            e.WorkerStarted(1, contained=False, containment="none"),
            e.ChildExited(1, wanted=False, reason="exit code 1"),
        ):
            record = e.Record("g", self.session.applied + 1, self.now, event)
            self.manager.reports.record(self.id, [record])

    def breaks(self) -> None:
        for _ in range(QUICK_DEATHS_BEFORE_BROKEN):
            self.dies()
        assert self.session.is_broken

    @property
    def is_wanted(self) -> bool:
        return self.manager.is_wanted(self.id)


def test_what_waited_when_the_session_broke_waits_on(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert desk.is_wanted
    desk.breaks()
    assert not desk.is_wanted
    desk.store.close()


def test_a_new_message_is_tried_whatever_the_clock_says(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.breaks()
    desk.now -= 86400.0
    desk.manager.prompt(desk.id, 10**18 + 1, "again", ADA)
    assert desk.is_wanted
    desk.dies()
    assert not desk.is_wanted, "it did not help either"
    desk.now -= 86400.0
    assert not desk.is_wanted
    desk.store.close()


def test_start_fresh_and_continue_try_what_waits(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.breaks()
    desk.manager.start_fresh(desk.id)
    assert desk.is_wanted
    assert desk.manager.has_work(desk.id)
    desk.breaks()
    assert not desk.is_wanted
    desk.manager.reopen(desk.id)
    assert desk.is_wanted
    desk.store.close()


def test_it_is_remembered_over_a_restart(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.breaks()
    assert not session_manager(desk.store).is_wanted(desk.id)
    desk.store.close()
