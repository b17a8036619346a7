"""The background tasks of one child: shells and subagents. No I/O.

A task ends with its notification. Where that is missing, the list of those that live tells the same: a task that once
stood in it, and does not any more, is over. An ended one never begins again, for its id is its own.
"""

from collections.abc import Callable, Collection

import msgspec

from bridge.protocol import events as e
from worker import frames as f
from worker.steps import Step


class Task(msgspec.Struct, frozen=True):
    """``tool_use_id``: the call that began it; empty when nobody told."""

    task_id: str
    tool_use_id: str = ""


class Tasks:
    """``agent_ended``: what follows when these subagents are over."""

    def __init__(self, agent_ended: Callable[[Collection[str]], list[Step]]) -> None:
        self._agent_ended = agent_ended
        self._known: dict[str, Task] = {}
        self._listed: set[str] = set()
        self._ended: set[str] = set()

    @property
    def count(self) -> int:
        """Of those that run."""
        return len(self._known)

    # --- what Claude tells ---------------------------------------------------------------------------

    def began(self, frame: f.Frame) -> list[Step]:
        task = Task(frame.task_id, frame.tool_use_id or "")
        told = (frame.task_type, frame.description, task.tool_use_id, frame.is_backgrounded)
        return [e.TaskStarted(frame.task_id, *told)] if self._begin(task) else []

    def progressed(self, frame: f.Frame) -> list[Step]:
        so_far, tool = f.part(frame.usage, f.TaskUsage), frame.last_tool_name or ""
        return [e.TaskProgressed(frame.task_id, frame.description, tool, so_far.tool_uses, so_far.total_tokens)]

    def notified(self, frame: f.Frame) -> list[Step]:
        ended = self._end(Task(frame.task_id, frame.tool_use_id or ""))
        return self._told(ended, frame.summary, frame.status or "") if ended else []

    def listed(self, frame: f.Frame) -> list[Step]:
        """All that live; those that were listed before and are not any more are over."""
        live = {one.task_id for one in frame.tasks}
        gone = [task for name in sorted(self._listed - live) if (task := self._known.get(name))]
        self._listed = live
        return [step for task in gone if self._end(task) for step in self._told(task, "", "ended")]

    # --- what is known -------------------------------------------------------------------------------

    def _told(self, task: Task, summary: str, status: str) -> list[Step]:
        agents = {task.task_id, task.tool_use_id} - {""}
        return [*self._agent_ended(agents), e.TaskEnded(task.task_id, status, summary)]

    def _begin(self, task: Task) -> bool:
        """Whether it is a new one."""
        is_new = task.task_id not in self._ended and task.task_id not in self._known
        if is_new:
            self._known[task.task_id] = task
        return is_new

    def _end(self, task: Task) -> Task | None:
        """The task, with what is known of it; None when it is over already."""
        if task.task_id in self._ended:
            return None
        self._ended.add(task.task_id)
        return self._known.pop(task.task_id, task)
