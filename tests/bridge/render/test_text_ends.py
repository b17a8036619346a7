"""A text that has ended is shown to its end: its last line is whole, whatever signs it is made of."""

import random
import re

import pytest

from bridge.protocol import events as e
from bridge.render.markdown.split import split
from bridge.render.segments import SEGMENT_CHARS
from stages.shown import in_turn

from .markdown.test_markdown import documents, words

SIGNS = (
    "[]",
    "`[]`",
    "[ ]",
    "->",
    "=>",
    "||",
    "|",
    "``",
    "`",
    "<",
    "<b",
    "</",
    "[^",
    "~",
    "_",
    "+",
    "=",
    "> >",
    "\\",
)
ABOVE = ("", "Done.\n", "Done.\n\n", "- a\n", "> quoted\n", "```\ncode\n```\n", "| a |\n|---|\n| 1 |\n\n")


def marks(text: str) -> str:
    """The signs as they are seen."""
    return re.sub(r"[\s\u200b]|\\(?=\|)", "", text)


@pytest.mark.parametrize("above", ABOVE)
@pytest.mark.parametrize("last", SIGNS)
def test_a_last_line_of_signs_only_is_shown(above: str, last: str) -> None:
    for text in (above + last, f"{'word ' * 700}\n\n{above}{last}"):
        shown = split(text, ended=True)[-1]
        assert marks(shown).endswith(marks(last)), shown


@pytest.mark.parametrize("signs", SIGNS)
def test_an_answer_of_signs_only_reaches_the_thread(signs: str) -> None:
    thread = in_turn()
    for sign in signs:
        thread.delta("m:0", sign)
    thread.happen(e.TextWritten("m:0", signs), e.TurnEnded("completed", (5,)))
    assert any(marks(signs) in marks(text) for text in thread.texts())


def test_the_last_row_of_a_table_before_a_tools_line_stands_in_the_table() -> None:
    thread = in_turn()
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"
    thread.happen(e.TextWritten("m:0", table), e.ToolStarted("t", "Read", "{}"))
    (text,) = thread.texts()
    assert "3 | 4\n```" in text and "| 3 | 4 |" not in text


@pytest.mark.slow
def test_every_visible_word_of_a_text_is_shown_wherever_it_ends_with_and_without_a_last_newline() -> None:
    for text, limit, dice in documents(range(2000, 2160)):
        cut = text[: dice.randint(1, len(text))] if len(text) > 1 else text
        for whole in (text, cut, cut.rstrip("\n"), cut + "\n"):
            expected = words(shown_words(whole))
            shown = "\n".join(split(whole, max(limit, 400), ended=True)).replace("¹", " 1")
            assert not expected - words(shown), (whole[-200:], shown[-200:])


def shown_words(text: str) -> str:
    """Without what is drawn as something else, and without a last line that the cut left half a mark."""
    without = re.sub(r"(`{3,}|~{3,})(?!one|`|~)[^\n]*|&\w+;?|</?\w+>?|\[!\w*\]?|\[[ xX]\]|\[ref\]?", " ", text)
    return re.sub(r"\[\w*\Z", " ", without)


def test_a_text_that_ends_changes_no_message_but_its_last() -> None:
    for text, limit, dice in documents(range(3000, 3100)):
        cut = text[: dice.randint(0, len(text))]
        growing, ended = split(cut, limit), split(cut, limit, ended=True)
        assert ended[: max(0, len(growing) - 1)] == growing[:-1]


def test_random_ends_of_signs_are_never_dropped() -> None:
    dice = random.Random(5)
    for _ in range(400):
        last = "".join(dice.choice("[]()|`<>-+=_*!^\\:.") for _ in range(dice.randint(1, 6)))
        text = f"Before.\n\nx{last}"
        assert "x" in split(text, SEGMENT_CHARS, ended=True)[-1][len("Before.") :], text
