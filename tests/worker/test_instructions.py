"""The project's CLAUDE.md: read as text, and never through a link out of the project."""

import os
from pathlib import Path

import pytest

from worker import instructions


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "secret.md").write_text("the secret")
    (tmp_path / "project/.claude").mkdir(parents=True)
    return tmp_path / "project"


def test_a_project_without_any_has_none(project: Path) -> None:
    assert instructions.read(str(project), ()) == ""
    assert instructions.read(str(project / "missing"), ()) == ""


def test_both_places_are_read_and_named(project: Path) -> None:
    (project / "CLAUDE.md").write_text("use tabs\n")
    (project / ".claude/CLAUDE.md").write_text("and no spaces\n")
    told = instructions.read(str(project), ())
    assert "from CLAUDE.md in your working directory:\n\nuse tabs" in told
    assert "from .claude/CLAUDE.md in your working directory:\n\nand no spaces" in told


def test_a_link_to_another_file_of_the_project_is_followed(project: Path) -> None:
    (project / "AGENTS.md").write_text("be kind")
    (project / "CLAUDE.md").symlink_to("AGENTS.md")
    assert "be kind" in instructions.read(str(project), ())


@pytest.mark.parametrize("how", ["file", "folder", "chain"])
def test_a_link_out_of_the_project_is_not_followed(project: Path, how: str) -> None:
    outside = project.parent
    if how == "file":
        (project / "CLAUDE.md").symlink_to(outside / "secret.md")
    elif how == "folder":
        (outside / "CLAUDE.md").write_text("the secret")
        (project / ".claude").rmdir()
        (project / ".claude").symlink_to(outside)
    else:
        (project / "first").symlink_to("../secret.md")
        (project / "CLAUDE.md").symlink_to("first")
    told = instructions.read(str(project), ())
    assert "the secret" not in told
    assert "it is a link that leads out of the project" in told


def test_a_project_that_is_reached_through_a_link_is_the_project(project: Path) -> None:
    (project / "CLAUDE.md").write_text("be kind")
    (project.parent / "link").symlink_to(project)
    assert "be kind" in instructions.read(str(project.parent / "link"), ())


def test_a_pipe_or_a_folder_of_that_name_is_nothing_and_blocks_nobody(project: Path) -> None:
    os.mkfifo(project / "CLAUDE.md")
    (project / ".claude/CLAUDE.md").mkdir()
    assert instructions.read(str(project), ()) == ""


def test_a_long_one_is_cut_so_that_it_fits_one_argument_and_says_where_the_rest_is(project: Path) -> None:
    for name in instructions.FILES:
        (project / name).write_text("ä" * instructions.MOST_BYTES + "\0")
    told = instructions.read(str(project), ())
    assert len(told.encode()) <= instructions.MOST_BYTES
    assert "(Cut off here: read the rest in CLAUDE.md.)" in told


def test_what_no_argument_may_hold_is_left_out(project: Path) -> None:
    (project / "CLAUDE.md").write_bytes(b"one\0two \xff three")
    assert "onetwo  three" in instructions.read(str(project), ())


@pytest.mark.parametrize("folder", [".config/threadbridge", ".local/state/threadbridge"])
@pytest.mark.parametrize("link", ["CLAUDE.md", ".claude"])
def test_a_link_to_what_is_hidden_in_a_home_that_is_the_project_is_not_followed(
    project: Path, folder: str, link: str
) -> None:
    hidden = project / folder
    hidden.mkdir(parents=True)
    (hidden / "CLAUDE.md").write_text("the secret")
    (project / ".claude").rmdir()
    (project / link).symlink_to(hidden if link == ".claude" else hidden / "CLAUDE.md")
    told = instructions.read(str(project), [str(hidden)])
    assert "the secret" not in told
    assert "kept from Claude" in told
