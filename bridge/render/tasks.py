"""What Claude does beside the turn: background tasks and subagents, each one live line.

A subagent that Claude waits for is a tool call, and its line says how far it is. What runs in the background has a
post of its own, for it outlives the turn.
"""

import msgspec

from bridge.protocol.events import TaskEnded, TaskProgressed, TaskStarted
from bridge.render import tool_phrases
from bridge.render.posts import Post
from bridge.render.runs import QUIET
from bridge.text import clip, duration, tokens, utf16_len

TITLE_CHARS = 200
SUMMARY_CHARS = 400
PROGRESS_CHARS = 90
_TOOL_CHARS = 24
_STATUS = {
    "completed": "✓ {} · done",
    "failed": "✗ {} · failed",
    "stopped": "■ {} · stopped",
    "killed": "■ {} · stopped",
}
_UNKNOWN = "? {} · outcome unknown"


class LiveTask(msgspec.Struct):
    """A task that runs. ``started_at`` in Unix seconds."""

    title: str
    tool_use_id: str
    backgrounded: bool
    started_at: float
    is_quiet: bool = False
    """It has a post only if it does not end well."""
    tool_uses: int = 0
    tokens: int = 0
    last_tool: str = ""
    failed: dict[str, int] = {}
    """How many calls of which tool went wrong."""

    def apply(self, event: TaskProgressed) -> None:
        self.tool_uses = max(self.tool_uses, event.tool_uses)
        self.tokens = max(self.tokens, event.tokens)
        self.last_tool = event.last_tool

    def so_far(self, now: str) -> str:
        """In at most ``PROGRESS_CHARS`` UTF-16 units. ``now``: the last part."""
        tools_used = f"{self.tool_uses} tool{'' if self.tool_uses == 1 else 's'}" if self.tool_uses else ""
        spent = f"{tokens(self.tokens // 1000 * 1000)} tokens" if self.tokens >= 1000 else ""
        parts = [part for part in (tools_used, spent, self._failures(), now) if part]
        while parts and utf16_len(" · ".join(parts)) > PROGRESS_CHARS:
            parts.pop()
        return " · ".join(parts)

    def _failures(self) -> str:
        if not self.failed:
            return ""
        first, *others = self.failed
        more = f" and {len(others)} others" if others else ""
        return f"failed: {tool_phrases.plain(first, _TOOL_CHARS)} ×{self.failed[first]}{more}"

    @property
    def progress(self) -> str:
        return self.so_far(tool_phrases.plain(self.last_tool, _TOOL_CHARS) if self.last_tool else "")


def begun(event: TaskStarted, name: str, at: float, *, is_quiet: bool) -> LiveTask:
    """``name``: the subagent's in words; empty for a command."""
    kind = "Bash: " if event.task_type == "local_bash" else ""
    title = name or event.description or event.task_type or "A task"
    return LiveTask(
        kind + clip(title, TITLE_CHARS), event.tool_use_id, event.backgrounded, at, is_quiet and event.backgrounded
    )


def running(task: LiveTask) -> Post:
    return _post(" · ".join(filter(None, (f"◌ {_title(task)} · running", task.progress))))


def ended(task: LiveTask, event: TaskEnded, seconds: float) -> Post:
    line = _STATUS.get(event.status, _UNKNOWN).format(_title(task))
    is_news = event.summary.strip() and event.summary not in task.title
    summary = tool_phrases.plain(event.summary, SUMMARY_CHARS) if is_news else ""
    return _post(" · ".join(filter(None, (line, task.so_far(duration(seconds)), summary))))


def lost(task: LiveTask) -> Post:
    """Its process is gone, and nobody knows how far it was."""
    return _post(" · ".join(filter(None, (_UNKNOWN.format(_title(task)), task.so_far("its process ended")))))


def ended_well(event: TaskEnded) -> bool:
    return event.status == "completed"


def _title(task: LiveTask) -> str:
    return tool_phrases.plain(task.title, TITLE_CHARS)


def _post(line: str) -> Post:
    return Post(QUIET + line, silent=True)
