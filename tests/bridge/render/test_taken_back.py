"""What was shown of a text while it was written is never taken back, not even for a moment.

Posts are written one after the other, so that it must hold of each post for itself: what it showed it shows until the
end, and more comes behind.
"""

import itertools
import random
from collections import Counter
from collections.abc import Iterator

import pytest

from bridge.discord_numbers import CONTENT_CHARS
from bridge.protocol import events as e
from bridge.render.markdown.split import pages, split
from bridge.render.segments import SEGMENT_CHARS
from stages.shown import Thread, in_turn

from .markdown.test_commonmark import ALL
from .markdown.test_markdown import SIZES, document


def seen(post: str) -> Counter[str]:
    """Letters and figures; signs may become bullets, bold text, a table's bars."""
    return Counter(filter(str.isalnum, post.casefold()))


def check_grown(before: list[str], now: list[str]) -> None:
    """Each post still shows what it showed, and none is gone."""
    for old, new in itertools.zip_longest(before, now[: len(before)], fillvalue=""):
        assert new.startswith(old) or not seen(old) - seen(new), (old[-200:], new[-200:])


def ends(text: str, dice: random.Random, count: int = 120) -> Iterator[int]:
    """Where the text is, delta by delta; some are a character long."""
    places = {dice.randint(1, len(text)) for _ in range(count)} if text else set[int]()
    yield from sorted({*places, *(place + 1 for place in places if place < len(text)), len(text)})


def paragraphs(sentences: int, count: int, dice: random.Random) -> str:
    words = ("the", "pool", "connection", "request", "which", "waits", "returns", "its", "own", "lock", "before", "it")
    lines = (" ".join(dice.choices(words, k=dice.randint(4, 16))).capitalize() + "." for _ in itertools.count())
    return "\n\n".join(" ".join(itertools.islice(lines, sentences)) for _ in range(count))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_no_post_of_a_growing_nasty_document_ever_loses_a_character(seed: int) -> None:
    dice = random.Random(seed)
    text, limit = document(dice), dice.choice((*SIZES, SEGMENT_CHARS, SEGMENT_CHARS))
    first_limit = dice.choice((None, max(limit // 2, 64)))
    before: list[str] = []
    for end in ends(text, dice):
        now = split(text[:end], limit, first_limit)
        check_grown(before, now)
        before = now
    check_grown(before, split(text, limit, first_limit, ended=True))


@pytest.mark.parametrize("sentences", [1, 2, 4, 7, 20, 60])
def test_no_post_of_growing_paragraphs_ever_loses_a_character(sentences: int) -> None:
    dice = random.Random(sentences)
    text = paragraphs(sentences, 1 + 70 // sentences, dice)
    before: list[str] = []
    for end in ends(text, dice, 300):
        now = split(text[:end], SEGMENT_CHARS)
        assert all(new.startswith(old) for old, new in zip(before, now, strict=False))
        before = now
    assert " ".join(" ".join(split(text, SEGMENT_CHARS, ended=True)).split()) == " ".join(text.split())


@pytest.mark.parametrize("sentences", [2, 4, 7, 20])
def test_what_is_written_is_shown_almost_at_once(sentences: int) -> None:
    """So that the live view never stands still: what is kept back is a few words, or what is left of a sentence."""
    text = paragraphs(sentences, 1 + 70 // sentences, random.Random(sentences))
    for end in range(100, len(text), 17):
        shown = "".join(split(text[:end], SEGMENT_CHARS))
        assert len("".join(text[:end].split())) - len("".join(shown.split())) <= 60


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_no_post_of_a_thread_loses_a_character_of_claudes_while_text_streams(seed: int) -> None:
    dice = random.Random(seed)
    thread = in_turn()
    for block in range(3):
        text = dice.choice((paragraphs(7, 5, dice), paragraphs(20, 2, dice), document(dice)))
        before = _texts(thread)
        start = 0
        for end in ends(text, dice, 40):
            thread.delta(f"b{block}", text[start:end])
            start = end
            check_grown(before, now := _texts(thread))
            before = now
        thread.happen(e.TextWritten(f"b{block}", text))
        check_grown(before, _texts(thread))
        thread.happen(e.ToolStarted(f"t{block}", "Bash", '{"command":"ls"}'), e.ToolFinished(f"t{block}", False, ""))
    thread.happen(e.TurnEnded("completed", (5,)))


def _texts(thread: Thread) -> list[str]:
    return [post.content for key, post in thread.posts.items() if key.startswith("turn:")]


def test_a_text_that_nobody_saw_grow_is_cut_only_where_it_must_be() -> None:
    text = paragraphs(7, 9, random.Random(3))[:1900]
    assert len(split(text, ended=True)) == 2
    assert pages(text) == [text.strip()]
    assert all(len(page) <= CONTENT_CHARS for page in pages(text * 4)) and len(pages(text * 4)) > 4 - 1


@pytest.mark.slow
def test_no_example_of_commonmark_loses_a_character_while_it_is_written() -> None:
    for example in ALL:
        before: list[str] = []
        for end in range(1, len(example.markdown) + 1):
            now = split(example.markdown[:end])
            check_grown(before, now)
            before = now
        check_grown(before, split(example.markdown, ended=True))
