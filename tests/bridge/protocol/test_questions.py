"""Claude's questions: which can be shown."""

import json

import pytest

from bridge.protocol import questions as q


def one(text: str, *labels: str) -> dict[str, object]:
    return {"question": text, "options": [{"label": label} for label in labels]}


def test_questions_are_read_as_claude_sends_them() -> None:
    asked = {**one("Which colour?", "Red", "Blue"), "header": "Colour", "field_from_the_future": 1}
    read = q.read_questions(json.dumps({"questions": [asked]}))
    assert read
    (question,) = read
    assert (question.question, question.header, question.multiSelect) == ("Which colour?", "Colour", False)
    assert [option.label for option in question.options] == ["Red", "Blue"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        '{"questions":[]}',
        '{"questions":{}}',
        '{"questions":[{"question":"  "}]}',
        '{"questions":[{"question":"Which?","options":[{"label":" "}]}]}',
        '{"questions":[{"question":"Which?","options":["Red"]}]}',
        '{"questions":[{"question":"Which?"},{"question":"Which?"}]}',
        '{"questions":' + "[" * 50_000,
        json.dumps({"questions": [one(str(n)) for n in range(q.MOST_QUESTIONS + 1)]}),
        json.dumps({"questions": [one("Which?", *map(str, range(q.MOST_OPTIONS + 1)))]}),
        json.dumps({"questions": [one("x" * q.MOST_CHARS)]}),
    ],
)
def test_what_cannot_be_shown_or_told_apart_is_no_question(text: str) -> None:
    assert q.read_questions(text) is None
