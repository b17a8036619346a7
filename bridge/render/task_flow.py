"""What runs in the background, and the subagents that Claude waits for, in the flow of a turn."""

import msgspec

from bridge.protocol import events as e
from bridge.render import tasks
from bridge.render.agents import Agents
from bridge.render.card_flow import CardFlow
from bridge.render.flow import Now
from bridge.render.items import ToolItem
from bridge.render.posts import Post
from bridge.render.segments import Segment
from bridge.render.terminal import shown_text
from bridge.text import duration


class TaskFlow(CardFlow, msgspec.Struct):
    """Stored with the view, of which it is a part."""

    agents: Agents = msgspec.field(default_factory=Agents)
    wake_summary: str = ""
    live_tasks: dict[str, tasks.LiveTask] = {}
    """What runs in the background, and the subagents that Claude waits for, by their ids."""

    def _on_task(
        self, record: e.Record, event: e.TaskStarted | e.TaskProgressed | e.TaskEnded, now: Now
    ) -> dict[str, Post]:
        if isinstance(event, e.TaskEnded):
            self.wake_summary = shown_text(event.summary)
            task = self.live_tasks.pop(event.task_id, None)
            return self._end_task(record.at, event, task, now) if task else {}
        if isinstance(event, e.TaskStarted):
            name, is_quiet = self.agents.name(event.task_id), now.display.verbosity == "quiet"
            self.live_tasks[event.task_id] = tasks.begun(event, name, record.at, is_quiet=is_quiet)
        elif event.task_id in self.live_tasks:
            self.live_tasks[event.task_id].apply(event)
        else:
            return {}
        return self._show_task(event.task_id, self.live_tasks[event.task_id], now)

    def _show_task(self, task_id: str, task: tasks.LiveTask, now: Now) -> dict[str, Post]:
        if not task.backgrounded:
            return self._show_progress(task, task.progress, now)
        return {} if task.is_quiet else {self._task_key(task_id): tasks.running(task)}

    def _end_task(self, at: float, event: e.TaskEnded, task: tasks.LiveTask, now: Now) -> dict[str, Post]:
        seconds = max(0.0, at - task.started_at)
        if not task.backgrounded:
            return self._show_progress(task, task.so_far(duration(seconds)), now)
        if task.is_quiet and tasks.ended_well(event):
            return {}
        return {self._task_key(event.task_id): tasks.ended(task, event, seconds)}

    def _show_progress(self, task: tasks.LiveTask, progress: str, now: Now) -> dict[str, Post]:
        """On the line of the call that runs the subagent."""
        for segment, item in self._calls(task.tool_use_id):
            if item.progress != progress:
                item.progress = progress
                return self._of_call(segment, item, now)
        return {}

    def _of_call(self, segment: Segment, item: ToolItem, now: Now) -> dict[str, Post]:
        """Where the call's line stands: in the flow, or on its own card."""
        return self._decided_line(segment, item, now) or self._posts(segment, now)

    def _lose_tasks(self) -> dict[str, Post]:
        """Their process is gone."""
        alone = {task_id: task for task_id, task in self.live_tasks.items() if task.backgrounded}
        self.live_tasks = {}
        return {self._task_key(task_id): tasks.lost(task) for task_id, task in alone.items()}

    def _task_key(self, task_id: str) -> str:
        return f"task:{self.generation}:{task_id}"
