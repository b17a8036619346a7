import json
import random

import pytest

from bridge.render.asked import describe, rule_in_words, spoken
from bridge.render.tool_phrases import relative
from bridge.render.tools import (
    TOOL_LINE_CHARS,
    done_tool_line,
    failed_tool_line,
    read_input,
    running_tool_line,
    tool_line,
    unknown_tool_line,
)
from bridge.text import utf16_len

CWD = "/srv/web-app"
LINES: list[tuple[str, dict[str, object], str]] = [
    ("Bash", {"command": "npm test", "description": "Run tests"}, "Bash `npm test`"),
    ("Bash", {"command": "echo `date`\nls"}, "Bash `` echo `date` ls ``"),
    ("Read", {"file_path": "/srv/web-app/src/app.py"}, "Read `src/app.py`"),
    ("Read", {"file_path": "/etc/hosts", "offset": 10, "limit": 71}, "Read `/etc/hosts` lines 10-80"),
    ("Edit", {"file_path": "/srv/web-app/a.py", "old_string": "a\nb\n", "new_string": "a\nc\nd\n"},
     "Edit `a.py` +2 −1"),
    ("MultiEdit", {"file_path": "/srv/web-app/a.py", "edits": [
        {"old_string": "a", "new_string": "b"}, {"old_string": "c", "new_string": ""}]}, "Edit `a.py` 2 edits +1 −2"),
    ("Write", {"file_path": "/srv/web-app/x", "content": "a\nb"}, "Write `x` 2 lines"),
    ("Write", {"file_path": "/srv/web-app/x", "content": "a\n"}, "Write `x` 1 line"),
    ("Grep", {"pattern": "TODO", "path": "/srv/web-app/src"}, "Grep `TODO` in `src`"),
    ("Glob", {"pattern": "**/*.py"}, "Glob `**/*.py`"),
    ("WebFetch", {"url": "https://docs.python.org/3/?q=1", "prompt": "x"}, "WebFetch `docs.python.org/3?q=1`"),
    ("WebSearch", {"query": "a b"}, "WebSearch `a b`"),
    ("Agent", {"subagent_type": "general-purpose", "description": "Look around", "prompt": "…"},
     "Agent (general-purpose): Look around"),
    ("Skill", {"skill": "review", "args": "12"}, "Skill `review 12`"),
    ("TodoWrite", {"todos": [{"status": "completed"}, {"status": "pending"}]}, "TodoWrite 1 of 2 done"),
    ("AskUserQuestion", {"questions": [{"question": "Which colour?"}, {}]}, "Asks: Which colour? and 1 more"),
    ("mcp__git_hub__create_issue", {"title": "Bug"}, r"git\_hub · create\_issue `Bug`"),
    ("Strange", {"n": 1, "foo": "bar", "path": "/x"}, "Strange `/x`"),
    ("Strange", {}, "Strange"),
    ("Bash", {}, "Bash"),
    ("Edit", {"file_path": 3}, "Edit `3`"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "line"), LINES)
def test_a_tool_is_told_in_one_line(name: str, given: dict[str, object], line: str) -> None:
    assert tool_line(name, given, CWD) == line


def test_the_mark_says_how_it_went() -> None:
    given: dict[str, object] = {"command": "npm test"}
    assert running_tool_line("Bash", given, CWD) == "⋯ Bash `npm test` · running"
    assert done_tool_line("Bash", given, CWD) == "✓ Bash `npm test`"
    assert unknown_tool_line("Bash", given, CWD) == "? Bash `npm test` – outcome unknown"


def test_a_failed_tool_says_its_error_in_one_line() -> None:
    given: dict[str, object] = {"command": "npm test"}
    for result, line in (
        ("Exit code 1\nnpm ERR! *missing*\nmore", r"✗ Bash `npm test` – failed: Exit code 1: npm ERR! \*missing\*"),
        (
            "<tool_use_error>File has not been read yet</tool_use_error>",
            "✗ Bash `npm test` – failed: File has not been read yet",
        ),
        ("", "✗ Bash `npm test` – failed"),
    ):
        assert failed_tool_line("Bash", given, result, CWD) == line


