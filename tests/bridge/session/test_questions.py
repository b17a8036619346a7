"""Answers to Claude's questions: what a draft of them is, and where each question stands in its card."""

import json

import pytest

from bridge.protocol.questions import Question, read_questions
from bridge.session import questions as q
from bridge.session.questions import Draft


def asked(*questions: dict[str, object]) -> tuple[Question, ...]:
    read = read_questions(json.dumps({"questions": questions}))
    assert read is not None
    return read


def one(text: str, *labels: str, multi: bool = False) -> dict[str, object]:
    return {"question": text, "multiSelect": multi, "options": [{"label": label} for label in labels]}


COLOUR = one("Which colour?", "Red", "Blue")
FRUITS = one("Which fruits?", "Apple", "Pear", "Fig", multi=True)


def test_one_answer_replaces_another() -> None:
    questions = asked(COLOUR)
    draft = q.picked(questions, Draft(), 0, ["0"])
    assert draft and draft.answers(questions) == {"Which colour?": "Red"}
    draft = q.picked(questions, draft, 0, ["1"])
    assert draft and draft.answers(questions) == {"Which colour?": "Blue"}
    draft = q.written(questions, draft, 0, {0: "  Mauve "})
    assert draft and draft.answers(questions) == {"Which colour?": "Mauve"}
    draft = q.picked(questions, draft, 0, ["0"])
    assert draft and draft.answers(questions) == {"Which colour?": "Red"}


def test_several_answers_are_joined_and_own_words_stand_beside_them() -> None:
    questions = asked(FRUITS)
    draft = q.picked(questions, Draft(), 0, ["2", "0"])
    assert draft and draft.answers(questions) == {"Which fruits?": "Apple, Fig"}
    draft = q.written(questions, draft, 0, {0: "Quince"})
    assert draft and draft.answers(questions) == {"Which fruits?": "Apple, Fig, Quince"}
    draft = q.picked(questions, draft, 0, [])
    assert draft and draft.answers(questions) == {"Which fruits?": "Quince"}
    draft = q.written(questions, draft, 0, {0: ""})
    assert draft and draft.answers(questions) == {}


def test_own_words_left_empty_keep_what_was_chosen() -> None:
    questions = asked(COLOUR, FRUITS)
    draft = q.picked(questions, Draft(), 0, ["1"])
    assert draft
    draft = q.written(questions, draft, 0, {0: "", 1: "Quince"})
    assert draft and draft.answers(questions) == {"Which colour?": "Blue", "Which fruits?": "Quince"}


@pytest.mark.parametrize(
    ("number", "values"),
    [(0, ["2"]), (0, ["0", "1"]), (0, []), (0, ["Red"]), (0, ["٠"]), (0, ["-1"]), (1, ["0", "00"]), (2, ["0"])],
)
def test_what_is_not_offered_cannot_be_picked(number: int, values: list[str]) -> None:
    assert q.picked(asked(COLOUR, FRUITS), Draft(), number, values) is None


def test_own_words_are_taken_for_the_pages_questions_only() -> None:
    questions = asked(*(one(f"Question {n}", "A") for n in range(6)))
    assert q.written(questions, Draft(), 0, {4: "x"}) is None
    assert q.written(questions, Draft(), 2, {0: "x"}) is None
    assert q.written(questions, Draft(), 0, {0: "x" * (q.OTHER_CHARS + 1)}) is None
    draft = q.written(questions, Draft(), 1, {4: "x"})
    assert draft and draft.answers(questions) == {"Question 4": "x"}


def test_more_options_than_a_select_takes_stand_in_several_rows_of_one_question() -> None:
    questions = asked(one("Which?", *map(str, range(60)), multi=True), COLOUR, one("In words?"))
    rows = q.rows_of(questions)
    assert [(row.place, len(row.options)) for row in rows] == [(0, 25), (0, 25), (0, 10), (1, 2), (2, 0)]
    assert [len(page) for page in q.pages_of(questions)] == [4, 1]
    draft = q.picked(questions, Draft(), 0, ["3"])
    assert draft
    draft = q.picked(questions, draft, 2, ["55", "51"])
    assert draft and draft.answers(questions) == {"Which?": "3, 51, 55"}
    draft = q.picked(questions, draft, 0, [])
    assert draft and draft.answers(questions) == {"Which?": "51, 55"}
    assert q.picked(questions, draft, 2, ["3"]) is None, "an option of another row"


def test_of_one_question_in_several_rows_one_choice_replaces_that_of_another_row() -> None:
    questions = asked(one("Which?", *map(str, range(30))))
    draft = q.picked(questions, Draft(), 0, ["3"])
    assert draft
    draft = q.picked(questions, draft, 1, ["29"])
    assert draft and draft.answers(questions) == {"Which?": "29"}


@pytest.mark.parametrize(
    ("questions", "at_once", "buttons"),
    [
        (asked(COLOUR), True, True),
        (asked(one("In words?")), True, True),
        (asked(one("Which?", *"abcdef")), True, False),
        (asked(one("Which?", "x" * (q.BUTTON_CHARS + 1))), True, False),
        (asked(FRUITS), False, False),
        (asked(COLOUR, one("Which?", "a")), False, False),
    ],
)
def test_one_question_with_few_short_options_is_answered_by_one_click(
    questions: tuple[Question, ...], at_once: bool, buttons: bool
) -> None:
    assert (q.answers_at_once(questions), q.fits_buttons(questions)) == (at_once, buttons)
