"""What is done about too much: decided from counts, without any process."""

from collections.abc import Mapping

from bridge.protocol.limits import Limits
from worker.excess import EndAll, EndTool, too_large, too_many
from worker.processes_below import Process
from worker.usage import Census

MB = 1 << 20
LIMITS = Limits(memory_bytes=1000 * MB, tasks=10)
WALL, INNER, CLAUDE, SHELL, NODE, SHOT, ORPHAN = 10, 11, 12, 20, 21, 30, 40


def process(pid: int, parent: int, name: str, threads: int = 1, started: int = 0) -> Process:
    return Process(pid, parent, pid, 1, "S", started or pid, name, threads)


TREE = (
    process(WALL, 1, "bwrap"),
    process(INNER, WALL, "bwrap"),
    process(ORPHAN, INNER, "server", started=99),
    process(CLAUDE, INNER, "claude"),
    process(SHELL, CLAUDE, "sh"),
    process(NODE, SHELL, "node"),
    process(SHOT, CLAUDE, "shot"),
)


def large(**megabytes: int) -> EndTool | EndAll | None:
    known: Mapping[str, int] = {p.name: p.pid for p in TREE}
    return too_large(TREE, {known[name]: size * MB for name, size in megabytes.items()}, WALL, LIMITS)


def test_threads_count_as_the_kernel_counts_them() -> None:
    assert too_many(Census((process(1, 0, "a", threads=10),)), LIMITS) is None
    assert isinstance(too_many(Census((process(1, 0, "a", threads=10), process(2, 1, "b"))), LIMITS), EndAll)


def test_a_count_that_was_given_up_is_called_at_least() -> None:
    found = too_many(Census((process(1, 0, "a", threads=11),), is_whole=False), LIMITS)
    assert found and "at least 11" in found.why


def test_up_to_the_limit_nothing_is_done() -> None:
    assert large(claude=400, node=600) is None


def test_of_the_heaviest_tool_the_smallest_part_is_ended_that_is_enough_so_that_its_shell_tells_claude() -> None:
    found = large(claude=300, node=900, sh=5, shot=200)
    assert isinstance(found, EndTool) and found.top.pid == NODE
    assert "ran node used 900 MB" in found.why and "limits.memory" in found.why


def test_when_only_all_of_a_tool_is_enough_all_of_it_is_ended() -> None:
    found = large(claude=300, node=100, sh=900)
    assert isinstance(found, EndTool) and found.top.pid == SHELL
    assert "used 1000 MB" in found.why


def test_a_tool_that_lost_its_parent_is_a_tool_all_the_same() -> None:
    found = large(claude=300, server=900)
    assert isinstance(found, EndTool) and found.top.pid == ORPHAN


def test_when_claude_itself_is_too_large_no_tool_is_blamed() -> None:
    assert isinstance(large(claude=1100, node=200), EndAll)


def test_when_no_tool_alone_is_too_much_all_are_ended() -> None:
    assert isinstance(large(claude=300, node=500, shot=500, server=600), EndAll)


def test_an_uncontained_claude_is_what_was_started() -> None:
    tree = (process(CLAUDE, 1, "claude"), process(SHELL, CLAUDE, "sh"))
    found = too_large(tree, {CLAUDE: 300 * MB, SHELL: 800 * MB}, CLAUDE, LIMITS)
    assert isinstance(found, EndTool) and found.top.pid == SHELL


def test_no_limit_is_none() -> None:
    none = Limits()
    assert too_many(Census(TREE), none) is None and too_large(TREE, {NODE: 10**15}, WALL, none) is None
