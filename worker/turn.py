"""The running turn of a child: what begins it, and what was told of it. No I/O.

    none ──announced──▶ none, work awaited ──first sign of work──▶ runs ──result, or idle──▶ none
      └────────────────a prompt is taken up─────────────────────────▲

An ``init`` only announces a turn, for it also comes when nothing follows; what no prompt began, the last ended task
did.
"""

from bridge.protocol import events as e
from worker import frames as f


class Turn:
    """``prompt_ids``: those that it serves. ``said_text``: the main agent wrote something."""

    def __init__(self) -> None:
        self.runs = False
        self.awaits_work = False
        self.prompt_ids: list[int] = []
        self.said_text = False
        self.origin = ""
        """By what the announced turn was begun."""
        self.woken_by = ""
        """What Claude was told last that begins a turn by itself."""
        self.api_error = ""
        self.resets_at = 0.0
        """When the limit that was hit is free again, in Unix seconds; 0: none was."""
        self.model = ""
        self.context_tokens = 0
        """What the last message of Claude's itself had in front of it, and its own words; 0: not told."""

    def announce(self) -> None:
        if not self.runs:
            self.awaits_work, self.origin, self.woken_by = True, self.woken_by, ""

    def begin(self, prompt_id: int | None, origin: str) -> e.TurnStarted | None:
        """None: it runs already, and serves this prompt too."""
        self.awaits_work = False
        told = [] if prompt_id is None else [prompt_id]
        if self.runs:
            self.prompt_ids += told
            return None
        self.runs, self.prompt_ids = True, told
        self.said_text, self.api_error, self.resets_at = False, "", 0.0
        return e.TurnStarted(tuple(told), origin)

    def end(self) -> None:
        self.runs, self.awaits_work, self.prompt_ids = False, False, []


def shows_work(frame: f.Frame) -> bool:
    """Whether the main agent is at something."""
    if frame.parent_tool_use_id or frame.agent_id:
        return False
    is_working = frame.type == "system" and frame.subtype == "status" and bool(frame.status)
    return is_working or frame.type in ("stream_event", "assistant")
