"""A restored state asks nothing again: what waited at the backup is quoted in its thread and not sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.layout import Layout
from bridge.render import limits
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from supervisor.assembly import session_manager
from supervisor.operator import backup
from supervisor.sessions.at_reset import AtReset
from supervisor.sessions.held_back import hold_back
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store import Store

ADA = Person(1, "Ada", 9)


def session(manager: SessionManager, thread_id: int, text: str) -> ManagedSession:
    return manager.create_session(CreateSession(thread_id, 9, Channel(222, "/srv"), ADA, text, "a name"))


@pytest.fixture
def restored(tmp_path: Path) -> Iterator[tuple[Layout, SessionManager, ManagedSession, ManagedSession]]:
    """One session whose prompt nobody took over, one with a prompt in its worker's log and one behind it, one idle."""
    before = Layout(tmp_path / "before")
    before.state.mkdir()
    store = Store(before.database)
    manager = session_manager(store)
    waits, accepted = session(manager, 10**18, "deploy *it*"), session(manager, 10**18 + 1, "drop the table")
    for event in (
        e.WorkerStarted(1, contained=False, containment="none"),
        e.PromptAccepted(10**18 + 1, "u", "drop the table", 1, "Ada"),
    ):
        record = e.Record("g", accepted.applied + 1, 1.0, event)
        manager.reports.record(accepted.session_id, [record])
    manager.prompt(accepted.session_id, 10**18 + 5, "and the other", ADA)
    session(manager, 10**18 + 2, "")
    backup.write(before, tmp_path / "file")
    store.close()
    layout = Layout(tmp_path / "after")
    backup.restore(tmp_path / "file", layout)
    store = Store(layout.database)
    yield layout, session_manager(store), waits, accepted
    store.close()


type Restored = tuple[Layout, SessionManager, ManagedSession, ManagedSession]


def said(manager: SessionManager, session_id: str) -> list[str]:
    return [post.desired.content for post in manager.store.posts_like(session_id, "held_back:")]


def test_what_waited_is_quoted_and_not_sent(restored: Restored) -> None:
    layout, manager, waits, accepted = restored
    assert hold_back(layout, manager) == 2
    assert manager.store.sessions_with_wishes() == set()
    (post,) = said(manager, waits.session_id)
    assert "> deploy \\*it\\*\n-# Write again what is still wanted." in post
    (post,) = said(manager, accepted.session_id)
    assert "> drop the table\n> and the other\n" in post
    assert manager.store.void_prompts(waits.session_id) == ()
    assert manager.store.void_prompts(accepted.session_id) == (10**18 + 1,)


def test_it_happens_once_for_each_restored_backup(restored: Restored) -> None:
    layout, manager, waits, accepted = restored
    hold_back(layout, manager)
    manager.prompt(waits.session_id, 10**18 + 9, "written since", ADA)
    assert hold_back(layout, manager) == 0
    wished = [item.command for item in manager.store.inbox(waits.session_id)]
    assert [one.text for one in wished if isinstance(one, c.Prompt)] == ["written since"]
    layout.restored.touch()
    assert manager.store.void_prompts(accepted.session_id) == (10**18 + 1,)


@pytest.mark.parametrize(
    "ended",
    [
        e.TurnEnded("failed", (1,), error="overloaded"),
        e.TurnEnded("failed", (1,), error="usage_limit_reached", resets_at=9e9),
    ],
)
def test_a_turn_that_was_to_go_on_by_itself_is_not_taken_up(tmp_path: Path, ended: e.TurnEnded) -> None:
    store = Store(tmp_path / "db")
    manager = session_manager(store)
    stopped = session(manager, 10**18, "")
    for event in (e.PromptAccepted(1, "u", "drop the table", 1, "Ada"), e.TurnStarted((1,)), ended, e.PromptDone(1)):
        manager.reports.record(stopped.session_id, [e.Record("g", stopped.applied + 1, 1.0, event)])
    manager.want_reset(stopped.session_id, wanted=True, person=ADA)
    Layout(tmp_path).restored.touch()
    hold_back(Layout(tmp_path), manager)
    (card,) = manager.store.posts_like(stopped.session_id, "limit:")
    assert card.desired.content == f"-# {limits.RESTORED}" and card.desired.buttons == ()
    AtReset(session_manager(store, lambda: 9.1e9), lambda: True).look()
    assert manager.store.sessions_with_wishes() == set()
    store.close()


def test_a_state_that_came_from_no_backup_is_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    manager = session_manager(store)
    waits = session(manager, 10**18, "deploy it")
    assert hold_back(Layout(tmp_path), manager) == 0
    assert manager.store.sessions_with_wishes() == {waits.session_id}
    store.close()
