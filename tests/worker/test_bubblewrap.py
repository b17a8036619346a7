"""Whose bwrap is taken."""

import os
from pathlib import Path

import pytest

from worker import bubblewrap

SOMEBODY = 60321


@pytest.fixture
def root_owns(monkeypatch: pytest.MonkeyPatch) -> set[Path]:
    """What shall count as root's, whoever runs the tests; we are somebody else."""
    owned: set[Path] = set()
    real = bubblewrap._is_roots

    def is_roots(path: Path) -> bool:
        return path in owned or (path.is_symlink() and path.parent in owned) or real(path)

    monkeypatch.setattr(bubblewrap, "_is_roots", is_roots)
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    return owned


def program(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "bwrap").write_text("#!/bin/sh\n")
    (folder / "bwrap").chmod(0o755)
    return folder / "bwrap"


def found(path: str) -> str:
    return bubblewrap.find(path, places=())


def test_a_program_of_roots_on_the_path_is_taken(tmp_path: Path, root_owns: set[Path]) -> None:
    there = program(tmp_path / "bin")
    root_owns |= {there, *there.parents}
    assert found(f"{tmp_path}/none:{there.parent}") == str(there)


@pytest.mark.parametrize("whose", ["bwrap", ".", ".."])
def test_neither_the_program_nor_anything_above_it_may_be_somebody_elses(
    tmp_path: Path, root_owns: set[Path], whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = program(tmp_path / "opt/bin")
    root_owns |= {there, *there.parents} - {(there.parent / whose).resolve()}
    monkeypatch.setattr(os, "access", lambda path, mode: True)
    (there.parent / whose).resolve().chmod(0o777)
    assert found(str(there.parent)) == ""


def test_a_link_is_followed_and_what_it_leads_to_is_looked_at_too(tmp_path: Path, root_owns: set[Path]) -> None:
    there, folder = program(tmp_path / "home/bin"), tmp_path / "bin"
    folder.mkdir()
    (folder / "bwrap").symlink_to(there)
    root_owns |= {folder, *folder.parents}
    there.chmod(0o777)
    assert found(str(folder)) == ""
    root_owns |= {there, there.parent, there.parent.parent}
    assert found(str(folder)) == str(there)


def test_a_place_relative_to_wherever_we_are_is_no_place(
    tmp_path: Path, root_owns: set[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = program(tmp_path / "bin")
    root_owns |= {there, *there.parents}
    monkeypatch.chdir(tmp_path)
    assert found("bin:.:") == ""


def test_roots_own_path_is_not_looked_at(tmp_path: Path, root_owns: set[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    there = program(tmp_path / "bin")
    root_owns |= {there, *there.parents}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert found(str(there.parent)) == ""
