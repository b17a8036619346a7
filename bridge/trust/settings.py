"""A project's settings (``.claude/settings.json`` and ``settings.local.json``), as far as they are understood.

Kept are the keys that stand here, in the form that stands here. Some are left out though they are known:
``defaultMode`` (the mode is told at each start, and chosen by ``/mode``), ``statusLine`` (a thread has none) and
plugins (their code lies elsewhere, so nobody could be shown it, nor would a change of it be seen).
"""

import re
from collections.abc import Callable, Mapping
from posixpath import join, normpath

import msgspec

from bridge.protocol.start import is_forbidden_for_child, may_be_argument
from bridge.trust.servers import NO_OBJECT
from bridge.trust.words import Told

FILES = (".claude/settings.json", ".claude/settings.local.json")
"""The later one has the last word."""
EVENTS = (
    *("PreToolUse", "PostToolUse", "PostToolUseFailure", "PermissionRequest", "UserPromptSubmit", "Notification"),
    *("Stop", "StopFailure", "SubagentStart", "SubagentStop", "PreCompact", "PostCompact", "SessionStart"),
    *("SessionEnd", "Setup", "TaskCompleted", "TaskCreated", "ConfigChange", "CwdChanged", "FileChanged"),
)
"""When a hook may run (code.claude.com/docs, "Hooks reference")."""
_OURS = frozenset({"HOME", "TMPDIR", "XDG_RUNTIME_DIR", "CLAUDE_CONFIG_DIR", "CLAUDE_SECURESTORAGE_CONFIG_DIR"})
"""Where Claude keeps its files is said at its start, and by nobody else."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RULE = re.compile(r"(?P<tool>[A-Za-z][\w*-]*)(?:\((?P<content>[^\n\r]*)\))?")
_OF_PATHS = ("Read", "Edit", "Write", "MultiEdit", "NotebookEdit", "Glob", "Grep")
_RULES = {"allow": "Not asked about", "ask": "Always asked about", "deny": "Never allowed"}
_SILENT = ("$schema", "enableAllProjectMcpServers", "enabledMcpjsonServers", "disabledMcpjsonServers")
"""They only say which servers act; all that are not disabled do."""
_WHY_NOT = {
    "defaultMode": "the mode is chosen here, by /mode",
    "statusLine": "a thread has no status line",
    "enabledPlugins": "a plugin's code does not lie in these files",
    "extraKnownMarketplaces": "a plugin's code does not lie in these files",
}

type Json = dict[str, object]


class Settings(msgspec.Struct):
    """What the copy's settings hold, joined of both files."""

    hooks: dict[str, list[Json]] = {}
    env: dict[str, str] = {}
    permissions: dict[str, list[str]] = {}
    others: dict[str, object] = {}
    disabled_servers: list[str] = []

    def whole(self) -> Json:
        """As the CLI reads it; empty when nothing is in it."""
        parts: Json = {"hooks": self.hooks, "env": self.env, "permissions": self.permissions}
        return {**{name: part for name, part in parts.items() if part}, **self.others}


def understand(files: Mapping[str, object], directory: str, told: Told) -> Settings:
    """``files``: what the two hold, by their names; ``directory``: the project's, for paths that begin there."""
    settings = Settings()
    for name in FILES:
        if name not in files:
            continue
        given = files[name]
        if not isinstance(given, dict):
            told.leave_out(f"{name}: {NO_OBJECT}")
            continue
        for key, value in given.items():
            if key not in _SILENT and not _take(settings, name, key, value, directory, told):
                leave_out(told, name, key)
        settings.disabled_servers += _texts(given.get("disabledMcpjsonServers"))
    _tell(settings, told)
    return settings


def leave_out(told: Told, file: str, key: str) -> None:
    why = _WHY_NOT.get(key.rpartition(".")[2])
    told.leave_out(f"{file}: {key}" + (f" ({why})" if why else ""))


def _take(settings: Settings, file: str, key: str, value: object, directory: str, told: Told) -> bool:
    """Whether the key is one that is understood; parts of its value that are not are left out by themselves."""
    match key, value:
        case "hooks", dict():
            _take_hooks(settings, file, value, told)
        case "env", dict():
            _take_environment(settings, file, value, told)
        case "permissions", dict():
            _take_permissions(settings, file, value, directory, told)
        case "apiKeyHelper", str() if value.strip():
            settings.others[key] = value
        case "model", str() if may_be_argument(value):
            settings.others[key] = value
        case "includeCoAuthoredBy", bool():
            settings.others[key] = value
        case _:
            return False
    return True


def _take_hooks(settings: Settings, file: str, given: Mapping[str, object], told: Told) -> None:
    for event, groups in given.items():
        if event not in EVENTS or not isinstance(groups, list):
            told.leave_out(f"{file}: hooks.{event}")
            continue
        kept = [group for one in groups if (group := _hook_group(one, f"{file}: hooks.{event}", told))]
        if kept:
            settings.hooks.setdefault(event, []).extend(kept)


