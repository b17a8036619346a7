"""What the scripted model is to answer: turns, built from blocks and troubles, and the events they become. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Literal
from uuid import uuid4

import msgspec

type Json = dict[str, Any]
type Agent = Literal["main", "sub", "any"]

INPUT_TOKENS = 100
OUTPUT_TOKENS = 20


class Text(msgspec.Struct, frozen=True, tag=True):
    text: str
    chunks: int = 1
    gap_s: float = 0.0


class Thinking(msgspec.Struct, frozen=True, tag=True):
    text: str


class ToolUse(msgspec.Struct, frozen=True, tag=True):
    name: str
    tool_input: Json
    tool_id: str


class Fails(msgspec.Struct, frozen=True, tag=True):
    """An HTTP error in place of an answer."""

    status: int
    error_type: str
    message: str
    headers: dict[str, str]


class Resets(msgspec.Struct, frozen=True, tag=True):
    """The connection is dropped after so many stream events (0 = before any byte)."""

    after_events: int


class Errs(msgspec.Struct, frozen=True, tag=True):
    """An SSE error event after so many stream events; then the stream ends."""

    error_type: str
    after_events: int


class Hangs(msgspec.Struct, frozen=True, tag=True):
    """Silence after so many stream events, until the model is stopped or the client leaves."""

    after_events: int


type Block = Text | Thinking | ToolUse
type Trouble = Fails | Resets | Errs | Hangs


class Turn(msgspec.Struct, frozen=True):
    """One answer to one request. `repeat`: how many requests it answers; None = any number."""

    blocks: tuple[Block, ...]
    trouble: Trouble | None
    match: str | None
    agent: Agent
    repeat: int | None
    delay_s: float
    stop_reason: str

    def fits(self, agent: str, newest_text: str) -> bool:
        if self.agent not in ("any", agent):
            return False
        return self.match is None or re.search(self.match, newest_text, re.DOTALL) is not None


def text(text: str, *, chunks: int = 1, gap_s: float = 0.0) -> Text:
    """A text block in `chunks` deltas, `gap_s` seconds apart."""
    return Text(text, chunks, gap_s)


def thinking(text: str) -> Thinking:
    return Thinking(text)


def tool(name: str, tool_input: Json, *, tool_id: str | None = None) -> ToolUse:
    return ToolUse(name, tool_input, tool_id or f"toolu_{uuid4().hex[:20]}")


def fails(
    status: int,
    error_type: str = "api_error",
    message: str = "scripted",
    *,
    headers: dict[str, str] | None = None,
) -> Fails:
    return Fails(status, error_type, message, headers or {})


def resets(*, after_events: int = 0) -> Resets:
    return Resets(after_events)


def errs(error_type: str = "overloaded_error", *, after_events: int = 0) -> Errs:
    return Errs(error_type, after_events)


def hangs(*, after_events: int = 0) -> Hangs:
    return Hangs(after_events)


def turn(
    *parts: Block | Trouble,
    match: str | None = None,
    agent: Agent = "main",
    repeat: int | None = 1,
    delay_s: float = 0.0,
    stop_reason: str | None = None,
) -> Turn:
    """A turn of blocks and at most one trouble.

    Args:
        match: a regular expression that is searched in the newest text of the user (or tool result).
        agent: who asks: the session itself, one of its subagents, or either.
        repeat: how many requests this turn answers; None = any number.
        delay_s: seconds before the first byte.
        stop_reason: as the API names it; by default "tool_use" or "end_turn".

    Raises:
        ValueError: for more than one trouble.
    """
    blocks = tuple(part for part in parts if isinstance(part, Text | Thinking | ToolUse))
    troubles = [part for part in parts if isinstance(part, Fails | Resets | Errs | Hangs)]
    if len(troubles) > 1:
        raise ValueError(f"a turn has at most one trouble, not {len(troubles)}")
    uses_tools = any(isinstance(block, ToolUse) for block in blocks)
    reason = stop_reason or ("tool_use" if uses_tools else "end_turn")
    return Turn(blocks, troubles[0] if troubles else None, match, agent, repeat, delay_s, reason)


# --- the answer, streamed or whole ----------------------------------------------------------------------------


def usage(output_tokens: int = OUTPUT_TOKENS) -> Json:
    return {
        "input_tokens": INPUT_TOKENS,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
    }


def whole(answer: Turn, model: str) -> Json:
    """The answer to a request that does not stream."""
    content = [_finished(block) for block in answer.blocks]
    return {**_message(model), "content": content, "stop_reason": answer.stop_reason, "usage": usage()}


def events(answer: Turn, model: str) -> Iterator[tuple[float, Json]]:
    """The events of a streamed answer, each with the seconds to wait before it."""
    yield 0, {"type": "message_start", "message": {**_message(model), "usage": usage(1)}}
    for index, block in enumerate(answer.blocks):
        yield 0, {"type": "content_block_start", "index": index, "content_block": _started(block)}
        for gap_s, delta in _deltas(block):
            yield gap_s, {"type": "content_block_delta", "index": index, "delta": delta}
        yield 0, {"type": "content_block_stop", "index": index}
    delta = {"stop_reason": answer.stop_reason, "stop_sequence": None}
    yield 0, {"type": "message_delta", "delta": delta, "usage": usage()}
    yield 0, {"type": "message_stop"}


def _message(model: str) -> Json:
    empty: Json = {"content": [], "stop_reason": None, "stop_sequence": None}
    return {"id": f"msg_{uuid4().hex[:20]}", "type": "message", "role": "assistant", "model": model, **empty}


def _started(block: Block) -> Json:
    match block:
        case Text():
            return {"type": "text", "text": ""}
        case Thinking():
            return {"type": "thinking", "thinking": "", "signature": ""}
        case ToolUse(name, _, tool_id):
            return {"type": "tool_use", "id": tool_id, "name": name, "input": {}}


def _finished(block: Block) -> Json:
    match block:
        case Text(said):
            return {"type": "text", "text": said}
        case Thinking(thought):
            return {"type": "thinking", "thinking": thought, "signature": _SIGNATURE}
        case ToolUse(name, tool_input, tool_id):
            return {"type": "tool_use", "id": tool_id, "name": name, "input": tool_input}


def _deltas(block: Block) -> Iterator[tuple[float, Json]]:
    match block:
        case Text(said, chunks, gap_s):
            for piece in _pieces(said, chunks):
                yield gap_s, {"type": "text_delta", "text": piece}
        case Thinking(thought):
            yield 0, {"type": "thinking_delta", "thinking": thought}
            yield 0, {"type": "signature_delta", "signature": _SIGNATURE}
        case ToolUse(_, tool_input, _):
            yield 0, {"type": "input_json_delta", "partial_json": json.dumps(tool_input)}


def _pieces(said: str, count: int) -> list[str]:
    size = max(1, -(-len(said) // max(1, count)))
    return [said[start : start + size] for start in range(0, len(said), size)]


_SIGNATURE = "c2NyaXB0ZWQ="
