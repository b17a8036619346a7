"""Front matter of a project's commands, skills and agents: what is understood is written anew, the rest is left out."""

import pytest

from bridge.trust.documents import Document, understand

COMMAND = """---
description: Deploy it   # to production
allowed-tools: Bash(git push:*), Read
hooks:
  PreToolUse:
    - matcher: "*"
argument-hint: '[where''s it]'
---
Push: !`git push`
"""


def test_known_keys_are_written_anew_and_unknown_ones_are_named() -> None:
    found = understand("commands", COMMAND)
    assert found is not None
    assert found.left_out == ("hooks",)
    assert found.runs == ("git push",)
    assert found.text == (
        '---\ndescription: "Deploy it"\nallowed-tools: "Bash(git push:*), Read"\nargument-hint: "[where\'s it]"\n---\n'
        "Push: !`git push`\n"
    )
    again = understand("commands", found.text)
    assert again is not None
    assert (again.text, again.left_out) == (found.text, ())


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("tools: Read, Grep", "Read, Grep"),
        ('tools: "Read"', "Read"),
        ("tools: [Read, Grep]", ["Read", "Grep"]),
        ('tools: ["Read", "Bash(a, b)"]', ["Read", "Bash(a, b)"]),
        ("tools: [Bash(git add:*), Read]", ["Bash(git add:*)", "Read"]),
        ("tools: [Bash(a, b), Read]", None),
        ("tools:\n  - Read\n  - 'Grep'", ["Read", "Grep"]),
        ("tools:\n- Read", ["Read"]),
        ("description: >-\n  one\n  two", None),
    ],
)
def test_values_are_read_in_the_forms_that_people_write(written: str, value: object) -> None:
    found = understand("agents", f"---\n{written}\n---\nBody")
    assert found is not None
    assert found.fields.get("tools") == value
    assert "description" not in written or found.fields["description"] == "one two"


@pytest.mark.parametrize(
    "front",
    [
        "{hooks: {Stop: []}}",
        '"hooks": x',
        "? hooks\n: x",
        "description: a\ndescription: b",
        "description: a\n--- hooks: x",
        "description: a --- b",
        "%YAML 1.2",
        "&a hooks: x",
    ],
)
def test_front_matter_that_two_readers_could_read_otherwise_is_not_taken(front: str) -> None:
    assert understand("skills", f"---\n{front}\n---\nBody") is None


@pytest.mark.parametrize(
    "value", ["{a: b}", "&anchor x", "*alias", "!!python/x y", '"broken', "'broken", "[a, {b: c}]"]
)
def test_a_value_of_another_form_is_left_out(value: str) -> None:
    found = understand("commands", f"---\ndescription: {value}\nmodel: opus\n---\nBody")
    assert found is not None
    assert (found.fields, found.left_out) == ({"model": "opus"}, ("description",))


def test_front_matter_that_is_not_closed_or_comes_late_is_not_taken() -> None:
    assert understand("commands", "---\nhooks: x\n") is None
    assert understand("commands", "\n---\nhooks: x\n---\n") is None
    assert understand("commands", "---\nunknown: x\n---\n---\nhooks: x\n---\n") is None


def test_a_byte_order_mark_and_foreign_line_ends_hide_nothing() -> None:
    found = understand("commands", "\ufeff---\r\nhooks: x\r\nmodel: opus\r\n---\r\nBody")
    assert found is not None
    assert (found.text, found.left_out) == ('---\nmodel: "opus"\n---\nBody', ("hooks",))


def test_a_plain_text_is_taken_as_it_is() -> None:
    assert understand("commands", "Just do it.") == Document("Just do it.", {}, (), ())


def test_blocks_that_run_are_named() -> None:
    found = understand("skills", "Look:\n```!\ngit log\ngit diff\n```\n")
    assert found is not None
    assert found.runs == ("git log\ngit diff",)
