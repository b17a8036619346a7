"""Which subagent is which: names in words, from the calls that started them."""

import msgspec

from bridge.newest import note_newest
from bridge.protocol import events as e
from bridge.render.tools import read_input
from bridge.text import one_line

AGENT_TOOLS = ("Agent", "Task")
NAME_CHARS = 120
CALLS_KEPT = 32


class Agents(msgspec.Struct):
    """Folded from a session's events. A subagent is a task, whose id is the ``agent_id`` of its requests
    (docs/claude-protocol.md, "Background work").
    """

    calls: dict[str, str] = {}
    names: dict[str, str] = {}

    def apply(self, event: e.AnyEvent) -> None:
        match event:
            case e.ToolStarted() if event.tool in AGENT_TOOLS:
                note_newest(self.calls, event.tool_use_id, _in_words(event.tool_input), CALLS_KEPT)
            case e.TaskStarted():
                name = self.calls.pop(event.tool_use_id, "") or one_line(event.description, NAME_CHARS)
                self.names[event.task_id] = name
            case e.TaskEnded():
                self.names.pop(event.task_id, None)
            case e.WorkerStarted():
                self.calls, self.names = {}, {}
            case _:
                pass

    def name(self, agent_id: str) -> str:
        """Empty when nobody told of it."""
        return self.names.get(agent_id, "")


def _in_words(tool_input: str) -> str:
    given = read_input(tool_input)
    known = [given.get(key) for key in ("subagent_type", "description")]
    return one_line(": ".join(part for part in known if isinstance(part, str) and part.strip()), NAME_CHARS)
