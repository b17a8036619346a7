"""Runs of tool lines: what stands between two texts of Claude's.

A run shows its lines; when they are many, the older ones become one line that counts them and names what failed. The
room that a line takes follows from what is known when its tool starts, and the counting line always takes the same,
so nothing moves when a tool ends.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from bridge.render import tool_phrases, tools
from bridge.render.agents import AGENT_TOOLS
from bridge.render.items import Item, NoteItem, ToolItem, ToolState
from bridge.session.display import Verbosity
from bridge.text import clip, code_block, defuse, reveal, utf16_len

QUIET = "-# "
COUNT_CHARS = 480
"""UTF-16 units of the line that counts."""
_OK_CHARS, _FAILED_CHARS, _OTHERS_CHARS = 110, 110, 60
_NAMED_CHARS, _MOST_NAMED = 60, 4
_OUTPUT_LINES, _OUTPUT_WIDTH = 3, 80
_OUTPUT_CHARS = _OUTPUT_LINES * (_OUTPUT_WIDTH + 1) + len("```\n…\n```")
_AGENT = "↳ subagent: "

RunItem = ToolItem | NoteItem
"""A note in a run is one of Claude's thoughts."""


class Look(msgspec.Struct, frozen=True):
    """How tools are shown. More than ``most`` lines in a row leave ``kept``, and one that counts the others."""

    most: int | None = None
    kept: int = 0
    with_agents: bool = False
    """Whether subagents' tools have lines of their own; else they are counted by the subagent's."""
    with_diffs: Literal["none", "unseen", "all"] = "none"
    """Unseen: of the edits that no permission card shows."""
    with_outputs: bool = False
    says_only_how_many: bool = False


LOOKS: dict[Verbosity | Literal[""], Look] = {
    "": Look(with_agents=True),
    "quiet": Look(most=0, says_only_how_many=True),
    "normal": Look(most=5, kept=3, with_diffs="unseen"),
    "full": Look(with_agents=True, with_diffs="all", with_outputs=True),
}


class Part(msgspec.Struct, frozen=True):
    """The part of a run that stands in one post."""

    counted: tuple[RunItem, ...] = ()
    lines: tuple[RunItem, ...] = ()

    def grown(self, item: RunItem, look: Look) -> "Part":
        part = Part(self.counted, (*self.lines, item))
        lines = [line for line in part.lines if look.says_only_how_many or not _runs_agent(line)]
        if look.most is not None and len(lines) > (look.kept if self.counted else look.most):
            return part._without(lines[: len(lines) - look.kept])
        return part

    def smaller(self) -> "Part":
        """With one line less, the oldest."""
        return self._without(self.lines[:1])

    def _without(self, away: Sequence[RunItem]) -> "Part":
        left = tuple(line for line in self.lines if not any(line is gone for gone in away))
        return Part((*self.counted, *away), left)

    def room(self, look: Look) -> int:
        """UTF-16 units that it may ever need."""
        return (COUNT_CHARS + 1 if self.counted else 0) + sum(_room(item, look) + 1 for item in self.lines)

    def state(self) -> list[object]:
        """What of its tools can change, and their lines with it."""
        tools = [item for item in (*self.counted, *self.lines) if isinstance(item, ToolItem)]
        counts: list[object] = [len(self.counted), len(self.lines)]
        return counts + [(t.state, t.progress, t.is_on_card, t.card, t.is_denied, t.output, t.unasked) for t in tools]

    def text(self, look: Look, directory: str) -> str:
        """Without what its own card says."""
        counted = [item for item in self.counted if not _is_on_own_card(item)]
        line = [_count_line(counted, look, directory)] if counted else []
        return "\n".join([*line, *(_shown(i, look, directory) for i in self.lines if not _is_on_own_card(i))])


def _is_on_own_card(item: RunItem) -> bool:
    return isinstance(item, ToolItem) and bool(item.card)


def in_run(item: Item) -> bool:
    return isinstance(item, ToolItem) or (isinstance(item, NoteItem) and item.is_thinking)


def _runs_agent(item: RunItem) -> bool:
    """Its line tells of the subagent as long as it works, so it is counted only when there is no room."""
    return isinstance(item, ToolItem) and item.tool in AGENT_TOOLS


def _room(item: RunItem, look: Look) -> int:
    if isinstance(item, NoteItem):
        return utf16_len(QUIET + item.text)
    diff = utf16_len(item.diff) if item.diff and look.with_diffs != "none" else 0
    more = max(diff, _OUTPUT_CHARS if look.with_outputs else 0)
    return len(head(item)) + tools.TOOL_LINE_CHARS + (more + 1 if more else 0)


