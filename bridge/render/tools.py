"""What a tool does, in one line for the conversation."""

import re

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.render.terminal import shown_text
from bridge.render.tool_phrases import PHRASES, Input, generic, plain
from bridge.text import inline_code, utf16_len

TOOL_LINE_CHARS = 180  # UTF-16 units of a tool line, its mark and its error included
RUNNING, DONE, FAILED, UNKNOWN = "⋯", "✓", "✗", "?"
_UNASKED_CHARS, _UNASKED_SHORT_CHARS = 36, 22
HOOK = "a hook"
"""It told Claude to ask nobody."""
_ERROR_CHARS = 70

_STRING = r'"((?:[^"\\]|\\.)*)"'
_FIELD = re.compile(rf"\s*[{{,]\s*{_STRING}\s*:\s*(?:{_STRING}|true|false|null|-?\d[\d.eE+-]*)(?=\s*[,}}])", re.DOTALL)
_CUT_STRING = re.compile(rf'\s*{{\s*{_STRING}\s*:\s*"((?:[^"\\]|\\[^u]|\\u[0-9a-fA-F]{{4}})*)', re.DOTALL)


_DENIED = {"AskUserQuestion": "not answered", "ExitPlanMode": "not approved"}


def running_tool_line(name: str, tool_input: Input, cwd: str, progress: str = "") -> str:
    """The line of a tool that is running. ``progress``: how far it is, in at most 90 UTF-16 units."""
    return _line(RUNNING, name, tool_input, cwd, " · running" + (f" · {progress}" if progress else ""))


def read_input(text: str) -> Input:
    """The input as far as it was kept. A cut one is no JSON any more: then its first fields, or its text."""
    try:
        return msgspec.json.decode(text, type=dict[str, object])
    except UNREADABLE:
        return _first_fields(text) or {"input": text}


def _first_fields(text: str) -> dict[str, object]:
    """The fields that stand whole in the beginning of a JSON object; a lone string that was cut, as far as it goes."""
    fields: dict[str, object] = {}
    at = 0
    while field := _FIELD.match(text, at):
        key, value = field[1], field[2]
        if value and (known := _string(f'"{value}"')) is not None:
            fields[_string(f'"{key}"') or key] = known
        at = field.end()
    if not fields and (cut := _CUT_STRING.match(text)):
        known = _string(f'"{cut[2]}"')
        fields |= {cut[1]: known} if known else {}
    return fields


def _string(text: str) -> str | None:
    try:
        return msgspec.json.decode(text, type=str)
    except msgspec.MsgspecError:
        return None


def unknown_tool_line(name: str, tool_input: Input, cwd: str) -> str:
    """The line of a tool whose outcome nobody knows."""
    return _line(UNKNOWN, name, tool_input, cwd, " – outcome unknown")


def done_tool_line(name: str, tool_input: Input, cwd: str, progress: str = "", unasked: str = "") -> str:
    """The line of a tool that did what it should. ``progress``: as above; ``unasked``: by what nobody was asked."""
    room = _UNASKED_SHORT_CHARS if progress else _UNASKED_CHARS
    return _line(DONE, name, tool_input, cwd, (f" · {progress}" if progress else "") + _unasked(unasked, room))


def failed_tool_line(
    name: str, tool_input: Input, result_text: str, cwd: str, unasked: str = "", *, is_denied: bool = False
) -> str:
    """The line of a tool that failed or was not allowed, with the first line of its error. ``unasked``: as above."""
    end = failure(name, result_text, is_denied=is_denied)
    return _line(FAILED, name, tool_input, cwd, _unasked(unasked, _UNASKED_SHORT_CHARS) + end)


def failure(name: str, result_text: str, *, is_denied: bool) -> str:
    """How the line of a tool ends that failed or was not allowed."""
    error = _first_line(result_text)
    what = _DENIED.get(name, "denied") if is_denied else "failed"
    return f" – {what}: {error}" if error else f" – {what}"


def _unasked(by: str, limit: int) -> str:
    return f" · unasked by {by if by == HOOK else inline_code(by, limit)}" if by else ""


def _line(mark: str, name: str, tool_input: Input, cwd: str, end: str) -> str:
    return f"{mark} {tool_line(name, tool_input, cwd, TOOL_LINE_CHARS - utf16_len(mark) - 1 - utf16_len(end))}{end}"


def tool_line(name: str, tool_input: Input, cwd: str, limit: int = TOOL_LINE_CHARS - 2) -> str:
    """What a tool does, in at most `limit` (at least 60) UTF-16 units; paths are relative to `cwd`."""
    phrase = PHRASES.get(name)
    line = phrase(tool_input, cwd, limit) if phrase else None
    return line or generic(name, tool_input, limit)


def _first_line(result: str) -> str:
    first, *rest = said(result).splitlines() or [""]
    if first.startswith("Exit code") and (more := next((line for line in rest if line.strip()), "")):
        first += f": {more}"
    return plain(first, _ERROR_CHARS)


def said(result: str) -> str:
    """A tool's output as a terminal would show it, without the CLI's own wrapping."""
    text = shown_text(result).replace("<tool_use_error>", "").replace("</tool_use_error>", "")
    return text.strip("\n").rstrip()
