"""What holds of every text that is cut into posts, as hypothesis makes them up."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.discord_numbers import CONTENT_CHARS
from bridge.render.markdown.split import pages, split
from bridge.text import utf16_len
from stages.searched import searched

from ..test_taken_back import check_grown
from .test_markdown import outside_blocks

LIMITS = st.sampled_from((64, 90, 150, 400))
PLAIN = "abcxyzÄß漢字。,;:?!('\" 0123456789 \n\n😀👩‍👩‍👧🇩🇪e\u0301"
"""No sign that means something in Markdown."""
BLOCKS = (
    *(
        "# w",
        "## **w**",
        "- w",
        "  - w",
        "1. w",
        "- [ ] w",
        "> w",
        "> > w",
        "> - w",
        "    w",
        f"{' ' * 70}w",
        "---",
        "***",
        "<details>",
    ),
    *("```", "```py", "```py title=w", "~~~", "````", "> ```", "- ```", "| w | w |", "|---|---|", "|:-:|--:|"),
    *("[w]: http://w.x", "", ""),
)
INLINE = ("w", "w.", "w w w w w w", "**w w** w", "*w", "`w`", "`` w", "~~w~~", "[w](http://x.y/w)", "\\*w", "w  ")
LINES = st.sampled_from(BLOCKS + INLINE)
LINE_BREAKS = st.sampled_from(["\n", "\n", "\n\n", "\r\n"])
BREAKS = st.sampled_from(["\n", "\n", "\n", "\n\n", "\r\n", " ", ""])


@st.composite
def documents(draw: st.DrawFn, breaks: st.SearchStrategy[str] = BREAKS) -> str:
    """Lines of every kind in any order; each w becomes a word of its own."""
    lines = draw(
        st.lists(st.tuples(LINES, st.integers(1, 12), breaks), min_size=draw(st.sampled_from((0, 8))), max_size=16)
    )
    text = "".join(
        (line.replace("w", " ".join(["w"] * times)) if " w" in line else line) + end for line, times, end in lines
    )
    numbers = iter(range(100, 10_000))  # so that a list's number behind a word makes no other one of them
    return re.sub(r"\bw\b", lambda _: f"w{next(numbers)}", text)


def seen(text: str) -> str:
    return re.sub(r"\s", "", text)


def is_good(post: str, limit: int) -> bool:
    """It fits, and opens no code block that it does not close."""
    return utf16_len(post) <= limit and post.count("```") % 2 == 0 and "```" not in outside_blocks(post)


@given(st.text(alphabet=PLAIN, max_size=900), LIMITS)
def test_of_a_text_without_marks_every_character_is_shown_once_and_in_order(text: str, limit: int) -> None:
    posts = split(text, limit, ended=True)
    assert seen("".join(posts)) == seen(text)
    assert all(post.strip() and is_good(post, limit) for post in posts)


@given(documents(), LIMITS)
def test_every_post_fits_and_closes_the_fences_that_it_opens(text: str, limit: int) -> None:
    for ended in (False, True):
        posts = split(text, limit, ended=ended)
        assert [post for post in posts if not post.strip() or not is_good(post, limit)] == []


@given(documents(), LIMITS)
def test_every_word_is_shown(text: str, limit: int) -> None:
    """What stands behind a fence's language may be cut short, and an address is no word."""
    without = re.sub(r"(`{3,}|~{3,})[^\n]*|http://\S+|^\[w\d+\]:.*", "", text, flags=re.MULTILINE)
    shown = " ".join(split(text, limit, ended=True))
    missing = set(re.findall(r"w\d+", without)) - set(re.findall(r"w\d+", shown))
    letters = "".join(re.findall(r"[w\d]", shown))  # a line without a break in it is torn anywhere
    assert [word for word in missing if word not in letters] == []


WORD = re.compile(r"w\d{3,}")
BOLD = re.compile(r"\*\*(.*?)\*\*")
WHOLE = 1_000_000
"""A limit that no example reaches: what it shows is the text in one post, the second opinion on what its words are."""


def in_code(posts: list[str]) -> set[str]:
    """The words that Discord shows in code blocks."""
    return {word for post in posts for word in set(WORD.findall(post)) - set(WORD.findall(outside_blocks(post)))}


def lines_outside(posts: list[str]) -> list[str]:
    return [line for post in posts for line in outside_blocks(post).split("\n")]


