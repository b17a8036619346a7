"""The shapes of stream-json: one JSON object a line (docs/claude-protocol.md, "Framing" and "Handshake").

Every field is optional and unknown ones are skipped, because Claude's CLI changes under us; a line that is no object at
all is told apart, and never breaks a turn. What is asked and answered on the control channel has its shapes in
``worker.control_frames``; what is written stands in ``worker.lines_out``.
"""

import base64
import contextlib
import re
from typing import Annotated

import msgspec

from bridge.protocol.events.turns import MOST_USD
from worker.tolerant_json import UNREADABLE, part, read

__all__ = ["part"]

MOST_REASON_CHARS = 80
Raw = msgspec.Raw
EMPTY = Raw(b"")

# A number that cannot be meant does not fit, and so counts as not told: sums of such ones are no numbers any more.
Usd = Annotated[float, msgspec.Meta(ge=0, le=MOST_USD)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=1e12)]
UnixSeconds = Annotated[float, msgspec.Meta(ge=0, le=1e11)]
Tokens = Annotated[int, msgspec.Meta(ge=0, le=10**12)]


class ModelUsage(msgspec.Struct):
    costUSD: Usd = 0.0  # noqa: N815 - the CLI's name
    contextWindow: float = 0  # noqa: N815


class LiveTask(msgspec.Struct):
    """One of ``background_tasks_changed``, which names all that live."""

    task_id: str = ""


class PermissionDecision(msgspec.Struct):
    """Why a tool ran, or did not (docs/claude-protocol.md, "Turns").

    ``config``/``rule`` is a rule of ``--settings`` that is the whole call;
    ``config``/``subcommandResults`` a rule with a ``*``, or that Bash only reads; ``hook``/``hook`` a hook's word;
    ``user_…`` a rule of the user's own settings, or a person's.
    """

    decision: str = ""
    source: str = ""
    reason_type: str = ""


class ResultMeta(msgspec.Struct):
    """Beside the ``tool_result`` with this id."""

    id: str = ""
    permission_decision: PermissionDecision | None = None


class Frame(msgspec.Struct):
    """Any line of the CLI's; which fields are there follows from ``type`` and ``subtype``."""

    type: str = ""
    subtype: str = ""
    session_id: str = ""
    uuid: str = ""
    parent_tool_use_id: str | None = None
    agent_id: str | None = None
    message: Raw = EMPTY
    event: Raw = EMPTY
    request_id: str | None = None
    request: Raw = EMPTY
    response: Raw = EMPTY
    api_message_id: str = ""
    abandoned_blocks: Raw = EMPTY
    # command_lifecycle
    command_uuid: str = ""
    state: str = ""
    # system
    status: str | None = None
    permissionMode: str | None = None  # noqa: N815 - the CLI's name
    attempt: int = 0
    max_retries: int = 0
    retry_delay_ms: Milliseconds = 0
    error_status: int | None = None
    error: Raw = EMPTY
    task_id: str = ""
    task_type: str = ""
    last_tool_name: str | None = None
    tool_use_id: str | None = None
    description: str = ""
    is_backgrounded: bool = True
    summary: str = ""
    tasks: list[LiveTask] = []
    content: Raw = EMPTY
    compact_metadata: Raw = EMPTY
    # user
    tool_result_meta: list[ResultMeta] = []
    tool_use_result: Raw = EMPTY
    # result
    is_error: bool = False
    result: str | None = None
    errors: list[str] | None = None
    terminal_reason: str | None = None
    num_turns: int = 0
    duration_ms: Milliseconds = 0
    total_cost_usd: Usd | None = None
    usage: Raw = EMPTY
    modelUsage: Raw = EMPTY  # noqa: N815 - the CLI's name
    model_usage_since_last_result: dict[str, ModelUsage] | None = None
    user_message_uuids: list[str] | None = None
    api_error: str | None = None
    origin: Raw = EMPTY
    rate_limit_info: Raw = EMPTY


