"""The shapes of stream-json: one JSON object a line (docs/claude-protocol.md, "Framing" and "Handshake").

Reading is tolerant: every field is optional and unknown ones are skipped, because Claude's CLI changes under
us. Of a frame in which a field has another type than the one we know, everything else still counts; a line that
is no object at all is told apart, and never breaks a turn. Writing is strict: a line that is not exactly right
ends the CLI or is ignored without a sign.
"""

import base64
import contextlib
import json
import re
from types import UnionType
from typing import Any, Literal, get_args, get_origin

import msgspec

from bridge.protocol.events import PromptAccepted

MOST_REASON_CHARS = 80
Raw = msgspec.Raw
_EMPTY = Raw(b"")


class ModelUsage(msgspec.Struct):
    costUSD: float = 0.0  # noqa: N815 - the CLI's name


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
    message: Raw = _EMPTY
    event: Raw = _EMPTY
    request_id: str | None = None
    request: Raw = _EMPTY
    response: Raw = _EMPTY
    api_message_id: str = ""
    abandoned_blocks: Raw = _EMPTY
    # command_lifecycle
    command_uuid: str = ""
    state: str = ""
    # system
    status: str | None = None
    permissionMode: str | None = None  # noqa: N815 - the CLI's name
    attempt: int = 0
    max_retries: int = 0
    retry_delay_ms: float = 0
    error_status: int | None = None
    error: Raw = _EMPTY
    task_id: str = ""
    task_type: str = ""
    last_tool_name: str | None = None
    tool_use_id: str | None = None
    description: str = ""
    is_backgrounded: bool = True
    summary: str = ""
    tasks: list[LiveTask] = []
    content: Raw = _EMPTY
    compact_metadata: Raw = _EMPTY
    # user
    tool_result_meta: list[ResultMeta] = []
    # result
    is_error: bool = False
    result: str | None = None
    errors: list[str] | None = None
    terminal_reason: str | None = None
    num_turns: int = 0
    duration_ms: float = 0
    total_cost_usd: float | None = None
    usage: Raw = _EMPTY
    model_usage_since_last_result: dict[str, ModelUsage] | None = None
    user_message_uuids: list[str] | None = None
    api_error: str | None = None
    api_error_status: int | None = None
    origin: Raw = _EMPTY
    new_conversation_id: str = ""
    rate_limit_info: Raw = _EMPTY


class Block(msgspec.Struct):
    """One block of a message's content."""

    type: str = ""
    text: str = ""
    thinking: str = ""
    id: str = ""
    name: str = ""
    input: Raw = _EMPTY
    tool_use_id: str = ""
    content: Raw = _EMPTY
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
    content_block: Block = msgspec.field(default_factory=Block)


class Abandoned(msgspec.Struct):
    api_message_id: str = ""
    from_block_index: int = 0


class Rule(msgspec.Struct):
    toolName: str = ""  # noqa: N815 - the CLI's name
    ruleContent: str | None = None  # noqa: N815 - the CLI's name


class Suggestion(msgspec.Struct):
    type: str = ""
    rules: list[Rule] = []
    behavior: str = ""


class Server(msgspec.Struct):
    name: str = ""


class Ask(msgspec.Struct):
    """The ``request`` of a control_request."""

    subtype: str = ""
    tool_name: str = ""
    input: Raw = _EMPTY
    description: str = ""
    tool_use_id: str = ""
    agent_id: str | None = None
    permission_suggestions: list[Suggestion] = []
    blocked_path: str | None = None
    decision_reason: str | None = None
    mcp_server: Server | None = None


class Schema(msgspec.Struct):
    properties: dict[str, Raw] = {}


class Elicitation(msgspec.Struct):
    """The ``request`` of a control_request ``elicitation``: an MCP server asks the person for something."""

    mcp_server_name: str = ""
    message: str = ""
    url: str | None = None
    requested_schema: Schema | None = None


class McpMessage(msgspec.Struct):
    """The ``request`` of a control_request ``mcp_message``; ``message`` is JSON-RPC."""

    server_name: str = ""
    message: Raw = _EMPTY


class Account(msgspec.Struct):
    tokenSource: str | None = None  # noqa: N815 - the CLI's name
    apiKeySource: str | None = None  # noqa: N815 - the CLI's name


class Plan(msgspec.Struct):
    exists: bool = False
    content: str | None = None


class Cancelled(msgspec.Struct):
    """The answer to ``cancel_async_message``."""

    cancelled: bool = False


class AllCancelled(msgspec.Struct):
    """The answer to ``interrupt`` with ``cancel_queued``: the uuids that were given back."""

    cancelled: list[str] = []


class OfferedModel(msgspec.Struct):
    value: str = ""
    displayName: str = ""  # noqa: N815
    description: str = ""
    supportedEffortLevels: list[str] | None = None  # noqa: N815


class OfferedCommand(msgspec.Struct):
    name: str = ""
    description: str = ""
    argumentHint: str = ""  # noqa: N815


class Initialized(msgspec.Struct):
    """The answer to ``initialize``."""

    account: Account = msgspec.field(default_factory=Account)
    models: list[OfferedModel] = []
    commands: list[OfferedCommand] = []
    claude_code_version: str = ""
    current_permission_mode: str = ""


class ControlResponse(msgspec.Struct):
    subtype: Literal["success", "error"] | str = ""
    request_id: str = ""
    response: Raw = _EMPTY
    error: str = ""


