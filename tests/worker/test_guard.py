"""What the guard makes of what the kernel counted, without a kernel that counts."""

import asyncio
import os
from pathlib import Path

import pytest

from bridge.protocol.layout import Layout
from bridge.protocol.limits import Limits
from stages.support import awaited
from worker import guard as g
from worker.cgroup import Cgroup, Counted
from worker.excess import EndAll, Tell
from worker.private_usage import PrivateUsage
from worker.stored import NoRoomError, Stored

LIMITS = Limits(memory_bytes=4 << 30, tasks=1000)
GONE = 2**22 + 1
"""No pid: above the kernel's highest (proc_sys_kernel(5))."""


class Kernel(Cgroup):
    """Counts what the test says."""

    def __init__(self, held: frozenset[str] = frozenset({"memory", "pids"}), *, is_inside: bool = True) -> None:
        super().__init__(Path("/nonexistent"), held)
        self.now = Counted()
        self.is_inside = is_inside

    def holds(self, pid: int) -> bool:
        return self.is_inside

    def counted(self) -> Counted:
        return self.now


def guard(folder: Path, kernel: Kernel | None, child: int = os.getpid(), limits: Limits = LIMITS) -> g.Guard:
    return g.Guard(limits, kernel, Stored(Layout(folder).session("0123"), limits), child)


def test_a_tool_that_the_kernel_ended_is_told_once_when_claude_lives_on(tmp_path: Path) -> None:
    kernel = Kernel()
    held = guard(tmp_path, kernel)
    assert held.look() == []
    kernel.now = Counted(ended=2)
    assert held.look() == []  # it may have been Claude: that is known a look later
    (told,) = held.look()
    assert isinstance(told, Tell) and "more than 4 GB" in told.why and "Claude goes on" in told.why
    assert held.look() == [] and not held.why_it_died()


def test_claudes_own_end_by_the_kernel_is_told_as_such_and_never_as_a_tools(tmp_path: Path) -> None:
    kernel = Kernel()
    held = guard(tmp_path, kernel, child=GONE)
    kernel.now = Counted(ended=1)
    assert held.look() == held.look() == []
    assert "more than 4 GB" in held.why_it_died() and "the kernel ended Claude" in held.why_it_died()


def test_an_end_after_that_of_a_tool_that_was_told_is_not_blamed_on_memory(tmp_path: Path) -> None:
    kernel = Kernel()
    held = guard(tmp_path, kernel)
    kernel.now = Counted(ended=1)
    assert [held.look(), len(held.look())] == [[], 1]
    assert not held.why_it_died()


def test_refused_processes_are_told_and_when_it_does_not_end_it_is_a_bomb(tmp_path: Path) -> None:
    kernel = Kernel()
    held = guard(tmp_path, kernel)
    looks = []
    for refused in range(1, g.REFUSALS_BORNE + 1):
        kernel.now = Counted(refused=refused)
        looks.append(held.look())
    assert [len(look) for look in looks] == [1, 0, 0, 0, 1]
    assert isinstance(looks[0][0], Tell) and "the kernel refuses" in looks[0][0].why
    assert isinstance(looks[-1][0], EndAll) and "limits.tasks" in looks[-1][0].why


def test_a_peak_of_processes_is_told_and_ends_nothing(tmp_path: Path) -> None:
    kernel = Kernel()
    held = guard(tmp_path, kernel)
    for refused in (1, 2, 2, 3, 4, 4, 5, 6, 6):
        kernel.now = Counted(refused=refused)
        assert not [step for step in held.look() if isinstance(step, EndAll)]


@pytest.mark.parametrize("kernel", [None, Kernel(is_inside=False), Kernel(frozenset({"cpu"}))])
def test_what_the_kernel_does_not_hold_the_guard_counts_itself(tmp_path: Path, kernel: Kernel | None) -> None:
    held = guard(tmp_path, kernel, limits=Limits(memory_bytes=1 << 40, tasks=1000))
    assert held._own == Limits(memory_bytes=1 << 40, tasks=1000)
    assert held.look() == []


@pytest.mark.slow
@awaited
async def test_what_ends_the_child_is_the_last_that_is_done(tmp_path: Path) -> None:
    (folder := Layout(tmp_path).session("0123").folder).mkdir(parents=True)
    (folder / "log.jsonl").write_bytes(b"x" * 200)
    held = guard(tmp_path, None, limits=Limits(stored_bytes=100))
    ended: list[str] = []

    async def end(why: str) -> None:
        ended.append(why)

    await asyncio.wait_for(held.run(ended.append, end), 10)
    assert len(ended) == 1 and "200 bytes" in ended[0] and "limits.stored" in ended[0]


def test_stored_are_the_log_the_files_and_what_was_sent_and_nothing_else(tmp_path: Path) -> None:
    paths = Layout(tmp_path).session("0123")
    stored = Stored(paths, Limits(stored_bytes=100))
    assert stored.total() == 0
    for path, size in (
        (paths.log, 10),
        (paths.files_of(7) / "a", 20),
        (paths.sent / "b", 30),
        (paths.scratch / "c", 99),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
    (paths.files / "link").symlink_to("/proc")
    assert 60 <= stored.total() < 80
    stored.object_to(20)
    with pytest.raises(NoRoomError, match=r"limits\.stored"):
        stored.object_to(50)


def test_an_own_tmp_that_takes_too_much_ends_all(tmp_path: Path) -> None:
    limits = Limits(private_bytes=100_000)
    stored = Stored(Layout(tmp_path).session("0123"), limits)
    held = g.Guard(limits, None, stored, os.getpid(), PrivateUsage(tmp_path / "inside"))
    assert held.look() == []
    (tmp_path / "inside/tmp/deep").mkdir(parents=True)
    (tmp_path / "inside/tmp/deep/file").write_bytes(b"x" * 200_000)
    (tmp_path / "inside/tmp/holes").touch()
    os.truncate(tmp_path / "inside/tmp/holes", 1 << 40)
    fresh = g.Guard(limits, None, stored, os.getpid(), PrivateUsage(tmp_path / "inside"))
    (verdict,) = fresh.look()
    assert isinstance(verdict, EndAll) and "limits.private" in verdict.why and "GB" not in verdict.why


def test_a_long_walk_is_not_made_again_at_once(tmp_path: Path) -> None:
    now = [100.0]
    used = PrivateUsage(tmp_path, lambda: now[0])
    assert used.total() == 0
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    assert used.total() == 0
    now[0] += 2.1
    assert used.total() >= 100_000
