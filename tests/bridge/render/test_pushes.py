"""The card of a push: where to, what stands there, what goes out; and that it is asked each time."""

import pytest

from bridge.protocol import events as e
from bridge.protocol.push import PUSH_TOOL, Push, as_input
from bridge.protocol.requests import digest_of
from bridge.render import cards
from bridge.render.posts import Post
from bridge.session.permission import PermissionRequest, RequestName

NAME = RequestName("5c0ffee5-0000-4000-8000-000000000001", "0123456789abcdef", 7)
COMMIT, WAS = "a" * 40, "b" * 40
PLAIN = Push("git@github.com:ada/app.git", "main", "main", COMMIT, WAS, False, 2, ("aa Two", "bb One"), 1, ("M x.py",))


def request(push: Push) -> PermissionRequest:
    text = as_input(push)
    return PermissionRequest(NAME, 1.0, 42, e.PermissionRequested("r1", PUSH_TOOL, text, digest_of(text)))


def card(push: Push) -> Post:
    return cards.open_card(request(push), 42, "/srv/app")


def text(push: Push) -> str:
    shown = card(push)
    assert shown.embed
    return f"{shown.content}\n{shown.embed.description}"


def test_the_card_says_where_to_what_stands_there_and_each_commit_and_file() -> None:
    shown = text(PLAIN)
    assert "Push to main" in shown
    for part in (
        "git@github.com:ada/app.git",
        f"at {WAS[:10]} now",
        COMMIT,
        "2 commits:",
        "aa Two",
        "bb One",
        "M x.py",
    ):
        assert part in shown
    assert "FORCED" not in shown and "another branch" not in shown


def test_a_new_branch_another_branch_and_a_forced_push_are_said() -> None:
    assert "(a new one)" in text(Push("git@h:x", "main", "main", COMMIT))
    assert "from    topic, another branch here" in text(Push("git@h:x", "topic", "main", COMMIT))
    forced = text(Push("git@h:x", "main", "main", COMMIT, WAS, force=True))
    assert "Push over what is there, to main" in forced and f"FORCED: {WAS[:10]}" in forced


def test_what_is_not_named_is_counted() -> None:
    assert "… and 4,998 more" in text(Push("git@h:x", "main", "main", COMMIT, "", False, 5000, ("aa Two", "bb One")))


def test_many_commits_are_beside_the_card_as_a_whole() -> None:
    commits = tuple(f"{n:010} {'Subject ' * 10}" for n in range(300))
    shown = card(Push("git@h:x", "main", "main", COMMIT, "", False, 300, commits))
    (file,) = shown.files
    assert all(line.strip() in file.text for line in commits)
    assert [button.label for button in shown.buttons] == ["Allow", "Deny", "Deny with a reason…"]


def test_there_is_no_always_for_a_push() -> None:
    assert [button.label for button in card(PLAIN).buttons] == ["Allow", "Deny", "Deny with a reason…"]


@pytest.mark.parametrize("trick", ["\u202ereversed", "\u200bhidden", "a\x1b[2Jb"])
def test_a_subject_that_tricks_the_eye_is_made_visible(trick: str) -> None:
    assert trick not in text(Push("git@h:x", "main", "main", COMMIT, "", False, 1, (f"aa {trick}",)))


def test_a_subject_cannot_leave_its_block() -> None:
    assert text(Push("git@h:x", "main", "main", COMMIT, "", False, 1, ("aa ``` @everyone",))).count("```") == 2


def test_the_push_of_a_newer_worker_that_cannot_be_read_is_shown_as_it_is() -> None:
    event = e.PermissionRequested("r1", PUSH_TOOL, '{"remote":["git@h:x"]}', "d")
    shown = cards.open_card(PermissionRequest(NAME, 1.0, 42, event), 42, "/srv/app")
    assert shown.embed and "git@h:x" in shown.embed.description