def test_what_was_not_allowed_has_not_failed() -> None:
    for tool, said in (("Bash", "denied"), ("AskUserQuestion", "not answered"), ("ExitPlanMode", "not approved")):
        assert failed_tool_line(tool, {}, "no", CWD, is_denied=True).endswith(f" – {said}: no")


def test_an_error_is_told_without_a_terminals_colours() -> None:
    line = failed_tool_line("Bash", {"command": "x"}, "\x1b[31mred\x1b[0m and dead", CWD)
    assert line == "✗ Bash `x` – failed: red and dead"


def test_a_running_tool_says_how_far_it_is() -> None:
    given: dict[str, object] = {"subagent_type": "Explore", "description": "look " * 90}
    line = running_tool_line("Agent", given, CWD, "12 tools · " + "x" * 79)
    assert line.endswith(" · running · 12 tools · " + "x" * 79) and utf16_len(line) <= TOOL_LINE_CHARS
    assert done_tool_line("Task", {"description": "look"}, CWD, "3 s") == "✓ Agent: look · 3 s"


def test_of_an_input_that_was_cut_the_first_fields_are_known() -> None:
    cut = '{"file_path":"/srv/web-app/a.py", "replace_all" : false,"n":-1.5e3,"old_string":"a \\"b\\"\\u00e9","new":"x'
    assert read_input(cut) == {"file_path": "/srv/web-app/a.py", "old_string": 'a "b"é'}
    assert tool_line("Edit", read_input(cut), CWD) == "Edit `a.py`"
    assert read_input('{"command":"npm \\"te') == {"command": 'npm "te'}
    assert read_input('{"command":"npm \\u00') == {"command": "npm "}
    assert read_input('{"edits":[{"old_string":"a') == {"input": '{"edits":[{"old_string":"a'}
    assert read_input("") == {"input": ""}


@pytest.mark.parametrize("at", range(0, 120, 7))
def test_an_input_cut_anywhere_makes_no_trouble_and_tells_no_lie(at: int) -> None:
    given = {"file_path": "/a/é😀.py", "content": 'x"\\\n' * 9, "more": [1, {"a": None}], "last": "z"}
    for key, value in read_input(json.dumps(given)[:at]).items():
        assert key == "input" or given[key] == value or (key == "file_path" and str(given[key]).startswith(str(value)))


def test_a_tool_line_is_short_on_one_line_and_quoted_whatever_the_input() -> None:
    dice = random.Random(5)
    names = [name for name, _, _ in LINES] + ["mcp__" + "s" * 90 + "__" + "t" * 90, "*" * 300, "", "mcp____"]
    keys = sorted({key for _, given, _ in LINES for key in given} | {"subagent_type", "pages", "glob"})
    values: list[object] = ["x" * 500, "`" * 300, "a\nb" * 90, "😀" * 200, "_*" * 150, "/" + "d/" * 200, "http://[", ""]
    values += [None, 7, [], [{}], [1], {"a": 1}, [{"old_string": "a", "new_string": "b"}], True, "\u202e\x1b"]
    for _ in range(3000):
        given = {key: dice.choice(values) for key in dice.sample(keys, dice.randint(0, 6))}
        name, result = dice.choice(names), str(dice.choice(values))
        for line in (
            running_tool_line(name, given, CWD),
            unknown_tool_line(name, given, CWD),
            done_tool_line(name, given, CWD),
            failed_tool_line(name, given, result, CWD, is_denied=dice.random() < 0.5),
        ):
            assert utf16_len(line) <= TOOL_LINE_CHARS
            assert not {"\n", "\u202e", "\x1b"} & set(line)
            assert "```" not in line


def test_a_long_path_keeps_its_end() -> None:
    line = tool_line("Read", {"file_path": "/srv/web-app/" + "deep/" * 60 + "app.py"}, CWD)
    assert line.startswith("Read `…")
    assert line.endswith("deep/app.py`")


