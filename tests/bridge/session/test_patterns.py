import json

import pytest

from bridge.protocol.push import PUSH_TOOL, Push, as_input
from bridge.session.patterns import MOST_CHARS, PUSH_IS_CALLED, ToolPattern
from worker import mcp


def covers(pattern: str, tool: str, **given: object) -> bool:
    return ToolPattern.parse(pattern).covers(tool, json.dumps(given))


@pytest.mark.parametrize(
    "command",
    [
        *("rm -rf x", "rm", "cd a && rm x", "sudo /bin/rm x", "a; rm x", "x\nrm y", "FOO=1 rm x", "$(rm x)", "`rm x`"),
        *("r\\m x", "'rm' x", 'r""m x', "r\\\nm x", "RM x", "bash -c 'rm x'", "find . -exec rm {} +"),
    ],
)
def test_a_command_is_covered_wherever_in_it_the_words_stand(command: str) -> None:
    assert covers("Bash:rm*", "Bash", command=command)


@pytest.mark.parametrize("command", ["npm test", "charm x", "farm", "ls --rm", "x-rm y", ""])
def test_a_part_of_a_word_is_not_the_word(command: str) -> None:
    assert not covers("Bash:rm*", "Bash", command=command)


def test_several_words_and_stars_between_them() -> None:
    assert covers("Bash:git push*--force*", "Bash", command="git  push origin main --force")
    assert covers("Bash:git push", "Bash", command="cd x; git push origin")
    assert not covers("Bash:git push", "Bash", command="git pushed")


def test_tools_are_named_whole_with_stars_and_by_the_last_part_of_a_servers() -> None:
    assert covers("Write", "Write", file_path="/x") and not covers("Write", "Edit", file_path="/x")
    assert covers("git_push", "mcp__threadbridge__git_push") and covers("mcp__db__*", "mcp__db__drop", table="x")
    assert covers("*:prod*", "mcp__db__drop", nested={"names": ["prod-1"]}) and not covers("*:prod*", "X", a="dev")


@pytest.mark.parametrize(
    "pattern", ["git_push", "git push", "mcp__threadbridge__*", "git_push:main", "git_push:*prod*"]
)
def test_a_push_is_covered_by_the_name_that_claude_calls_and_by_what_its_card_shows(pattern: str) -> None:
    push = Push("https://host/prod.git", "main", "main", "0" * 40)
    assert ToolPattern.parse(pattern).covers(PUSH_TOOL, as_input(push))
    assert not ToolPattern.parse(pattern).covers("Bash", '{"command": "ls"}')
    assert not ToolPattern.parse("git_push:staging").covers(PUSH_TOOL, as_input(push))


def test_its_name_is_the_one_of_the_tool_that_the_worker_offers() -> None:
    assert mcp.PUSH_ALLOWED == PUSH_IS_CALLED


def test_of_a_file_tool_the_path_counts_and_not_what_is_written() -> None:
    assert covers("Edit:*.env", "Edit", file_path="/srv/app/.env", new_string="x")
    assert not covers("Write:*.env", "Write", file_path="/srv/app/README.md", content="see .env")


def test_what_cannot_be_read_or_is_too_long_is_covered() -> None:
    assert ToolPattern.parse("Bash:rm*").covers("Bash", "not json")
    assert covers("Bash:rm*", "Bash", command="x " * MOST_CHARS)


@pytest.mark.parametrize("text", ["", ":rm", "Bash:", " "])
def test_a_pattern_without_a_tool_or_with_an_empty_rest_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        ToolPattern.parse(text)