class Usage(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_creation_input_tokens: int = 0
    cache_read_input_tokens: int = 0


class TaskUsage(msgspec.Struct):
    """How far a task has got."""

    total_tokens: int = 0
    tool_uses: int = 0


class Origin(msgspec.Struct):
    kind: str = ""


class RateLimit(msgspec.Struct):
    """Of a ``rate_limit_event``. ``resetsAt`` in Unix seconds."""

    status: str = ""
    resetsAt: float = 0.0  # noqa: N815 - the CLI's name


class CompactMetadata(msgspec.Struct):
    trigger: str = ""


_UNREADABLE = (msgspec.MsgspecError, ValueError, RecursionError)
# A rule that lost a field would allow more than was suggested, so a suggestion is read whole or not at all.
_WHOLE_OR_NOT = (Suggestion,)
_HALF_A_CHARACTER = re.compile("[\ud800-\udfff]")


def read_frame(line: bytes) -> Frame | None:
    """The frame of a line, or None when the line is no JSON object."""
    return _read(line if line.isascii() else line.decode(errors="replace").encode(), Frame)


def allowed_by(frame: Frame, tool_use_id: str) -> str:
    """By what a tool was allowed, in the CLI's words (``config:rule``); empty when it does not tell, or was not."""
    for meta in frame.tool_result_meta:
        if meta.id == tool_use_id and (told := meta.permission_decision) and told.decision == "accept":
            return f"{told.source}:{told.reason_type}"[:MOST_REASON_CHARS]
    return ""


def part[T: msgspec.Struct](raw: Raw, shape: type[T]) -> T:
    """A part of a frame in its shape; the shape's defaults where it is missing or does not fit."""
    return _read(raw, shape) or shape()


def _read[T: msgspec.Struct](data: bytes | Raw, shape: type[T]) -> T | None:
    try:
        return msgspec.json.decode(data, type=shape)
    except _UNREADABLE:
        return _read_what_fits(data, shape)


def _read_what_fits[T: msgspec.Struct](data: bytes | Raw, shape: type[T]) -> T | None:
    for mend in (bytes, _mended):
        with contextlib.suppress(*_UNREADABLE):
            return _fitting(mend(data), shape)
    return None


def _mended(data: bytes | Raw) -> bytes:
    """JSON that others accept: JavaScript writes half of a cut emoji as a lone surrogate's escape."""
    text = json.dumps(json.loads(bytes(data)), ensure_ascii=False)
    return _HALF_A_CHARACTER.sub("\ufffd", text).encode()


def _fitting[T: msgspec.Struct](data: bytes | Raw, shape: type[T]) -> T:
    """The object without the fields that do not fit. Raises one of _UNREADABLE when it is no object."""
    given = msgspec.json.decode(data, type=dict[str, Raw])
    known = [field for field in msgspec.structs.fields(shape) if field.encode_name in given]
    fields = {field.name: _fit(given[field.encode_name], field.type) for field in known}
    return shape(**{name: value for name, value in fields.items() if value is not msgspec.UNSET})


def _fit(raw: Raw, kind: Any) -> Any:
    """The value as far as it fits; UNSET when nothing of it does. What is no JSON raises."""
    with contextlib.suppress(msgspec.ValidationError):
        return msgspec.json.decode(raw, type=kind)
    for option in get_args(kind) if isinstance(kind, UnionType) else (kind,):
        with contextlib.suppress(msgspec.ValidationError):
            if get_origin(option) is list:
                items = [_fit(item, get_args(option)[0]) for item in msgspec.json.decode(raw, type=list[Raw])]
                return [item for item in items if item is not msgspec.UNSET]
            if isinstance(option, type) and issubclass(option, msgspec.Struct) and option not in _WHOLE_OR_NOT:
                return _fitting(raw, option)
    return msgspec.UNSET


def text_of(raw: Raw) -> str:
    """The text of a value that is a string, or a list of blocks with text in them."""
    try:
        value = msgspec.json.decode(raw, type=str | list[Block] | None)
    except _UNREADABLE:
        return bytes(raw).decode(errors="replace")
    if isinstance(value, list):
        return "\n".join(block.text or f"[{block.type}]" for block in value)
    return value or ""


def images_of(raw: Raw) -> list[bytes]:
    """The images in a tool's result."""
    try:
        parts = msgspec.json.decode(raw, type=list[ResultPart])
    except _UNREADABLE:
        return []
    found = []
    for part in parts:
        told = part.source.data if part.source and part.source.type == "base64" else part.data
        with contextlib.suppress(ValueError):
            found += [base64.b64decode(told, validate=True)] if part.type == "image" and told else []
    return found


# --- what we write -----------------------------------------------------------------------------------


def line_of(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def control_request(request_id: str, subtype: str, **fields: object) -> bytes:
    return line_of({"type": "control_request", "request_id": request_id, "request": {"subtype": subtype, **fields}})


def answer(request_id: str, response: object) -> bytes:
    """The envelope must be exactly this one: a wrong one is ignored and the ask hangs for ever (16.15)."""
    inner = {"subtype": "success", "request_id": request_id, "response": response}
    return line_of({"type": "control_response", "response": inner})


def mcp_answer(request_id: str, response: object) -> bytes:
    """``response`` is JSON-RPC."""
    return answer(request_id, {"mcp_response": response})


def refusal(request_id: str, error: str) -> bytes:
    inner = {"subtype": "error", "request_id": request_id, "error": error}
    return line_of({"type": "control_response", "response": inner})


def user_message(prompt: PromptAccepted, content: str | list[dict[str, object]]) -> bytes:
    """``client_composed`` delivers the text as written: no slash command, no ``@file`` (docs/claude-protocol.md,
    "Prompts").

    Only what a person chose as a command is read as one. ``priority`` says when it is taken up in a running turn.
    """
    return line_of(
        {
            "type": "user",
            "uuid": prompt.uuid,
            **({} if prompt.is_command else {"client_composed": True}),
            **({} if prompt.when == "next" else {"priority": prompt.when}),
            "message": {"role": "user", "content": content},
            "parent_tool_use_id": None,
        }
    )
