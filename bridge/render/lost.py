"""A turn that was lost with its process: the card in the thread, and what Claude is told when it goes on.

Nothing is run again by itself: a tool call may have had its effect. A person says whether Claude goes on, and Claude
is told in words what happened, because its own transcript ends in the middle.
"""

import msgspec

from bridge.render import tools
from bridge.render.posts import Button, Post
from bridge.session.people import called, pinged
from bridge.session.permission import RequestName
from bridge.text import clip, escape, one_line

REASON_CHARS = 250
ASKED_CHARS = 150
ASKED_KEPT_CHARS = 2000
TOOLS_SHOWN = 4
INPUT_KEPT_CHARS = 500
_QUIET = "-# "


class LostTool(msgspec.Struct, frozen=True):
    """A tool call that ran when its process ended. ``tool_input`` as far as it was kept."""

    tool: str
    tool_input: str


class LostTurn(msgspec.Struct):
    """What a lost turn was about. Its name is that of its TurnEnded."""

    generation: str
    seq: int
    reason: str
    asked: list[str]
    tools: list[LostTool]
    deaths: int = 0
    """How many times in a row the process died, when that is why it is not started again by itself."""

    @property
    def key(self) -> str:
        return f"lost:{self.generation}:{self.seq}"


def card(session_id: str, lost: LostTurn, mention: int, directory: str) -> Post:
    """What was lost and why, and what a person can do about it."""
    name = RequestName(session_id, lost.generation, lost.seq)
    again = (
        f"That was {lost.deaths} times in a row, so Claude is not started again by itself. Mend it first. "
        if lost.deaths
        else ""
    )
    rest = (
        f"{_QUIET}{again}Nothing of it is run again by itself. *Continue* tells Claude what happened and lets it go on;"
        " *Discard* leaves it at that. Or write here."
    )
    return Post(
        f"{called(mention)}{_told(lost, directory)}\n{rest}",
        buttons=(
            Button("Continue", name.custom_id("continue"), "primary"),
            Button("Discard", name.custom_id("discard"), "secondary"),
        ),
        mentions=pinged(mention),
        urgent=True,
    )


def settled_card(lost: LostTurn, verdict: str, mention: int, directory: str) -> Post:
    """The same card without its buttons, and pinging nobody; ``verdict`` says what became of it."""
    return Post(f"{called(mention)}{_told(lost, directory)}\n{_QUIET}{verdict}", urgent=True)


def continued_by(who: str) -> str:
    """``who``: as ``people.named`` has it."""
    return f"▶ {who} lets Claude go on."


def discarded_by(who: str) -> str:
    return f"■ {who} discarded it. Claude is not told; write here to go on."


OVERTAKEN = "— The conversation went on with another message."
LOST_AGAIN = "— Another turn was lost after this one."
LOG_LOST = "— The session's log was lost after this."


def continuing_prompt(lost: LostTurn) -> str:
    """What Claude is told, for whom the turn just stops in the middle."""
    parts = [
        f"[Threadbridge] Your process ended in the middle of your last turn ({one_line(lost.reason, REASON_CHARS)})."
        " The turn was cut off there and nothing of it was run again."
    ]
    if lost.tools:
        parts.append("This was running then, and nobody knows whether it took effect:")
        parts += [f"- {tool.tool} {one_line(tool.tool_input, INPUT_KEPT_CHARS)}" for tool in lost.tools]
        parts.append("Check what it did before you repeat any of it.")
    else:
        parts.append("No tool call was running then.")
    if lost.asked:
        parts.append("You had been asked:")
        parts += ["\n".join(f"> {line}" for line in text.splitlines()) for text in lost.asked]
    parts.append("Now go on from where you were.")
    return "\n".join(parts)


def _told(lost: LostTurn, directory: str) -> str:
    """Within a post's limit however much is escaped in it."""
    lines = [f"⚠ This turn was lost: {escape(one_line(lost.reason, REASON_CHARS))}"]
    if lost.asked:
        lines.append(f"> {escape(one_line(clip(' '.join(lost.asked), ASKED_CHARS), ASKED_CHARS))}")
    for tool in lost.tools[:TOOLS_SHOWN]:
        lines.append(_QUIET + tools.unknown_tool_line(tool.tool, tools.read_input(tool.tool_input), directory))
    if (more := len(lost.tools) - TOOLS_SHOWN) > 0:
        lines.append(f"{_QUIET}… and {more} more whose outcome is unknown")
    return "\n".join(lines)
