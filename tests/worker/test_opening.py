"""Which links are followed, and what is made on the way."""

import os
from pathlib import Path

import pytest

from bridge.protocol.errors import UserError
from worker import opening

NOBODY = 60322
"""A user who may plant nothing: the folders of the tests belong to whoever runs them."""
OURSELVES = os.getuid()


def test_a_path_without_links_is_itself(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").touch()
    assert opening.real(tmp_path / "a/b/file", OURSELVES) == tmp_path / "a/b/file"
    assert opening.real(tmp_path / "a/../a/b", OURSELVES) == tmp_path / "a/b"


def test_what_is_not_there_is_nothing(tmp_path: Path) -> None:
    assert opening.real(tmp_path / "no/where", OURSELVES) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("target", ["/proc", "/nowhere/at/all", "link", ".", "/etc/hostname", "/proc/self/root"])
@pytest.mark.parametrize("below", ["", "sessions"])
def test_a_link_that_the_user_could_have_made_is_refused_wherever_it_leads(
    tmp_path: Path, target: str, below: str
) -> None:
    (tmp_path / "link").symlink_to(target)
    for make in ("", "directory", "file"):
        with pytest.raises(UserError, match=r"link.* is a symbolic link, which Claude could have made"):
            opening.real(tmp_path / "link" / below, OURSELVES, make)


def test_a_link_of_somebody_elses_is_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "could_plant", lambda folder, uid: False)
    (tmp_path / "disk/ada").mkdir(parents=True)
    (tmp_path / "homes").symlink_to("disk")
    (tmp_path / "disk/bob").symlink_to(tmp_path / "homes/ada")
    assert opening.real(tmp_path / "homes/bob/.claude", NOBODY, "directory") == tmp_path / "disk/ada/.claude"


def test_links_in_a_circle_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "could_plant", lambda folder, uid: False)
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    with pytest.raises(UserError, match="in a circle"):
        opening.real(tmp_path / "one", NOBODY)


def test_what_is_missing_is_made_for_the_user_alone(tmp_path: Path) -> None:
    assert opening.real(tmp_path / "a/b", OURSELVES, "directory") == tmp_path / "a/b"
    assert opening.real(tmp_path / "c/settings.json", OURSELVES, "file") == tmp_path / "c/settings.json"
    assert (tmp_path / "c/settings.json").read_text() == "{}\n"
    assert {oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {"0o700"}


def test_who_may_plant_something_in_a_folder(tmp_path: Path) -> None:
    status = tmp_path.stat()
    assert opening.could_plant(status, status.st_uid) and opening.could_plant(status, 0)
    assert not opening.could_plant(status, NOBODY)
    tmp_path.chmod(0o777)
    assert opening.could_plant(tmp_path.stat(), NOBODY)
