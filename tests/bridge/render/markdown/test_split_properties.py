"""What holds of every text that is cut into posts, as hypothesis makes them up."""

import re

from hypothesis import given
from hypothesis import strategies as st

from bridge.render.markdown.split import split
from bridge.text import utf16_len

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
        "---",
        "***",
        "<details>",
    ),
    *("```", "```py", "```py title=w", "~~~", "````", "> ```", "- ```", "| w | w |", "|---|---|", "|:-:|--:|"),
    *("[w]: http://w.x", "", ""),
)
INLINE = ("w", "w.", "w w w w w w", "**w w** w", "*w", "`w`", "`` w", "~~w~~", "[w](http://x.y/w)", "\\*w", "w  ")
LINES = st.sampled_from(BLOCKS + INLINE)
BREAKS = st.sampled_from(["\n", "\n", "\n", "\n\n", "\r\n", " ", ""])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """Lines of every kind in any order; each w becomes a word of its own."""
    lines = draw(st.lists(st.tuples(LINES, st.integers(1, 12), BREAKS), max_size=14))
    text = "".join(
        (line.replace("w", " ".join(["w"] * times)) if " w" in line else line) + end for line, times, end in lines
    )
    numbers = iter(range(10_000))
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


@given(documents(), LIMITS, st.data())
def test_while_a_text_grows_no_cut_moves_and_nothing_shown_goes(text: str, limit: int, data: st.DataObject) -> None:
    before: list[str] = []
    for end in sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)) | {len(text)}):
        now = split(text[:end], limit)
        assert now[: max(0, len(before) - 1)] == before[:-1]
        check_grown(before, now)
        before = now