class Block(msgspec.Struct):
    """One block of a message's content."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    id: str = ""
    name: str = ""
    input: Raw = EMPTY
    tool_use_id: str = ""
    content: Raw = EMPTY
    is_error: bool | None = None


class ImageSource(msgspec.Struct):
    type: str = ""
    data: str = ""


class ResultPart(msgspec.Struct):
    """A part of a tool's result; an image is told as the API does (``source``) or as MCP does (``data``)."""

    type: str = ""
    source: ImageSource | None = None
    data: str = ""


class Message(msgspec.Struct):
    id: str = ""
    model: str = ""
    content: str | list[Block] = ""
    usage: Raw = EMPTY

    def blocks(self) -> list[Block]:
        return self.content if isinstance(self.content, list) else [Block("text", self.content)]


class StreamDelta(msgspec.Struct):
    type: str = ""
    text: str = ""


class StreamEvent(msgspec.Struct):
    """The API's own event inside a ``stream_event`` frame."""

    type: str = ""
    index: int = 0
    delta: StreamDelta = msgspec.field(default_factory=StreamDelta)
    message: Message = msgspec.field(default_factory=Message)


class Abandoned(msgspec.Struct):
    api_message_id: str = ""
    from_block_index: int = 0


class Usage(msgspec.Struct):
    input_tokens: Tokens = 0
    output_tokens: Tokens = 0
    cache_creation_input_tokens: Tokens = 0
    cache_read_input_tokens: Tokens = 0

    @property
    def all_input(self) -> int:
        return self.input_tokens + self.cache_creation_input_tokens + self.cache_read_input_tokens


class TaskUsage(msgspec.Struct):
    """How far a task has got."""

    total_tokens: Tokens = 0
    tool_uses: int = 0


class Origin(msgspec.Struct):
    kind: str = ""


class RateLimit(msgspec.Struct):
    """Of a ``rate_limit_event``. ``resetsAt`` in Unix seconds."""

    status: str = ""
    resetsAt: UnixSeconds = 0.0  # noqa: N815 - the CLI's name
    utilization: float = 0.0
    """From 0 to 1."""
    rateLimitType: str = ""  # noqa: N815


class CompactMetadata(msgspec.Struct):
    trigger: str = ""


def read_frame(line: bytes) -> Frame | None:
    """The frame of a line, or None when the line is no JSON object."""
    return read(line if line.isascii() else line.decode(errors="replace").encode(), Frame)


_NO_REQUEST = re.compile(rb'\{"type":\s*"(assistant|user|system|stream_event|result)"')


def wants_no_answer(head: bytes) -> bool:
    """Whether that is sure of a line of which only the beginning was read."""
    return _NO_REQUEST.match(head) is not None


def allowed_by(frame: Frame, tool_use_id: str) -> str:
    """By what a tool was allowed, in the CLI's words (``config:rule``); empty when it does not tell, or was not."""
    for meta in frame.tool_result_meta:
        if meta.id == tool_use_id and (told := meta.permission_decision) and told.decision == "accept":
            return f"{told.source}:{told.reason_type}"[:MOST_REASON_CHARS]
    return ""


def text_of(raw: Raw) -> str:
    """The text of a value that is a string, or a list of blocks with text in them."""
    try:
        value = msgspec.json.decode(raw, type=str | list[Block] | None)
    except UNREADABLE:
        return bytes(raw).decode(errors="replace")
    if isinstance(value, list):
        return "\n".join(block.text or f"[{block.type}]" for block in value)
    return value or ""


def images_of(raw: Raw) -> list[bytes]:
    """The images in a tool's result."""
    try:
        parts = msgspec.json.decode(raw, type=list[ResultPart])
    except UNREADABLE:
        return []
    found = []
    for one in parts:
        told = one.source.data if one.source and one.source.type == "base64" else one.data
        with contextlib.suppress(ValueError):
            found += [base64.b64decode(told, validate=True)] if one.type == "image" and told else []
    return found
