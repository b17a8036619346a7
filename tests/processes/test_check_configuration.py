"""`threadbridge check` says whether a start would come to anything: the file, the token, which Claude Code it is."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from bridge.protocol.layout import Layout
from stages import forked
from stages.support import scripted_claude
from supervisor import state_directory as state


@pytest.fixture
def tmp_path(short_path: Path) -> Path:
    return short_path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home with everything in it that a start needs."""
    folder = tmp_path / ".config/threadbridge"
    for made in (folder, tmp_path / "project"):
        made.mkdir(parents=True)
    os.close(state.prepare(Layout(tmp_path / ".local/state/threadbridge")))
    (folder / "token").touch(0o600)
    (folder / "token").write_text("a token")
    (folder / "config.toml").write_text(configuration(tmp_path))
    return tmp_path


def configuration(home: Path, claude: tuple[str, ...] = scripted_claude(), more: str = "") -> str:
    return "\n".join(
        [
            f'[discord]\ntoken_file = "{home}/.config/threadbridge/token"\napi_base = "http://127.0.0.1:1"',
            "[access]\nusers = [111]",
            f'[[channels]]\nid = 222\ndirectory = "{home}/project"',
            f"[claude]\ncommand = {json.dumps(claude)}",
            more,
        ]
    )


def check(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(home)}
    return forked.run([*arguments, "check"], environment, Path("/"))


def wrongs(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.stdout and "Traceback" not in done.stderr, done.stderr
    return [line for line in done.stdout.splitlines() if line.startswith("wrong: ")]


def program(home: Path, lines: str) -> tuple[str, ...]:
    path = home / "claude"
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return (str(path),)


def test_where_everything_is_there_all_is_well(home: Path) -> None:
    done = check(home)
    assert (done.returncode, wrongs(done)) == (0, []), done.stdout
    assert "note: Discord could not be asked: " in done.stdout
    assert done.stdout.count("note: ") == 1
    assert "within 1.5 s are one prompt" in done.stdout and "GUILD_MESSAGE_TYPING" in done.stdout


def test_without_a_configuration_not_all_is_well(home: Path) -> None:
    (home / ".config/threadbridge/config.toml").unlink()
    done = check(home)
    assert done.returncode == 1
    assert "All is well" not in done.stdout
    assert "there is no configuration: looked at --config" in wrongs(done)[0]


def test_who_asks_of_a_state_alone_is_only_told_that_there_is_no_configuration(home: Path) -> None:
    (home / ".config/threadbridge/config.toml").unlink()
    done = check(home, "--state", str(home / ".local/state/threadbridge"))
    assert (done.returncode, wrongs(done)) == (0, []), done.stdout + done.stderr
    assert "note: there is no configuration" in done.stdout
    assert "All is well" not in done.stdout


def test_a_configuration_of_another_state_is_not_held_against_this_one(home: Path, tmp_path: Path) -> None:
    text = configuration(home, ("/nonexistent/claude",), f'[state]\ndirectory = "{tmp_path}/other"')
    (home / ".config/threadbridge/config.toml").write_text(text)
    done = check(home, "--state", str(home / ".local/state/threadbridge"))
    assert (done.returncode, wrongs(done)) == (0, []), done.stdout + done.stderr


def test_a_mistake_in_the_configuration_is_told(home: Path) -> None:
    text = configuration(home).replace("users", "user")
    (home / ".config/threadbridge/config.toml").write_text(text)
    done = check(home)
    assert done.returncode == 1
    assert "access.user: there is no such key; did you mean users?" in wrongs(done)[0]


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o606, 0o660, 0o644])
def test_a_token_that_others_can_read_or_write_is_named(home: Path, mode: int) -> None:
    (home / ".config/threadbridge/token").chmod(mode)
    done = check(home)
    assert done.returncode == 1
    assert f"others can read or write it (mode {mode:o})" in wrongs(done)[0]
    assert "chmod 600 it" in done.stdout


@pytest.mark.parametrize("text", ["", "  \n", "''"])
def test_a_file_without_a_token_is_told(home: Path, text: str) -> None:
    (home / ".config/threadbridge/token").write_text(text)
    assert check(home).returncode == 1


def test_a_token_that_only_the_service_gets_is_no_mistake(home: Path) -> None:
    text = configuration(home).replace(f"{home}/.config/threadbridge/token", "")
    (home / ".config/threadbridge/config.toml").write_text(text)
    done = check(home)
    assert (done.returncode, wrongs(done)) == (0, []), done.stdout + done.stderr
    assert "note: " in done.stdout


@pytest.mark.parametrize("version", ["1.0.44", "2.1.197", "2.1.246", "2.1.248-beta.2"])
def test_a_claude_that_is_too_old_is_told_with_both_versions(home: Path, version: str) -> None:
    text = configuration(home, program(home, f'echo "{version} (Claude Code)"'))
    (home / ".config/threadbridge/config.toml").write_text(text)
    done = check(home)
    assert done.returncode == 1
    assert f"is Claude Code {version}, and the oldest that works here is 2.1.248" in wrongs(done)[0]
    assert "claude update" in done.stdout


def test_a_claude_without_a_version_is_a_note(home: Path) -> None:
    text = configuration(home, program(home, "echo what?"))
    (home / ".config/threadbridge/config.toml").write_text(text)
    done = check(home)
    assert (done.returncode, wrongs(done)) == (0, []), done.stdout + done.stderr
    assert "is not known: --version says 'what?'" in done.stdout