def test_paths_are_relative_only_below_the_directory() -> None:
    assert relative("/srv/web-app/a/b", CWD) == "a/b"
    assert relative("/srv/web-app", CWD) == "."
    assert relative("/srv/web-app-2/a", CWD) == "/srv/web-app-2/a"
    assert relative("/srv/web-app/../../etc/passwd", CWD) == "/etc/passwd"
    assert relative("a/b", CWD) == "a/b"
    assert relative("/a", "/") == "a"


def test_a_command_is_shown_whole_with_every_other_field() -> None:
    given = {"command": "npm test\nnpm run x", "timeout": 5000, "dangerouslyDisableSandbox": True}
    shown = describe("Bash", {**given, "description": "Run the tests"}, CWD)
    assert (shown.language, shown.body, shown.file) == ("bash", "npm test\nnpm run x", shown.body)
    assert shown.captions == ("Run the tests", "timeout: 5000", "dangerouslyDisableSandbox: true")


def test_a_description_cannot_pretend_to_be_another_field() -> None:
    shown = describe("Bash", {"command": "ls", "description": "a\ntimeout: 1"}, CWD)
    assert shown.captions == ('description: "a\\ntimeout: 1"',)


def test_a_long_field_cannot_push_the_command_out_of_sight() -> None:
    shown = describe("Bash", {"description": "x" * 5000, "command": "rm -rf /"}, CWD)
    assert shown.body.startswith("rm -rf /\n# description:") and not shown.captions


def test_an_edit_is_shown_as_a_diff() -> None:
    given = {"file_path": "/srv/web-app/a.py", "old_string": "a\n", "new_string": "b\n", "odd": 1}
    shown = describe("Edit", given, CWD)
    assert (shown.language, shown.captions, spoken("Edit", given, CWD)) == ("diff", ("odd: 1",), "Edit a.py +1 −1")
    assert (shown.body, shown.file) == ("-a\n+b", "--- a.py\n+++ a.py\n@@ … @@\n-a\n+b")


def test_an_edit_of_an_odd_form_is_shown_as_it_is() -> None:
    odd: list[tuple[str, dict[str, object]]] = [
        ("Edit", {"file_path": "a\nb", "old_string": "a", "new_string": "b"}),
        ("Edit", {"file_path": "a", "old_string": "a", "new_string": "b", "replace_all": "no"}),
        ("Edit", {"file_path": "a", "old_string": ["a"], "new_string": "b"}),
        ("MultiEdit", {"file_path": "a", "edits": [{"old_string": "a", "new_string": "b", "more": 1}]}),
        ("MultiEdit", {"file_path": "a", "edits": "x"}),
        ("Bash", {"command": ["rm"]}),
        ("mcp__a__b", {"x": {"y": 1}}),
    ]
    for name, given in odd:
        assert describe(name, given, CWD).language == "json"


def test_every_value_of_any_input_is_somewhere_in_the_description() -> None:
    dice = random.Random(9)
    keys = (
        "command",
        "file_path",
        "old_string",
        "new_string",
        "content",
        "replace_all",
        "new_source",
        "notebook_path",
        "a b",
    )
    for _ in range(2000):
        given: dict[str, object] = {key: f"v{dice.random()}" for key in dice.sample(keys, dice.randint(0, 6))}
        name = dice.choice(("Bash", "Edit", "Write", "NotebookEdit", "MultiEdit", "Other"))
        described = describe(name, given, CWD)
        shown = "\n".join([*described.captions, described.body, spoken(name, given, CWD)])
        assert all(str(value) in shown for value in given.values())


def test_rules_are_told_in_words() -> None:
    for tool, content, words in (
        ("Bash", "npm test", 'Bash: exactly "npm test"'),
        ("Bash", "npm test:*", 'Bash: commands starting with "npm test"'),
        ("Bash", "npm test *", 'Bash: commands starting with "npm test"'),
        ("Bash", "git * main", 'Bash: commands like "git * main", where * stands for anything'),
        ("Bash", "*", "every use of Bash"),
        ("Bash", ":*", "every use of Bash"),
        ("Read", "//etc/**", "Read: //etc/**"),
        ("WebFetch", "", "every use of WebFetch"),
    ):
        assert rule_in_words({"toolName": tool, "ruleContent": content}) == words
    assert rule_in_words({"toolName": "WebFetch"}) == "every use of WebFetch"
