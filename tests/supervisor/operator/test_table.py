"""`threadbridge list` fits the terminal: the title first, the state always, ids as there is room."""

import pytest

from bridge.protocol import events as e
from bridge.render.markdown.widths import display_width
from supervisor.operator.log_command import _seen_already
from supervisor.operator.session_list import Listed
from supervisor.operator.table import fitting, wide

NOW = 10_000.0


def line(title: str, state: str = "idle") -> Listed:
    return Listed(
        session="0d1f2a3b-0000-4000-8000-000000000000",
        thread=1576256818076712960,
        directory="/srv/\x1b[31mred",
        state=state,
        worker_pid=None,
        child_pid=None,
        started=1.0,
        last_activity=NOW - 7200,
        messages=3,
        cost_usd=0.5,
        input_tokens=1,
        output_tokens=2,
        rss_bytes=0,
        cpu_percent=0.0,
        attached=False,
        contained=False,
        title=title,
        channel=1576256810388553728,
        owner=1576256810388553729,
    )


FOUND = [line("Fix the login", "awaiting"), line("日本語のとても長い題名" * 5), line("x\x1b[2Jy\nz"), line("")]


@pytest.mark.parametrize("width", [40, 80, 100, 120, 200, 0])
def test_no_line_is_wider_than_the_terminal_and_the_title_stands_first(width: int) -> None:
    told = fitting(FOUND, NOW, width).splitlines()
    least = 65  # the title and what always stands there
    assert max(map(display_width, told)) <= max(width or 1000, least)
    assert told[0].startswith("TITLE ")
    assert told[1].startswith("Fix the login ")
    assert all("0d1f2a3b" in one and "$0.50" in one and "2 h" in one for one in told[1:])
    assert len(told) == len(FOUND) + 1


def test_ids_are_there_when_there_is_room_and_all_is_there_when_nobody_looks() -> None:
    assert "CHANNEL" not in fitting(FOUND, NOW, 70)
    assert "CHANNEL" in fitting(FOUND, NOW, 90)
    told = fitting(FOUND, NOW, 0)
    assert ("PERSON" in told, "THREAD" in told, str(FOUND[0].thread) in told) == (True, True, True)


def test_nothing_of_a_title_or_a_path_steers_the_terminal() -> None:
    assert "\x1b" not in fitting(FOUND, NOW, 0) + wide(FOUND, NOW)


def test_the_columns_line_up_whatever_a_title_is_made_of() -> None:
    told = fitting(FOUND, NOW, 100).splitlines()
    starts = {display_width(one[: one.index("$")]) for one in told[1:]}
    assert len(starts) == 1


def test_of_a_log_the_last_few_or_those_since_then_are_shown() -> None:
    there = [record(seq, float(seq)) for seq in range(1, 6)]
    assert [_seen_already(there, *asked) for asked in ((0.0, None), (0.0, 2), (0.0, 0), (0.0, 9), (4.0, None))] == [
        0,
        3,
        5,
        0,
        3,
    ]
    assert _seen_already([], 0.0, 3) == 0


def record(seq: int, at: float) -> e.Record:
    return e.Record("0123456789abcdef", seq, at, e.TurnStarted((1,)))
