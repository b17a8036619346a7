"""What was asked on the host: whose words they are, whole, and pinging nobody who is not on Discord."""

import pytest

from bridge.protocol import events as e
from bridge.render import cards, host, lost
from bridge.render.ends import ping
from bridge.session.managed import session_from
from bridge.session.permission import PermissionRequest, RequestName
from bridge.text import utf16_len

CREATED = e.SessionCreated("0b0f9c1e-0000-4000-8000-000000000000", 5, 6, 7, "/p", owner_id=0)


@pytest.mark.parametrize(
    ("text", "is_whole"),
    [
        ("fix it", True),
        ("a\nb", True),
        ("x" * 1000, True),
        ("x" * 1001, False),
        ("\n" * 300, False),
        ("𝄞" * 900, False),
    ],
)
def test_a_text_that_is_cut_is_whole_in_a_file(text: str, is_whole: bool) -> None:
    for post in (host.said("ada", text), host.starter("ada", "/srv/web", text)):
        assert utf16_len(post.content) <= 2000
        assert [file.text for file in post.files] == ([] if is_whole else [text])
        if is_whole:
            assert all(f"> {line}" in post.content for line in text.splitlines())


def test_a_name_is_shown_as_it_is_and_on_one_line() -> None:
    assert host.said("*ada*\n# x", "hi").content == "**\\*ada\\* # x, on the host**\n> hi"


def test_nobody_who_is_not_on_discord_is_mentioned() -> None:
    session = session_from(CREATED, 1.0)
    event = e.PermissionRequested("r", "Bash", '{"command": "ls"}', "d")
    request = PermissionRequest(RequestName(session.session_id, "g", 1), 1.0, 0, event)
    turn = lost.LostTurn("g", 1, "it died", [], [])
    posts = [
        cards.open_card(request, session.prompter_of(request), "/p"),
        lost.card(session.session_id, turn, 0, "/p"),
        lost.settled_card(turn, "Discarded.", 0, "/p"),
        ping(e.TurnEnded("completed", (1,)), "✓ done", session),
    ]
    assert [post.mentions for post in posts] == [()] * 4
    assert not any("<@0>" in post.content for post in posts)


def test_who_began_the_session_is_pinged_when_the_host_asked() -> None:
    session = session_from(e.SessionCreated("0b0f", 5, 6, 7, "/p", owner_id=111), 1.0)
    session.last_prompter_id = 0
    assert ping(e.TurnEnded("completed", (1,)), "✓ done", session).mentions == (111,)
