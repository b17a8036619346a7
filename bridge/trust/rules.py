"""Which trusted rule let a tool run unasked. The CLI says that a rule did, and never which one.

Named is only a rule that surely allows the call: one without a condition, or a Bash rule that fits a command of one
simple word after the other. Of a command with operators in it the CLI judges the parts by themselves, and may know some
of them as harmless; then no rule is named.
"""

import re
from collections.abc import Sequence

import msgspec

from bridge.protocol.errors import UNREADABLE

ALLOWED_BY_RULE = ("config:rule", "config:subcommandResults")
"""What the CLI says of a call that a rule of ``--settings`` allowed (docs/claude-protocol.md, "Turns")."""
_RULE = re.compile(r"(?P<tool>[^(]+)(?:\((?P<content>.*)\))?", re.DOTALL)
_OPERATORS = re.compile(r"[;&|<>$`()\n\\]")


class _Bash(msgspec.Struct):
    command: str = ""


def named(allowed_by: str, rules: Sequence[str], tool: str, tool_input: str) -> str:
    """The rule that allowed the call; empty when none of these surely did. ``rules``: of the trusted copy."""
    if allowed_by not in ALLOWED_BY_RULE:
        return ""
    return next((rule for rule in rules if _fits(rule, tool, tool_input)), "")


def _fits(rule: str, tool: str, tool_input: str) -> bool:
    found = _RULE.fullmatch(rule)
    if not found or not _is_of(found["tool"], tool):
        return False
    content = found["content"]
    if content is None:
        return True
    return tool == "Bash" and _fits_command(content, _command_in(tool_input))


def _is_of(named_tool: str, tool: str) -> bool:
    """A server's name stands for all of its tools."""
    if tool.startswith("mcp__"):
        return tool == named_tool or tool.startswith(f"{named_tool.removesuffix('*').removesuffix('__')}__")
    return tool == named_tool


def _command_in(tool_input: str) -> str:
    try:
        return msgspec.json.decode(tool_input, type=_Bash).command
    except UNREADABLE:
        return ""


def _fits_command(content: str, command: str) -> bool:
    if not command:
        return False
    if content == command:
        return True
    if _OPERATORS.search(command):
        return False
    start = content.removesuffix(":*") if content.endswith(":*") else content.removesuffix(" *")
    return start != content and "*" not in start and (command == start or command.startswith(f"{start} "))
