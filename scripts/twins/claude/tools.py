"""The tools of the scripted claude. They really do it: commands run, files change."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, NamedTuple

from twins.claude.tasks import Wait

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Generator

    from twins.claude.frames import Json

_running: set[subprocess.Popen[bytes]] = set()
MAX_OUTPUT_CHARACTERS = 30_000
"""The real Bash tool cuts its output for the model at this length."""


class Outcome(NamedTuple):
    """What came out. `detail` is the line's `tool_use_result`; `is_error` None = no such field."""

    content: str
    detail: Json | str
    is_error: bool | None = None

    @classmethod
    def error(cls, message: str) -> Outcome:
        return cls(message, f"Error: {message}", is_error=True)


def run(name: str, tool_input: Json, cwd: str) -> Generator[Wait, None, Outcome]:
    """Runs a tool.

    Raises:
        Interrupted: thrown in from outside; a running command is killed first.
    """
    if name == "Bash":
        return (yield from _bash(str(tool_input.get("command", "")), cwd))
    if name.startswith("mcp__"):
        return Outcome(f"{name} found nothing for {tool_input.get('query', '')!r}", "")
    try:
        return _SIMPLE[name](tool_input)
    except (OSError, KeyError, TypeError, UnicodeDecodeError) as error:
        return Outcome.error(f"{type(error).__name__}: {error}")


def kill_running() -> None:
    """Ends the commands that run, with everything in their process groups."""
    for process in list(_running):
        _kill(process)


# --- Bash --------------------------------------------------------------------------------------------------


def _bash(command: str, cwd: str) -> Generator[Wait, None, Outcome]:
    process = _start(command, cwd)
    output = bytearray()
    try:
        yield Wait(done=lambda: _has_ended(process, output), poll=True)
    finally:
        _kill(process)
    text = output.decode(errors="replace").rstrip("\n")[:MAX_OUTPUT_CHARACTERS]
    if process.returncode != 0:
        return Outcome.error(f"Exit code {process.returncode}\n{text}".rstrip())
    detail: Json = {
        "stdout": text,
        "stderr": "",
        "interrupted": False,
        "isImage": False,
        "noOutputExpected": False,
    }
    return Outcome(text or "(Bash completed with no output)", detail, is_error=False)


def _start(command: str, cwd: str) -> subprocess.Popen[bytes]:
    import subprocess  # noqa: PLC0415  (a quarter of our start time, and most turns need it not)

    process = subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None
    os.set_blocking(process.stdout.fileno(), False)
    _running.add(process)
    return process


def _has_ended(process: subprocess.Popen[bytes], output: bytearray) -> bool:
    """Takes what is there to read, the last of it after the end. Others with the pipe are not waited for."""
    ended = process.poll() is not None
    assert process.stdout is not None
    while piece := process.stdout.read():
        output += piece
    return ended


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Of a command that has ended by itself, background processes are left alone, as the real claude does."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
    _running.discard(process)


# --- files and people --------------------------------------------------------------------------------------


def _read(tool_input: Json) -> Outcome:
    path = tool_input["file_path"]
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123  (pathlib costs start time)
        text = file.read()
    lines = text.split("\n")
    numbered = "\n".join(f"{number}\t{line}" for number, line in enumerate(lines, 1))
    about = {
        "filePath": path,
        "content": text,
        "numLines": len(lines),
        "startLine": 1,
        "totalLines": len(lines),
    }
    return Outcome(numbered, {"type": "text", "file": about})


def _write(tool_input: Json) -> Outcome:
    path, content = tool_input["file_path"], tool_input["content"]
    before = _text_of(path)
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(content)
    kind = "create" if before is None else "update"
    detail: Json = {"type": kind, "filePath": path, "content": content, "structuredPatch": []}
    detail.update(originalFile=before, userModified=False)
    note = "(file state is current in your context — no need to Read it back)"
    return Outcome(f"File created successfully at: {path} {note}", detail)


def _text_of(path: str) -> str | None:
    if not os.path.exists(path):  # noqa: PTH110
        return None
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
        return file.read()


def _edit(tool_input: Json) -> Outcome:
    path, old, new = tool_input["file_path"], tool_input["old_string"], tool_input["new_string"]
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        before = file.read()
    if old not in before:
        return Outcome.error(f"String to replace not found in file.\nString: {old}")
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(before.replace(old, new, 1))
    detail: Json = {"filePath": path, "oldString": old, "newString": new, "originalFile": before}
    detail.update(structuredPatch=[], userModified=False, replaceAll=False)
    return Outcome(f"The file {path} has been updated successfully.", detail)


def _ask_people(tool_input: Json) -> Outcome:
    answers = tool_input.get("answers") or {}
    if not answers:
        return Outcome("The user did not answer the questions.", tool_input)
    said = ", ".join(f'"{question}"="{answer}"' for question, answer in answers.items())
    told = f"Your questions have been answered: {said}. You can now continue with these answers in mind."
    return Outcome(told, tool_input)


def _leave_plan_mode(tool_input: Json) -> Outcome:
    plan, path = tool_input.get("plan", ""), tool_input.get("planFilePath", "")
    told = f"User has approved your plan. You can now start coding.\n\nYour plan has been saved to: {path}"
    detail: Json = {"plan": plan, "isAgent": False, "filePath": path}
    return Outcome(f"{told}\n\n## Approved Plan:\n{plan}", detail)


_SIMPLE = {
    "Read": _read,
    "Write": _write,
    "Edit": _edit,
    "AskUserQuestion": _ask_people,
    "ExitPlanMode": _leave_plan_mode,
}


def result_block(tool_id: str, outcome: Outcome) -> Json:
    block: Json = {"tool_use_id": tool_id, "type": "tool_result", "content": outcome.content}
    return block if outcome.is_error is None else {**block, "is_error": outcome.is_error}
