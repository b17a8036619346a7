"""Whoever ends a session: what waited for Claude is told that it waits no more."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.render import marks
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from stages.opened_stores import opened_store
from supervisor.assembly import session_manager
from supervisor.sessions.manager import SessionManager
from supervisor.threads.gone import end_sessions_of

ADA = Person(1, "Ada", 9)
FIRST, SECOND = 10**18, 10**18 + 5

type End = Callable[[SessionManager, str], None]


@pytest.mark.parametrize(
    "end",
    [
        lambda manager, session_id: manager.stopped_by_operator(session_id),
        lambda manager, session_id: manager.destroy_session(session_id, "ended by Ada", 42),
        lambda manager, session_id: manager.worker_failed(session_id, "it died"),
    ],
)
def test_each_message_that_waited_when_the_session_ended_is_told_so(tmp_path: Path, end: End) -> None:
    manager = session_manager(opened_store(tmp_path / "db"))
    session = manager.create_session(CreateSession(FIRST, 9, Channel(222, "/srv"), ADA, "one", "a name"))
    manager.prompt(session.session_id, SECOND, "two", ADA)
    end(manager, session.session_id)
    assert not manager.waiting.all(session.session_id)
    told = {row.key: row.desired for row in manager.store.posts_like(session.session_id, "mark:")}
    assert told == {marks.key_of(one): marks.ended(one) for one in (FIRST, SECOND)}
    assert told[marks.key_of(SECOND)].reply_to == SECOND


def test_where_there_is_no_place_any_more_nothing_waits_to_be_said(tmp_path: Path) -> None:
    manager = session_manager(opened_store(tmp_path / "db"))
    session = manager.create_session(CreateSession(FIRST, 9, Channel(222, "/srv"), ADA, "one", "a name"))
    end_sessions_of(manager, 222)
    assert not manager.waiting.all(session.session_id)
    assert not list(manager.store.posts_like(session.session_id, "mark:"))
