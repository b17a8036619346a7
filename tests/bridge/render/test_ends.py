"""The end of a turn: who is told of it, and how."""

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


def test_a_turn_that_took_long_ends_with_a_small_post_that_pings_who_asked() -> None:
    thread = asked()
    thread.happen(e.TextWritten("b", "It is done."), ended())
    (ping,) = pings(thread)
    assert ping.content == f"<@{PERSON_ID}> done · 3 min 12 s" and not ping.silent
    assert payload(ping)["allowed_mentions"] == {"parse": [], "users": [str(PERSON_ID)], "replied_user": False}
    assert list(thread.posts.values())[-1] == ping


def test_a_ping_says_when_the_turn_failed() -> None:
    thread = asked()
    thread.happen(ended("failed"))
    assert [ping.content for ping in pings(thread)] == [f"<@{PERSON_ID}> failed · 3 min 12 s"]


@pytest.mark.parametrize(("after_s", "is_pinged"), [(60.0, True), (192.0, True), (193.0, False), (None, False)])
def test_how_long_a_turn_must_take_is_configured(after_s: float | None, is_pinged: bool) -> None:
    thread = asked(Display(ping_after_s=after_s))
    thread.happen(ended())
    assert bool(pings(thread)) == is_pinged


def test_a_turn_that_does_not_say_how_long_it_took_is_timed() -> None:
    thread = asked()
    thread.happen(*[e.Noticed("x")] * 70, ended(duration=0.0))
    assert [ping.content for ping in pings(thread)] == [f"<@{PERSON_ID}> done · 1 min 11 s"]


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
