"""What the flow of a turn is made of. Stored with the view: a field's name is never changed, new ones have defaults."""

from enum import StrEnum

import msgspec

TOOL_INPUT_KEPT_CHARS = 4000
THINKING = "thinking"
"""How the keys of notes begin that tell what Claude thought."""


class ToolState(StrEnum):
    RUNNING = "running"
    OK = "ok"
    ERROR = "error"
    UNKNOWN = "unknown"


class TextItem(msgspec.Struct, tag="text"):
    block: str
    text: str
    is_open: bool = False
    """More of it may come."""
    is_broken_off: bool = False
    """The rest of it will never come."""


class ToolItem(msgspec.Struct, tag="tool"):
    tool_use_id: str
    tool: str
    tool_input: str
    agent: bool = False
    """A subagent's; ``agent_id`` says whose."""
    state: ToolState = ToolState.RUNNING
    output: str = ""
    agent_id: str = ""
    diff: str = ""
    """What an edit changes, short, as a code block."""
    whole_diff: str = ""
    """All of it, where the short form is not all; only until it is done."""
    is_on_card: bool = False
    """A permission card shows what it does."""
    card: str = ""
    """The key of that card's post, which has this tool's line instead of the flow (``bridge.render.decided``)."""
    asked_in: int = 0
    """The seq of the request that asks for it, where its card is shared."""
    verdict: str = ""
    decided: str = ""
    """How that ended, in words; empty while it is open, and of a question and a plan, whose cards stay."""
    changes: tuple[str, int, int] = ("", 0, 0)
    """Of an edit: the file, and how many lines come and go. Counted at its start: not all of a long input is kept."""
    show: str = ""
    """The custom_id of the button that shows the whole input."""
    is_denied: bool = False
    """A person did not allow it, or nobody answered; then its error is no failure."""
    progress: str = ""
    """How far the subagent is that this call runs, in words."""
    unasked: str = ""
    """The trusted rule, or what else let it run without anybody being asked."""


class NoteItem(msgspec.Struct, tag="note"):
    """A line of ours. One of the same key replaces the one right before."""

    key: str
    text: str
    quiet: bool = True

    @property
    def is_thinking(self) -> bool:
        return self.key.startswith(THINKING)


Item = TextItem | ToolItem | NoteItem
