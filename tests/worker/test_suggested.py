"""Which of the suggested directories are offered, and which the child does not see."""

import asyncio
import threading
from pathlib import Path

import pytest

from bridge.protocol.events import PermissionRequested
from worker import suggested
from worker.child_view import NO_WALLS, ChildView
from worker.suggested import Place, places_at, with_places_of


def looked_at(
    *directories: str, project: str = "/srv/app", home: str = "", view: ChildView = NO_WALLS
) -> PermissionRequested:
    asked = PermissionRequested("r", "Write", "{}", "d", directories=directories)
    return asyncio.run(with_places_of(asked, view, project, home))


def test_what_is_there_is_offered_and_what_is_not_there_is_said(tmp_path: Path) -> None:
    found = looked_at(str(tmp_path), str(tmp_path / "none"))
    assert found.directories == (str(tmp_path), str(tmp_path / "none"))
    assert (found.unseen, found.not_directories, found.unanswered) == ((str(tmp_path / "none"),), (), ())


def test_what_is_no_directory_is_not_offered_and_said(tmp_path: Path) -> None:
    (file := tmp_path / "file").write_text("")
    found = looked_at(str(tmp_path), str(file))
    assert (found.directories, found.unseen, found.not_directories) == ((str(tmp_path),), (), (str(file),))


class NoAnswer(ChildView):
    """Of a file system that answers in the end only."""

    def __init__(self, hung: Path) -> None:
        super().__init__()
        self.end, self._hung = threading.Event(), hung

    def has_link(self, path: Path) -> bool:
        if path == self._hung:
            self.end.wait(60)
        return super().has_link(path)


def test_a_file_system_that_does_not_answer_is_said_as_that_and_its_directory_is_not_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hung = tmp_path / "hung"
    view = NoAnswer(hung)

    async def look() -> tuple[PermissionRequested, dict[str, Place]]:
        asked = PermissionRequested("r", "Write", "{}", "d", directories=(f"{tmp_path}/none", str(hung)))
        monkeypatch.setattr(suggested, "DEADLINE_S", 0.3)
        found = await with_places_of(asked, view, "/srv/app")
        told = await places_at((str(hung),), view)
        view.end.set()
        return found, told

    found, told = asyncio.run(look())
    assert (found.unanswered, told) == ((str(hung),), {str(hung): Place.UNANSWERED})
    assert str(hung) not in (*found.directories, *found.unseen, *found.not_directories)


def test_the_project_itself_needs_no_allowing(tmp_path: Path) -> None:
    assert looked_at(str(tmp_path), str(tmp_path / "in"), project=str(tmp_path)).directories == ()


def test_what_has_the_project_or_the_home_in_it_is_not_offered_also_by_another_name(tmp_path: Path) -> None:
    (real := tmp_path / "real" / "app").mkdir(parents=True)
    (tmp_path / "app").symlink_to(real)
    (home := tmp_path / "homes" / "ada").mkdir(parents=True)
    (other := tmp_path / "other").mkdir()
    wide = (str(real.parent), str(home), str(home.parent), str(tmp_path), "/", str(other))
    assert looked_at(*wide, project=f"{tmp_path}/app", home=str(home)).directories == (str(other),)


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

    def linked() -> set[str]:
        found = asyncio.run(places_at(paths, NO_WALLS))
        return {path for path in paths if found[path] is Place.LINKED}

    assert linked() == set()
    was.rmdir()
    was.symlink_to("/")
    assert linked() == {str(was), f"{was}/below"}
