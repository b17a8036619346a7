"""Names of branches, and a push as the input of a request."""

import pytest

from bridge.protocol.push import Push, as_input, from_input, may_be_branch


@pytest.mark.parametrize("name", ["main", "feature/log-in", "v1.2", "größe", "a@b", "user/ada/x_y", "release-2026.11"])
def test_a_branch_may_be_named_so(name: str) -> None:
    assert may_be_branch(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "@", "HEAD", "-main", "--force", "+main", "refs/heads/main", "a:b", ":main", "main:", "a..b", "a b"),
        *("/a", "a/", "a//b", ".a", "a/.b", "a.lock", "a.lock/b", "a.", "a~1", "a^", "a?", "a*", "a[b", "a\\b"),
        *("a@{1}", "a\x00b", "a\nb", "a\x7fb", "a\u202eb", "a\u200bb", "x" * 201),
    ],
)
def test_a_branch_may_not_be_named_so(name: str) -> None:
    assert not may_be_branch(name)


def test_the_input_says_all_of_the_push() -> None:
    push = Push("https://h/x", "main", "next", "a" * 40, "b" * 40, True, 2, ("aa One", "ab Two"), 1, ("M x",))
    assert from_input(as_input(push)) == push


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"remote":1}', "[" * 10_000])
def test_another_input_is_none(text: str) -> None:
    assert from_input(text) is None
