"""Asking the configured command for its version: what answers, what does not, and what changes."""

import os
from pathlib import Path

import pytest

from stages.support import awaited
from supervisor.workers.claude_cli import ClaudeCli, VersionCheck, ask

ENVIRONMENT = {"PATH": os.environ["PATH"]}


def program(folder: Path, lines: str) -> str:
    path = folder / "claude"
    made = folder / "claude.new"
    made.write_text(f"#!/bin/sh\n{lines}\n")
    made.chmod(0o755)
    made.rename(path)
    return str(path)


def answer(folder: Path, lines: str, deadline_s: float = 10.0) -> VersionCheck:
    return ask((program(folder, lines),), ENVIRONMENT, deadline_s)


def test_the_version_is_told_with_the_program(tmp_path: Path) -> None:
    found = answer(tmp_path, 'test "$*" = --version && echo "2.1.330 (Claude Code)"')
    assert found.in_words() == f"Claude Code 2.1.330 ({tmp_path}/claude)"
    assert not found.refusal


def test_one_that_is_too_old_is_refused(tmp_path: Path) -> None:
    found = answer(tmp_path, 'echo "2.1.197 (Claude Code)"')
    assert "is Claude Code 2.1.197" in found.refusal
    assert found.in_words() == found.refusal


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lines", "trouble"),
    [
        ("echo hello there", "--version says 'hello there'"),
        ("exit 3", "--version says nothing"),
        ("echo 2.1.330 >&2", "--version says nothing"),
        (r"printf '\033[31mred\377\n'", "--version says 'red"),
        ("exec sleep 60", "--version took more than 0.2 s"),
        ("sleep 60 & echo", "--version took more than 0.2 s"),
        ("while :; do echo garbage; done", "--version says 'garbage garbage"),
    ],
)
def test_one_that_hangs_or_prints_garbage_is_told_and_not_refused(tmp_path: Path, lines: str, trouble: str) -> None:
    found = answer(tmp_path, lines, deadline_s=0.2 if "sleep" in lines else 10.0)
    assert (found.version, found.refusal) == (None, "")
    assert trouble in found.in_words()


def test_one_that_does_not_start_says_so(tmp_path: Path) -> None:
    found = ask((str(tmp_path / "none"),), ENVIRONMENT)
    assert "it does not start" in found.in_words()


@awaited
async def test_it_is_asked_again_when_another_file_stands_there(tmp_path: Path) -> None:
    count = tmp_path / "count"
    counted = f'echo asked >> {count}; echo "2.1.330 (Claude Code)"'
    heard: list[VersionCheck] = []
    cli = ClaudeCli((program(tmp_path, 'echo "2.1.197"'),), ENVIRONMENT, heard.append)
    await cli.look()
    program(tmp_path, counted)
    for _ in range(3):
        await cli.look()
    assert [bool(one.refusal) for one in heard] == [True, False]
    assert count.read_text().split() == ["asked"]
