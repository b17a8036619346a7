"""What to do about a session that takes more than its limits. Pure: the counts are the caller's.

Too many **tasks** end the whole session's child. A bomb forks and dies faster than anybody looks, its processes have no
parent any more, and what is picked out of it grows again; the child's namespace ends with its first process, at once.

Too much **memory** ends the smallest part of the child's heaviest tool whose end is enough: a process with all that it
started. Its shell says then that it was killed, so Claude knows, and the turn goes on, as when the kernel ends a
process. When no tool alone is enough, the child is ended.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from bridge.protocol import limits as words
from bridge.protocol.limits import Limits
from worker.processes_below import Process, below
from worker.usage import Census

_WALLS = "bwrap"


class Tell(msgspec.Struct, frozen=True):
    """Only to be said."""

    why: str


class EndTool(msgspec.Struct, frozen=True):
    """``top`` and all below it."""

    top: Process
    why: str


class EndAll(msgspec.Struct, frozen=True):
    why: str


type Verdict = Tell | EndTool | EndAll


def too_many(census: Census, limits: Limits) -> EndAll | None:
    if not limits.tasks or census.tasks <= limits.tasks:
        return None
    return EndAll(words.ended_for_tasks(census.tasks, limits, at_least=not census.is_whole))


def too_large(
    counted: Sequence[Process], memory: Mapping[int, int], child: int, limits: Limits
) -> EndTool | EndAll | None:
    """``memory``: pid → bytes. ``child``: the pid of what we started."""
    total = sum(memory.values())
    if not limits.memory_bytes or total <= limits.memory_bytes:
        return None
    excess, tops = total - limits.memory_bytes, list(_tools(counted, child))
    tree: _Tree = ()
    while smaller := _enough([_tree(top, counted) for top in tops], memory, excess):
        tree, tops = smaller, [process for process in smaller if process.parent == smaller[0].pid]
    if not tree:
        return EndAll(words.ended_for_memory(total, limits))
    program = max(tree, key=lambda process: memory.get(process.pid, 0)).name
    return EndTool(tree[0], words.ended_a_tool(program, _weight(tree, memory), total, limits))


type _Tree = tuple[Process, ...]


def _tree(top: Process, counted: Sequence[Process]) -> _Tree:
    return top, *below(top.pid, counted)


def _enough(trees: Sequence[_Tree], memory: Mapping[int, int], excess: int) -> _Tree:
    """The heaviest, when its end is enough; else empty."""
    heaviest = max(trees, key=lambda tree: _weight(tree, memory), default=())
    return heaviest if _weight(heaviest, memory) >= excess else ()


def _weight(tree: _Tree, memory: Mapping[int, int]) -> int:
    return sum(memory.get(process.pid, 0) for process in tree)


def _tools(counted: Sequence[Process], child: int) -> Iterator[Process]:
    """What Claude started, also what has lost its parent since: neither bubblewrap, nor Claude, nor below a tool."""
    own = set(_own(counted, child))
    pids = {process.pid for process in counted}
    return (p for p in counted if p.pid not in own and (p.parent in own or p.parent not in pids))


def _own(counted: Sequence[Process], child: int) -> Iterator[int]:
    """From what we started down to Claude: bubblewrap twice, where it is shut in."""
    by_pid = {process.pid: process for process in counted}
    at = by_pid.get(child)
    while at:
        yield at.pid
        inside = [process for process in counted if at.name == _WALLS and process.parent == at.pid]
        at = min(inside, key=lambda process: process.started, default=None)  # orphans came to it later