def quoted(posts: list[str]) -> set[str]:
    return {word for line in lines_outside(posts) if line.startswith("> ") for word in WORD.findall(line)}


def bold(posts: list[str]) -> set[str]:
    """What stands between two pairs of asterisks in a line."""
    return {word for line in lines_outside(posts) for part in BOLD.findall(line) for word in WORD.findall(part)}


@searched(200)
@given(documents(LINE_BREAKS), LIMITS)
def test_what_a_word_is_does_not_change_where_the_text_is_cut(text: str, limit: int) -> None:
    """In a code block, in a quote, bold: as in the uncut text. A word that is itself torn is left out.

    Emphasis that is never closed is left out too: where it is cut, nobody knows yet that it will not be.
    """
    text = text.replace("|", "").replace("***", "")  # a table is laid out by the room that it has; a rule is no mark
    text = re.sub(r"(?<!\*)\*(?=w)", "", text)
    whole, posts = split(text, WHOLE, ended=True), split(text, limit, ended=True)
    both = set(WORD.findall(" ".join(posts))) & set(WORD.findall(" ".join(whole)))
    for kind in (in_code, quoted):
        assert kind(posts) & both == kind(whole) & both, kind.__name__
    assert bold(whole) & both <= bold(posts)


@pytest.mark.parametrize("limit", [64, pytest.param(CONTENT_CHARS, marks=pytest.mark.slow)])
@pytest.mark.parametrize("fence", ["```", "```py", "~~~", "```py title=some"])
@pytest.mark.parametrize("above", ["# ", "**Bold:** ", ""])
def test_a_fence_below_a_line_that_fills_a_post_is_opened_in_the_next(above: str, fence: str, limit: int) -> None:
    for length in range(max(limit - 60, 20), limit + 8):
        line = (above + "ab " * limit)[:length].rstrip()
        text = f"a\n{line}\n{fence}\nw100 w101\nw102\n{fence[:3]}\nw103\n"
        posts = split(text, limit, ended=True)
        assert in_code(posts) == {"w100", "w101", "w102"}, (length, posts)
        assert "w103" in "".join(posts)
        assert all(is_good(post, limit) for post in posts)


@given(documents(), LIMITS)
def test_no_post_ends_with_space_or_begins_with_that_of_an_item_below_another(text: str, limit: int) -> None:
    """Discord drops both, and an item that lost its spaces is one of the list above."""
    for ended in (False, True):
        posts = split(text, limit, ended=ended)
        assert [post for post in posts if post != post.rstrip()] == []
        assert [post for post in posts[1:] if re.match(r"[ \t]{2,}(?:[-*]|\d+\.) ", post)] == []


@given(documents(), LIMITS, st.sampled_from((0, 40, 64, 80, 120)))
def test_the_first_post_leaves_the_room_that_it_is_told_to(text: str, limit: int, first: int) -> None:
    """It may be empty then, and no other is."""
    posts = split(text, limit, first, ended=True)
    assert all(is_good(post, limit) for post in posts)
    assert not posts or utf16_len(posts[0]) <= first or first >= limit
    assert all(post.strip() for post in posts[1:])


@given(st.text(alphabet="😀👩‍👩‍👧🇩🇪 \n", max_size=500), LIMITS, st.sampled_from(("", "```py\n", "> ")))
def test_what_takes_two_units_a_character_fits_too(text: str, limit: int, before: str) -> None:
    posts = split(before + text, limit, ended=True)
    assert all(is_good(post, limit) for post in posts)
    assert seen(text) in seen("".join(posts)).replace("```py", "").replace("```", "").replace(">", "")


@given(documents(), LIMITS)
def test_a_page_that_fits_one_message_is_one(text: str, limit: int) -> None:
    whole = "".join(pages(text, WHOLE))
    if utf16_len(whole) <= limit // 2:
        assert len(pages(text, limit)) <= 1


@given(documents(), LIMITS, st.data())
def test_while_a_text_grows_no_cut_moves_and_nothing_shown_goes(text: str, limit: int, data: st.DataObject) -> None:
    before: list[str] = []
    for end in sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)) | {len(text)}):
        now = split(text[:end], limit)
        assert now[: max(0, len(before) - 1)] == before[:-1]
        check_grown(before, now)
        before = now
