"""The tool calls of one child that have no result yet. No I/O.

A call of the main agent ends with its turn, whether or not a result came; a subagent's outlives it
(docs/claude-protocol.md, "Background work"). What a log keeps of inputs and outputs is capped.
"""

import hashlib

from bridge.protocol import events as e
from worker import frames as f
from worker.file_changes import change_of
from worker.steps import ImagesReturned, Step

OUTPUT_KEPT_BYTES = 16 * 1024


class Tools:
    def __init__(self) -> None:
        self._agents: dict[str, str] = {}
        """Whose each call is: a subagent's, or the main agent's (empty)."""
        self._returning: dict[str, str] = {}
        """The tools of MCP servers, which may return images."""

    @property
    def count(self) -> int:
        return len(self._agents)

    def begin(self, block: f.Block, agent: str) -> e.ToolStarted:
        kept, size, _ = capped(bytes(block.input).decode(errors="replace"))
        self._agents[block.id] = agent
        if block.name.startswith("mcp__"):
            self._returning[block.id] = block.name
        return e.ToolStarted(block.id, block.name, kept, size, agent)

    def end(self, block: f.Block, allowed_by: str, told: f.Raw = f.EMPTY) -> list[Step]:
        """``told``: what the CLI tells of it besides what Claude gets."""
        agent = self._agents.pop(block.tool_use_id, "")
        tool = self._returning.pop(block.tool_use_id, "")
        kept, size, digest = capped(f.text_of(block.content))
        finished = e.ToolFinished(
            block.tool_use_id,
            bool(block.is_error),
            kept,
            size,
            digest,
            allowed_by=allowed_by,
            change=None if block.is_error else change_of(told),
        )
        images = f.images_of(block.content) if tool and not agent else []
        return [finished, *([ImagesReturned(tool, tuple(images))] if images else [])]

    def turn_ended(self) -> list[Step]:
        """A call that has no result by then (the budget was used up, say) will have none."""
        unfinished = [tool for tool, agent in self._agents.items() if not agent]
        for tool in unfinished:
            del self._agents[tool]
        self._returning = {tool: name for tool, name in self._returning.items() if tool in self._agents}
        return [e.ToolFinished(tool, True, "", unknown=True) for tool in unfinished]


def capped(text: str) -> tuple[str, int, str]:
    """(what the log keeps, bytes of the whole, sha256 of the whole when something was cut)."""
    data = text.encode(errors="replace")
    if len(data) <= OUTPUT_KEPT_BYTES:
        return text, len(data), ""
    kept = data[:OUTPUT_KEPT_BYTES].decode(errors="ignore")
    return kept, len(data), hashlib.sha256(data).hexdigest()
