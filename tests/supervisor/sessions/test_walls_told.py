"""After the update that closed the home the first thread says what is closed, once; new installations say nothing."""

from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.permission import Person
from stages.opened_stores import opened_store
from supervisor.assembly import session_manager
from supervisor.operator import checkup
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.store import Store
from supervisor.sessions.walls_told import note_walls

ADA = Person(111, "Ada", 9)
CLOSED = "contained by bubblewrap, level project"


class Desk:
    """A manager with one session, and what its worker says."""

    def __init__(self, folder: Path) -> None:
        self.store = opened_store(folder / "db")
        self.manager = session_manager(self.store)
        action = CreateSession(10**18, 9, Channel(222, "/srv"), ADA, "hello", "hello")
        self.session_id = self.manager.create_session(action).session_id

    def take(self, *events: e.AnyEvent) -> None:
        told = [e.Record("a" * 16, seq, 1.0, event) for seq, event in enumerate(events, 1)]
        self.manager.reports.record(self.session_id, told)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def posts(desk: Desk) -> list[str]:
    return [row.desired.content for row in desk.store.posts_like(desk.session_id, "walls")]


def test_the_first_start_after_the_update_says_what_is_closed_now(desk: Desk) -> None:
    note_walls(desk.manager.sessions)
    created = e.SessionCreated(desk.session_id, 1, 9, 222, "/srv", 111)
    desk.take(created, e.WorkerStarted(7, True, CLOSED), e.WorkerStarted(8, True, CLOSED))
    (told,) = posts(desk)
    assert "~/.ssh" in told and 'readable = ["~/.npmrc"]' in told and 'containment = "home"' in told
    assert desk.store.fact(Fact.WALLS) == "told"


@pytest.mark.parametrize("how", ["contained by bubblewrap", "contained by bubblewrap, level home"])
def test_one_that_may_reach_the_home_says_nothing(desk: Desk, how: str) -> None:
    note_walls(desk.manager.sessions)
    desk.take(e.SessionCreated(desk.session_id, 1, 9, 222, "/srv", 111), e.WorkerStarted(7, True, how))
    assert posts(desk) == [] and desk.store.fact(Fact.WALLS) == "untold"


def test_a_new_installation_says_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    note_walls(session_manager(store).sessions)
    assert store.fact(Fact.WALLS) == "told"
    store.close()


def test_a_repository_around_the_project_is_named_in_the_thread(desk: Desk) -> None:
    started = e.WorkerStarted(7, True, CLOSED, opened=("`/srv/.git` (its git data)",))
    desk.take(e.SessionCreated(desk.session_id, 1, 9, 222, "/srv/app", 111), started)
    (row,) = desk.store.posts_like(desk.session_id, "opened")
    assert "also reaches `/srv/.git`" in row.desired.content


def test_check_says_what_of_the_users_own_is_closed(tmp_path: Path) -> None:
    for name in (".ssh", ".npmrc"):
        (tmp_path / name).mkdir()
    assert "~/.ssh, ~/.npmrc (" in checkup.closed_in_words(tmp_path, ())
    assert "~/.npmrc" not in checkup.closed_in_words(tmp_path, ("~/.npmrc",))
    assert checkup.closed_in_words(tmp_path / "nothing", ()) == ""


def test_a_repository_with_odd_signs_in_its_path_is_one_piece_of_code(desk: Desk) -> None:
    started = e.WorkerStarted(7, True, CLOSED, opened=("`/srv/*a`b_/.git` (read-only)", "somewhere *else*"))
    desk.take(e.SessionCreated(desk.session_id, 1, 9, 222, "/srv/app", 111), started)
    (row,) = desk.store.posts_like(desk.session_id, "opened")
    assert row.desired.content.endswith("also reaches `` /srv/*a`b_/.git `` (read-only), somewhere \\*else\\*.")
