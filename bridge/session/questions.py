"""The answers to Claude's own questions (``bridge.protocol.questions``): what is chosen so far, and where it stands.

An option is named by its place, never by its label: two labels may be the same, or too long for a choice.
"""

from collections.abc import Mapping, Sequence

import msgspec

from bridge.discord_numbers import BUTTONS_A_ROW, MOST_CHOICES, MOST_ROWS
from bridge.protocol.questions import Question

OTHER_CHARS = 2000
"""Of one answer in a person's own words."""


class Draft(msgspec.Struct, frozen=True):
    """What is chosen so far, by the question's place. ``page`` is the part of a long card that is open.

    ``at``: Unix seconds when somebody last did something on the card; 0: not yet.
    """

    page: int = 0
    picks: dict[int, tuple[int, ...]] = {}
    texts: dict[int, str] = {}
    at: float = 0.0

    def picked(self, place: int, question: Question, among: range, chosen: frozenset[int]) -> "Draft":
        """These of ``among`` are chosen now; what one select does not show keeps as it is, if several may be."""
        kept = [n for n in self.picks.get(place, ()) if n not in among] if question.multiSelect else []
        picks = {**self.picks, place: tuple(sorted({*kept, *chosen}))}
        texts = self.texts if question.multiSelect or not chosen else _without(self.texts, place)
        return msgspec.structs.replace(self, picks=picks, texts=texts)

    def written(self, place: int, question: Question, text: str) -> "Draft":
        """An answer in their own words: beside the choices where several may be made, else in their place."""
        if not text.strip():
            return msgspec.structs.replace(self, texts=_without(self.texts, place))
        picks = self.picks if question.multiSelect else {n: p for n, p in self.picks.items() if n != place}
        return msgspec.structs.replace(self, picks=picks, texts={**self.texts, place: text.strip()})

    def answer(self, place: int, question: Question) -> str:
        """What Claude would be told: labels and own words joined by ", "; empty: not answered."""
        labels = [question.options[n].label for n in self.picks.get(place, ()) if n < len(question.options)]
        return ", ".join([*labels, *([self.texts[place]] if place in self.texts else [])])

    def answers(self, questions: tuple[Question, ...]) -> dict[str, str]:
        """By the question's text; a question without an answer is left out."""
        given = ((question.question, self.answer(place, question)) for place, question in enumerate(questions))
        return {text: answer for text, answer in given if answer}


def _without(texts: dict[int, str], place: int) -> dict[int, str]:
    return {n: text for n, text in texts.items() if n != place}


# --- where each stands in its card -------------------------------------------------------------------

ROWS_A_PAGE = MOST_ROWS - 1
"""One is left for the buttons."""
BUTTON_CHARS = 30
"""Discord shows 34 to 38 characters of a button's label (docs/discord-api.md, "Messages and components"); ours begins
with a number."""


class Row(msgspec.Struct, frozen=True):
    """One select: these options of the question at ``place``. No options: it takes own words only."""

    place: int
    options: range


def rows_of(questions: tuple[Question, ...]) -> list[Row]:
    """All selects, in order; a custom_id names one by its number here."""
    return [
        Row(place, range(start, min(start + MOST_CHOICES, len(question.options))))
        for place, question in enumerate(questions)
        for start in range(0, max(1, len(question.options)), MOST_CHOICES)
    ]


def pages_of(questions: tuple[Question, ...]) -> list[list[tuple[int, Row]]]:
    """The numbered rows of each page: as many selects as a message has room for beside its buttons."""
    rows = list(enumerate(rows_of(questions)))
    return [rows[start : start + ROWS_A_PAGE] for start in range(0, len(rows), ROWS_A_PAGE)]


def answers_at_once(questions: tuple[Question, ...]) -> bool:
    """One question that takes one answer: nothing is left to be sent afterwards."""
    return len(questions) == 1 and not questions[0].multiSelect


def fits_buttons(questions: tuple[Question, ...]) -> bool:
    """Whether each option has a button of its own, and one click answers."""
    labels = [option.label for option in questions[0].options]
    return answers_at_once(questions) and len(labels) <= BUTTONS_A_ROW and all(len(s) <= BUTTON_CHARS for s in labels)


def picked(questions: tuple[Question, ...], draft: Draft, number: int, values: Sequence[str]) -> Draft | None:
    """The draft with these values in the select of that number; None for what it does not offer."""
    if number >= len(rows := rows_of(questions)):
        return None
    row = rows[number]
    question = questions[row.place]
    chosen = frozenset(int(value) for value in values if value.isascii() and value.isdigit() and len(value) <= 3)
    is_offered = len(chosen) == len(values) and chosen <= set(row.options)
    if not is_offered or (len(chosen) != 1 and not question.multiSelect):
        return None
    return draft.picked(row.place, question, row.options, chosen)


def written(questions: tuple[Question, ...], draft: Draft, page: int, texts: Mapping[int, str]) -> Draft | None:
    """The draft with own words for questions of that page, by place; None for what does not stand there."""
    if page >= len(pages := pages_of(questions)):
        return None
    places = {row.place for _, row in pages[page]}
    if not texts.keys() <= places or any(len(text) > OTHER_CHARS for text in texts.values()):
        return None
    for place, text in texts.items():
        draft = draft.written(place, questions[place], text)
    return draft
