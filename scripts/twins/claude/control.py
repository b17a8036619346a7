"""Control requests of the host's, each answered at once."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

from twins.claude import frames, permissions
from twins.claude.disk import CONFIG
from twins.claude.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable

    from twins.claude.frames import Json
    from twins.claude.subagent import Subagent
    from twins.claude.surroundings import Ask
    from twins.claude.tasks import Task


_QUERIES = (
    "get_context_usage",
    "get_session_cost",
    "get_usage",
    "get_settings",
    "get_status",
    "list_models",
    "mcp_status",
)
STUBBORN = "/stubborn"
"""A directory of that name is not taken back: the real one has no reason to refuse that today, and could have one."""
_TITLE = re.compile(r"(?m)^title (.+)$")


class Controlled(Surroundings, Protocol):
    """The session, as far as the host may ask something of it."""

    effort: str
    state: str
    turn: Task | None
    asks: dict[str, Ask]
    subagents: dict[Subagent, Task]

    def end(self) -> None: ...

    def write(self, frame: Json) -> None: ...


class Control:
    """Of one session."""

    def __init__(self, session: Controlled) -> None:
        self._session = session

    def answer(self, line: Json) -> None:
        """One that is not known is refused."""
        request = line.get("request") or {}
        subtype = request.get("subtype", "undefined")
        handle = self._handlers().get(subtype)
        if handle is None:
            error = {
                "error": f"Unsupported control request subtype: {subtype}",
                "error_code": "unsupported_request",
            }
        else:
            error = handle(line["request_id"], request) or {}
        if error:
            answer = {"subtype": "error", "request_id": line.get("request_id"), **error}
            self._session.write({"type": "control_response", "response": answer})

    def _handlers(self) -> dict[str, Callable[[str, Json], Json | None]]:
        answers_nothing = dict.fromkeys((*_QUERIES, "stop_task", "set_max_thinking_tokens"), self._on_query)
        return {
            **answers_nothing,
            "initialize": self._on_initialize,
            "interrupt": self._on_interrupt,
            "end_session": self._on_end_session,
            "set_permission_mode": self._on_set_permission_mode,
            "set_model": self._on_set_model,
            "apply_flag_settings": self._on_apply_flag_settings,
            "cancel_async_message": self._on_cancel_async_message,
            "generate_session_title": self._on_generate_session_title,
        }

    def _succeed(self, request_id: str, response: Json | None) -> None:
        answer: Json = {"subtype": "success", "request_id": request_id}
        if response is not None:
            answer["response"] = response
        self._session.write({"type": "control_response", "response": answer})

    def _on_query(self, request_id: str, request: Json) -> None:
        del request
        self._succeed(request_id, {})

    def _on_generate_session_title(self, request_id: str, request: Json) -> Json | None:
        """As the description says it; else as where Claude's API cannot be reached."""
        if not (found := _TITLE.search(str(request.get("description", "")))):
            return {"error": "Failed to generate a title"}
        self._succeed(request_id, {"title": found[1]})
        return None

    def _on_initialize(self, request_id: str, request: Json) -> None:
        initialized = frames.initialized(self._session.permissions.mode, self._session.state, CONFIG)
        answer: Json = {"subtype": "success", "request_id": request_id, "response": initialized}
        answer.update(pending_permission_requests=[], pending_user_dialog_requests=[])
        self._session.write({"type": "control_response", "response": answer})
        self._session.sdk.begin(request.get("sdkMcpServers"))

    def _on_interrupt(self, request_id: str, request: Json) -> None:
        cancelled: list[str] = []
        if request.get("cancel_queued") is True:
            cancelled = [prompt.uuid for prompt in self._session.queue if prompt.uuid]
            for prompt in self._session.queue:
                self._session.tell_lifecycle(prompt, "cancelled")
            self._session.queue.clear()
        for ask in list(self._session.asks.values()):
            self._session.withdraw(ask)
        killed = list(self._session.subagents.items())
        for _, task in killed:
            task.interrupt()
        receipt: Json = {"still_queued": [prompt.uuid for prompt in self._session.queue if prompt.uuid]}
        self._succeed(request_id, {**receipt, "cancelled": cancelled} if request.get("cancel_queued") else receipt)
        if self._session.turn is not None:
            self._session.turn.interrupt()
        for subagent, _ in killed:
            subagent.tell_rejected()

    def _on_end_session(self, request_id: str, request: Json) -> None:
        del request
        self._succeed(request_id, None)
        self._session.end()

    def _on_set_permission_mode(self, request_id: str, request: Json) -> Json | None:
        mode = {"manual": "default"}.get(request.get("mode", ""), request.get("mode"))
        if mode not in permissions.MODES:
            modes = ", ".join(permissions.MODES)
            return {
                "error": f"Cannot set permission mode: must be one of {modes}",
                "error_code": "invalid_mode",
            }
        if mode == "bypassPermissions":
            why = "because the session was not launched with --dangerously-skip-permissions"
            error = f"Cannot set permission mode to bypassPermissions {why}"
            return {"error": error, "error_code": "bypass_not_launched"}
        self._succeed(request_id, {"mode": mode})
        self._session.set_mode(mode)
        return None

    def _on_set_model(self, request_id: str, request: Json) -> None:
        self._session.model = request.get("model") or "claude-opus-5-5"
        self._succeed(request_id, {"model": self._session.model})

    def _on_apply_flag_settings(self, request_id: str, request: Json) -> Json | None:
        """Of the settings the effort and directories do something. A level that it does not know is ignored."""
        settings = request.get("settings") or {}
        if "effortLevel" in settings and settings["effortLevel"] in (None, *frames.EFFORTS):
            self._session.effort = settings["effortLevel"] or "medium"
        if isinstance(told := (settings.get("permissions") or {}).get("additionalDirectories"), list):
            kept = [path for path in self._session.permissions.directories if path not in told]
            if any(path.endswith(STUBBORN) for path in kept):
                return {"error": f"{kept[0]} is in use"}
            self._session.permissions.directories = [str(path) for path in told]
        self._succeed(request_id, None)
        return None

    def _on_cancel_async_message(self, request_id: str, request: Json) -> None:
        uuid = request.get("message_uuid")
        found = [prompt for prompt in self._session.queue if prompt.uuid == uuid]
        for prompt in found:
            self._session.queue.remove(prompt)
            self._session.tell_lifecycle(prompt, "cancelled")
        self._succeed(request_id, {"cancelled": bool(found), "message_uuid": uuid})
