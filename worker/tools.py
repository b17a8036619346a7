"""The tool calls of one child that have no result yet. No I/O.

A call of the main agent ends with its turn, whether or not a result came; a subagent's outlives it
(docs/claude-protocol.md, "Background work"). What a log keeps of inputs and outputs is capped.
"""

import hashlib
from typing import NamedTuple

from bridge.protocol import events as e
from bridge.protocol.edits import EDIT_TOOLS
from worker import frames as f
from worker.file_changes import change_of
from worker.steps import ImagesReturned, Step

OUTPUT_KEPT_BYTES = 16 * 1024
_MCP = "mcp__"
"""How the tools of MCP servers are named, which may return images."""


class _Call(NamedTuple):
    """``agent``: a subagent's; empty: the main agent's."""

    tool: str
    agent: str


class Tools:
    def __init__(self) -> None:
        self._calls: dict[str, _Call] = {}

    @property
    def count(self) -> int:
        return len(self._calls)

    def begin(self, block: f.Block, agent: str) -> e.ToolStarted:
        kept, size, _ = capped(bytes(block.input).decode(errors="replace"))
        self._calls[block.id] = _Call(block.name, agent)
        return e.ToolStarted(block.id, block.name, kept, size, agent)

    def end(self, block: f.Block, allowed_by: str, told: f.Raw = f.EMPTY) -> list[Step]:
        """``told``: what the CLI tells of it besides what Claude gets. Only its own tools tell of files."""
        tool, agent = self._calls.pop(block.tool_use_id, _Call("", ""))
        kept, size, digest = capped(f.text_of(block.content))
        finished = e.ToolFinished(
            block.tool_use_id,
            bool(block.is_error),
            kept,
            size,
            digest,
            allowed_by=allowed_by,
            change=change_of(told) if tool in EDIT_TOOLS and not block.is_error else None,
        )
        images = f.images_of(block.content) if tool.startswith(_MCP) and not agent else []
        return [finished, *([ImagesReturned(tool, tuple(images))] if images else [])]

    def turn_ended(self) -> list[Step]:
        """A call that has no result by then (the budget was used up, say) will have none."""
        unfinished = [call_id for call_id, call in self._calls.items() if not call.agent]
        for call_id in unfinished:
            del self._calls[call_id]
        return [e.ToolFinished(call_id, True, "", unknown=True) for call_id in unfinished]


def capped(text: str) -> tuple[str, int, str]:
    """(what the log keeps, bytes of the whole, sha256 of the whole when something was cut)."""
    data = text.encode(errors="replace")
    if len(data) <= OUTPUT_KEPT_BYTES:
        return text, len(data), ""
    kept = data[:OUTPUT_KEPT_BYTES].decode(errors="ignore")
    return kept, len(data), hashlib.sha256(data).hexdigest()
