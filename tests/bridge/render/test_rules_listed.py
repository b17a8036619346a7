"""What ``/rules`` shows: every rule can be found there and revoked, however long they are."""

import pytest

from bridge.discord_numbers import CONTENT_CHARS
from bridge.protocol.events import SuggestedRule
from bridge.render.rules import MOST_LISTED, listed
from bridge.session.rights import Right
from bridge.session.rules import Rule
from bridge.text import utf16_len


def rule(number: int, content: str) -> Rule:
    suggested = (SuggestedRule("Bash", content),)
    return Rule(f"{number:016x}", 6, "", "Bash", suggested, (1 << 63) + number, "x" * 32, 1.8e9, 1.9e9)


@pytest.mark.parametrize("content", ["ls", "a" * 5000, "𝔞`*_" * 2000, "\u202eevil\x1b[31m" * 400])
@pytest.mark.parametrize("lost", [(), ("decide",), ("decide", "manage"), None])
@pytest.mark.parametrize("count", [1, MOST_LISTED, 200])
def test_a_list_is_one_message_and_says_what_it_leaves_out(
    content: str, lost: tuple[Right, ...] | None, count: int
) -> None:
    post = listed([(rule(n, content), lost) for n in range(count)])
    assert utf16_len(post.content) <= CONTENT_CHARS
    assert 1 <= len(post.buttons) <= min(count, MOST_LISTED)
    lines = [line for line in post.content.splitlines() if line[0].isdecimal()]
    assert len(lines) == len(post.buttons)
    assert (f"and {count - len(lines)} more" in post.content) is (count > len(lines))
    assert "\x1b" not in post.content and "\u202e" not in post.content
