"""Open cards know more than their request: which subagent asks, and what is chosen so far of a question."""

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.render.agents import CALLS_KEPT, Agents
from bridge.render.posts import Post
from bridge.session.questions import Draft
from stages.replay import GENERATION, Replay
from stages.shown import Thread

ASKED = '{"questions":[{"question":"A?","options":[{"label":"x"}]},{"question":"B?","options":[{"label":"y"}]}]}'


def agent_call(
    tool_use_id: str = "t1", tool_input: str = '{"subagent_type":"explore","description":"look"}'
) -> e.Event:
    return e.ToolStarted(tool_use_id, "Agent", tool_input)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("n1_subagent", "general-purpose: look around"),
        ("n2_subagent_foreground", "general-purpose: look"),
        ("n6_bg_subagent_ask_while_idle", "general-purpose: look"),
    ],
)
def test_a_recorded_subagents_request_says_which_subagent_while_open_and_that_one_asked_when_settled(
    name: str, words: str
) -> None:
    thread = Thread()
    thread.play(Replay(name).happened)
    cards = [(key, post) for posts in thread.history for key, post in posts.items() if key.startswith("card:")]
    assert f"asked by a subagent of Claude’s ({words})" in cards[0][1].content
    assert cards[-1][0] == cards[0][0] and cards[-1][1].content.startswith("-# ↳ subagent: ")


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ((agent_call(), e.TaskStarted("a1", "local_agent", "look", "t1")), "explore: look"),
        ((e.TaskStarted("a1", "local_agent", "look\naround", "t0"),), "look around"),
        ((agent_call(tool_input='{"cut'), e.TaskStarted("a1", "local_agent", "look", "t1")), "look"),
        ((agent_call(), e.TaskStarted("a2", "local_agent", "look", "t1")), ""),
        ((agent_call(), e.TaskStarted("a1", "local_agent", "look", "t1"), e.TaskEnded("a1", "completed")), ""),
        ((agent_call(), e.TaskStarted("a1", "local_agent", "look", "t1"), e.WorkerStarted(1, True, "")), ""),
    ],
)
def test_a_subagent_is_called_by_its_type_and_task(events: tuple[e.AnyEvent, ...], words: str) -> None:
    agents = Agents()
    for event in events:
        agents.apply(event)
    assert agents.name("a1") == words


def test_calls_that_never_become_tasks_are_forgotten() -> None:
    agents = Agents()
    for n in range(3 * CALLS_KEPT):
        agents.apply(e.ToolStarted(f"t{n}", "Agent", "{}"))
    assert len(agents.calls) == CALLS_KEPT


# --- drafts ------------------------------------------------------------------------------------------


def asking() -> tuple[Thread, int]:
    """A thread with an open card of two questions, and its request's seq."""
    thread = Thread()
    thread.happen(e.SessionCreated("s", 700, 500, 600, "/srv", 42), e.WorkerStarted(1, True, ""))
    thread.happen(e.TurnStarted(), e.PermissionRequested("r1", "AskUserQuestion", ASKED, "d"))
    return thread, thread.session.applied


def redrafted(thread: Thread, seq: int, draft: Draft) -> Post:
    ((key, post),) = thread.view.redraft(seq, draft, thread.session).items()
    assert key == f"card:{GENERATION}:{seq}"
    return post


def test_a_draft_is_shown_and_outlives_the_views_stored_form() -> None:
    thread, seq = asking()
    card = redrafted(thread, seq, Draft(picks={1: (0,)}))
    assert card.embed and "Chosen so far: **y**" in card.embed.description
    thread.happen(e.Noticed("anything"))  # the view goes through its stored form
    assert thread.view.cards[seq].draft == Draft(picks={1: (0,)})


def test_a_draft_ends_with_its_request() -> None:
    for ended in (e.PermissionWithdrawn, e.PermissionResolved):
        thread, seq = asking()
        redrafted(thread, seq, Draft(picks={1: (0,)}))
        (card,) = thread.happen(ended(seq, "denied")).values()
        assert card.embed and "Chosen so far" not in card.embed.description
        assert not thread.view.cards


def test_a_lost_log_ends_a_draft() -> None:
    thread, seq = asking()
    redrafted(thread, seq, Draft(picks={1: (0,)}))
    thread.generation = "f" * 16
    thread.happen(e.SessionCreated("s", 700, 500, 600, "/srv", 42))
    assert not thread.view.cards


def test_a_view_that_was_stored_before_there_were_drafts_can_be_read() -> None:
    thread, seq = asking()
    stored = msgspec.json.decode(msgspec.json.encode(thread.view))
    del stored["agents"]
    for card in stored["cards"].values():
        del card["agent"], card["draft"]
    view = msgspec.json.decode(msgspec.json.encode(stored), type=type(thread.view))
    assert view.cards[seq].draft == Draft()