def _hook_group(given: object, where: str, told: Told) -> Json | None:
    hooks = given.get("hooks") if isinstance(given, Mapping) else None
    matcher = given.get("matcher", "") if isinstance(given, Mapping) else None
    if not isinstance(given, Mapping) or not isinstance(hooks, list) or not isinstance(matcher, str):
        told.leave_out(where)
        return None
    for key in given:
        if key not in ("matcher", "hooks"):
            told.leave_out(f"{where}.{key}")
    kept = [hook for one in hooks if (hook := _hook(one, where, told))]
    return ({"matcher": matcher} if matcher else {}) | {"hooks": kept} if kept else None


def _hook(given: object, where: str, told: Told) -> Json | None:
    command = given.get("command") if isinstance(given, Mapping) and given.get("type") == "command" else None
    if not isinstance(given, Mapping) or not isinstance(command, str) or not command.strip():
        told.leave_out(f"{where}: a hook that is no command")
        return None
    if "if" in given and not _is_of_hook("if", given["if"]):  # without it, it would run more often than it was meant to
        told.leave_out(f"{where}: {command}, whose condition is not understood")
        return None
    kept: Json = {"type": "command", "command": command}
    for key, value in given.items():
        if _is_of_hook(key, value):
            kept[key] = value
        elif key not in kept:
            told.leave_out(f"{where}.{key} of {command}")
    return kept


def _is_of_hook(key: str, value: object) -> bool:
    """``if`` narrows when it runs, by a permission rule (docs/claude-protocol.md, "Project files")."""
    match key:
        case "timeout":
            return isinstance(value, int | float) and not isinstance(value, bool) and value > 0
        case "async" | "once":
            return isinstance(value, bool)
        case "if":
            return isinstance(value, str) and bool(_RULE.fullmatch(value))
        case _:
            return False


def _take_environment(settings: Settings, file: str, given: Mapping[str, object], told: Told) -> None:
    for name, value in given.items():
        is_ours = name in _OURS or is_forbidden_for_child(name)
        if isinstance(value, str) and "\0" not in value and _VARIABLE.fullmatch(name) and not is_ours:
            settings.env[name] = value
        else:
            told.leave_out(f"{file}: env.{name}")


def _take_permissions(settings: Settings, file: str, given: Mapping[str, object], directory: str, told: Told) -> None:
    readers: dict[str, Callable[[str], str]] = {
        **dict.fromkeys(_RULES, lambda rule: _rule(rule, directory)),
        "additionalDirectories": lambda path: _folder(path, directory),
    }
    for key, values in given.items():
        if (read := readers.get(key)) is None or not isinstance(values, list):
            leave_out(told, file, f"permissions.{key}")
            continue
        for value in values:
            if isinstance(value, str) and (kept := read(value)):
                into = settings.permissions.setdefault(key, [])
                into += [kept] if kept not in into else []
            else:
                told.leave_out(f"{file}: permissions.{key}: {value}")


def _rule(rule: str, directory: str) -> str:
    """Empty for one that is not understood.

    A path that begins with one slash begins where its settings lie. For the copy that is elsewhere: it is told whole.
    """
    found = _RULE.fullmatch(rule)
    if not found:
        return ""
    content = found["content"] or ""
    if found["tool"] in _OF_PATHS and content.startswith("/") and not content.startswith("//"):
        return f"{found['tool']}(/{directory.rstrip('/')}{content})"
    return rule


def _folder(path: str, directory: str) -> str:
    if not path or any(sign in path for sign in "\0\n\r"):
        return ""
    return path if path.startswith("~") else normpath(join(directory, path))


def _tell(settings: Settings, told: Told) -> None:
    for event, groups in settings.hooks.items():
        for group in groups:
            _tell_hooks(event, group, told)
    if helper := settings.others.get("apiKeyHelper"):
        told.act(f"Claude's API key: runs {helper}")
    for name, value in settings.env.items():
        told.act(f"Environment: {name}={value}")
    for key, words in _RULES.items():
        for rule in settings.permissions.get(key, ()):
            told.act(f"{words}: {rule}")
    for folder in settings.permissions.get("additionalDirectories", ()):
        told.act(f"Claude may also work in {folder}")
    for key in ("model", "includeCoAuthoredBy"):
        if key in settings.others:
            told.act(f"Setting: {key} = {msgspec.json.encode(settings.others[key]).decode()}")


def _tell_hooks(event: str, group: Json, told: Told) -> None:
    hooks = group["hooks"]
    for hook in hooks if isinstance(hooks, list) else ():
        when = ", ".join(filter(None, (str(group.get("matcher", "")), f"if {hook['if']}" if "if" in hook else "")))
        told.act(f"Hook at {event}{f' ({when})' if when else ''}: runs {hook['command']}")


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
