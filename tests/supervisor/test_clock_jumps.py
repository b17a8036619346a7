"""Clocks that jump, and what expires by them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from bridge.session.questions import Draft
from stages.opened_stores import opened_store
from supervisor.assembly import session_manager
from supervisor.clock_jumps import JumpWatch
from supervisor.sessions.decisions import GRACE_AFTER_DISCORD_S

DAY = 86400.0
HOUR = 3600.0


class Clocks:
    """Both clocks of a machine. ``jumped`` sets the wall clock only."""

    def __init__(self) -> None:
        self.wall_s = 1_800_000_000.0
        self.monotonic_s = 50.0

    def passes(self, seconds: float) -> None:
        self.wall_s += seconds
        self.monotonic_s += seconds

    def jumped(self, seconds: float) -> None:
        self.wall_s += seconds


class Room:
    """A session with a request that has been open for a minute, and Discord connected all the time."""

    def __init__(self, path: Path) -> None:
        self.clocks = Clocks()
        self.store = opened_store(path / "db")
        self.manager = session_manager(self.store, lambda: self.clocks.wall_s)
        self.watch = JumpWatch(lambda: self.clocks.wall_s, lambda: self.clocks.monotonic_s)
        self.discord_back_at = self.clocks.wall_s
        ada = Person(111, "Ada", 9)
        action = CreateSession(10**18, 9, Channel(222, "/srv"), ada, "", "a name")
        self.session = self.manager.create_session(action)
        self.clocks.passes(10)
        asked = e.PermissionRequested("r", "Bash", "{}", "digest")
        self.manager.reports.record(self.session.session_id, [e.Record("g", 1, self.clocks.wall_s, asked)])
        self.tick(60)

    def tick(self, seconds: float) -> None:
        """Time passes, and the clock is asked once a minute."""
        self.expired()
        while seconds > 0:
            self.clocks.passes(min(60.0, seconds))
            seconds -= 60.0
            self.expired()

    def expired(self) -> bool:
        self.manager.expire_requests(HOUR, self.watch.back_at(self.discord_back_at))
        return bool(self.manager.inbox(self.session.session_id))


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_a_request_expires_after_its_time(room: Room) -> None:
    room.tick(HOUR - 120)
    assert not room.expired()
    room.tick(120)
    assert room.expired()


def test_who_answers_several_questions_has_the_time_anew_with_each_answer(room: Room) -> None:
    (request,) = room.session.requests.values()
    room.tick(HOUR - 120)
    assert room.manager.draft(request.name, Draft(picks={0: (1,)}))
    room.tick(HOUR - 60)
    assert not room.expired()
    room.tick(120)
    assert room.expired()


def test_a_clock_set_forwards_by_a_day_expires_nothing_at_once(room: Room) -> None:
    room.clocks.jumped(DAY)
    assert not room.expired()
    room.tick(GRACE_AFTER_DISCORD_S - 60)
    assert not room.expired()
    room.tick(61)
    assert room.expired()


@pytest.mark.parametrize("jump", [lambda c: c.jumped(-DAY), lambda c: (c.jumped(DAY), c.jumped(-DAY))])
def test_a_clock_set_back_neither_expires_at_once_nor_waits_a_day(room: Room, jump: Callable[[Clocks], None]) -> None:
    jump(room.clocks)
    room.tick(HOUR - 300)
    assert not room.expired()
    room.tick(400)
    assert room.expired()


def test_what_expired_stays_expired_when_the_clock_is_set_back(room: Room) -> None:
    room.tick(HOUR)
    assert room.expired()
    room.clocks.jumped(-DAY)
    assert room.expired()


def test_a_clock_that_is_only_corrected_a_little_changes_nothing() -> None:
    clocks = Clocks()
    watch = JumpWatch(lambda: clocks.wall_s, lambda: clocks.monotonic_s)
    back_at = clocks.wall_s
    for _ in range(100):
        clocks.passes(1)
        clocks.jumped(0.01)
        assert watch.back_at(back_at) == pytest.approx(back_at, abs=2)


def test_discord_away_stays_away_whatever_the_clock_does() -> None:
    clocks = Clocks()
    watch = JumpWatch(lambda: clocks.wall_s, lambda: clocks.monotonic_s)
    assert watch.back_at(None) is None
    clocks.jumped(DAY)
    assert watch.back_at(None) is None
    clocks.passes(1)
    assert watch.back_at(clocks.wall_s) == clocks.wall_s
