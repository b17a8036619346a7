"""The certain end of a session's tree, on real processes that heed no SIGTERM: in which order it is ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from supervisor.workers import trees

SESSION = "eeeeeeee-5"
WORKER = """
import signal, subprocess, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
tool = subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"], env={})
print(tool.pid, flush=True)
input()
"""


@contextmanager
def started(code: str, mark: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-S", "-c", code]
    environment = {trees.MARK: mark}
    with subprocess.Popen(argv, env=environment, stdin=-1, stdout=-1, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def noted(name: str, sends: Callable[[psutil.Process], None], notes: list[tuple[str, int]]) -> Callable[..., None]:
    def send(process: psutil.Process) -> None:
        notes.append((name, process.pid))
        sends(process)

    return send


def refused_for(pid: int, sends: Callable[[psutil.Process], None]) -> Callable[[psutil.Process], None]:
    """As another user's process refuses it."""

    def send(process: psutil.Process) -> None:
        if process.pid == pid:
            raise psutil.AccessDenied(pid)
        sends(process)

    return send


def test_a_worker_with_something_below_it_that_cannot_be_ended_is_ended_all_the_same_and_not_left_frozen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trees, "LADDER_DEADLINE_S", 0.1)
    monkeypatch.setattr(trees, "KILL_DEADLINE_S", 0.3)
    with started(WORKER, SESSION) as worker:
        assert worker.stdout
        tool = int(worker.stdout.readline())
        for name in ("suspend", "kill"):
            monkeypatch.setattr(psutil.Process, name, refused_for(tool, getattr(psutil.Process, name)))
        try:
            assert trees.end(SESSION, worker.pid) == [tool]
            assert worker.wait(5) == -9
        finally:
            os.kill(tool, signal.SIGKILL)


def test_the_whole_tree_is_frozen_before_anything_is_killed_and_the_worker_is_killed_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trees, "LADDER_DEADLINE_S", 0.1)
    notes: list[tuple[str, int]] = []
    for name in ("suspend", "kill"):
        monkeypatch.setattr(psutil.Process, name, noted(name, getattr(psutil.Process, name), notes))
    with started(WORKER, SESSION) as worker, started("input()", SESSION) as stray:
        assert worker.stdout
        tool = int(worker.stdout.readline())
        assert trees.end(SESSION, worker.pid) == []
        assert (worker.wait(5), stray.wait(5)) == (-9, -9)
    whole, others = {worker.pid, tool, stray.pid}, {tool, stray.pid}
    assert set(notes[:3]) == {("suspend", pid) for pid in whole}
    assert set(notes[3:5]) == {("kill", pid) for pid in others}
    assert notes[-1] == ("kill", worker.pid) and notes.count(notes[-1]) == 1
