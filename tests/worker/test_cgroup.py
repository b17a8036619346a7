"""The session's cgroup: its files as the kernel writes them, and the real one where this machine lets us make any."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.protocol.limits import Limits
from worker import cgroup, rank
from worker.cgroup import Cgroup, Counted

LIMITS = Limits(memory_bytes=1 << 30, tasks=300, cpu_weight=50)
FILES = ("memory.max", "memory.swap.max", "pids.max", "cpu.weight")


def test_the_kernel_is_told_each_limit(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).touch()
    assert cgroup._limited(tmp_path, LIMITS) == {"memory", "pids", "cpu"}
    assert [(tmp_path / name).read_text() for name in FILES] == [str(1 << 30), "0", "300", "50"]


def test_what_it_has_no_controller_for_it_does_not_hold(tmp_path: Path) -> None:
    (tmp_path / "pids.max").touch()
    assert cgroup._limited(tmp_path, LIMITS) == {"pids"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pids.max"]


def test_no_limit_is_none(tmp_path: Path) -> None:
    for name in FILES:
        (tmp_path / name).touch()
    assert cgroup._limited(tmp_path, Limits()) == frozenset()
    assert not (tmp_path / "memory.swap.max").read_text()


def test_what_the_kernel_ended_and_refused_is_counted(tmp_path: Path) -> None:
    found = Cgroup(tmp_path, frozenset())
    assert found.counted() == Counted()
    (tmp_path / "memory.events").write_text("low 0\nhigh 0\nmax 9\noom 3\noom_kill 2\noom_group_kill 0\n")
    (tmp_path / "pids.events").write_text("max 7\n")
    assert found.counted() == Counted(ended=2, refused=7)


def test_where_none_can_be_had_there_is_none(tmp_path: Path) -> None:
    assert cgroup.make("", "0123", LIMITS) is None
    assert cgroup.make(str(tmp_path / "not there"), "0123", LIMITS) is None


# --- the kernel's own --------------------------------------------------------------------------------


@pytest.fixture
def real() -> Iterator[Cgroup | None]:
    """One of the machine's, without any controller; None where we may make none."""
    mounts = (line.split() for line in Path("/proc/self/mountinfo").read_text().splitlines())
    mounted = next((words[4] for words in mounts if words[words.index("-") + 1] == "cgroup2"), "")
    made = cgroup.make(mounted, f"7e57{os.getpid():08d}", Limits())
    yield made
    if made:
        assert made.remove()


def test_a_child_is_inside_from_its_first_moment_and_leaves_with_all_it_started(real: Cgroup | None) -> None:
    code = "import os, time; os.fork(); os.setsid(); os.fork(); os.write(1, b'ready\\n'); time.sleep(30)"
    with rank.entered(real) as begin:
        child = subprocess.Popen(
            [*rank.EXPENDABLE, sys.executable, "-S", "-c", code],
            preexec_fn=begin,  # noqa: PLW1509 - as the worker does it
            stdout=subprocess.PIPE,
        )
    assert child.stdout
    with child, child.stdout:
        assert child.stdout.readline() == b"ready\n"
        assert Path(f"/proc/{child.pid}/oom_score_adj").read_text().strip() == str(rank.OOM_SCORE)
        if real is None:  # then the worker counts by itself, which tests/processes/test_limits.py tries
            child.kill()
            return
        assert real.holds(child.pid) and not real.holds(os.getpid())
        real.kill()
        assert child.wait(5) < 0
    assert real.remove()


def test_what_a_dead_worker_left_in_it_is_ended_before_the_next_child_enters(real: Cgroup | None) -> None:
    if real is None:
        return
    with rank.entered(real) as begin:
        left = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(30)"], preexec_fn=begin)  # noqa: PLW1509
    again = cgroup.make(str(real._path.parent), f"7e57{os.getpid():08d}", Limits())
    assert again and left.wait(5) < 0