def _shown(item: RunItem, look: Look, directory: str) -> str:
    if isinstance(item, NoteItem):
        return QUIET + item.text
    more = below(item, look)
    return head(item) + _line(item, directory) + (f"\n{more}" if more else "")


def head(item: ToolItem) -> str:
    """How its line begins: small, and whose it is."""
    return QUIET + (_AGENT if item.agent else "")


def _line(item: ToolItem, directory: str) -> str:
    given = tools.read_input(item.tool_input)
    match item.state:
        case ToolState.RUNNING:
            return tools.running_tool_line(item.tool, given, directory, item.progress)
        case ToolState.UNKNOWN:
            return tools.unknown_tool_line(item.tool, given, directory)
        case ToolState.OK:
            return tools.done_tool_line(item.tool, given, directory, item.progress, item.unasked)
        case ToolState.ERROR:
            error, unasked = item.output, item.unasked
            return tools.failed_tool_line(item.tool, given, error, directory, unasked, is_denied=item.is_denied)


def below(item: ToolItem, look: Look) -> str:
    """What stands below its line: a code block; a diff only of what was done."""
    if item.diff and item.state is ToolState.OK and look.with_diffs != "none":
        return "" if item.is_on_card and look.with_diffs == "unseen" else item.diff
    is_done = item.state in (ToolState.OK, ToolState.ERROR)
    return _output(item.output) if look.with_outputs and is_done else ""


def _output(output: str) -> str:
    lines = [line for line in tools.said(output).split("\n") if line.strip()]
    shown = [clip(defuse(reveal(line)), _OUTPUT_WIDTH) for line in lines[:_OUTPUT_LINES]]
    more = ["…"] if len(lines) > _OUTPUT_LINES else []
    return code_block("\n".join([*shown, *more])) if shown else ""


# --- the line that counts ----------------------------------------------------------------------------


def _count_line(items: Sequence[RunItem], look: Look, directory: str) -> str:
    used = [item for item in items if isinstance(item, ToolItem)]
    in_state: dict[ToolState, list[ToolItem]] = {state: [] for state in ToolState}
    for item in used:
        in_state[item.state].append(item)
    errors, unknown, running = (in_state[s] for s in (ToolState.ERROR, ToolState.UNKNOWN, ToolState.RUNNING))
    failed, denied = ([item for item in errors if item.is_denied is is_denied] for is_denied in (False, True))
    ends = [
        f"failed: {_named(failed, _FAILED_CHARS, directory)}" if failed else "",
        f"denied: {_named(denied, _OTHERS_CHARS, directory)}" if denied else "",
        f"outcome unknown: {_named(unknown, _OTHERS_CHARS, directory)}" if unknown else "",
        f"{len(running)} running" if running else "",
    ]
    if look.says_only_how_many:
        start = f"▸ {len(used)} tool{'' if len(used) == 1 else 's'}"
    else:
        mark = tools.FAILED if errors else tools.UNKNOWN if unknown else tools.RUNNING if running else tools.DONE
        thoughts = ["Thinking"] * (len(items) - len(used))
        counted = _counted(
            [*(tool_phrases.tool_name(item.tool) for item in in_state[ToolState.OK]), *thoughts], _OK_CHARS
        )
        start = f"{mark} {len(items)} more" + (f": {counted}" if counted else "")
    return QUIET + " · ".join(filter(None, [start, *ends]))


def _named(items: Sequence[ToolItem], limit: int, directory: str) -> str:
    """What they did, when there is room for that; else how many of which tool."""
    told = ", ".join(
        tools.tool_line(item.tool, tools.read_input(item.tool_input), directory, _NAMED_CHARS)
        for item in items[:_MOST_NAMED]
    )
    if len(items) <= _MOST_NAMED and utf16_len(told) <= limit:
        return told
    return _counted((tool_phrases.tool_name(item.tool) for item in items), limit)


def _counted(names: Iterable[str], limit: int) -> str:
    """“Read ×6, Grep ×2”, the most frequent first, in at most ``limit`` units."""
    counts = [f"{name} ×{count}" for name, count in Counter(names).most_common()]
    for shown in range(len(counts), 0, -1):
        more = f" and {len(counts) - shown} others" if shown < len(counts) else ""
        text = ", ".join(counts[:shown]) + more
        if utf16_len(text) <= limit or shown == 1:
            return text
    return ""
