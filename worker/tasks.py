"""The background tasks of one child: shells and subagents. No I/O.

A task ends with its notification. Where that is missing, the list of those that live tells the same: a task that once
stood in it, and does not any more, is over. An ended one never begins again, for its id is its own.
"""

from collections.abc import Collection

import msgspec


class Task(msgspec.Struct, frozen=True):
    """``tool_use_id``: the call that began it; empty when nobody told."""

    task_id: str
    tool_use_id: str = ""


class Tasks:
    def __init__(self) -> None:
        self._known: dict[str, Task] = {}
        self._listed: set[str] = set()
        self._ended: set[str] = set()

    @property
    def count(self) -> int:
        """Of those that run."""
        return len(self._known)

    def begin(self, task: Task) -> bool:
        """Whether it is a new one."""
        is_new = task.task_id not in self._ended and task.task_id not in self._known
        if is_new:
            self._known[task.task_id] = task
        return is_new

    def end(self, task: Task) -> Task | None:
        """The task, with what is known of it; None when it is over already."""
        if task.task_id in self._ended:
            return None
        self._ended.add(task.task_id)
        return self._known.pop(task.task_id, task)

    def only_live(self, live: Collection[str]) -> list[Task]:
        """Those that are over, now that only ``live`` is listed."""
        gone = [task for name in sorted(self._listed - set(live)) if (task := self._known.get(name))]
        self._listed = set(live)
        return [task for task in gone if self.end(task)]
