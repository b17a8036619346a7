"""For what a worker is wanted, and what the store says of workers that nobody has heard of yet."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol import wire
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from supervisor.assembly import session_manager
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store import Store

ADA = Person(1, "Ada", 9)
A_PID_OF_THEN = 4711


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "db")
    yield made
    made.close()


@pytest.fixture
def manager(store: Store) -> SessionManager:
    return session_manager(store)


@pytest.fixture
def sleeper(manager: SessionManager) -> str:
    """A session in which nothing waits."""
    return manager.create_session(CreateSession(10**18, 9, Channel(222, "/srv"), ADA, "", "a name")).session_id


def test_a_setting_alone_starts_nothing_and_goes_first_once_something_is_asked(
    manager: SessionManager, sleeper: str
) -> None:
    manager.configure(sleeper, "c1", "model", "opus")
    assert not manager.is_wanted(sleeper) and not manager.has_work(sleeper)
    manager.prompt(sleeper, 10**18 + 1, "hello", ADA)
    assert manager.is_wanted(sleeper) and manager.has_work(sleeper)
    assert [type(item.command).__name__ for item in manager.inbox(sleeper)] == ["Configure", "Prompt"]


def test_the_pid_of_a_worker_that_the_store_knew_counts_for_nothing_after_a_restart(
    store: Store, manager: SessionManager, sleeper: str
) -> None:
    hello = wire.Hello(sleeper, wire.PROTOCOL, "g", 1, 0, A_PID_OF_THEN)
    manager.reports.hello(sleeper, hello)
    assert manager.row(sleeper).attached == A_PID_OF_THEN
    assert session_manager(store).row(sleeper).attached == 0
    assert [row.attached for row in store.sessions()] == [0]


def test_a_session_that_somebody_ended_wakes_by_any_message(manager: SessionManager, sleeper: str) -> None:
    manager.prompt(sleeper, 10**18 + 1, "hello", ADA)
    manager.destroy_session(sleeper, "ended by somebody")
    assert not manager.has_work(sleeper)
    manager.prompt(sleeper, 10**18 + 2, "are you there?", ADA)
    assert manager.is_wanted(sleeper) and manager.has_work(sleeper)
    assert [item.command.prompt_id for item in manager.inbox(sleeper) if isinstance(item.command, c.Prompt)] == [
        10**18 + 2
    ]
