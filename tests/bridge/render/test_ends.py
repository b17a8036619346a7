"""The end of a turn: who is told of it, and how."""

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.render.posts import Post, payload
from bridge.session.display import Display
from stages.replay import GENERATION, PERSON_ID
from stages.shown import CREATED, Thread, accepted, in_turn

PING = f"ping:{GENERATION}:"


def asked(display: Display | None = None, *prompts: e.PromptAccepted) -> Thread:
    thread = Thread(display)
    prompts = prompts or (accepted(5),)
    thread.happen(CREATED, e.WorkerStarted(1, True, ""), e.ChildStarted(2, "c", False), *prompts)
    thread.happen(e.TurnStarted(tuple(prompt.prompt_id for prompt in prompts)))
    return thread


def pings(thread: Thread) -> list[Post]:
    return [post for key, post in thread.posts.items() if key.startswith(PING)]


def ended(outcome: e.Outcome = "completed", duration: float = 192.0, prompts: tuple[int, ...] = (5,)) -> e.TurnEnded:
    return e.TurnEnded(outcome, prompts, duration=duration)


def test_the_last_line_of_a_turn_that_took_long_is_a_post_that_pings_who_asked() -> None:
    thread = asked()
    thread.happen(e.TextWritten("b", "It is done."), ended())
    (ping,) = pings(thread)
    assert ping.content == f"-# ✓ done · 3 min 12 s · <@{PERSON_ID}>" and not ping.silent
    assert payload(ping)["allowed_mentions"] == {"parse": [], "users": [str(PERSON_ID)], "replied_user": False}
    assert list(thread.posts.values())[-1] == ping


def test_a_ping_says_when_the_turn_failed() -> None:
    thread = asked()
    thread.happen(ended("failed"))
    assert [ping.content for ping in pings(thread)] == [f"-# ✗ failed · 3 min 12 s · <@{PERSON_ID}>"]


@pytest.mark.parametrize(("after_s", "is_pinged"), [(60.0, True), (192.0, True), (193.0, False), (None, False)])
def test_how_long_a_turn_must_take_is_configured(after_s: float | None, is_pinged: bool) -> None:
    thread = asked(Display(ping_after_s=after_s))
    thread.happen(ended())
    assert bool(pings(thread)) == is_pinged


def test_a_turn_that_does_not_say_how_long_it_took_is_timed() -> None:
    thread = asked()
    thread.happen(*[e.Noticed("x")] * 70, ended(duration=0.0))
    assert [ping.content for ping in pings(thread)] == [f"-# ✓ done · 1 min 11 s · <@{PERSON_ID}>"]


@pytest.mark.parametrize("outcome", ["interrupted", "lost"])
def test_a_turn_that_was_stopped_or_lost_pings_nobody_once_more(outcome: e.Outcome) -> None:
    thread = asked()
    thread.happen(ended(outcome))
    assert pings(thread) == []


def test_a_turn_that_nobody_asked_for_pings_nobody() -> None:
    thread = Thread()
    thread.happen(CREATED, e.TurnStarted((), "task-notification"), ended(prompts=()))
    assert pings(thread) == []


def test_everybody_who_asked_is_pinged_once() -> None:
    other = e.PromptAccepted(6, "u6", "and this", 77, "bob")
    thread = asked(None, accepted(5), other, accepted(7))
    thread.happen(ended(prompts=(5, 6, 7)))
    assert [ping.mentions for ping in pings(thread)] == [(PERSON_ID, 77)]


def test_who_wrote_meanwhile_did_not_ask_for_this_turn() -> None:
    thread = asked()
    thread.happen(e.PromptAccepted(6, "u6", "and this", 77, "bob"), e.PromptQueued(6), ended())
    assert [ping.mentions for ping in pings(thread)] == [(PERSON_ID,)]


def test_a_card_that_pinged_last_is_enough() -> None:
    request = e.PermissionRequested("r1", "Bash", "{}", "d")
    thread = asked()
    thread.happen(request, e.PermissionWithdrawn(6, "the turn ended"), ended())
    assert pings(thread) == []
    thread = asked()
    thread.happen(request, e.PermissionResolved(6, "allowed"), e.TextWritten("b", "Done."), ended())
    assert len(pings(thread)) == 1


def test_a_long_answers_summary_is_there_beside_the_ping() -> None:
    thread = in_turn()
    thread.happen(e.TextWritten("b", "word " * 2000), ended())
    assert [post.where for key, post in thread.posts.items() if not key.startswith("turn:")] == ["channel", "thread"]


def last_line(thread: Thread) -> str:
    return [post.content for post in thread.posts.values()][-1].splitlines()[-1]


def test_the_last_line_counts_the_files_and_lines_that_were_changed() -> None:
    thread = asked(Display(ping_after_s=None))
    edits = [
        ("t1", "Edit", '{"file_path":"/a","old_string":"one\\ntwo\\n","new_string":"one\\nthree\\nfour\\n"}', False),
        ("t2", "Edit", '{"file_path":"/a","old_string":"x","new_string":"y"}', False),
        ("t3", "Write", '{"file_path":"/b","content":"1\\n2\\n3\\n"}', False),
        ("t4", "Write", '{"file_path":"/never","content":"1\\n"}', True),
        ("t5", "Edit", '{"file_path":"/odd","old_string":1,"new_string":"y"}', False),
    ]
    for name, tool, given, is_error in edits:
        thread.happen(e.ToolStarted(name, tool, given), e.ToolFinished(name, is_error, ""))
    thread.happen(ended(duration=38.0))
    assert last_line(thread) == "-# ✓ done · 38 s · 2 files +6 −2"
    thread.happen(e.TurnStarted((6,)), e.ToolStarted(*edits[1][:3]), e.ToolFinished("t2", False, ""))
    thread.happen(ended(prompts=(6,), duration=2.0))
    assert last_line(thread) == "-# ✓ done · 2 s · 1 file +1 −1"


def test_time_that_a_person_took_is_not_claudes() -> None:
    thread = asked(Display(ping_after_s=60.0))
    first, second = (e.PermissionRequested(name, "Bash", "{}", "d") for name in ("r1", "r2"))
    thread.happen(first, second, *[e.Noticed("x")] * 30, e.PermissionResolved(6, "allowed"))
    thread.happen(e.PermissionResolved(7, "allowed"), e.TextWritten("b", "Done."), ended(duration=70.0))
    assert last_line(thread) == "-# ✓ done · 37 s", "one second a record; 33 s were waited"
    assert pings(thread) == []


@pytest.mark.parametrize(
    ("tokens", "window", "words"),
    [
        (710, 1000, "71 % of context"),
        (2000, 1000, "100 % of context"),
        (0, 1000, "10 in, 5 out"),
        (9, 0, "10 in, 5 out"),
    ],
)
def test_the_last_line_says_how_full_the_context_is_or_else_the_tokens(tokens: int, window: int, words: str) -> None:
    thread = asked(Display(ping_after_s=None))
    end = e.TurnEnded("completed", (5,), duration=4.0, input_tokens=10, output_tokens=5)
    thread.happen(msgspec.structs.replace(end, context_tokens=tokens, context_window=window))
    assert last_line(thread) == f"-# ✓ done · 4 s · {words}"
