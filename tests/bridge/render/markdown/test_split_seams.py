"""What stands on both sides of a cut: nothing is lost between two posts, and nothing goes on that had ended.

Each case is played with lines of many lengths, since it is seen only where the cut falls on a certain place.
"""

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.discord_numbers import CONTENT_CHARS
from bridge.render.markdown.dialect import LEAST_LIMIT_FOR_TABLES, translate
from bridge.render.markdown.fences import Caps, find_blocks
from bridge.render.markdown.split import pages, split
from bridge.text import utf16_len
from stages.bounded import within

from .test_markdown import outside_blocks
from .test_split_properties import LIMITS, documents, in_code, is_good

LIMIT = 64


def lines(least: int = 20, most: int = 2 * LIMIT) -> list[str]:
    """Of words, from so many characters to so many."""
    return [("ab " * most)[:length].rstrip() for length in range(least, most)]


@pytest.mark.parametrize("before", ["> ", "**", "*ab **", "> **"])
def test_what_a_line_began_ends_with_it_also_where_the_cut_falls_before_its_trailing_spaces(before: str) -> None:
    for line in lines():
        posts = split(f"{before}{line}   \nplain words, and more of them", LIMIT, ended=True)
        (shown,) = [line for post in posts for line in post.split("\n") if "plain" in line]
        assert shown.startswith("plain"), (line, posts)


@pytest.mark.parametrize(("opened", "closed"), [("**ab ~~", "~~**"), ("~~ab **", "**~~"), ("**ab *", "***")])
def test_marks_that_a_cut_tears_are_closed_from_the_innermost_and_opened_from_the_outermost(
    opened: str, closed: str
) -> None:
    first, second, *_ = split(opened + "ab " * LIMIT, LIMIT, ended=True)
    assert first.endswith(closed) and second.startswith(opened.replace("ab ", ""))


@pytest.mark.parametrize("before", ["````", "`ab`", "ab"])
@pytest.mark.parametrize("behind", ["`ab`", "~~ab~~", "ab"])
def test_emphasis_goes_on_behind_a_cut_whatever_stands_beside_it(before: str, behind: str) -> None:
    for line in lines(2):
        posts = split(f"*{line} {before} {behind} {'ab ' * LIMIT}", LIMIT, ended=True)
        for one, next_one in itertools.pairwise(posts):
            assert one.endswith("*") and next_one.startswith("*"), (one, next_one)


@pytest.mark.parametrize(("mark", "sign"), [("``", "`"), ("~~", "~")])
def test_a_mark_is_not_closed_or_opened_where_it_would_run_into_a_sign_of_its_own(mark: str, sign: str) -> None:
    for line in lines(2):
        posts = split(f"{mark}{line} {sign} {'ab ' * LIMIT}", LIMIT, ended=True)
        assert mark + sign not in "\n".join(posts), posts
        for one, next_one in itertools.pairwise(posts):
            assert one.endswith(mark) == next_one.startswith(mark), (one, next_one)


@pytest.mark.parametrize("mark", ["# ", "### ", "- ", "1. ", "> ", "> - ", "- [ ] ", "> ## "])
@pytest.mark.parametrize("before", ["\n", "\n\n", ":\n\n"])
def test_no_post_ends_with_the_mark_of_a_line_whose_words_stand_in_the_next(mark: str, before: str) -> None:
    for line in lines(2):
        text = f"{line}{before}{mark}words that go on and on {'ab ' * LIMIT}"
        for ended in (False, True):
            ends = [post.rpartition("\n")[2] for post in split(text, LIMIT, ended=ended)]
            assert [end for end in ends if not re.search(r"\w{2}|:", end)] == [], text


@pytest.mark.parametrize("fence", ["```", "```py", "> ```"])
def test_code_that_begins_with_more_space_than_a_post_has_is_shown_as_code(fence: str) -> None:
    quote = fence.partition("```")[0]
    for spaces in range(20, 3 * LIMIT, 7):
        posts = split(f"{fence}\n{quote}{' ' * spaces}w100\n{quote}```\n", LIMIT, ended=True)
        assert all(post.strip() and is_good(post, LIMIT) for post in posts), (spaces, posts)
        assert all(not outside_blocks(post).strip("> \n") for post in posts), (spaces, posts)
        assert re.sub(r"```(py)?|[>\s]", "", "".join(posts)) == "w100"
    (post,) = split(f"```\n{' ' * (LIMIT + 10)}w100\n```\n", LIMIT, ended=True)
    assert "   w100" in post, "it is indented, as far as there is room"


@pytest.mark.parametrize("before", ["# b", "b\n", "```\nb\n```\n", "- b", "- b\n\n"])
@pytest.mark.parametrize("fence", ["```", "```py", "> ```"])
def test_such_code_is_shown_as_code_also_behind_something_else(before: str, fence: str) -> None:
    quote = fence.partition("```")[0]
    for spaces in range(20, 3 * LIMIT, 7):
        posts = split(f"{before}\n{fence}\n{quote}{' ' * spaces}w100\n{quote}```\nlast", LIMIT, ended=True)
        assert all(post.strip() and is_good(post, LIMIT) for post in posts), (spaces, posts)
        assert not any("w100" in outside_blocks(post) for post in posts), (spaces, posts)
        assert "last" in outside_blocks(posts[-1]), (spaces, posts)


def test_a_page_that_fits_is_one_however_full_it_is() -> None:
    for length in range(CONTENT_CHARS // 2, CONTENT_CHARS - 40, 97):
        text = ("A sentence of some words.\n\n" * CONTENT_CHARS)[:length].strip()
        assert pages(text) == [text]


@given(
    st.integers(12, 80),
    st.lists(st.sampled_from(("a", "b c", "漢", "**x**", "`y`", "")), min_size=3, max_size=9),
    st.sampled_from(("", "> ")),
    st.sampled_from((None, 80, 200)),
)
def test_a_table_whose_rows_are_longer_than_a_post_is_shown_in_posts(
    columns: int, words: list[str], lead: str, first: int | None
) -> None:
    cells = [words[(3 * n) % len(words)] for n in range(columns)]
    table = [lead + "|" + "|".join(row) + "|" for row in (cells, ["-"] * columns, cells[::-1], cells)]
    with within(20.0):
        posts = split("\n".join(table), LEAST_LIMIT_FOR_TABLES, first, ended=True)
    assert all(utf16_len(post) <= LEAST_LIMIT_FOR_TABLES for post in posts)
    assert all(post.strip() for post in (posts if first is None else posts[1:]))
    assert first is None or utf16_len(posts[0]) <= first


@given(documents(), LIMITS)
def test_a_quoted_fence_has_its_closing_line_where_the_quote_ends(text: str, limit: int) -> None:
    """So no cut finds one open that its quote had ended."""
    source = translate(text + "\n\n", limit).text
    for block in find_blocks(source, Caps.within(limit), None, False):
        if block.fence and block.fence.quotes:
            assert block.fence.is_closed_by(source[block.last + 1 : block.end]), source


@pytest.mark.parametrize("line", ["```", "`````x", "    `````", "- `````", "> `````"])
def test_a_fence_goes_on_over_a_line_that_only_looks_like_its_end(line: str) -> None:
    posts = split(f"`````\nw100\n{line}\nw101\n`````\nw102", LIMIT, ended=True)
    assert in_code(posts) == {"w100", "w101"} and "w102" in "".join(posts)
