"""Which of the suggested directories are offered, and which the child does not see."""

import asyncio
from pathlib import Path

from bridge.protocol.events import PermissionRequested
from worker.child_view import NO_WALLS
from worker.suggested import with_links, with_unseen


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


def test_a_link_is_not_offered_for_it_can_be_led_elsewhere_and_where_it_leads_is(tmp_path: Path) -> None:
    (there := tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(there)
    found = looked_at(f"{tmp_path}/link", f"{tmp_path}/link/below", "/proc/self/root", str(there))
    assert (found.directories, found.unseen) == ((str(there),), ())


def test_what_became_a_link_is_found_before_the_child_is_told_of_it(tmp_path: Path) -> None:
    (was := tmp_path / "was").mkdir()
    paths = (str(was), f"{tmp_path}/none", f"{was}/below")
    assert asyncio.run(with_links(paths, NO_WALLS)) == frozenset()
    was.rmdir()
    was.symlink_to("/")
    assert asyncio.run(with_links(paths, NO_WALLS)) == {str(was), f"{was}/below"}
