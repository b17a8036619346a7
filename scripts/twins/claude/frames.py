"""The lines that claude 2.1.330 writes, field for field as recorded in tests/data/transcripts. Pure."""

from __future__ import annotations

import os
import time
from typing import Any

Json = dict[str, Any]

VERSION = "2.1.330"
USD_PER_INPUT_TOKEN = 4e-6  # these two give the recorded costs: 100 in and 20 out = 0.0008
USD_PER_OUTPUT_TOKEN = 20e-6
INPUT_TOKENS = 100
"""What every request is said to cost in input tokens."""

_FAST_MODE: Json = {"fast_mode_state": "off", "fast_mode_disabled_reason": "sdk_opt_in_required"}
_TOOLS = [
    "Task",
    "AskUserQuestion",
    "Bash",
    "Edit",
    "EnterPlanMode",
    "ExitPlanMode",
    "Read",
    "TaskStop",
    "Write",
]
_SLASH_COMMANDS = ["clear", "compact", "config", "context", "init", "model", "usage"]
_ABOUT = {"compact": "Sum up the conversation", "context": "Show what fills the context", "init": "Write a CLAUDE.md"}
EFFORTS = ("low", "medium", "high", "xhigh", "max")
_CAPABILITIES = [
    "interrupt_receipt_v1",
    "interrupt_cancel_queued_v1",
    "msg_lifecycle_v1",
    "request_marker_lists_v1",
    "ask_user_question_unanswered_v1",
]


def new_uuid() -> str:
    """A version 4 UUID. (Module uuid would cost a sixth of our start time.)"""
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def new_id(prefix: str) -> str:
    return prefix + os.urandom(10).hex()


def timestamp() -> str:
    now = time.time()
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"


