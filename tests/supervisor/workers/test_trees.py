"""The certain end of a session's tree, on real processes that heed no SIGTERM: in which order it is ended."""

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
tool = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE, env={})
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
