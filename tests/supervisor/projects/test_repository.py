"""Which repository a project belongs to, told by real git's own files, and by what an archive could bring."""

import os
import subprocess
from pathlib import Path

import pytest

from supervisor.projects.repository import NONE, Repository, found_at

HOME = "/home/nobody"


def git(folder: Path, *words: str) -> None:
    environment = {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        **{f"GIT_{who}_{what}": "x@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
    }
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, env=environment, timeout=30)


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    top = tmp_path / "repo"
    (top / "sub/deep").mkdir(parents=True)
    git(top, "init", "-q")
    git(top, "commit", "-q", "--allow-empty", "-m", "one")
    return top


def test_a_repository_of_its_own_brings_nothing(repo: Path, tmp_path: Path) -> None:
    assert found_at(str(repo), HOME) == NONE
    (tmp_path / "plain").mkdir()
    assert found_at(str(tmp_path / "plain"), HOME) == NONE


@pytest.mark.parametrize("inside", ["sub", "sub/deep"])
def test_a_directory_inside_one_brings_it_along(repo: Path, inside: str) -> None:
    assert found_at(str(repo / inside), HOME) == Repository(str(repo / ".git"), str(repo))


def test_a_linked_worktree_brings_the_common_git_directory(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "tree"))
    (tmp_path / "tree/sub").mkdir()
    assert found_at(str(tmp_path / "tree"), HOME) == Repository(str(repo / ".git"))
    assert found_at(str(tmp_path / "tree/sub"), HOME) == Repository(str(repo / ".git"), str(tmp_path / "tree"))


def test_a_submodule_brings_its_own(repo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-q", "--allow-empty", "-m", "one")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "module")
    assert found_at(str(repo / "module"), HOME) == Repository(str(repo / ".git/modules/module"))


def test_a_git_file_that_names_somebody_elses_repository_opens_nothing(repo: Path, tmp_path: Path) -> None:
    """As an archive may bring it: git itself follows it."""
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    git(repo, "worktree", "add", "-q", str(tmp_path / "tree"))
    for named in (repo / ".git", repo / ".git/worktrees/tree", tmp_path / "nothing"):
        (stranger / ".git").write_text(f"gitdir: {named}\n")
        assert found_at(str(stranger), HOME) == NONE
    (stranger / ".git").unlink()
    (stranger / ".git").symlink_to(repo / ".git")
    assert found_at(str(stranger), HOME) == NONE


@pytest.mark.parametrize("target", ["home", "home/.claude", "state", "elsewhere"])
def test_a_crafted_entry_inside_the_project_opens_nothing(tmp_path: Path, target: str) -> None:
    """As a child of the session before could leave it: the entry names this directory back, and any other as common."""
    project = tmp_path / "project"
    for folder in (project / "x", project / "worktrees/x", tmp_path / target):
        folder.mkdir(parents=True)
    for entry in (project / "x", project / "worktrees/x"):
        (entry / "HEAD").write_text("ref: refs/heads/main\n")
        (entry / "gitdir").write_text(f"{project}/.git\n")
        (entry / "commondir").write_text(f"{tmp_path / target}\n")
        (project / ".git").write_text(f"gitdir: {entry}\n")
        assert found_at(str(project), HOME) == NONE


def test_nor_does_one_outside_that_is_no_worktree_of_what_it_names(tmp_path: Path, repo: Path) -> None:
    project, entry = tmp_path / "project", tmp_path / "another/x"
    for folder in (project, entry):
        folder.mkdir(parents=True)
    (entry / "HEAD").write_text("ref: refs/heads/main\n")
    (entry / "gitdir").write_text(f"{project}/.git\n")
    (entry / "commondir").write_text(f"{repo}/.git\n")
    (project / ".git").write_text(f"gitdir: {entry}\n")
    assert found_at(str(project), HOME) == NONE


@pytest.mark.parametrize("at", [".git", "x/gitdir", "x/HEAD"])
def test_a_pipe_in_the_place_of_any_of_its_files_holds_nobody_up(tmp_path: Path, at: str) -> None:
    project = tmp_path / "project"
    (project / "x").mkdir(parents=True)
    (project / ".git").write_text(f"gitdir: {project}/x\n")
    (project / at).unlink(missing_ok=True)
    os.mkfifo(project / at)
    assert found_at(str(project), HOME) == NONE


def test_a_repository_that_holds_the_whole_home_is_not_opened(repo: Path) -> None:
    assert found_at(str(repo / "sub"), str(repo)) == NONE
    assert found_at(str(repo / "sub"), str(repo / "home/ada")) == NONE
