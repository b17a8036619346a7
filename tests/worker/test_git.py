"""git with bounds: what it gets for an environment, how long it may take, how much it may say."""

from pathlib import Path

import pytest

from bridge.protocol.errors import RemoteError, UserError
from stages.support import awaited, until
from worker.git import MEMORY_BYTES, OUTPUT_BYTES, Done, Inside, Outside, checked

OWN = {
    "HOME": "/home/ada",
    "PATH": "/usr/bin:/bin",
    "SSH_AUTH_SOCK": "/run/agent",
    "GIT_SSH_COMMAND": "ssh -i key",
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "core.fsmonitor",
    "GIT_CONFIG_VALUE_0": "evil",
    "GIT_OBJECT_DIRECTORY": "/elsewhere",
    "GIT_EXEC_PATH": "/elsewhere",
    "SSH_ASKPASS": "ask",
    "DISPLAY": ":0",
}


def outside(folder: Path, program: str = "/usr/bin/git", remote: str = "https://h/x") -> Outside:
    return Outside(program, folder, remote, OWN)


def script(folder: Path, text: str) -> str:
    file = folder / "git"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return str(file)


def test_outside_the_users_own_ways_to_a_remote_stay_and_nothing_can_ask_or_lead_elsewhere(tmp_path: Path) -> None:
    variables = outside(tmp_path).variables
    assert variables["SSH_AUTH_SOCK"] == "/run/agent" and variables["GIT_SSH_COMMAND"] == "ssh -i key"
    assert variables["GIT_TERMINAL_PROMPT"] == "0" and variables["GIT_DIR"] == str(tmp_path)
    assert variables["GIT_ALLOW_PROTOCOL"] == "https:ssh:git"
    gone = {"GIT_CONFIG_COUNT", "GIT_OBJECT_DIRECTORY", "GIT_EXEC_PATH", "SSH_ASKPASS", "DISPLAY"}
    assert gone.isdisjoint(variables)


def test_inside_there_is_no_login_and_no_program_of_the_configurations_is_started() -> None:
    variables = Inside((), "/srv", {**OWN, "ANTHROPIC_API_KEY": "secret"}).variables
    assert "ANTHROPIC_API_KEY" not in variables and "SSH_AUTH_SOCK" not in variables
    assert variables["GIT_ALLOW_PROTOCOL"] == "none"


def state_of(pid: str) -> str:
    """As in proc_pid_stat(5); "" when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


@pytest.mark.slow
@awaited
async def test_what_takes_too_long_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    slow = outside(tmp_path, script(tmp_path, f"sleep 100 & echo $! > {tmp_path}/pid; wait"))
    with pytest.raises(RemoteError, match="did not finish"):
        await slow.run("push", deadline_s=0.5)
    pid = (tmp_path / "pid").read_text().strip()
    await until(lambda: state_of(pid) in ("", "Z", "X"), "the end of what it started")


@pytest.mark.slow
@awaited
async def test_who_keeps_the_pipes_open_afterwards_is_not_waited_for(tmp_path: Path) -> None:
    kept = outside(tmp_path, script(tmp_path, "echo done; sleep 5 & exit 3"))
    done = await kept.run("push", deadline_s=4.0)
    assert (done.code, done.output) == (3, "done\n")


@awaited
async def test_output_without_end_is_cut(tmp_path: Path) -> None:
    loud = outside(tmp_path, script(tmp_path, "head -c 10000000 /dev/zero | tr '\\0' x"))
    assert len((await loud.run("push")).output) == OUTPUT_BYTES


@awaited
async def test_who_reads_the_childs_objects_gets_little_memory_and_who_speaks_to_the_remote_all(tmp_path: Path) -> None:
    limit = outside(tmp_path, script(tmp_path, "ulimit -v"))
    assert (await limit.run("index-pack")).output.strip() == str(MEMORY_BYTES // 1024)
    assert (await limit.run("push")).output.strip() == "unlimited"


@awaited
async def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    done = await outside(tmp_path, str(tmp_path / "none")).run("push")
    with pytest.raises(UserError, match=r"it did not work: .*not found"):
        checked(done, "it did not work")


def test_what_git_says_is_told_without_hints_and_logins() -> None:
    said = "To https://ada:pw@h/x\nhint: look\nfatal: unable to access 'https://ada:pw@h/x'\n"
    with pytest.raises(UserError) as error:
        checked(Done(128, "", said), "main was not pushed")
    assert str(error.value) == "main was not pushed: fatal: unable to access 'https://h/x'"


def test_an_end_by_a_signal_is_said() -> None:
    with pytest.raises(UserError, match="by a signal"):
        checked(Done(-9, "", ""), "main was not pushed")
