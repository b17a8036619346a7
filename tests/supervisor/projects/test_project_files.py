"""A project's files are read as a child may have left them: links, pipes, floods, and what lies too deep."""

import os
from pathlib import Path

import pytest

from supervisor.projects import project_files


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / ".claude/commands").mkdir(parents=True)
    return folder


def test_what_is_there_is_read(project: Path) -> None:
    (project / ".mcp.json").write_text('{"mcpServers": {"x": {"command": "y"}}}')
    (project / ".claude/settings.json").write_text('{"env": {"A": "1"}}')
    (project / ".claude/commands/ops").mkdir()
    (project / ".claude/commands/ops/go.md").write_text("Go")
    (project / ".claude/skills/s").mkdir(parents=True)
    (project / ".claude/skills/s/SKILL.md").write_text("Look")
    (project / ".claude/skills/s/run.sh").write_text("#!/bin/sh")
    (project / ".claude/skills/s/run.sh").chmod(0o755)
    acting = project_files.read(str(project))
    assert sorted(acting.files) == [
        "commands/ops/go.md",
        "mcp.json",
        "settings.json",
        "skills/s/SKILL.md",
        "skills/s/run.sh",
    ]
    assert acting.files["skills/s/run.sh"].is_program
    assert not acting.files["skills/s/SKILL.md"].is_program


def test_no_link_is_followed_wherever_it_leads(project: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.md"
    secret.write_text("secret")
    (tmp_path / "elsewhere/x").mkdir(parents=True)
    (tmp_path / "elsewhere/x/SKILL.md").write_text("secret")
    (project / "inside.json").write_text('{"env": {"A": "1"}}')
    (project / ".claude/settings.json").symlink_to(project / "inside.json")
    (project / ".claude/commands/a.md").symlink_to(secret)
    (project / ".claude/skills").symlink_to(tmp_path / "elsewhere")
    acting = project_files.read(str(project))
    assert acting.files == {}
    assert acting.left_out == (
        ".claude/settings.json: it is a link",
        ".claude/commands/a.md: it is a link",
        ".claude/skills: it is a link",
    )


def test_a_claude_folder_that_is_a_link_is_none(project: Path, tmp_path: Path) -> None:
    (project / ".claude").rename(tmp_path / "away")
    (tmp_path / "away/settings.json").write_text('{"env": {"A": "1"}}')
    (project / ".claude").symlink_to(tmp_path / "away")
    assert project_files.read(str(project)).files == {}


def test_a_pipe_keeps_nobody_waiting(project: Path) -> None:
    os.mkfifo(project / ".mcp.json")
    os.mkfifo(project / ".claude/commands/a.md")
    acting = project_files.read(str(project))
    assert acting.files == {}
    assert acting.left_out == (".mcp.json: it is no regular file", ".claude/commands/a.md: it is no regular file")


def test_what_is_too_much_is_left_out_and_said(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_files, "MOST_FILES", 3)
    monkeypatch.setattr(project_files, "MOST_ENTRIES", 5)
    monkeypatch.setattr(project_files, "MOST_BYTES", 100)
    (project / ".mcp.json").write_bytes(b" " * 101)
    for number in range(7):
        (project / f".claude/commands/{number}.md").write_text("x")
    acting = project_files.read(str(project))
    assert sorted(acting.files) == ["commands/0.md", "commands/1.md", "commands/2.md"]
    assert acting.left_out == (
        ".mcp.json: it is too large",
        ".claude/commands: it holds too much",
        ".claude/commands/3.md: there are too many files",
        ".claude/commands/4.md: there are too many files",
    )


def test_folders_within_folders_end_somewhere(project: Path) -> None:
    deep = project / ".claude/commands" / "/".join("a" * 10)
    deep.mkdir(parents=True)
    (deep / "x.md").write_text("x")
    acting = project_files.read(str(project))
    assert acting.files == {}
    assert any("it lies too deep" in line for line in acting.left_out)


def test_names_that_could_be_mistaken_are_left_out(project: Path) -> None:
    (project / ".claude/commands/.hidden.md").write_text("x")
    (project / ".claude/commands/a\nb.md").write_text("x")
    (project / ".claude/commands" / os.fsdecode(b"\xff.md")).write_text("x")
    acting = project_files.read(str(project))
    assert acting.files == {}
    assert len(acting.left_out) == 3
    assert all("\n" not in line and line.isprintable() for line in acting.left_out)


def test_the_users_own_folder_is_no_projects(project: Path) -> None:
    (project / ".claude/settings.json").write_text('{"env": {"A": "1"}}')
    assert project_files.read(str(project)).files
    assert not project_files.read(str(project), users_own=str(project / ".claude")).files


def test_nothing_acts_of_a_directory_that_is_not_there(tmp_path: Path) -> None:
    assert project_files.read(str(tmp_path / "gone")).files == {}
