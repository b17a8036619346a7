"""Where a piece ends, by what stands there and how full it is: each preference, with the least text that shows it."""

import pytest

from bridge.render.markdown.cuts import Room, Window
from bridge.render.markdown.fences import Caps, find_blocks

MORE = "\n\n" + "zz " * 40
"""So much stands behind that all before it is decided."""


def piece(text: str, paragraph: int, item: int = 100, tight: int = 110, line: int = 120, most: int = 130) -> str:
    """The text up to where it is cut, for good; the numbers: how full a piece is when an end of that kind will do."""
    whole = text + MORE
    blocks = find_blocks(whole, Caps.within(2000), None, inside_line=False)
    end, is_cut = Window(whole, Room(paragraph, item, tight, line, most), blocks, has_ended=True).end()
    assert is_cut
    return whole[:end]


@pytest.mark.parametrize(
    ("text", "paragraph", "cut"),
    [
        ("aa aa\n\nbb bb\n\ncc", 2, "aa aa"),
        ("aa aa\n\nbb bb\n\ncc", 6, "aa aa\n\nbb bb"),  # a blank line is no end of a paragraph
        ("aa aa\n# Heading\nbb", 2, "aa aa"),
        ("aa aa\n## Heading\n\nbb bb\n\ncc", 8, "aa aa\n## Heading\n\nbb bb"),  # nothing ends with a heading
        ("aa aa\n**Heading**\n\nbb bb\n\ncc", 8, "aa aa\n**Heading**\n\nbb bb"),
        ("aa aa:\n\nbb bb\n\ncc", 2, "aa aa:\n\nbb bb"),  # nor with what announces something
        ("aa aa:  \n\nbb bb\n\ncc", 2, "aa aa:  \n\nbb bb"),
        ("aa aa\n```\nbb\n```\ncc", 2, "aa aa"),
        ("aa aa\n```\nbb\n```\ncc", 8, "aa aa\n```\nbb\n```"),
        ("aa aa\nbb bb\ncc\n\ndd", 2, "aa aa\nbb bb\ncc"),
    ],
)
def test_a_paragraph_is_the_first_end_that_will_do(text: str, paragraph: int, cut: str) -> None:
    assert piece(text, paragraph) == cut


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("aa\n- bb\n- cc\n- dd", "aa\n- bb"),
        ("- aa\n  - bb\n  - cc", "- aa"),
        ("- aa\n  more\n- cc", "- aa\n  more"),
        ("```\naa\n\nbb\ncc\n```", "```\naa"),
    ],
)
def test_then_an_item_or_a_gap_in_code(text: str, cut: str) -> None:
    assert piece(text, 1, item=3) == cut


@pytest.mark.parametrize(
    ("text", "tight", "cut"),
    [
        ("aaaa. bbbb. cccc.", 5, "aaaa."),
        ("aaaa. bbbb. cccc.", 6, "aaaa. bbbb."),
        ("**aa. bb** cc. dd. ee", 4, "**aa. bb** cc."),  # not in bold text, a link or code
        ("[aa. bb](cc) dd. ee. ff", 3, "[aa. bb](cc) dd."),
        ("`aa. bb` cc. dd. ee", 3, "`aa. bb` cc."),
        ("aa. - bb cc. dd. ee", 2, "aa. - bb cc."),  # what follows would be an item there
        ("## aa. bb cc. dd\nee. ff.", 2, "## aa. bb cc. dd\nee."),
        ("```\naa\nbb\ncc\n```", 7, "```\naa\nbb"),
    ],
)
def test_then_a_sentence_or_a_line_of_code(text: str, tight: int, cut: str) -> None:
    assert piece(text, 1, item=tight, tight=tight) == cut


def test_then_any_line() -> None:
    text = "aa aa\nbb bb\ncc cc\ndd"
    assert piece(text, 1, item=1, tight=50, line=8) == "aa aa\nbb bb"
    text = "aa aa:\n\nbb bb\ncc cc\ndd"
    assert piece(text, 1, item=1, tight=50, line=4) == "aa aa:\n\nbb bb", "but not one that announces something"


@pytest.mark.parametrize(
    ("text", "most", "cut"),
    [
        ("aaaa bbbb cccc dddd", 16, "aaaa bbbb cccc"),
        ("aaaa **bbbb cccc dddd** eeee", 16, "aaaa"),  # before what would be torn
        ("**aaaa bbbb cccc dddd** eeee", 16, "**aaaa bbbb cccc"),  # torn where there is nothing else
        ("> aaaaaaaaaaaaaaaaaaaaaaaa", 10, "> aaaaaaaa"),  # never a quote's mark alone
        ("## aaaa bbbb cccc dddd", 11, "## aaaa bbb"),  # a heading of several words is no heading any more
        ("aaaaaaaaaaaaaaaaaaaaaa", 10, "aaaaaaaaaa"),
        ("aaaaaaaaa``bbbbbbbbbbb", 10, "aaaaaaaa"),
        ("aaaaaaaaa\\*bbbbbbbbbbb", 10, "aaaaaaaaa"),
    ],
)
def test_else_a_full_piece_ends_with_a_word_and_tears_only_what_it_must(text: str, most: int, cut: str) -> None:
    assert piece(text, 0, item=0, tight=1, line=most, most=most).rstrip() == cut
