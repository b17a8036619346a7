"""What ended long ago gives its log and its files away, and nothing else does; whoever comes back is told."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.journal.chain import decoded
from bridge.journal.entries import SessionPruned
from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.layout import Layout
from bridge.render.posts import Post
from bridge.routing.actions import CreateSession
from bridge.routing.channel import Channel
from bridge.session.managed import ManagedSession
from bridge.session.permission import Person
from stages.opened_stores import opened_store
from supervisor.assembly import session_manager
from supervisor.operator.audit import lines_of
from supervisor.sessions.pruning import Pruning, due
from supervisor.sessions.recall import recall

ADA = Person(1, "Ada", 9)
DAY_S = 86_400.0


class Desk:
    def __init__(self, folder: Path) -> None:
        self.now = 1_790_000_000.0
        self.layout = Layout(folder)
        self.store = opened_store(self.layout.database)
        self.manager = session_manager(self.store, lambda: self.now)
        self.pruning = Pruning(self.layout, self.manager, lambda: None)

    def session(self, thread_id: int) -> ManagedSession:
        """One that ran, with a log and files; ended."""
        action = CreateSession(thread_id, 9, Channel(222, "/srv"), ADA, "hello", f"thread {thread_id}")
        session = self.manager.create_session(action)
        events = (e.PromptAccepted(thread_id, "u", "hello", 1, "Ada"), e.TurnStarted((thread_id,)))
        ends = (e.TurnEnded("completed", (thread_id,), total_cost_usd=0.5), e.PromptDone(thread_id))
        for event in (e.WorkerStarted(1, contained=False, containment="none"), *events, *ends):
            record = e.Record("g", session.applied + 1, self.now, event)
            self.manager.reports.record(session.session_id, [record])
        self.manager.destroy_session(session.session_id, "ended by Ada", 1)
        self.store.drop_wishes(session.session_id)
        for row in self.store.posts_like(session.session_id, ""):
            self.store.note_shown(row.id, row.id + 10**18, row.desired)
        files = self.layout.session(session.session_id).files_of(thread_id)
        files.mkdir(parents=True)
        (files / "a.txt").write_text("what somebody sent")
        return session

    def due(self, days: float) -> list[str]:
        before = self.now - days * DAY_S
        return [row.session.session_id for row in due(self.layout, self.store, self.manager.rows.values(), before)]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_only_what_ended_long_enough_ago_is_pruned(desk: Desk) -> None:
    old = desk.session(10**18)
    desk.now += 50 * DAY_S
    desk.session(10**18 + 1)
    desk.now += 50 * DAY_S
    open_one = desk.manager.create_session(CreateSession(10**18 + 2, 9, Channel(222, "/srv"), ADA, "", "open"))
    desk.layout.session(open_one.session_id).folder.mkdir()
    desk.now += 1
    assert desk.due(90) == [old.session_id]
    assert desk.pruning.prune(desk.now - 90 * DAY_S) == 1
    assert not desk.layout.session(old.session_id).folder.exists()
    assert desk.due(90) == []
    desk.pruning.empty()
    assert list(desk.layout.pruned.iterdir()) == []


def test_what_runs_waits_or_is_still_to_be_shown_stays(desk: Desk) -> None:
    running, waiting, unshown = (desk.session(10**18 + n) for n in range(3))
    desk.now += 100 * DAY_S
    desk.store.wish(waiting.session_id, c.Stop("s"), desk.now)
    desk.store.desire(unshown.session_id, "text", Post("not in Discord yet"))
    with holding(desk.layout.session(running.session_id).lock):
        assert desk.due(90) == []
    assert desk.due(90) == [running.session_id]


@contextmanager
def holding(lock: Path) -> Iterator[None]:
    """As a worker does; one of our own would count as nobody's."""
    takes = "f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX)"
    program = f"import fcntl, sys; {takes}; print(1, flush=True); sys.stdin.read()"
    argv = [sys.executable, "-c", program, str(lock)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"1\n"
        yield
        holder.communicate()


def test_the_session_stays_and_says_so_when_somebody_writes_there(desk: Desk) -> None:
    session = desk.session(10**18)
    desk.now += 100 * DAY_S
    desk.pruning.prune(desk.now)
    row = desk.manager.row(session.session_id)
    assert (row.session.total_cost_usd, row.session.message_count, row.session.generation) == (0.5, 1, "")
    assert (row.fresh, desk.manager.title(session.session_id)) == (True, f"thread {10**18}")
    assert desk.store.unsettled_sessions() == [], "nothing is posted now: it would open each archived thread"
    desk.manager.prompt(session.session_id, 10**18 + 9, "again", ADA)
    (said,) = desk.store.posts_like(session.session_id, "restored:")
    assert "Claude begins anew here, and remembers nothing" in said.desired.content
    desk.manager.reports.record(
        session.session_id, [e.Record("h", 1, desk.now, e.WorkerStarted(2, contained=False, containment="none"))]
    )
    shown = [post.desired.content for post in desk.store.posts_like(session.session_id, "")]
    assert not any("log is gone" in content for content in shown), "it is told once, and truly"


def test_it_is_in_the_journal_and_the_journal_stays(desk: Desk) -> None:
    session = desk.session(10**18)
    before = desk.layout.journal.read_bytes()
    desk.now += 100 * DAY_S
    ended_at = desk.manager.row(session.session_id).ended_at
    desk.pruning.prune(desk.now)
    assert desk.layout.journal.read_bytes().startswith(before)
    last = decoded(list(lines_of(desk.layout.journal))[-1])
    assert last
    assert last.entry == SessionPruned(session.session_id, 222, ended_at=ended_at or 0.0)


def test_a_death_before_the_folder_was_moved_is_made_good_by_the_next_look(desk: Desk) -> None:
    session = desk.session(10**18)
    desk.now += 100 * DAY_S
    folder = desk.layout.session(session.session_id).folder
    desk.pruning.prune(desk.now)
    (aside,) = desk.layout.pruned.iterdir()
    aside.rename(folder)
    recall(desk.layout, desk.manager)
    assert desk.due(90) == [session.session_id]
    assert desk.pruning.prune(desk.now) == 1
    assert not folder.exists()


def test_what_a_child_closed_is_removed_all_the_same(desk: Desk) -> None:
    session = desk.session(10**18)
    closed = desk.layout.session(session.session_id).inside / "home/closed"
    (closed / "below").mkdir(parents=True)
    (closed / "below/x").write_text("x")
    (closed / "link").symlink_to(desk.layout.database)
    (closed / "below").chmod(0)
    closed.chmod(0)
    desk.now += 100 * DAY_S
    desk.pruning.prune(desk.now)
    desk.pruning.empty()
    assert list(desk.layout.pruned.iterdir()) == []
    assert desk.layout.database.exists()


@pytest.mark.parametrize(("apart_s", "count"), [(0.0, 1), (-3500.0, 1), (400 * DAY_S, 0), (-2 * DAY_S, 0), (None, 0)])
def test_a_clock_that_is_not_discords_removes_nothing_by_itself(desk: Desk, apart_s: float | None, count: int) -> None:
    desk.session(10**18)
    desk.now += 100 * DAY_S
    Pruning(desk.layout, desk.manager, lambda: 90 * DAY_S, lambda: apart_s).prune_by_itself()
    assert len(desk.due(90)) == 1 - count
