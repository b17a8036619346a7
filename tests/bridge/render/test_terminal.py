"""What a terminal would show: of a program's output no escape comes through."""

import random
import time

import pytest

from bridge.render.terminal import shown_text
from bridge.render.tools import failed_tool_line, said


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m text", "red text"),
        ("\x1b[38:2::255:0:0mred\x1b[m", "red"),
        ("\x9b31mred\x9b0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x1b\\ after", "link after"),
        ("\x9d0;title\x9cafter", "after"),
        ("\x1b]0;never ended\nnext", "\nnext"),
        ("\x1bP1$r0m\x1b\\after \x1b_app\x1b\\x \x1b^pm\x1b\\y", "after x y"),
        ("\x1b(B\x1b)0\x1b=\x1b>\x1b7\x1b8\x1bctext", "text"),
        ("\x1b[?25lhidden cursor\x1b[?25h\x1b[2J\x1b[H", "hidden cursor"),
        ("N\bNA\bAM\bME\bE and _\bu_\bn", "NAME and un"),
        (" 10%\r 50%\r100%\ndone", "100%\ndone"),
        ("downloading…\r\x1b[Kdone", "done"),
        ("downloading…\x1b[2K\rdone", "done"),
        ("abcdef\rxy\n", "xycdef\n"),
        ("one\r\ntwo\r\n", "one\ntwo\n"),
        ("bell\x07 null\x00 delete\x7f c1\x85", "bell null delete c1"),
        ("tabs\tand\nlines stay: naïve 漢字 👍🏽", "tabs\tand\nlines stay: naïve 漢字 👍🏽"),
        ("cut \x1b[", "cut "),
        ("cut \x1b", "cut "),
        ("\b\b\rx", "x"),
    ],
)
def test_what_stays_on_the_screen_is_shown(output: str, shown: str) -> None:
    assert shown_text(output) == shown


def test_a_tools_error_is_told_without_escapes() -> None:
    line = failed_tool_line("Bash", {"command": "x"}, "\x1b]0;t\x07\x1b[31mno such file\x1b[0m", "/p")
    assert line.endswith("failed: no such file")
    assert said("<tool_use_error>a\rb</tool_use_error>") == "b"


def test_whatever_is_put_out_no_control_comes_through_and_soon() -> None:
    dice = random.Random(5)
    parts = [
        "\x1b",
        "[",
        "]",
        "0;",
        "m",
        "K",
        "\r",
        "\b",
        "\n",
        "\x07",
        "\\",
        "\x9b",
        "\x9d",
        "\x9c",
        "P",
        "a",
        "漢",
        "\0",
    ]
    for _ in range(500):
        shown = shown_text("".join(dice.choices(parts, k=60)))
        assert all(sign in "\n\t" or sign.isprintable() for sign in shown)
    start = time.perf_counter()
    for unit in ("\x1b]", "\x1b[", "\r", "\b", "a\b", "a\r", "\x1b[1K", "\x1b[K"):
        shown_text(unit * 8000)
    assert time.perf_counter() - start < 3
