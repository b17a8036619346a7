"""What a cut tears is closed and opened again."""

import pytest

from bridge.render.markdown.spans import open_marks
from bridge.render.markdown.split import split


@pytest.mark.parametrize("mark", ["**", "*", "***", "~~", "`", "``"])
def test_emphasis_and_code_longer_than_a_post_go_on_in_the_next(mark: str) -> None:
    posts = split(f"Before. {mark}{'some words ' * 60}end{mark} after\n", 200)
    assert len(posts) > 3 and all(len(post) <= 200 for post in posts)
    assert posts[0].startswith(f"Before. {mark}some") and posts[0].endswith(mark)
    assert all(post.startswith(mark) and post.endswith(mark) for post in posts[1:-1])
    assert posts[-1].startswith(mark) and f"end{mark} after" in posts[-1]


@pytest.mark.parametrize(
    ("line", "marks"),
    [
        ("a **b *c", ("**", "*")),
        ("a **b *c***", ()),
        ("a **b** `c", ("`",)),
        ("a `**b", ("`",)),
        ("2 * 3 and 4*5", ()),
        (r"\*\*a", ()),
        ("* item", ()),
        ("ends with **", ()),
        ("x ``` y", ()),
    ],
)
def test_what_is_open_at_the_end_of_a_line(line: str, marks: tuple[str, ...]) -> None:
    assert open_marks(line) == marks
