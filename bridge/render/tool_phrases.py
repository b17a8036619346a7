"""What a tool does, as a phrase: ``Edit `a.py` +3 −1``. What is not known by name is told by its best field."""

import posixpath
from collections.abc import Callable, Mapping
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

from bridge.protocol.edits import edits_of
from bridge.render.diff import line_counts
from bridge.text import clip, escape, inline_code, one_line, reveal, utf16_len

_SHORT_CHARS = 48  # a second part of a line: a folder, a subject
Input = Mapping[str, object]
# The fields that tell most about a tool that we do not know, the best first.
_TELLING = (
    "command",
    "file_path",
    "path",
    "url",
    "query",
    "pattern",
    "description",
    "subject",
    "title",
    "prompt",
)


def plain(text: str, limit: int) -> str:
    """The text on one line and without formatting, in at most `limit` UTF-16 units."""
    line = one_line(reveal(text), limit)
    while utf16_len(escape(line)) > limit:
        line = clip(line, utf16_len(line) - 1)
    return escape(line)


def _quote(before: str, text: str, after: str, limit: int) -> str:
    """The text as code between two others, all in at most `limit` units; the text gives way."""
    return f"{before} {inline_code(text, max(8, limit - utf16_len(before) - 1 - utf16_len(after)))}{after}"


def field_of(tool_input: Input, key: str) -> str:
    """A field as text; what is no text as JSON."""
    value = tool_input.get(key)
    if value is None:
        return ""
    return value if isinstance(value, str) else as_json(value)


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def relative(path: str, cwd: str) -> str:
    """The path as seen from `cwd` if it lies below it; else as it is, without "." and ".."."""
    if not path.startswith("/"):
        return path
    clean = posixpath.normpath(path)
    below = posixpath.normpath(cwd).rstrip("/") + "/"
    return "." if clean + "/" == below else clean.removeprefix(below)


def short_path(path: str, limit: int) -> str:
    """The path, or an ellipsis and its end, which tells most."""
    if utf16_len(path) <= limit:
        return path
    tail = path[-(limit - 1) :]
    return "…" + tail[utf16_len(tail) - limit + 1 :]


def _with_path(name: str, key: str, after: Callable[[Input], str]) -> Callable[[Input, str, int], str | None]:
    def phrase(tool_input: Input, cwd: str, limit: int) -> str | None:
        path = relative(field_of(tool_input, key), cwd)
        end = _clipped(after(tool_input), 40)
        room = limit - len(name) - 9 - utf16_len(end)
        return _quote(name, short_path(path, room), end, limit) if path else None

    return phrase


def _clipped(text: str, limit: int) -> str:
    return clip(text, limit) if text else ""


def _with_text(name: str, key: str) -> Callable[[Input, str, int], str | None]:
    def phrase(tool_input: Input, cwd: str, limit: int) -> str | None:
        text = field_of(tool_input, key)
        return _quote(name, text, "", limit) if text else None

    return phrase


def _search(name: str) -> Callable[[Input, str, int], str | None]:
    def phrase(tool_input: Input, cwd: str, limit: int) -> str | None:
        pattern = field_of(tool_input, "pattern")
        folder = relative(field_of(tool_input, "path"), cwd) or field_of(tool_input, "glob")
        where = f" in {inline_code(short_path(folder, _SHORT_CHARS - 8), _SHORT_CHARS)}" if folder else ""
        return _quote(name, pattern, where, limit) if pattern else None

    return phrase


def _lines_read(tool_input: Input) -> str:
    match tool_input.get("offset"), tool_input.get("limit"):
        case int(offset), int(limit):
            return f" lines {offset}-{offset + limit - 1}"
        case int(offset), _:
            return f" from line {offset}"
        case _, int(limit):
            return f" lines 1-{limit}"
    pages = tool_input.get("pages")
    return f" pages {plain(pages, 20)}" if isinstance(pages, str) else ""


def _changes(name: str) -> Callable[[Input], str]:
    def after(tool_input: Input) -> str:
        edits = edits_of(name, tool_input)
        if edits is None:
            return ""
        added, removed = line_counts(edits)
        several = f" {len(edits)} edits" if len(edits) > 1 else ""
        return f"{several} +{added} −{removed}"

    return after


