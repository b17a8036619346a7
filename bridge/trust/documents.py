"""A command, skill or agent of a project: a text for Claude, with front matter that steers the CLI.

The front matter is read in a narrow form (``key: value``, lists, block scalars) and what is understood of it is
*written anew*, each value as JSON, which is YAML too. So nothing reaches the CLI that its parser might read otherwise
than we do. The CLI ends the front matter at the first ``---`` wherever it stands (docs/claude-protocol.md, "Project
files"); a text with another one in there is not understood, and left out.
"""

import re

import msgspec

KNOWN: dict[str, tuple[str, ...]] = {
    "commands": ("description", "argument-hint", "allowed-tools", "model", "disable-model-invocation"),
    "skills": (
        *("name", "description", "when_to_use", "argument-hint", "allowed-tools", "model"),
        *("disable-model-invocation", "user-invocable", "license", "version"),
    ),
    "agents": ("name", "description", "tools", "disallowedTools", "model", "color"),
}
"""The keys of the front matter that are understood (code.claude.com/docs: slash commands, skills, subagents)."""
_DASHES = "---"
_KEY = re.compile(r"([A-Za-z][A-Za-z0-9_-]*):(?:[ \t]+(.*))?")
_ITEM = re.compile(r"\s*-\s+(.*)")
_RUNS = re.compile(r"!`([^`]+)`|```!\s*\n?(.*?)```", re.DOTALL)

type Value = str | bool | list[str]


class Document(msgspec.Struct, frozen=True):
    """``text`` is what the copy holds; ``runs`` are the commands that its ``!`` lines run when it is used."""

    text: str
    fields: dict[str, Value]
    left_out: tuple[str, ...]
    runs: tuple[str, ...]


def understand(kind: str, text: str) -> Document | None:
    """None for a text whose front matter is not of the form that is understood. ``kind``: a key of ``KNOWN``."""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[0].rstrip() != _DASHES:
        body = "\n".join(lines)
        return None if body.lstrip().startswith(_DASHES) else Document(body, {}, (), _runs(body))
    end = next((n for n, line in enumerate(lines[1:], 1) if _DASHES in line), 0)
    if not end or lines[end].rstrip() != _DASHES:
        return None
    blocks = _blocks(lines[1:end])
    return None if blocks is None else _document(kind, blocks, "\n".join(lines[end + 1 :]))


def _document(kind: str, blocks: dict[str, list[str]], body: str) -> Document | None:
    fields: dict[str, Value] = {}
    left_out = []
    for key, block in blocks.items():
        value = _value(block) if key in KNOWN[kind] else None
        if value is None or _DASHES in str(value):
            left_out.append(key)
        else:
            fields[key] = value
    if not fields and body.lstrip().startswith(_DASHES):
        return None
    front = "".join(f"{key}: {msgspec.json.encode(value).decode()}\n" for key, value in fields.items())
    text = f"{_DASHES}\n{front}{_DASHES}\n{body}" if fields else body
    return Document(text, fields, tuple(left_out), _runs(body))


def _runs(body: str) -> tuple[str, ...]:
    return tuple((found[1] or found[2]).strip() for found in _RUNS.finditer(body))


def _blocks(lines: list[str]) -> dict[str, list[str]] | None:
    """Each key with its value's lines; None when a line is neither a key's nor belongs to one."""
    blocks: dict[str, list[str]] = {}
    current: list[str] | None = None
    for line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        if current is not None and (line[0] in " \t" or _ITEM.fullmatch(line)):
            current.append(line)
            continue
        found = _KEY.fullmatch(line)
        if not found or found[1] in blocks:
            return None
        current = blocks[found[1]] = [found[2] or ""]
    return blocks


def _value(block: list[str]) -> Value | None:
    first, rest = block[0].strip(), block[1:]
    if not rest:
        return _list(first) if first.startswith("[") else _scalar(first)
    if first in (">", ">-", "|", "|-"):
        return " ".join(line.strip() for line in rest)
    items = [_ITEM.fullmatch(line) for line in rest]
    if first or not all(items):
        return None
    return _texts([_scalar(item[1].strip()) for item in items if item])


def _list(text: str) -> list[str] | None:
    if not text.endswith("]"):
        return None
    try:
        return msgspec.json.decode(text, type=list[str])
    except msgspec.MsgspecError:
        inside = text[1:-1]
    parts = [part.strip() for part in inside.split(",") if part.strip()]
    is_plain = not re.search(r"[\[\]{}\"']", inside) and all(part.count("(") == part.count(")") for part in parts)
    return parts if is_plain else None


def _texts(values: list[Value | None]) -> list[str] | None:
    texts = [value for value in values if isinstance(value, str)]
    return texts if len(texts) == len(values) else None


def _scalar(text: str) -> Value | None:
    if text in ("true", "false"):
        return text == "true"
    if text.startswith('"'):
        try:
            return msgspec.json.decode(text, type=str)
        except msgspec.MsgspecError:
            return None
    if text.startswith("'"):
        inside = text[1:-1].replace("''", "")
        return text[1:-1].replace("''", "'") if len(text) > 1 and text.endswith("'") and "'" not in inside else None
    if text[:1] in tuple("{[&*!|>%@`"):
        return None
    return text.split(" #", maxsplit=1)[0].rstrip()
