"""What sessions hear of Claude's login: who goes on by itself, how often, and who is told that it expired."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.login import AUTHENTICATION_FAILED, GO_ON, GOES_ON, NOT_RENEWED
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from supervisor.assembly import session_manager
from supervisor.sessions.login_told import EARLY_S, LoginTold
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError

EXPIRED_AT = 1_800_000_000.0
ADA = Person(111, "Ada", 9)
LEVELS = {222: "project", 333: "home", 444: "none"}


class Room:
    def __init__(self, path: Path) -> None:
        self.now = EXPIRED_AT
        self.store = Store(path / "db")
        self.manager = session_manager(self.store, lambda: self.now)
        channels = {one: Channel(one, "/srv", containment=level) for one, level in LEVELS.items()}
        self.told = LoginTold(self.manager, channels)
        self._seq = 0

    def session(self, channel_id: int = 222) -> ManagedSession:
        action = CreateSession(10**18 + self._seq, 9, Channel(channel_id, "/srv"), ADA, "", "a name")
        session = self.manager.create_session(action)
        self.hears(session, e.WorkerStarted(1, contained=True, containment=""), e.ChildStarted(2, "id", resumed=False))
        return session

    def hears(self, session: ManagedSession, *events: e.AnyEvent) -> None:
        for event in events:
            self._seq += 1
            self.manager.reports.record(session.session_id, [e.Record("g", self._seq, self.now, event)])

    def refused(self, session: ManagedSession) -> None:
        """A turn that ends with 401; whatever was in the inbox is its prompt."""
        for item in self.store.inbox(session.session_id):
            if isinstance(item.command, c.Prompt):
                prompt = item.command
                accepted = e.PromptAccepted(prompt.prompt_id, str(prompt.prompt_id), prompt.text, 111, "Ada")
                self.hears(session, accepted, e.PromptDone(prompt.prompt_id))
        failed = e.TurnEnded("failed", (), "API Error: 401", error=AUTHENTICATION_FAILED)
        self.hears(session, e.TurnStarted(()), failed)

    def waiting(self, session: ManagedSession) -> list[str]:
        commands = [item.command for item in self.store.inbox(session.session_id)]
        return [command.text for command in commands if isinstance(command, c.Prompt)]

    def posts(self, session: ManagedSession) -> list[str]:
        return [row.desired.content for row in self.store.posts_like(session.session_id, "login")]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    room = Room(tmp_path)
    yield room
    room.store.close()


def test_a_turn_that_was_refused_goes_on_once_and_the_thread_says_so(room: Room) -> None:
    session = room.session()
    room.refused(session)
    for _ in range(3):
        room.told.renewed(EXPIRED_AT)
    assert room.waiting(session) == [GO_ON]
    assert room.posts(session) == [GOES_ON]


def test_what_is_refused_again_with_the_new_token_is_not_tried_for_ever(room: Room) -> None:
    session = room.session()
    for _ in range(4):
        room.refused(session)
        room.told.renewed(EXPIRED_AT)
    assert room.posts(session) == [GOES_ON]
    assert room.waiting(session) == []


def test_the_next_expiry_is_another_one(room: Room) -> None:
    session = room.session()
    room.refused(session)
    room.told.renewed(EXPIRED_AT)
    room.now += 3600
    room.refused(session)
    room.told.renewed(EXPIRED_AT + 3600)
    assert room.waiting(session) == [GO_ON]


def test_one_that_was_refused_long_before_was_refused_for_another_reason(room: Room) -> None:
    session = room.session()
    room.now = EXPIRED_AT - EARLY_S - 1
    room.refused(session)
    room.now = EXPIRED_AT + 1
    room.hears(session, e.ChildExited(0, wanted=True))
    room.told.renewed(EXPIRED_AT)
    assert room.waiting(session) == []


def test_the_apis_clock_may_be_ahead_of_ours(room: Room) -> None:
    session = room.session()
    room.now = EXPIRED_AT - EARLY_S / 2
    room.refused(session)
    room.told.renewed(EXPIRED_AT)
    assert room.waiting(session) == [GO_ON]


@pytest.mark.parametrize("channel_id", [333, 444])
def test_a_claude_that_has_its_own_login_is_left_alone(room: Room, channel_id: int) -> None:
    session = room.session(channel_id)
    room.refused(session)
    room.told.renewed(EXPIRED_AT)
    room.told.not_renewed(EXPIRED_AT)
    assert room.waiting(session) == [] and room.posts(session) == []


def test_an_expiry_that_is_not_renewed_is_said_once_where_a_claude_runs(room: Room) -> None:
    awake, asleep = room.session(), room.session()
    room.hears(asleep, e.ChildExited(0, wanted=True))
    for _ in range(2):
        room.told.not_renewed(EXPIRED_AT)
    assert room.posts(awake) == [NOT_RENEWED] and room.posts(asleep) == []


def test_a_store_that_takes_no_writes_ends_nobody_and_is_asked_again(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = room.session()
    room.refused(session)

    def sick(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(room.store, "keep_login_told", sick)
        room.told.renewed(EXPIRED_AT)
    assert room.waiting(session) == []
    room.store.health.well()
    room.told.renewed(EXPIRED_AT)
    assert room.waiting(session) == [GO_ON]
