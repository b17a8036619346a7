"""The trusted rule that let a tool run unasked is named only where it surely did."""

import json

import pytest

from bridge.trust.rules import named


@pytest.mark.parametrize(
    ("rule", "tool", "tool_input"),
    [
        ("Bash", "Bash", {"command": "rm -r x; y"}),
        ("Bash(npm test)", "Bash", {"command": "npm test"}),
        ("Bash(a && b)", "Bash", {"command": "a && b"}),
        ("Bash(npm test:*)", "Bash", {"command": "npm test --all"}),
        ("Bash(npm test:*)", "Bash", {"command": "npm test"}),
        ("Bash(npm *)", "Bash", {"command": "npm run x"}),
        ("mcp__db__query", "mcp__db__query", {}),
        ("mcp__db", "mcp__db__query", {}),
        ("mcp__db__*", "mcp__db__query", {}),
    ],
)
def test_a_rule_that_surely_allows_the_call_is_named(rule: str, tool: str, tool_input: object) -> None:
    assert named("config:rule", ["Other", rule], tool, json.dumps(tool_input)) == rule


@pytest.mark.parametrize(
    ("rule", "tool", "tool_input"),
    [
        ("Bash(npm test:*)", "Bash", {"command": "npm testing"}),
        ("Bash(npm test:*)", "Bash", {"command": "npm test; rm x"}),
        ("Bash(npm test:*)", "Bash", {"command": "npm test $(rm x)"}),
        ("Bash(npm * x *)", "Bash", {"command": "npm a x b"}),
        ("Bash(npm test)", "Read", {"command": "npm test"}),
        ("Bash(:*)", "Bash", {}),
        ("Read(//etc/**)", "Read", {"file_path": "/etc/hosts"}),
        ("mcp__db", "mcp__dbx__query", {}),
        ("mcp__db__query", "mcp__db__query_all", {}),
        ("(broken", "Bash", {"command": "x"}),
    ],
)
def test_one_that_may_not_be_the_reason_is_not(rule: str, tool: str, tool_input: object) -> None:
    assert named("config:rule", [rule], tool, json.dumps(tool_input)) == ""


@pytest.mark.parametrize("by", ["", "user_permanent:rule", "hook:hook", "config:mode", "user_temporary:rule"])
def test_nothing_is_named_where_the_cli_gives_another_reason(by: str) -> None:
    assert named(by, ["Bash"], "Bash", '{"command": "x"}') == ""


def test_an_input_that_was_cut_names_no_rule_with_a_condition() -> None:
    assert named("config:rule", ["Bash(x)"], "Bash", '{"command": "x') == ""
