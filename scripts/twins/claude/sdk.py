"""SDK MCP servers of the scripted claude's host, and what a prompt brought besides its text."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from twins.claude import frames
from twins.claude.tasks import Wait
from twins.claude.tools import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from twins.claude.frames import Json

WHAT_I_SENT = "show what I sent"
"""The line of a prompt that is answered with what came with it."""
_PATH = re.compile(r"it lies at (.+?)\]?$", re.MULTILINE)


class SdkServers:
    """The host's servers, by name; JSON-RPC goes over `control_request mcp_message`."""

    def __init__(self, write: Callable[[Json], None]) -> None:
        self._write = write
        self._names: list[str] = []
        self._answers: dict[str, Json | None] = {}
        self._calls = 0

    def begin(self, names: object) -> None:
        """The handshake, in the order of the real one (recorded with 2.1.330)."""
        self._names = [str(name) for name in names] if isinstance(names, list) else []
        about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "claude-code"}}
        for name in self._names:
            self._send(name, "initialize", about)
            self._send(name, "notifications/initialized", None)
            self._send(name, "tools/list", None)

    def has(self, tool: str) -> bool:
        """`tool` is `mcp__SERVER__TOOL`."""
        return tool.split("__")[1:2] != [] and tool.startswith("mcp__") and tool.split("__")[1] in self._names

    def take(self, response: Json) -> bool:
        """Whether a control_response answers one of ours."""
        request_id = str(response.get("request_id"))
        if request_id not in self._answers:
            return False
        self._answers[request_id] = response
        return True

    def call(self, tool: str, arguments: Json, tool_id: str) -> Generator[Wait, None, Outcome]:
        _, server, name = tool.split("__", 2)
        meta = {"claudecode/toolUseId": tool_id}
        request_id = self._send(server, "tools/call", {"name": name, "arguments": arguments, "_meta": meta})
        yield Wait(done=lambda: self._answers[request_id] is not None)
        return _outcome(self._answers.pop(request_id) or {})

    def _send(self, server: str, method: str, params: Json | None) -> str:
        message: Json = {"jsonrpc": "2.0", "method": method}
        if not method.startswith("notifications/"):
            message["id"] = self._calls
            self._calls += 1
        if params is not None:
            message["params"] = params
        request_id = frames.new_uuid()
        self._answers[request_id] = None
        request = {"subtype": "mcp_message", "server_name": server, "message": message}
        self._write({"type": "control_request", "request_id": request_id, "request": request})
        return request_id


def _outcome(response: Json) -> Outcome:
    told = (response.get("response") or {}).get("mcp_response") or {}
    if "result" not in told:
        return Outcome.error(json.dumps(told.get("error") or response.get("error") or "no answer"))
    text = "\n".join(block.get("text", "") for block in told["result"].get("content", []))
    return Outcome.error(text) if told["result"].get("isError") else Outcome(text, "")


def answered(text: str, content: object) -> str:
    """The prompt with WHAT_I_SENT made a step that says it."""
    if WHAT_I_SENT not in text:
        return text
    said = "\\n".join([*_blocks(content), *_paths(text)]) or "nothing but text"
    return text.replace(WHAT_I_SENT, f"say You sent:\\n{said}")


def _blocks(content: object) -> list[str]:
    import base64  # noqa: PLC0415  (most turns need it not)

    found = []
    for block in content if isinstance(content, list) else []:
        if isinstance(source := block.get("source"), dict):
            data = base64.b64decode(source["data"])
            found.append(f"{block['type']} {source['media_type']} {_known_by(data)}")
    return found


def _paths(text: str) -> list[str]:
    """Files whose path is told, as they can be read from here."""
    found = []
    for path in _PATH.findall(text):
        try:
            with open(path, "rb") as file:  # noqa: PTH123
                found.append(f"file {path} {_known_by(file.read())}")
        except OSError as error:
            found.append(f"file {path} cannot be read: {error.strerror}")
    return found


def _known_by(data: bytes) -> str:
    return f"{len(data)} bytes {hashlib.sha256(data).hexdigest()[:12]}"
