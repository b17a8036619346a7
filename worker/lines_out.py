"""The lines that we write to the CLI (docs/claude-protocol.md, "Framing" and "Control requests").

A line that is not exactly right ends the CLI or is ignored without a sign.
"""

import msgspec

from bridge.protocol.events import PromptAccepted


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
