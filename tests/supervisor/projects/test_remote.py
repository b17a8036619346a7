"""Which URL of a repository's configuration is recorded when a session begins."""

import os
import subprocess
from pathlib import Path

import pytest

from supervisor.projects.remote import chosen, remote_of


def repository(folder: Path, config: str) -> Path:
    git = folder / ".git"
    for name in ("objects", "refs"):
        (git / name).mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "config").write_text(config)
    return folder


@pytest.mark.parametrize(
    ("config", "url"),
    [
        ('[remote "origin"]\n\turl = https://h/x\n', "https://h/x"),
        ('[remote "origin"] url = https://h/x\n', "https://h/x"),
        ('[REMOTE "origin"]\nURL=https://h/x # there\n', "https://h/x"),
        ('[remote "origin"]\nurl = "https://h/x;y" ; quoted\n', "https://h/x;y"),
        ('[remote "origin"]\nurl = https://h/\\\nx\n', "https://h/x"),
        ('[remote "origin"]\nurl = a b  \n', "a b"),
        ('[remote "origin"]\nurl = https://h/x\npushurl = git@h:y\n', "git@h:y"),
        ('[remote "origin"]\nurl = https://h/1\nurl = https://h/2\n', "https://h/1"),
        ('[remote "up"]\nurl = https://h/up\n[remote "origin"]\nurl = https://h/x\n', "https://h/x"),
        ('[remote "up"]\nurl = https://h/up\n', "https://h/up"),
        ('[remote "a"]\nurl = https://h/a\n[remote "b"]\nurl = https://h/b\n', ""),
        ("[remote]\nurl = https://h/x\n[core]\nurl = https://h/y\n", ""),
        ('[remote "origin"]\nfetch = +refs/*:refs/*\n[url "https://evil/"]\nurl = x\n', ""),
        ('[url "https://evil/"]\ninsteadOf = https://h/\n[remote "origin"]\nurl = https://h/x\n', "https://h/x"),
        ("no configuration at all", ""),
        ("", ""),
    ],
)
def test_the_url_is_read_as_git_would_read_it_without_obeying_the_rest(config: str, url: str) -> None:
    assert chosen(config) == url


@pytest.mark.parametrize("value", ["https://h/a b", 'we"ird\\path', "x # y", "tab\tbed", " padded "])
def test_what_git_wrote_is_read_back(tmp_path: Path, value: str) -> None:
    file = tmp_path / "config"
    subprocess.run(["git", "config", "--file", file, "remote.origin.url", value], check=True)
    assert chosen(file.read_text()) == value


def test_a_repository_above_the_project_counts_and_one_that_holds_the_home_does_not(tmp_path: Path) -> None:
    home = tmp_path / "home"
    top = repository(home / "app", '[remote "origin"]\nurl = git@h:app\n')
    (top / "web").mkdir()
    assert remote_of(str(top), str(home)) == remote_of(str(top / "web"), str(home)) == "git@h:app"
    assert remote_of(str(top / "web"), str(top / "web")) == ""


def test_a_path_is_recorded_without_links_and_absolute(tmp_path: Path) -> None:
    (tmp_path / "real.git").mkdir()
    (tmp_path / "link.git").symlink_to("real.git")
    top = repository(tmp_path / "app", '[remote "origin"]\nurl = ../link.git\n')
    assert remote_of(str(top), "/nonexistent") == str(tmp_path / "real.git")


def test_a_git_directory_or_a_configuration_that_is_a_link_or_no_file_is_not_read(tmp_path: Path) -> None:
    other = repository(tmp_path / "other", '[remote "origin"]\nurl = git@h:secret\n')
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / ".git").symlink_to(other / ".git")
    assert remote_of(str(linked), "/nonexistent") == ""
    app = repository(tmp_path / "app", "")
    (app / ".git/config").unlink()
    (app / ".git/config").symlink_to(other / ".git/config")
    assert remote_of(str(app), "/nonexistent") == ""
    (app / ".git/config").unlink()
    os.mkfifo(app / ".git/config")
    assert remote_of(str(app), "/nonexistent") == ""


def test_no_repository_has_no_remote(tmp_path: Path) -> None:
    assert remote_of(str(tmp_path), str(tmp_path)) == ""
