"""The examples of the CommonMark specification: of each, every word that a reader is to see is seen in the thread."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

from bridge.render.markdown.split import split

EXAMPLES = Path(__file__).resolve().parents[3] / "data" / "commonmark" / "examples.json"
WITHIN_WORDS = ("em", "strong", "code")


class Example(msgspec.Struct, frozen=True):
    example: int
    section: str
    markdown: str
    html: str


ALL = msgspec.json.decode(EXAMPLES.read_bytes(), type=list[Example])


class Reader(HTMLParser):
    """The words that a browser shows; of a picture, what stands for it."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "img":
            self.text += f" {dict(attrs).get('alt') or ''} "
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self.text += "" if tag in WITHIN_WORDS else " "


def letters(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum())


def words_of(html: str) -> list[str]:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return re.findall(r"[^\W_]+", reader.text)


def unseen(words: list[str], shown: str) -> list[str]:
    """Those that do not stand there in their order. Marks may stand within a word."""
    at = 0
    for number, word in enumerate(words):
        if (found := shown.find(word, at)) < 0:
            return words[number:]
        at = found + len(word)
    return []


def test_all_examples_are_there() -> None:
    assert [example.example for example in ALL] == list(range(1, 653))


@pytest.mark.parametrize("example", ALL, ids=lambda example: f"{example.section} {example.example}")
def test_every_visible_word_is_shown_with_and_without_a_last_newline(example: Example) -> None:
    for source in (example.markdown, example.markdown.rstrip("\n")):
        posts = split(source, ended=True)
        assert unseen(words_of(example.html), letters("".join(posts))) == [], (source, posts)


def test_the_reader_sees_what_is_missing() -> None:
    assert words_of("<p>one <em>tw</em>o<img src='x' alt='three'></p>") == ["one", "two", "three"]
    assert unseen(["one", "two"], "twoone") == ["two"]
    assert json.loads(EXAMPLES.read_text())[0]["section"] == "Tabs"