def tokens_of(text: str) -> int:
    return max(1, len(text) // 4)


# --- tokens and money --------------------------------------------------------------------------------------


class Tally:
    """Tokens and cost of some requests."""

    def __init__(self, input_tokens: int = 0, output_tokens: int = 0) -> None:
        self.input_tokens = input_tokens
        self.output_tokens = output_tokens

    def add(self, output_tokens: int) -> None:
        self.input_tokens += INPUT_TOKENS
        self.output_tokens += output_tokens

    @property
    def cost_usd(self) -> float:
        return self.input_tokens * USD_PER_INPUT_TOKEN + self.output_tokens * USD_PER_OUTPUT_TOKEN

    def usage(self) -> Json:
        return {
            "input_tokens": self.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": self.output_tokens,
            "output_tokens_details": {"thinking_tokens": 0},
            "server_tool_use": {"web_search_requests": 0, "web_fetch_requests": 0},
            "service_tier": "standard",
            "cache_creation": {"ephemeral_1h_input_tokens": 0, "ephemeral_5m_input_tokens": 0},
            "inference_geo": "",
            "iterations": [],
            "speed": "standard",
            "fallback_credit": None,
        }

    def per_model(self, model: str) -> Json:
        if not self.input_tokens:
            return {}
        return {
            model: {
                "inputTokens": self.input_tokens,
                "outputTokens": self.output_tokens,
                "cacheReadInputTokens": 0,
                "cacheCreationInputTokens": 0,
                "webSearchRequests": 0,
                "costUSD": self.cost_usd,
                "contextWindow": 1000000,
                "maxOutputTokens": 128000,
                "thinkingTokens": 0,
                "cacheCreationEphemeral5mInputTokens": 0,
                "cacheCreationEphemeral1hInputTokens": 0,
                "canonicalModel": model,
                "provider": "firstParty",
                "costBasis": "list",
            }
        }


def short_usage(output_tokens: int) -> Json:
    """Usage as it stands in stream events and assistant lines."""
    return {
        "input_tokens": INPUT_TOKENS,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": output_tokens,
    }


# --- session -----------------------------------------------------------------------------------------------


def initialized(mode: str, state: str, home: str) -> Json:
    """The answer to `initialize`. It carries no session id."""
    default = {
        "value": "default",
        "resolvedModel": "claude-opus-5-5",
        "displayName": "Default (recommended)",
        "description": "",
        "supportsEffort": True,
        "supportedEffortLevels": ["low", "medium", "high", "xhigh"],
    }
    return {
        "commands": [
            {"name": name, "description": _ABOUT.get(name, ""), "argumentHint": ""} for name in _SLASH_COMMANDS
        ],
        "agents": [{"name": "general-purpose", "description": ""}],
        "output_style": "default",
        "available_output_styles": ["default"],
        "user_output_styles_dir": f"{home}/output-styles",
        "models": [default, *({**default, "value": name, "displayName": name.title()} for name in ("opus", "sonnet"))],
        "account": {"tokenSource": "none", "apiKeySource": "ANTHROPIC_API_KEY", "apiProvider": "firstParty"},
        "pid": os.getpid(),
        "claude_code_version": VERSION,
        "current_permission_mode": mode,
        "analytics_disabled": True,
        "session_state": state,
        "capabilities": ["ui_surface_v1"],
        **_FAST_MODE,
    }


def init(cwd: str, model: str, mode: str, home: str, uuids: list[str]) -> Json:
    """`system/init`, which opens every turn."""
    frame: Json = {
        "type": "system",
        "subtype": "init",
        "cwd": cwd,
        "tools": _TOOLS,
        "mcp_servers": [],
        "model": model,
        "permissionMode": mode,
        "slash_commands": _SLASH_COMMANDS,
        "terminal_slash_commands": [],
        "apiKeySource": "ANTHROPIC_API_KEY",
        "claude_code_version": VERSION,
        "output_style": "default",
        "agents": ["general-purpose"],
        "skills": [],
        "plugins": [],
        "capabilities": _CAPABILITIES,
        "analytics_disabled": True,
        "product_feedback_disabled": True,
        "served_by_anthropic": False,
        "memory_paths": {"auto": f"{home}/projects/{folder_name(cwd)}/memory/"},
        "original_cwd": cwd,
        "additional_directories": [],
        "messaging_socket_path": f"/tmp/cc-socks/{os.getpid()}.sock",
        "per_turn_effort_active": True,
        "ultrathink_available": False,
        "ultrathink_typed_raises": False,
        "view_mode": "default",
        **_FAST_MODE,
    }
    return {**frame, "user_message_uuids": uuids} if uuids else frame


def folder_name(cwd: str) -> str:
    """The name of a project's folder under `projects/`."""
    return "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in cwd)


def lifecycle(uuid: str, state: str) -> Json:
    return {"type": "command_lifecycle", "command_uuid": uuid, "state": state}


def system(subtype: str, **fields: object) -> Json:
    return {"type": "system", "subtype": subtype, **fields}


def requesting(uuids: list[str]) -> Json:
    return system("status", status="requesting", **({"user_message_uuids": uuids} if uuids else {}))


def retrying(attempt: int, status: int, gap_s: float) -> Json:
    errors = {0: "unknown", 401: "authentication_failed", 429: "rate_limit", 529: "overloaded"}
    return system(
        "api_retry",
        attempt=attempt,
        max_retries=10,
        retry_delay_ms=int(gap_s * 1000),
        error_status=status or None,
        error=errors.get(status, "server_error"),
    )


# --- model messages ----------------------------------------------------------------------------------------


def stream_event(message_id: str, event: Json, **fields: object) -> Json:
    return {
        "type": "stream_event",
        "event": event,
        "parent_tool_use_id": None,
        "api_message_id": message_id,
        **fields,
    }


def message_start(message_id: str, model: str, marks: Json) -> Json:
    message = {**_message(message_id, model, []), "stop_reason": None, "stop_sequence": None}
    fields = {"ttft_ms": 4, "thinking_display": "updates", **marks}
    return stream_event(
        message_id,
        {"type": "message_start", "message": message},
        **fields,
        **({"owed_rows": []} if marks else {}),
    )


def _message(message_id: str, model: str, content: list[Json]) -> Json:
    return {
        "id": message_id,
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "usage": short_usage(1),
    }


def message_delta(message_id: str, stop_reason: str, output_tokens: int) -> Json:
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    event = {"type": "message_delta", "delta": delta, "usage": short_usage(output_tokens)}
    return stream_event(message_id, event)


def broken_message_delta(message_id: str) -> Json:
    """The delta that closes an interrupted message."""
    delta = {"container": None, "stop_details": None, "stop_reason": None, "stop_sequence": None}
    event = {"type": "message_delta", "context_management": None, "delta": delta, "usage": short_usage(1)}
    return stream_event(message_id, event)


def abandoned(message_id: str, from_block: int) -> Json:
    """The message's end that takes back its blocks from number `from_block` on."""
    lost = {"api_message_id": message_id, "from_block_index": from_block}
    return stream_event(message_id, {"type": "message_stop"}, abandoned_blocks=lost)


def assistant(message_id: str, model: str, block: Json, **fields: object) -> Json:
    """One whole block, as it comes just before the block's `content_block_stop`."""
    message = _message(message_id, model, [block])
    message.update(stop_reason=None, stop_sequence=None, context_management=None)
    return {
        "type": "assistant",
        "message": message,
        "parent_tool_use_id": None,
        "timestamp": timestamp(),
        "request_id": new_id("req_scripted"),
        **fields,
    }


def synthetic(text: str, **fields: object) -> Json:
    """An assistant line that no model wrote: an API error, the answer of a local command."""
    message = _message(new_uuid(), "<synthetic>", [{"type": "text", "text": text}])
    message.update(stop_reason="stop_sequence", stop_sequence="", container=None, context_management=None)
    message["usage"] = Tally().usage()
    return {
        "type": "assistant",
        "message": message,
        "parent_tool_use_id": None,
        "timestamp": timestamp(),
        **fields,
    }


def user(content: list[Json], **fields: object) -> Json:
    return {
        "type": "user",
        "message": {"role": "user", "content": content},
        "parent_tool_use_id": None,
        "timestamp": timestamp(),
        **fields,
    }


def user_text(text: str, **fields: object) -> Json:
    return user([{"type": "text", "text": text}], **fields)


# --- the end of a turn -------------------------------------------------------------------------------------


def result(subtype: str, *, is_error: bool, turn: Tally, total: Tally, model: str, index: int) -> Json:
    """What every result has. The rest (outcome, text, uuids) is the turn's to add."""
    killed = {"parent": 0, "user": 0, "system": 0}
    refused = {"depth_limit": 0, "concurrency_limit": 0, "budget": 0}
    subagents: Json = {"spawned": 0, "completed": 0, "failed": 0, "killed": killed, "refused": refused}
    subagents.update(requested={"background": 0, "foreground": 0, "unset": 0}, started_in_background=0)
    subagents.update(max_depth=0, spawned_by_subagents=0, by_type={})
    return {
        "type": "result",
        "subtype": subtype,
        "is_error": is_error,
        "duration_api_ms": 0,
        "total_cost_usd": total.cost_usd,
        "usage": turn.usage(),
        "modelUsage": total.per_model(model),
        "model_usage_since_last_result": turn.per_model(model),
        "permission_denials": [],
        "subagent_stats": subagents,
        "safety_stops": 0,
        "result_index": index,
        **_FAST_MODE,
    }


def resume_failed(session_id: str, message: str) -> Json:
    """The one failure at the start that is also told on stdout."""
    frame = result("error_during_execution", is_error=True, turn=Tally(), total=Tally(), model="", index=0)
    for absent in ("fast_mode_state", "fast_mode_disabled_reason", "subagent_stats", "safety_stops"):
        del frame[absent]
    del frame["model_usage_since_last_result"]
    return {
        **frame,
        "total_cost_usd": 0,
        "duration_ms": 0,
        "num_turns": 0,
        "stop_reason": None,
        "session_id": session_id,
        "uuid": new_uuid(),
        "errors": [message],
    }
