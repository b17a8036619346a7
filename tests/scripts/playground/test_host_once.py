"""`./scripts/run` as a person starts it: the real supervisor and worker, with the scripted claude."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from stages.real_environment import real_claude

ROOT = Path(__file__).resolve().parents[3]
DEADLINE_S = 90
POLL_S = 0.05


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tb-") as name:
        yield Path(name).resolve()


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "playground", *arguments]


def environment(folder: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT / "scripts"), "LANG": "C.UTF-8"}


def start(folder: Path) -> subprocess.Popen[str]:
    """A playground that serves, and is ready."""
    (folder / "p/supervisor.log").unlink(missing_ok=True)
    process = subprocess.Popen(
        command("--claude", "scripted", "--state", str(folder / "p")),
        cwd=ROOT,
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    until(lambda: "started;" in log_of(folder), process)
    return process


def log_of(folder: Path) -> str:
    log = folder / "p/supervisor.log"
    return log.read_text() if log.exists() else ""


def until(predicate: object, process: subprocess.Popen[str]) -> None:
    assert callable(predicate)
    give_up_at = time.monotonic() + DEADLINE_S
    while not predicate():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up_at
        time.sleep(POLL_S)


def of_this_playground(folder: Path) -> list[int]:
    """The pids of all processes that name its folder."""
    named = []
    for process in psutil.process_iter():
        try:
            if any(str(folder / "p") in word for word in process.cmdline()):
                named.append(process.pid)
        except psutil.Error:
            continue
    return named


def once(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("--once", *arguments),
        cwd=ROOT,
        env=environment(folder) | {"TMPDIR": str(folder)} | more,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )


def assert_every_step_was_seen(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"^\[ *[\d.]+ s\] ✓ ", done.stdout, re.MULTILINE)) == 13
    assert "Every step was seen" in done.stdout


def test_once_plays_a_whole_conversation_and_sees_every_step(folder: Path) -> None:
    assert_every_step_was_seen(once(folder))
    assert list(folder.glob("threadbridge-*")) == []
    assert not (folder / ".claude").exists()


@pytest.mark.real
def test_once_also_plays_with_the_real_claude_against_a_scripted_model(folder: Path) -> None:
    assert_every_step_was_seen(once(folder, "--claude", "real", THREADBRIDGE_TEST_CLAUDE=str(real_claude())))


def test_a_playground_that_serves_leaves_nothing_after_sigterm(folder: Path) -> None:
    process = start(folder)
    process.send_signal(signal.SIGTERM)
    told, _ = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    assert str(folder / "p/home/.config/threadbridge/config.toml") in told
    assert of_this_playground(folder) == []


def test_a_playground_outlives_its_supervisor_and_says_that_it_ended(folder: Path) -> None:
    process = start(folder)
    supervisor = next(child for child in psutil.Process(process.pid).children() if "run" in child.cmdline())
    supervisor.kill()
    assert process.stdout
    told = ""
    while "! the supervisor was killed" not in told:
        line = process.stdout.readline()
        assert line, told
        told += line
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0
    deadline = time.monotonic() + DEADLINE_S
    while left := of_this_playground(folder):  # a trial of the walls that the killed one had begun ends by itself
        assert time.monotonic() < deadline, left


def test_a_playground_that_was_killed_takes_its_supervisor_along_and_starts_again(folder: Path) -> None:
    process = start(folder)
    supervisors = psutil.Process(process.pid).children()
    process.kill()
    process.communicate(timeout=DEADLINE_S)
    assert psutil.wait_procs(supervisors, timeout=DEADLINE_S)[1] == []
    again = start(folder)
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=DEADLINE_S)
    assert again.returncode == 130


def test_a_mistake_of_the_person_is_one_line_and_exit_code_1(folder: Path) -> None:
    inside = str(ROOT / "playground-here")
    done = subprocess.run(
        command("--state", inside),
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("playground: the playground's folder")
    assert len(done.stderr.splitlines()) == 1
