"""Claude's own questions (AskUserQuestion) as it asks them.

What cannot be shown whole is no question of ours: the worker denies it with advice before anybody sees it.
"""

from functools import lru_cache

import msgspec

from bridge.protocol.errors import UNREADABLE

MOST_QUESTIONS = 20
MOST_OPTIONS = 200
MOST_CHARS = 100_000


class Option(msgspec.Struct, frozen=True):
    label: str
    description: str = ""
    preview: str = ""


class Question(msgspec.Struct, frozen=True):
    """As Claude sends it (docs/claude-protocol.md, "Questions and plans"); the field names are the CLI's."""

    question: str
    header: str = ""
    options: tuple[Option, ...] = ()
    multiSelect: bool = False  # noqa: N815 - the CLI's name


class _Input(msgspec.Struct):
    questions: tuple[Question, ...]


@lru_cache(maxsize=16)
def read_questions(tool_input: str) -> tuple[Question, ...] | None:
    """The questions of an input's JSON text; None when they cannot be shown whole or told apart."""
    if len(tool_input) > MOST_CHARS:
        return None
    try:
        asked = msgspec.json.decode(tool_input, type=_Input).questions
    except UNREADABLE:
        return None
    texts = {question.question for question in asked}
    may_be = 1 <= len(asked) <= MOST_QUESTIONS and len(texts) == len(asked)
    return asked if may_be and all(map(_can_be_shown, asked)) else None


def _can_be_shown(question: Question) -> bool:
    labels = [option.label for option in question.options]
    return bool(question.question.strip()) and len(labels) <= MOST_OPTIONS and all(label.strip() for label in labels)
