"""Background tasks and subagents: one live line each."""

import pytest

from bridge.protocol import events as e
from bridge.session.display import Display
from bridge.text import utf16_len
from stages.replay import GENERATION
from stages.shown import Thread, check, in_turn, played

EXPLORE = e.ToolStarted("a1", "Agent", '{"subagent_type":"Explore","description":"find the tests"}')
LAUNCHED = e.ToolFinished("a1", False, "launched")
BEGUN = e.TaskStarted("k1", "local_agent", "find the tests", "a1")
WAITED_FOR = e.TaskStarted("k1", "local_agent", "find the tests", "a1", backgrounded=False)
BUSY = e.TaskProgressed("k1", "Looking", "Grep", 12, 34_567)
KEY = f"task:{GENERATION}:k1"


def with_task(display: Display | None = None, *events: e.AnyEvent) -> Thread:
    thread = in_turn(display)
    thread.happen(EXPLORE, BEGUN, LAUNCHED, *events)
    return thread


def line(thread: Thread) -> str:
    return thread.posts[KEY].content


def test_a_background_task_is_one_silent_live_line() -> None:
    thread = with_task()
    assert line(thread) == "-# ◌ Explore: find the tests · running" and thread.posts[KEY].silent
    changed = thread.happen(BUSY)
    assert set(changed) == {KEY}
    assert line(thread) == "-# ◌ Explore: find the tests · running · 12 tools · 34k tokens · Grep"
    thread.happen(*[e.Noticed("x")] * 50, e.TaskEnded("k1", "completed", "Found *two*.\nBoth pass."))
    assert line(thread) == (
        "-# ✓ Explore: find the tests · done · 12 tools · 34k tokens · 53 s · Found \\*two\\*. Both pass."
    )


def test_a_task_outlives_its_turn_and_says_how_it_ended() -> None:
    ends = {"failed": "-# ✗ {} · failed", "stopped": "-# ■ {} · stopped", "odd": "-# ? {} · outcome unknown"}
    for status, begins in ends.items():
        thread = with_task(None, e.TurnEnded("completed", (5,)), e.TurnStarted((6,)))
        thread.happen(e.TaskEnded("k1", status, ""))
        assert line(thread).startswith(begins.format("Explore: find the tests"))


def test_a_command_in_the_background_is_called_one() -> None:
    thread = played("n3_background_bash")
    (task,) = [post.content for key, post in thread.posts.items() if key.startswith("task:")]
    assert task == '-# ✓ Bash: bg · done · 5 s · Background command "bg" completed \\(exit code 0\\)'


def test_what_changes_nothing_that_is_seen_changes_no_post() -> None:
    thread = with_task(None, BUSY)
    before = line(thread)
    thread.happen(e.TaskProgressed("k1", "Still looking", "Grep", 12, 34_999))
    assert line(thread) == before
    assert thread.happen(e.TaskProgressed("never-begun", "", "Grep", 1, 1)) == {}


@pytest.mark.parametrize(
    "end", [e.ChildExited(-9, wanted=False), e.ChildExited(0, wanted=True), e.WorkerStarted(9, True, ""), e.LogGap(99)]
)
def test_what_ran_when_its_process_ended_has_an_unknown_outcome(end: e.AnyEvent) -> None:
    thread = with_task(None, BUSY)
    assert KEY in thread.happen(end)
    assert line(thread).startswith("-# ? Explore: find the tests · outcome unknown · 12 tools")
    assert thread.happen(e.TaskEnded("k1", "completed", "")) == {}


def test_a_lost_log_ends_the_tasks_under_their_old_names() -> None:
    thread = with_task()
    thread.generation = "f" * 16
    thread.happen(e.WorkerStarted(9, True, ""))
    assert line(thread).startswith("-# ? ")
    assert not any(key.startswith(f"task:{'f' * 16}") for key in thread.posts)


def test_a_subagent_that_claude_waits_for_tells_on_its_calls_line_how_far_it_is() -> None:
    thread = in_turn()
    thread.happen(EXPLORE, WAITED_FOR, BUSY)
    assert thread.texts() == ["-# ⋯ Agent (Explore): find the tests · running · 12 tools · 34k tokens · Grep"]
    thread.happen(e.TaskEnded("k1", "completed", "found"), LAUNCHED)
    assert thread.texts() == ["-# ✓ Agent (Explore): find the tests · 12 tools · 34k tokens · 2 s"]
    assert KEY not in thread.posts


@pytest.mark.parametrize("agent_id", ["k1", "a1"])
def test_a_subagents_tools_are_counted_on_its_line_and_those_that_failed_are_named(agent_id: str) -> None:
    thread = with_task(None, BUSY, e.ToolStarted("t1", "Bash", "{}", agent_id=agent_id), e.ToolFinished("t1", True, ""))
    assert line(thread).endswith(" · 12 tools · 34k tokens · failed: Bash ×1 · Grep")
    assert "Bash" not in thread.texts()[0]


def test_in_quiet_only_what_went_wrong_has_a_line() -> None:
    well = with_task(Display("quiet"), BUSY, e.TaskEnded("k1", "completed", "found"))
    assert KEY not in well.posts
    badly = with_task(Display("quiet"), BUSY, e.TaskEnded("k1", "failed", "not found"))
    assert line(badly).startswith("-# ✗ Explore: find the tests · failed")
    lost = with_task(Display("quiet"), e.ChildExited(1, wanted=False))
    assert "outcome unknown" in line(lost)


@pytest.mark.parametrize("text", ["*" * 5000, "_`|<>[]()" * 900, "😀" * 3000, "{0}{x}\n# a", ""])
def test_a_task_fits_a_post_whatever_it_is_called(text: str) -> None:
    thread = in_turn()
    thread.happen(e.TaskStarted("k1", text, text, "a1"), e.TaskProgressed("k1", text, text, 9999, 10**9))
    thread.happen(e.ToolStarted("t1", text, "{}", agent_id="k1"), e.ToolFinished("t1", True, text))
    thread.happen(e.TaskEnded("k1", text, text))
    check(KEY, thread.posts[KEY])
    assert utf16_len(line(thread)) < 1000 and "\n" not in line(thread)