def change_of(name: str, tool_input: Input) -> str:
    """How much an edit changes: `` +3 −1``, `` 12 lines``; empty for other tools."""
    return _lines_written(tool_input) if name == "Write" else _changes(name)(tool_input)


def _lines_written(tool_input: Input) -> str:
    content = tool_input.get("content")
    if not isinstance(content, str):
        return ""
    count = content.count("\n") + (not content.endswith("\n") and bool(content))
    return f" {count} line{'' if count == 1 else 's'}"


def _fetch(tool_input: Input, cwd: str, limit: int) -> str | None:
    url = field_of(tool_input, "url")
    try:
        parts = urlsplit(url)
    except ValueError:
        return _quote("WebFetch", url, "", limit)
    place = f"{parts.netloc}{parts.path}".rstrip("/") + (f"?{parts.query}" if parts.query else "")
    return _quote("WebFetch", place or url, "", limit) if url else None


def _agent(tool_input: Input, cwd: str, limit: int) -> str | None:
    kind = plain(field_of(tool_input, "subagent_type"), 30)
    task = field_of(tool_input, "description") or field_of(tool_input, "prompt")
    start = f"Agent ({kind})" if kind else "Agent"
    return f"{start}: {plain(task, limit - utf16_len(start) - 2)}" if task else start


def _todos(tool_input: Input, cwd: str, limit: int) -> str | None:
    match tool_input.get("todos"):
        case [*todos]:
            done = sum(isinstance(todo, dict) and todo.get("status") == "completed" for todo in todos)
            return f"TodoWrite {done} of {len(todos)} done"
    return None


def _skill(tool_input: Input, cwd: str, limit: int) -> str | None:
    skill = field_of(tool_input, "skill") or field_of(tool_input, "command")
    words = f"{skill} {field_of(tool_input, 'args')}".strip()
    return _quote("Skill", words, "", limit) if words else None


def _question(tool_input: Input, cwd: str, limit: int) -> str | None:
    match tool_input.get("questions"):
        case [{"question": str(question)}, *others]:
            more = f" and {len(others)} more" if others else ""
            return f"Asks: {plain(question, limit - 6 - len(more))}{more}"
    return None


def generic(name: str, tool_input: Input, limit: int) -> str:
    telling, shown = telling_of(tool_input), tool_name(name)
    return _quote(shown, telling, "", limit) if telling else shown


def telling_of(tool_input: Input) -> str:
    """The field that tells most about what a tool does."""
    texts = {key: value for key, value in tool_input.items() if isinstance(value, str) and value.strip()}
    return next((texts[key] for key in _TELLING if key in texts), next(iter(texts.values()), ""))


@lru_cache(maxsize=256)
def tool_name(name: str) -> str:
    """A tool's name for people: "github · create_issue" for mcp__github__create_issue."""
    match name.split("__", 2):
        case ["mcp", server, tool] if server and tool:
            return f"{plain(server, 24)} · {plain(tool, 28)}"
    return plain(name, 48) or "A tool"


PHRASES: dict[str, Callable[[Input, str, int], str | None]] = {
    "Bash": _with_text("Bash", "command"),
    "Read": _with_path("Read", "file_path", _lines_read),
    "Edit": _with_path("Edit", "file_path", _changes("Edit")),
    "MultiEdit": _with_path("Edit", "file_path", _changes("MultiEdit")),
    "Write": _with_path("Write", "file_path", _lines_written),
    "NotebookEdit": _with_path("NotebookEdit", "notebook_path", lambda _: ""),
    "LS": _with_path("LS", "path", lambda _: ""),
    "Grep": _search("Grep"),
    "Glob": _search("Glob"),
    "WebFetch": _fetch,
    "WebSearch": _with_text("WebSearch", "query"),
    "ToolSearch": _with_text("ToolSearch", "query"),
    "Agent": _agent,
    "Task": _agent,
    "TodoWrite": _todos,
    "Skill": _skill,
    "AskUserQuestion": _question,
    "ExitPlanMode": lambda tool_input, cwd, limit: "Plan ready",
}
