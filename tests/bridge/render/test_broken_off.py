"""Text that people have read stays, though Claude, its worker or the supervisor died while it was written."""

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.render.live import closed
from bridge.render.view import ThreadView
from stages.shown import CREATED, Thread, in_turn

BREAKS_OFF = "-# ✂ The text breaks off here."
LOST = e.TurnEnded("lost", (5,), "the worker died while this ran")
LONG = "A sentence that people have read. " * 200


def died(thread: Thread, *closing: e.AnyEvent) -> str:
    """What the thread says once the next worker has closed the log."""
    shown = [word for text in thread.texts() for word in text.split()]
    thread.happen(*closing)
    whole = "\n".join(thread.texts())
    assert not [word for word in shown if word not in whole.split()], "nothing that was shown is gone"
    return whole


@pytest.mark.parametrize("closing", [(LOST,), (e.WorkerStarted(7, True, ""), LOST), (e.ChildExited(-9, False), LOST)])
@pytest.mark.parametrize("text", ["Half a sent", LONG])
def test_live_text_stays_when_its_turn_is_lost_and_is_marked(text: str, closing: tuple[e.AnyEvent, ...]) -> None:
    thread = in_turn()
    thread.happen(e.TextWritten("m:0", "Before."))
    thread.delta("m:1", text)
    count = len(thread.texts())
    whole = died(thread, *closing)
    assert whole.count(BREAKS_OFF) == 1 and whole.count("Before.") == 1
    assert "withdrawn" not in whole and len(thread.texts()) in (count, count + 1)
    assert whole.split() == [*["Before."], *text.split(), *BREAKS_OFF.split(), *["-#", "?", "lost"]]


def test_a_restart_of_the_supervisor_forgets_nothing_that_was_shown() -> None:
    thread = in_turn()
    thread.delta("m:0", LONG)
    thread.live.clear()
    thread.happen(e.ToolStarted("t", "Read", "{}"))
    assert LONG.split() == [word for text in thread.texts() for word in text.split()][: len(LONG.split())]
    assert BREAKS_OFF in died(thread, e.ToolFinished("t", True, "", unknown=True), LOST)


def test_text_that_comes_again_after_a_restart_goes_on_where_it_was() -> None:
    thread = in_turn()
    thread.delta("m:0", "one two")
    thread.live.clear()
    thread.delta("m:0", "one")
    assert thread.texts() == ["one two"]
    thread.delta("m:0", " two three")
    assert thread.texts() == ["one two three"]
    thread.happen(e.TextWritten("m:0", "one two three four."))
    assert thread.texts() == ["one two three four."] and not thread.view.unfinished


def test_what_the_worker_had_and_had_not_shown_is_shown_too() -> None:
    thread = in_turn()
    thread.delta("m:0", "one two")
    whole = died(thread, e.TextWritten("m:0", "one two three", broken_off=True), LOST)
    assert whole.startswith(f"one two three\n\n{BREAKS_OFF}")
    assert whole.count("one two") == 1


def test_a_lost_log_keeps_what_was_shown() -> None:
    thread = in_turn()
    thread.delta("m:0", LONG)
    thread.generation = "b" * 16
    assert BREAKS_OFF in died(thread, CREATED)


def test_what_claude_took_back_is_not_kept_and_only_then_it_says_withdrawn() -> None:
    thread = in_turn()
    thread.delta("m:0", LONG)
    thread.happen(e.TextWithdrawn(("m:0",)))
    assert not thread.view.unfinished
    thread.happen(e.TextWritten("m:1", "Another."), e.TurnEnded("completed", (5,)))
    whole = "\n".join(thread.texts())
    assert "A sentence" not in whole and "Another." in whole and "withdrawn" in whole and BREAKS_OFF not in whole


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("an **important", "an **important**"),
        ("an *odd **one", "an *odd **one***"),
        ("a `code span", "a `code span`"),
        ("``two `in", "``two `in``"),
        ("~~gone", "~~gone~~"),
        ("||secret", "||secret||"),
        ("**whole** and more", "**whole** and more"),
        ("2 * 3", "2 * 3"),
        ("- *item", "- *item*"),
        ("**a\n\nb", "**a\n\nb"),
        ("`**` and", "`**` and"),
        ("`**", "`**`"),
        ("\\**a", "\\**a*"),
    ],
)
def test_emphasis_that_is_open_is_closed(text: str, shown: str) -> None:
    assert closed(text) == shown


def test_a_fence_that_is_open_is_closed_before_the_mark() -> None:
    thread = in_turn()
    thread.delta("m:0", "Look:\n```py\nx = **1")
    assert died(thread, LOST).startswith(f"Look:\n```py\nx = **1\n```\n\n{BREAKS_OFF}")


def test_a_view_that_was_stored_before_there_was_unfinished_text_is_read() -> None:
    stored = msgspec.to_builtins(ThreadView())
    del stored["unfinished"]
    assert msgspec.convert(stored, ThreadView).unfinished == {}
