"""Which of the suggested directories are offered, and which the child does not see."""

import asyncio
from pathlib import Path

from bridge.protocol.events import PermissionRequested
from worker.child_view import NO_WALLS
from worker.suggested import with_unseen


def looked_at(*directories: str, project: str = "/srv/app") -> PermissionRequested:
    asked = PermissionRequested("r", "Write", "{}", "d", directories=directories)
    return asyncio.run(with_unseen(asked, NO_WALLS, project))


def test_what_is_there_is_offered_and_what_is_not_is_said(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    found = looked_at(str(tmp_path), str(tmp_path / "none"), str(file))
    assert found.directories == (str(tmp_path), str(tmp_path / "none"), str(file))
    assert found.unseen == (str(tmp_path / "none"), str(file))


def test_the_project_itself_needs_no_allowing(tmp_path: Path) -> None:
    assert looked_at(str(tmp_path), str(tmp_path / "in"), project=str(tmp_path)).directories == ()


def test_more_than_a_card_can_list_is_not_offered() -> None:
    assert looked_at(*(f"/srv/{n}" for n in range(6))).directories == ()
