"""What a request asks for: in one line for a push, and in full for the person who decides."""

from collections.abc import Mapping, Sequence

import msgspec

from bridge.protocol.events import Place
from bridge.render.diff import diff_for, with_numbers
from bridge.render.tool_phrases import (
    Input,
    as_json,
    change_of,
    field_of,
    plain,
    relative,
    short_path,
    telling_of,
    tool_name,
)
from bridge.text import escape, reveal, utf16_len

SPOKEN_CHARS = 160
PATH_CHARS = 100
_SPOKEN_PATH_CHARS = 120
"""Of the path in the one line, with what is escaped in it."""
_CAPTIONS_CHARS = 300
_PATHS = {
    "Edit": "file_path",
    "MultiEdit": "file_path",
    "Write": "file_path",
    "NotebookEdit": "notebook_path",
    "Read": "file_path",
    "LS": "path",
}


def spoken(name: str, tool_input: Input, cwd: str) -> str:
    """As a push shows it, without formatting: ``Edit app.py +3 −1``, ``Bash: pytest -q``."""
    path = relative(field_of(tool_input, _PATHS[name]), cwd) if name in _PATHS else ""
    if path:
        verb, end = "Edit" if name == "MultiEdit" else name, change_of(name, tool_input)
        return f"{verb} {plain(short_path(path, PATH_CHARS), _SPOKEN_PATH_CHARS)}{end}"
    telling, shown = telling_of(tool_input), tool_name(name)
    return f"{shown}: {plain(telling, SPOKEN_CHARS - utf16_len(shown) - 2)}" if telling else shown


def is_path_told(path: str) -> bool:
    """Whether the one line has all of it; else it stands below."""
    return utf16_len(path) <= PATH_CHARS and utf16_len(escape(reveal(path))) <= _SPOKEN_PATH_CHARS


def is_told(name: str, tool_input: Input, cwd: str) -> bool:
    """Whether the one line is all that there is to say: of a file that is read, its path."""
    key = _PATHS.get(name, "") if name in ("Read", "LS") else ""
    path = tool_input.get(key)
    return (
        tool_input.keys() == {key}
        and isinstance(path, str)
        and path.isprintable()
        and is_path_told(relative(path, cwd))
    )


# Of these tools the body shows the fields named here; every other field is listed with it.
_SHOWN_BY_DIFF = {
    "Edit": ("old_string", "new_string", "replace_all", "file_path"),
    "MultiEdit": ("edits", "file_path"),
    "Write": ("content", "file_path"),
    "NotebookEdit": ("new_source", "notebook_path"),
}
_KNOWN_IN_EDITS = {"old_string", "new_string", "replace_all"}


class Described(msgspec.Struct, frozen=True):
    """What a tool use would do, exactly.

    ``body`` is plain text for one code block of that language; it is not clipped. ``file`` is what stands in a file
    instead, when it is long. ``captions`` are
    the short fields beside the main one, for outside of the block, so that none looks like a part of it: the
    description as it is, each other as `name: JSON`. Long ones stand below the body as `# name: JSON`, each on a line
    of its own that its value cannot leave. So every field of the input is there. Nothing is revealed (`text.reveal`).
    """

    body: str
    language: str
    captions: tuple[str, ...] = ()
    file: str = ""


def describe(name: str, tool_input: Input, cwd: str, places: Sequence[Place] = ()) -> Described:
    """``places``: of an edit's texts in its file, where they are known."""
    command = tool_input.get("command")
    if name == "Bash" and isinstance(command, str):
        return _with_fields(Described(command, "bash", file=command), tool_input, ("command",))
    path = relative(field_of(tool_input, _SHOWN_BY_DIFF[name][-1]), cwd) if name in _SHOWN_BY_DIFF else ""
    diff = diff_for(name, tool_input, path, places)
    if diff is not None and _is_all_in_diff(name, tool_input):
        fields = _SHOWN_BY_DIFF[name] if is_path_told(path) else _SHOWN_BY_DIFF[name][:-1]
        return _with_fields(Described(with_numbers(diff), "diff", file=diff), tool_input, fields)
    body = msgspec.json.format(msgspec.json.encode(tool_input), indent=2).decode()
    return Described(body, "json", file=body)


def _is_all_in_diff(name: str, tool_input: Input) -> bool:
    """Whether the diff hides nothing: no odd field in one of several edits, no flag of an odd type."""
    path = field_of(tool_input, _SHOWN_BY_DIFF[name][-1])
    edits = tool_input.get("edits") if name == "MultiEdit" else None
    known = not isinstance(edits, list) or all(edit.keys() <= _KNOWN_IN_EDITS for edit in edits)
    several = edits if isinstance(edits, list) else [tool_input]
    flags = [edit.get("replace_all", False) for edit in several]
    return known and path.isprintable() and all(isinstance(flag, bool) for flag in flags)


def _with_fields(described: Described, tool_input: Input, shown: tuple[str, ...]) -> Described:
    others = {key: value for key, value in tool_input.items() if key not in shown}
    captions: list[str] = []
    long: list[str] = []
    for key in sorted(others, key=lambda key: key != "description"):
        caption = _caption(key, others[key])
        if utf16_len(escape(reveal("".join([*captions, caption])))) <= _CAPTIONS_CHARS:
            captions.append(caption)
        else:
            long.append(f"# {_key(key)}: {as_json(others[key])}")
    body, file = ("\n".join([text, *long]) for text in (described.body, described.file))
    return Described(body, described.language, tuple(captions), file)


def _caption(key: str, value: object) -> str:
    """On one line; a description that is none says so by its name."""
    is_plain = key == "description" and isinstance(value, str) and value.isprintable() and value == value.strip()
    return str(value) if is_plain else f"{_key(key)}: {as_json(value)}"


def _key(key: str) -> str:
    return key if key.isidentifier() else as_json(key)


# --- Rules ---


def rule_in_words(rule: Mapping[str, str]) -> str:
    """A permission rule, {toolName, ruleContent?}, in words: `Bash: commands starting with "npm test"`."""
    tool, content = rule.get("toolName", ""), rule.get("ruleContent", "")
    if content in ("", "*", ":*"):
        return f"every use of {tool}"
    return f"{tool}: {_commands(content) if tool == 'Bash' else content}"


def _commands(content: str) -> str:
    start = content.removesuffix(":*") if content.endswith(":*") else content.removesuffix(" *")
    if "*" in start:
        return f'commands like "{content}", where * stands for anything'
    return f'exactly "{content}"' if start == content else f'commands starting with "{start}"'
