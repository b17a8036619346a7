"""Facts of a turn: what Claude wrote, which tools ran, how it ended."""

from typing import Literal

import msgspec

from bridge.protocol.events.base import Event

Outcome = Literal["completed", "failed", "interrupted", "lost"]
MOST_USD = 1e9
"""More than that is no amount of anybody's: it is a number that Claude, or what stands in its place, made up."""


class TurnStarted(Event, frozen=True):
    """The record's seq names the turn. No prompts: it started by itself; ``origin`` says from what."""

    prompt_ids: tuple[int, ...] = ()
    origin: str = ""


class TextWritten(Event, frozen=True):
    """A whole block of Claude's text. ``block`` names the block whose deltas it replaces."""

    block: str
    text: str
    agent_id: str = ""
    broken_off: bool = False
    """It is only what there was of the block when its turn or its process ended."""


class ThinkingWritten(Event, frozen=True):
    """What Claude thought, as far as it tells; capped like a tool's output."""

    text: str


class FileSent(Event, frozen=True):
    """Claude gave the person a file (the tool ``send_file``). ``stored``: its copy below the session's folder."""

    name: str
    stored: str
    size_bytes: int
    caption: str = ""


class TextWithdrawn(Event, frozen=True):
    """The stream broke and Claude asks again: these blocks' deltas and texts are void."""

    blocks: tuple[str, ...]


class ToolStarted(Event, frozen=True):
    """``tool_input`` is JSON text, capped; ``input_bytes`` says how long it was."""

    tool_use_id: str
    tool: str
    tool_input: str
    input_bytes: int = 0
    agent_id: str = ""


class Hunk(msgspec.Struct, frozen=True):
    """Lines of one change that stand together. ``at``: where they begin in the file before, counted from 0.

    Each of ``lines`` begins with a blank (it stays), ``-`` (it goes) or ``+`` (it comes), and ends as in the file: with
    a newline, or without one at the file's end.
    """

    at: int
    lines: tuple[str, ...]


class FileChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a tool made of a file, from the state before it; hunks from above to below."""

    path: str
    hunks: tuple[Hunk, ...] = ()
    is_new: bool = False
    """There was no such file."""
    is_cut: bool = False
    """It was more than a record keeps, so only the path is known."""


class ToolFinished(Event, frozen=True):
    """``output`` is capped to 16 KiB; ``output_bytes`` and ``output_digest`` tell of the whole."""

    tool_use_id: str
    is_error: bool
    output: str
    output_bytes: int = 0
    output_digest: str = ""
    unknown: bool = False
    """The worker died, or the turn ended, while it ran: nobody knows its outcome."""
    allowed_by: str = ""
    """By what the CLI says that it was allowed, in its words; empty when it does not tell."""
    rule: str = ""
    """The rule of the trusted copy that allowed it, so that nobody was asked; empty when it was none of those."""
    change: FileChange | None = None
    """Of a tool that edits or writes a file, where Claude Code tells what it did."""


class ApiRetried(Event, frozen=True):
    """An API call failed and Claude will try again. ``delay`` in seconds; ``error``: the CLI's word for why
    (docs/claude-protocol.md, "API failures").
    """

    attempt: int
    max_attempts: int
    delay: float
    error: str
    status: int | None = None


class TaskStarted(Event, frozen=True):
    """A background task (a shell or a subagent) began."""

    task_id: str
    task_type: str
    description: str
    tool_use_id: str = ""
    backgrounded: bool = True


class TaskProgressed(Event, frozen=True):
    """A task is at something else now. ``tokens`` and ``tool_uses`` so far."""

    task_id: str
    description: str = ""
    last_tool: str = ""
    tool_uses: int = 0
    tokens: int = 0


class TaskEnded(Event, frozen=True):
    task_id: str
    status: str
    summary: str = ""


class Compacted(Event, frozen=True):
    """Claude summed its context up."""

    trigger: str = ""


class Noticed(Event, frozen=True):
    """Something a person should be told that fits no other event."""

    text: str


class UsageNoted(Event, frozen=True):
    """So much of a usage limit of Claude's login is used, as a child heard; each of them hears it by itself."""

    limit: str
    """Its name, in words."""
    percent: int
    resets_at: float = 0.0
    """When its window ends and another one begins, in Unix seconds; 0: not told."""


class TurnEnded(Event, frozen=True):
    """``outcome`` says how. Tokens are this turn's; ``total_cost_usd`` is Claude's own cumulative figure."""

    outcome: Outcome
    prompt_ids: tuple[int, ...] = ()
    reason: str = ""
    """For failed: what went wrong and what to do, in words."""
    error: str = ""
    """The field's own code (authentication_failed, overloaded, max_turns, …)."""
    duration: float = 0.0
    total_cost_usd: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    result: str = ""
    """The answer of a turn that showed no text of its own (a local command)."""
    cost_usd: float | None = None
    """What was spent since the result before, where Claude tells that (2.1.330 does)."""
    resets_at: float = 0.0
    """When the limit that ended it is free again; 0: not told."""
    context_tokens: int = 0
    context_window: int = 0
    """What is in Claude's context now, and what it holds; 0: not told."""
