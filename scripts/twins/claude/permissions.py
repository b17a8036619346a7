"""What the scripted claude asks before a tool runs, and how it reads the answer. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from twins.claude.frames import Json
    from twins.claude.script import Use

MODES = ("acceptEdits", "auto", "bypassPermissions", "default", "dontAsk", "plan")
EDITING_TOOLS = ("Write", "Edit")
TALKING_TOOLS = ("AskUserQuestion", "ExitPlanMode")
INVALID_ANSWER = (
    "The canUseTool callback returned an invalid permission result. Expected {behavior: 'allow',"
    " updatedInput?: object} or {behavior: 'deny', message: string}. updatedPermissions may hold at"
    " most 4096 updates, rules and directories in all."
)
STREAM_CLOSED = "Tool permission request failed: AbortError: Tool permission stream closed before response received"
OUTSIDE = "Path is outside allowed working directories"
REJECTED = (
    "The user doesn't want to proceed with this tool use. The tool use was rejected (eg. if it was a"
    " file edit, the new_string was NOT written to the file). STOP what you are doing and wait for"
    " the user to tell you how to proceed."
)
STOPPED_WHILE_RUNNING = (
    " Correction to the text above: this call was stopped while running, not refused before it ran."
    " It may have run in part or in full, and its changes may have been written."
)

_READS_ONLY = re.compile(r"(?:echo|sleep|ls|pwd|true|false|date)\b[^;&|<>`$()\n]*")
_WRITES_PATH = re.compile(r"(?:touch|mkdir|rm|cp|mv)\s+([\w./-]+).*", re.DOTALL)


class Granted(NamedTuple):
    """The tool may run with this input. `why` is the `permission_decision` of the tool result."""

    tool_input: Json
    why: Json


class Denied(NamedTuple):
    message: str
    interrupt: bool = False


Verdict = Granted | Denied


class Permissions:
    """The mode and the rules that people added. Rules live as long as the process."""

    def __init__(self, mode: str, cwd: str) -> None:
        self.mode = mode
        self._cwd = cwd
        self._rules: set[tuple[str, str]] = set()
        self.folders: list[str] = []
        """More folders in which reading asks nobody (`--add-dir`)."""
        self.directories: list[str] = []
        """More of them in which it is as in its own (`additionalDirectories`)."""
        self.allowed: list[str] = []
        """Tools that nobody is asked about (`--allowedTools`), by name only."""

    def without_asking(self, use: Use) -> Verdict | None:
        """The verdict on a call that nobody is asked about; None = ask."""
        if use.name in TALKING_TOOLS:
            return None
        if self.mode == "bypassPermissions":
            return _accepted(use, "config", "mode")
        if use.name in self.allowed:
            return _accepted(use, "config", "rule")
        if (use.name, self._rule_of(use)) in self._rules:
            return _accepted(use, "user_permanent", "rule")
        if use.name == "Bash" and _READS_ONLY.fullmatch(use.tool_input["command"]):
            return _accepted(use, "config", "subcommandResults")
        if use.name == "Read" and self._may_be_read(use.tool_input["file_path"]):
            return _accepted(use, "config", "other")
        if self.mode == "acceptEdits" and self._is_edit(use):
            return _accepted(use, "config", "mode")
        if self.mode == "dontAsk":
            return Denied(f"Permission to use {use.name} has been denied because Claude Code runs in don't ask mode.")
        return None

    def question(self, use: Use) -> Json:
        """The fields of `can_use_tool` that depend on the tool and its input."""
        return {
            "subtype": "can_use_tool",
            "tool_name": use.name,
            "display_name": use.name,
            "input": use.tool_input,
            **self._details(use),
        }

    def apply(self, updates: object) -> bool:
        """Takes `updatedPermissions`; entries that make no sense are ignored. True if the mode changed."""
        before = self.mode
        for update in updates if isinstance(updates, list) else []:
            if isinstance(update, dict) and update.get("type") == "addRules":
                self._add_rules(update.get("rules"))
            elif isinstance(update, dict) and update.get("type") == "setMode" and update.get("mode") in MODES:
                self.mode = update["mode"]
        return self.mode != before

    def _add_rules(self, rules: object) -> None:
        for rule in rules if isinstance(rules, list) else []:
            if isinstance(rule, dict) and isinstance(rule.get("toolName"), str):
                self._rules.add((rule["toolName"], str(rule.get("ruleContent", ""))))

    def _details(self, use: Use) -> Json:
        if use.name in TALKING_TOOLS:
            return {"requires_user_interaction": True}
        if use.name == "Bash":
            return self._bash_details(use)
        if use.name.startswith("mcp__"):
            return _mcp_details(use)
        if use.name == "Read":
            return {
                "description": use.tool_input["file_path"],
                "permission_suggestions": [_add_rule("Read", self._rule_of(use), "session")],
                "decision_reason": OUTSIDE,
                "decision_reason_type": "workingDir",
            }
        path = use.tool_input["file_path"]
        suggestions = [] if self.mode in ("plan", "acceptEdits") else [_set_mode("acceptEdits")]
        details: Json = {"description": path.removeprefix(self._cwd + "/"), "permission_suggestions": suggestions}
        if not self._is_inside(path):
            suggestions.append(_add_directory(path.rpartition("/")[0]))
            details |= {"decision_reason": OUTSIDE, "decision_reason_type": "workingDir"}
        return details

    def _bash_details(self, use: Use) -> Json:
        command, about = use.tool_input["command"], use.tool_input["description"]
        suggestions = [_add_rule("Bash", command, "localSettings")]
        if (found := _WRITES_PATH.fullmatch(command)) is None:
            return {
                "description": about,
                "permission_suggestions": suggestions,
                "decision_reason": "This command requires approval",
                "decision_reason_type": "other",
            }
        suggestions.append(_add_directory(self._cwd))
        suggestions.append(_set_mode("acceptEdits"))
        return {
            "description": about,
            "permission_suggestions": suggestions,
            "blocked_path": f"{self._cwd}/{found[1]}",
        }

    def _rule_of(self, use: Use) -> str:
        if use.name == "Bash":
            return str(use.tool_input["command"])
        if use.name.startswith("mcp__"):
            return ""
        return "/" + str(use.tool_input.get("file_path", "")).rpartition("/")[0] + "/**"

    def _is_edit(self, use: Use) -> bool:
        if use.name == "Bash":
            return _WRITES_PATH.fullmatch(use.tool_input["command"]) is not None
        return use.name in EDITING_TOOLS and self._is_inside(use.tool_input["file_path"])

    def _may_be_read(self, path: str) -> bool:
        return self._is_inside(path) or any(folder and path.startswith(f"{folder}/") for folder in self.folders)

    def _is_inside(self, path: str) -> bool:
        return any(folder and path.startswith(f"{folder}/") for folder in (self._cwd, *self.directories))


def judge(answer: Json, use: Use) -> Verdict:
    """Reads the `response` of a control_response. What makes no sense is a denial (fails closed)."""
    if answer.get("subtype") == "error":
        return Denied(f"Tool permission request failed: Error: {answer.get('error')}")
    payload = answer.get("response")
    match payload:
        case {"behavior": "allow", **rest}:
            updated = rest.get("updatedInput", use.tool_input)
            if not isinstance(updated, dict):
                return Denied(INVALID_ANSWER)
            return Granted(updated, {"decision": "accept", "source": "user_temporary"})
        case {"behavior": "deny", "message": str(message), **rest}:
            return Denied(message, interrupt=rest.get("interrupt") is True)
        case _:
            return Denied(INVALID_ANSWER)


def _mcp_details(use: Use) -> Json:
    """Of a tool that an MCP server offers; the rule is its whole name."""
    rule = {"type": "addRules", "rules": [{"toolName": use.name}], "behavior": "allow", "destination": "localSettings"}
    server = {"name": use.name.split("__")[1], "source": "project"}
    return {"description": use.name, "permission_suggestions": [rule], "mcp_server": server}


def _accepted(use: Use, source: str, reason: str) -> Granted:
    return Granted(use.tool_input, {"decision": "accept", "source": source, "reason_type": reason})


def _add_rule(tool: str, content: str, destination: str) -> Json:
    rule = {"toolName": tool, "ruleContent": content}
    return {"type": "addRules", "rules": [rule], "behavior": "allow", "destination": destination}


def _add_directory(path: str) -> Json:
    return {"type": "addDirectories", "directories": [path], "destination": "session"}


def _set_mode(mode: str) -> Json:
    return {"type": "setMode", "mode": mode, "destination": "session"}
