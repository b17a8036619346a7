"""What ``check --containment`` tries, as values."""

from pathlib import Path

import pytest

from bridge.protocol.attempts import Wanted
from bridge.protocol.events import SessionCreated
from bridge.protocol.layout import Layout
from bridge.protocol.start import WorkerStart
from worker.attack_list import Attempt, Sockets, attacks
from worker.walls.wish import Containment


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "state")
    layout.sockets.mkdir(parents=True)
    for path in secrets_of(layout):
        path.touch()
    return layout


def secrets_of(layout: Layout) -> tuple[Path, ...]:
    return layout.database, layout.keys, layout.supervisor_lock, layout.journal, layout.sockets / "one.sock"


def tried(layout: Layout, tmp_path: Path) -> list[Attempt]:
    wish = Containment(
        mode="project",
        state_directory=str(layout.state),
        project_directory=str(tmp_path),
        home=str(tmp_path / "home"),
        uid=1000,
        installation=(),
    )
    created = SessionCreated("5c0ffee5", 1, 2, 3, str(tmp_path), 4)
    start = WorkerStart(
        created, "", "", "", "", "", "", ("claude",), {}, "default", "", False, "project", (), "", 0, False
    )
    return list(attacks(Wanted(start), wish, Sockets(str(tmp_path / "agent"), "abstract", [])))


def test_each_secret_of_the_state_is_read_in_every_way(layout: Layout, tmp_path: Path) -> None:
    found = tried(layout, tmp_path)
    for secret in secrets_of(layout):
        assert {one.act for one in found if one.on == str(secret)} >= {"read", "link", "hard_link", "by_root_of"}, (
            secret
        )
