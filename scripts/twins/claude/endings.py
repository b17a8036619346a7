"""How a turn ends: what its result says, and what becomes of its prompts; or that it does not end at all."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from twins.claude import frames
from twins.claude.tasks import Wait

if TYPE_CHECKING:
    from twins.claude.frames import Json
    from twins.claude.tasks import Steps


_API_ERRORS = {
    0: ("authentication_failed", None, "Not logged in · Please run /login"),
    400: ("invalid_request", "invalid_request_error", "API Error: 400 scripted"),
    401: ("authentication_failed", "authentication_error", "Invalid API key · Fix external API key"),
    404: (
        "model_not_found",
        "not_found_error",
        "There's an issue with the selected model. It may not exist.",
    ),
    429: ("rate_limit", "rate_limit_error", "API Error: Request rejected (429) · scripted"),
    529: ("server_error", "overloaded_error", "API Error: 529 Overloaded"),
}


class Ending(NamedTuple):
    """How a turn ends: the fields of its result, and what becomes of its prompts."""

    fields: Json
    prompts_are: str


def completed(text: str) -> Ending:
    fields = {"stop_reason": "end_turn", "terminal_reason": "completed", "result": text}
    return Ending({"subtype": "success", "is_error": False, "api_error_status": None, **fields}, "completed")


def preempted() -> Ending:
    """By a message that could not wait."""
    fields = {"result": "", "stop_reason": "tool_use", "terminal_reason": "aborted_tools"}
    return Ending({"subtype": "success", "is_error": False, **fields}, "cancelled")


def failed(status: int, marks: Json) -> tuple[Json, Ending]:
    """What is said of an error of the API's; 0: there was no answer at all."""
    unknown = ("server_error", "api_error", f"API Error: {status} scripted")
    error, error_type, text = _API_ERRORS.get(status, unknown)
    details: Json = {"api_error_status": status, "api_error_type": error_type} if status else {}
    sent: Json = {"request_id": frames.new_id("req_scripted")} if status else {}
    said = frames.synthetic(text, error=error, is_api_error_message=True, **sent, **details, **marks)
    fields = {"stop_reason": "stop_sequence", "terminal_reason": "api_error", "result": text}
    return said, Ending(
        {"subtype": "success", "is_error": True, "api_error_status": None, **details, **fields},
        "cancelled",
    )


def aborted(reason: str, stop_reason: str | None) -> Ending:
    last = stop_reason or "null"
    noise = f"[ede_diagnostic] result_type=user last_content_type=n/a stop_reason={last}"
    fields: Json = {"subtype": "error_during_execution", "is_error": True, "stop_reason": stop_reason}
    return Ending({**fields, "terminal_reason": reason, "errors": [noise]}, "cancelled")


def die(code: int) -> None:
    sys.stdout.flush()
    if code < 0:
        os.kill(os.getpid(), -code)
    os._exit(code)


def hang(*, deaf: bool) -> Steps:
    if deaf:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(3600)
    yield Wait()
