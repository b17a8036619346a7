"""A child that cannot be started, or ends at once: the reason names what is missing."""

import os
from pathlib import Path

import pytest

from bridge.protocol.errors import UserError
from worker import missing
from worker.child_end import exit_in_words


def refusal(directory: Path, *command: str) -> str:
    with pytest.raises(UserError) as refused:
        missing.look(str(directory), command, f"{directory}:/usr/bin:/bin")
    return str(refused.value)


def test_a_directory_that_is_gone_or_no_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("gone", "file"):
        assert f"the project directory {tmp_path / name} is not there" in refusal(tmp_path / name, "sh")


def test_a_program_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    for program in ("no-such-claude", str(tmp_path / "claude"), "./claude"):
        told = refusal(tmp_path, program)
        assert told.startswith(f"the program {program} is") and "install Claude Code" in told


def test_a_program_that_may_not_be_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "claude").touch(mode=0o600)
    assert "may not be run" in refusal(tmp_path, "./claude")


def test_what_is_there_is_no_objection(tmp_path: Path) -> None:
    (tmp_path / "claude").touch(mode=0o700)
    for program in ("sh", "/bin/sh", "./claude", "claude"):
        missing.look(str(tmp_path), (program,), f"{tmp_path}{os.pathsep}/usr/bin:/bin")


def test_stderrs_first_and_last_lines_are_told() -> None:
    assert exit_in_words(1, "") == "Claude ended by itself with exit code 1"
    assert exit_in_words(1, "one\n\n two \n").endswith(": one · two")
    lines = "\n".join(["Error: no such module", "at here", *["at there"] * 9, "", "Node.js v20"])
    assert exit_in_words(1, lines).endswith(": Error: no such module · at here … at there · Node.js v20")
