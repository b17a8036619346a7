"""Which suggested directories say something to allow, and how a child's are written."""

import pytest

from bridge.protocol.directories import MOST_CHARS, may_be_suggested, read, value_of


@pytest.mark.parametrize("path", ["/srv/data", "/srv/app2", "/srv/a b", "/home/ada/Bücher"])
def test_one_outside_the_project_is_offered(path: str) -> None:
    assert may_be_suggested(path, "/srv/app")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "//",
        "relative",
        "/srv",  # all that lies beside the project
        "/srv/app",
        "/srv/app/sub",
        "/srv/../etc",
        "/srv/a\nb",
        "/srv/\u202eb",
        "/srv/\u3164b",  # a letter that is drawn as nothing
        "/srv/a\ufe0fb",
        "/srv/a  b",  # a line shows one space
        "/srv/a ",
        "/srv/a, /srv/b",  # reads as two
        "//srv/app",
        "/" + "x" * 2000,
    ],
)
def test_nothing_is_offered_that_is_the_project_the_machine_or_cannot_be_read(path: str) -> None:
    assert not may_be_suggested(path, "/srv/app")
    assert MOST_CHARS < 2000


@pytest.mark.parametrize("path", ["/home/ada", "/home/ada/", "/home", "/"])
def test_neither_the_home_that_claude_runs_in_is_offered_nor_what_it_lies_in(path: str) -> None:
    assert not may_be_suggested(path, "/srv/app", "/home/ada")
    assert may_be_suggested("/home/adam", "/srv/app", "/home/ada") and may_be_suggested("/opt", "/srv/app", "")


def test_the_order_and_repetitions_of_directories_are_no_difference() -> None:
    assert value_of(["/b", "/a", "/b"]) == value_of(("/a", "/b")) == '["/a","/b"]'
    assert read(value_of(["/b", "/a"])) == ("/a", "/b")


@pytest.mark.parametrize("value", ["", "x", "{}", "[1]", "null", "[" * 10000])
def test_what_is_no_list_of_paths_is_none(value: str) -> None:
    assert read(value) == ()
