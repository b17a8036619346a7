"""A thread as it is shown while a transcript happens: every intermediate view is looked at."""

import itertools
import random
import re

import msgspec
import pytest

from bridge.protocol import events as e
from bridge.render import lost, marks, notices
from bridge.render.ends import SUMMARY_CHARS
from bridge.render.posts import File, Post
from bridge.render.segments import SEGMENT_CHARS
from bridge.render.turn_flow import LONG_ANSWER_CHARS, NOTE_CHARS
from bridge.session.display import Display
from bridge.session.permission import RequestName
from bridge.text import duration
from stages.replay import GENERATION, NAMES, PERSON_ID, SESSION_ID, Replay
from stages.shown import CREATED, VERBOSITIES, Thread, accepted, check, in_turn, played

# --- every transcript --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_intermediate_view_of_a_transcript_can_be_posted(name: str) -> None:
    thread = played(name)
    ends = sum(isinstance(record.event, e.TurnEnded) for record in Replay(name).records)
    assert sum("done ·" in t or "failed ·" in t or "interrupted ·" in t for t in thread.texts()) == ends
    assert not any("⋯" in text for text in thread.texts()) or thread.session.turn


@pytest.mark.parametrize("name", NAMES)
def test_the_thread_holds_every_text_of_claudes(name: str) -> None:
    replay = Replay(name)
    shown = " ".join(" ".join(played(name).texts()).split())
    for text in replay.events(e.TextWritten):
        if not text.agent_id:
            assert all(word in shown for word in re.findall(r"\w+", text.text)[:50])


@pytest.mark.parametrize("name", NAMES)
def test_a_post_once_shown_keeps_its_place_in_the_order(name: str) -> None:
    thread = played(name)
    first_seen = list(dict.fromkeys(itertools.chain.from_iterable(thread.history)))
    assert list(thread.posts) == first_seen


def test_a_permission_stands_between_what_came_before_and_after_it() -> None:
    thread = played("b1_allow")
    before, card, after = thread.posts.values()
    assert before.content == "Using a tool."
    assert card.content == "-# ✓ Bash `touch made.txt && echo done` · allowed by <@42>" and not card.embed
    assert [button.label for button in card.buttons] == ["Show"]
    assert after.content.startswith("All done.\n-# ✓ done · ") and after.content.endswith("$0.0016 · 200 in, 40 out")


def test_the_open_card_mentions_the_person_whose_prompt_it_serves() -> None:
    history = played("b1_allow").history
    opened = next(posts for posts in history if any(key.startswith("card:") for key in posts))
    (line, key), (flow, card) = opened.keys(), opened.values()
    assert line.startswith("turn:") and "touch" not in flow.content, "the tool does not run yet"
    assert key == f"card:{GENERATION}:12" and card.mentions == (PERSON_ID,) and card.urgent
    assert [button.label for button in card.buttons] == [
        "Allow",
        "Always allow",
        "Allow for…",
        "Deny",
        "Deny with a reason…",
    ]


def test_a_denied_tool_shows_its_cross_and_why() -> None:
    first, card, _ = played("b2_deny").posts.values()
    assert first.content == "Using a tool."
    assert card.content.startswith("-# ✗ Bash `touch made.txt && echo done` · denied by <@42>: “The owner said no")


def test_not_being_logged_in_is_said_in_words_that_say_what_to_do() -> None:
    (text,) = played("v_no_api_key").texts()
    assert text.startswith("⚠ Not logged in: run `claude` on the host and log in.")
    assert "\n-# ✗ failed · " in text and "done" not in text


def test_retries_are_said_in_one_line_that_changes() -> None:
    thread = played("k4_529_x3_then_ok")
    said = [t for posts in thread.history for post in posts.values() for t in post.content.splitlines() if "⟳" in t]
    assert list(dict.fromkeys(said)) == [
        f"-# ⟳ Claude is overloaded, trying again in {delay} (attempt {n} of 10)…"
        for n, delay in enumerate(retry_delays("k4_529_x3_then_ok"), 1)
    ]
    assert thread.texts()[0].count("⟳") == 1 and "\n\nfinally\n" in thread.texts()[0]


def retry_delays(name: str) -> list[str]:
    return [duration(retry.delay) for retry in Replay(name).events(e.ApiRetried)]


@pytest.mark.parametrize("name", ["k8_reset_midstream", "k9_sse_error_midstream"])
def test_withdrawn_text_is_replaced_by_what_claude_says_instead(name: str) -> None:
    thread = played(name)
    streamed = [post.content for posts in thread.history for post in posts.values()]
    assert "abc" in streamed
    assert "abc" not in thread.texts()[0] and "finally" in thread.texts()[0]


def test_a_queued_prompts_mark_changes_when_claude_takes_it_up() -> None:
    thread = played("g1_queue_during_text")
    marks = [post for posts in thread.history for key, post in posts.items() if key == "mark:2"]
    assert list(dict.fromkeys(mark.content[:4] for mark in marks)) == ["-# ◷", "-# ✓"]
    assert all(mark.reply_to == 2 and mark.silent for mark in marks)
    cancelled = played("g4_interrupt_with_queue").posts["mark:3"].content
    assert cancelled.startswith("-# ✗")


def test_a_turn_that_starts_by_itself_says_why() -> None:
    assert (
        played("n3_background_bash")
        .texts()[-1]
        .startswith('-# ↻ A background task ended: Background command "bg" completed')
    )


def test_a_subagents_words_stay_out_of_the_thread_and_its_tools_have_lines_only_in_full() -> None:
    for verbosity in VERBOSITIES:
        texts = " ".join(post.content for post in played("n2_subagent_foreground", Display(verbosity)).posts.values())
        assert "Sub finished" not in texts or verbosity == "full", "in full it is what the call gave back"
        assert "-# ↳ subagent: ✓ Bash `touch sub.txt` · allowed by <@42>" in texts, "somebody was asked"


def test_a_failed_resume_offers_a_fresh_start_and_is_said_once() -> None:
    thread = played("i1_resume_missing")
    thread.happen(e.ChildExited(1, wanted=False, reason="exit code 1"))
    (card,) = thread.posts.values()
    assert "No conversation found" in card.content
    assert [button.label for button in card.buttons] == ["Start fresh"]


# --- streaming ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_subagents_tools_beside_streaming_text_move_nothing(seed: int) -> None:
    thread, text, rng = in_turn(Display("full")), long_text(seed), random.Random(seed)
    at, number, before = 0, 0, thread.texts()
    while at < len(text):
        step = rng.randrange(1, 200)
        thread.delta("b1", text[at : at + step])
        at += step
        if rng.random() < 0.3:
            thread.happen(e.ToolStarted(f"t{number}", "Bash", '{"command":"ls"}', agent_id="a1"))
            thread.happen(e.ToolFinished(f"t{number - 3}", False, ""))
            number += 1
        now = thread.texts()
        assert now[: len(before) - 1] == before[:-1]
        before = now
    thread.live.clear()
    thread.happen(e.TextWritten("b1", text))
    assert thread.texts()[: len(before) - 1] == before[:-1]
    assert "\n".join(thread.texts()).count("-# ↳") == number


def test_a_note_beside_streaming_text_stands_below_it() -> None:
    thread = in_turn()
    thread.delta("b1", "streaming")
    thread.happen(e.ApiRetried(1, 10, 1.0, "overloaded", 529))
    assert thread.texts()[0].index("streaming") < thread.texts()[0].index("⟳")


def long_text(seed: int) -> str:
    rng = random.Random(seed)
    parts = []
    for _ in range(12):
        words = " ".join(rng.choice(["word", "größer", "`code`", "**bold**", "😀", "end."]) for _ in range(60))
        code = "\n".join(f"    line_{i} = {rng.random()}" for i in range(rng.randrange(1, 30)))
        parts += [words, f"```{rng.choice(['py', 'sh', ''])}\n{code}\n```", "- item\n- item"]
    return "\n\n".join(parts)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_while_text_streams_only_the_last_post_changes(seed: int) -> None:
    thread, text = in_turn(), long_text(seed)
    thread.happen(e.ToolStarted("t1", "Bash", '{"command":"ls"}'), e.ToolFinished("t1", False, ""))
    rng, at, before = random.Random(seed), 0, thread.texts()
    while at < len(text):
        step = rng.randrange(1, 90)
        thread.delta("b1", text[at : at + step])
        at += step
        now = thread.texts()
        assert now[: len(before) - 1] == before[:-1]
        assert len(now) >= len(before)
        before = now
    thread.happen(e.TextWritten("b1", text))
    whole = thread.texts()
    assert whole[: len(before) - 1] == before[:-1] and whole[len(before) - 1].startswith(
        before[-1].removesuffix("\n```")
    )
    thread.happen(e.TurnEnded("completed", (5,)))
    assert thread.texts()[:-1] == whole[:-1] and thread.texts()[-1].startswith(whole[-1])


def test_blank_deltas_make_no_post() -> None:
    thread = in_turn()
    for text in ("", " ", "\n\n"):
        assert thread.delta("b1", text) == {}
    assert thread.delta("b1", "now") == {f"turn:{GENERATION}:4.0.0": Post("now")}


def test_what_happens_beside_streaming_text_does_not_take_it_away() -> None:
    thread = in_turn()
    thread.happen(e.ToolStarted("t1", "Bash", '{"command":"ls"}', agent_id="a1"))
    thread.delta("b1", "streaming now")
    for event in (
        e.ToolFinished("t1", False, ""),
        e.ToolStarted("t2", "Bash", '{"command":"pwd"}', agent_id="a1"),
        e.ApiRetried(1, 10, 1.0, "overloaded", 529),
        e.Noticed("something"),
    ):
        thread.happen(event)
        assert "streaming now" in thread.texts()[0]
    assert len(thread.texts()) == 1


def test_a_written_text_that_is_withdrawn_goes_and_its_posts_stay_in_place() -> None:
    thread = in_turn()
    thread.happen(e.TextWritten("m1:0", "first. " * 600))
    count = len(thread.posts)
    assert count > 1
    thread.happen(e.TextWithdrawn(("m1:0",)))
    assert len(thread.posts) == count
    assert all("withdrawn" in text for text in thread.texts())
    thread.happen(e.TextWritten("m2:0", "second."))
    assert thread.texts()[0] == "second." and "first." not in " ".join(thread.texts())
    thread.happen(e.TurnEnded("completed", (5,)))
    assert not any(key.startswith("summary:") for key in thread.posts)


def lines_of(text: str) -> list[str]:
    """Without what stands in code blocks."""
    return [line for line in text.splitlines() if line.startswith("-#")]


def test_a_tool_line_changes_in_place_and_moves_nothing() -> None:
    thread = in_turn(Display("full"))
    thread.happen(*(e.ToolStarted(f"t{i}", "Bash", f'{{"command":"echo {i}"}}') for i in range(40)))
    running = thread.texts()
    assert len(running) > 1 and all(line.startswith("-# ⋯ Bash") for text in running for line in text.splitlines())
    for i in random.Random(1).sample(range(40), 40):
        thread.happen(e.ToolFinished(f"t{i}", i % 2 == 0, "x" * 500))
        assert [len(lines_of(text)) for text in thread.texts()] == [len(lines_of(text)) for text in running]
    done = [line for text in thread.texts() for line in lines_of(text)]
    assert all((f"echo {i}`" in line) and ("✗" if i % 2 == 0 else "✓") in line for i, line in enumerate(done))


def test_a_tool_whose_worker_died_is_shown_with_an_unknown_outcome() -> None:
    thread = in_turn()
    thread.happen(e.ToolStarted("t1", "Bash", '{"command":"make"}'))
    thread.happen(e.ToolFinished("t1", True, "", unknown=True), e.TurnEnded("lost", (5,), "the worker died"))
    assert thread.texts() == ["-# ? Bash `make` – outcome unknown\n-# ? lost"]


# --- the end of a turn -------------------------------------------------------------------------------


def test_a_long_answer_leaves_one_short_summary_in_the_channel() -> None:
    thread = in_turn()
    thread.happen(e.TextWritten("b1", "# Heading\n\nIt works @everyone. " + "more " * LONG_ANSWER_CHARS))
    thread.happen(e.TurnEnded("completed", (5,)))
    (summary,) = [post for post in thread.posts.values() if post.where == "channel"]
    assert summary.content.startswith("It works @everyone") and summary.silent
    assert thread.session.url() in summary.content and len(summary.content) < SUMMARY_CHARS * 2 + 150


@pytest.mark.parametrize(("text", "outcome"), [("short", "completed"), ("long " * LONG_ANSWER_CHARS, "interrupted")])
def test_a_short_or_unfinished_answer_leaves_none(text: str, outcome: e.Outcome) -> None:
    thread = in_turn()
    thread.happen(e.TextWritten("b1", text), e.TurnEnded(outcome, (5,)))
    assert all(post.where == "thread" for post in thread.posts.values())


def test_a_local_commands_answer_is_shown() -> None:
    thread = in_turn()
    thread.happen(e.TurnEnded("completed", (5,), result="Total cost: $1"))
    assert thread.texts()[0].startswith("Total cost: $1\n-# ✓ done")


@pytest.mark.parametrize("text", ["*" * 5000, "_`|<>[]()" * 900, "x" * 9000, "😀" * 3000, "\n# a\n- b\n1. c" * 500])
def test_no_text_of_others_makes_a_post_too_long(text: str) -> None:
    thread = in_turn()
    thread.happen(e.Noticed(text), e.TaskEnded("k", "completed", text), e.ToolStarted("t1", text, text))
    thread.happen(e.ToolFinished("t1", True, text), e.TextWritten("b", text), e.ApiRetried(1, 2, 3.0, text, None))
    thread.happen(e.TurnEnded("failed", (5,), text, text), e.TurnStarted((), "task-notification"))
    thread.happen(e.TurnEnded("lost", (), text), e.ResumeFailed("c", text), e.ChildExited(1, wanted=False, reason=text))
    for _ in range(3):
        thread.happen(e.WorkerStarted(1, True, ""), e.ChildExited(1, wanted=False, reason=text))
    check("notice", notices.worker_failed(text))
    assert SEGMENT_CHARS > 2 * NOTE_CHARS


def test_the_exit_of_a_child_is_said_with_what_to_do() -> None:
    thread = Thread()
    for times in range(1, 4):
        thread.happen(e.WorkerStarted(1, True, ""))
        changed = thread.happen(e.ChildExited(1, wanted=False, reason="Claude ended by itself"))
        (post,) = changed.values()
        assert ("3 times in a row" in post.content) == (times == 3)
    assert thread.happen(e.WorkerStarted(1, True, ""), e.ChildExited(0, wanted=True)) == {}


# --- lost logs ---------------------------------------------------------------------------------------


def test_a_new_log_withdraws_the_old_cards_and_never_edits_the_old_posts() -> None:
    thread = in_turn()
    thread.happen(e.ToolStarted("t1", "Bash", '{"command":"make"}'))
    thread.happen(e.PermissionRequested("r1", "Bash", '{"command":"make"}', "d"))
    thread.generation = "f" * 16
    changed = thread.happen(CREATED)
    card = changed[f"card:{GENERATION}:6"]
    assert card.content == "-# — Bash `make` · withdrawn: “the session's log was lost”"
    assert changed[f"turn:{GENERATION}:4.0.0"].content == "-# ? Bash `make` – outcome unknown"
    old = dict(thread.posts)
    thread.happen(e.WorkerStarted(1, True, ""), e.ChildStarted(2, "c", False), e.TurnStarted((5,)))
    thread.happen(e.TextWritten("b", "new"), e.TurnEnded("completed", (5,)))
    assert {key: thread.posts[key] for key in old} == old and len(thread.posts) > len(old)


def test_a_gap_in_the_log_withdraws_the_cards_too() -> None:
    thread = in_turn()
    thread.happen(e.PermissionRequested("r1", "Bash", "{}", "d"))
    card, notice = thread.happen(e.LogGap(99)).values()
    assert card.content == "-# — Bash · withdrawn: “the session's log was lost”"
    assert "The end of this session's log is gone" in notice.content


def test_what_waited_in_a_lost_log_is_said_below_each_message_and_a_first_log_is_no_loss() -> None:
    thread = Thread()
    assert thread.happen(CREATED) == {}
    thread.happen(accepted(5), accepted(6), e.PromptTaken(5), e.PromptDone(5))
    changed = thread.happen(e.LogGap(99))
    assert set(changed) == {"mark:6", f"gap:{GENERATION}:6"}
    assert "not known" in changed["mark:6"].content and changed["mark:6"].reply_to == 6
    thread.generation = "f" * 16
    (notice,) = thread.happen(CREATED).values()
    assert "begins anew" in notice.content


# --- lost turns --------------------------------------------------------------------------------------


def lost_turn(reason: str = "Claude was ended by SIGKILL: no memory") -> Thread:
    thread = Thread()
    thread.happen(CREATED, e.WorkerStarted(1, True, ""), e.ChildStarted(2, "c", False), accepted(5))
    thread.happen(e.TurnStarted((5,)), e.PromptTaken(5), e.ToolStarted("t1", "Bash", '{"command":"make deploy"}'))
    thread.happen(e.PermissionRequested("r1", "Bash", "{}", "d"), e.PermissionResolved(8, "allowed"))
    thread.happen(e.ToolFinished("t1", True, "", unknown=True), e.TurnEnded("lost", (5,), reason))
    return thread


def the_card(thread: Thread) -> Post:
    ((key, card),) = [(key, post) for key, post in thread.posts.items() if key.startswith("lost:")]
    assert thread.view.lost_turn is None or key == thread.view.lost_turn.key
    return card


def test_a_lost_turn_says_what_was_asked_what_ran_and_why_and_offers_to_continue() -> None:
    thread = lost_turn()
    card = the_card(thread)
    assert card.content.startswith(f"<@{PERSON_ID}> ⚠ This turn was lost: Claude was ended by SIGKILL: no memory\n")
    assert "\n> fix the tests\n" in card.content and "? Bash `make deploy` – outcome unknown" in card.content
    assert [button.label for button in card.buttons] == ["Continue", "Discard"]
    name = RequestName.parse(card.buttons[0].custom_id)
    assert name == ("continue", RequestName(SESSION_ID, GENERATION, 11)) and card.mentions == (PERSON_ID,)


def test_the_death_behind_a_lost_turn_is_told_by_its_card_alone() -> None:
    thread = lost_turn()
    thread.happen(e.PromptCancelled(5), e.ChildExited(137, wanted=False, reason="Claude was ended by SIGKILL"))
    assert not [key for key in thread.posts if key.startswith("exit:")]
    thread.happen(e.WorkerStarted(1, True, ""), e.ChildExited(1, wanted=False, reason="bad flag"))
    assert [post.content[:10] for key, post in thread.posts.items() if key.startswith("exit:")] == ["⚠ bad flag"]


def test_the_card_says_when_claude_is_not_started_again_by_itself() -> None:
    thread = lost_turn()
    thread.session.quick_deaths = 2
    thread.happen(e.ChildExited(137, wanted=False, reason="Claude was ended by SIGKILL"))
    assert "That was 3 times in a row" in the_card(thread).content and the_card(thread).buttons


def test_only_a_new_message_overtakes_a_lost_turn_and_not_what_is_sent_again() -> None:
    thread = Thread()
    thread.happen(CREATED, accepted(5), accepted(6), e.TurnStarted((5,)), e.PromptTaken(5))
    thread.happen(e.TurnEnded("lost", (5,), "died"), e.PromptCancelled(5), accepted(6))
    assert the_card(thread).buttons
    thread.happen(accepted(7))
    assert not the_card(thread).buttons and "went on with another message" in the_card(thread).content
    assert thread.view.settle_lost_turn("again", thread.session) == {}


def test_of_two_lost_turns_only_the_last_can_be_continued() -> None:
    thread = lost_turn()
    thread.happen(e.TurnStarted(()), e.TurnEnded("lost", (), "died again"))
    first, second = [post for key, post in thread.posts.items() if key.startswith("lost:")]
    assert not first.buttons and second.buttons


def test_a_lost_log_takes_the_buttons_of_a_lost_turn_away() -> None:
    thread = lost_turn()
    thread.happen(e.LogGap(99))
    assert not the_card(thread).buttons and thread.view.lost_turn is None


def test_continuing_tells_claude_what_may_have_happened_and_what_it_was_asked() -> None:
    turn = lost_turn().view.lost_turn
    assert turn
    told = lost.continuing_prompt(turn)
    assert "in the middle of your last turn (Claude was ended by SIGKILL: no memory)" in told
    assert '- Bash {"command":"make deploy"}\nCheck what it did before you repeat any of it.' in told
    assert "> fix the tests" in told
    assert "No tool call was running" in lost.continuing_prompt(msgspec.structs.replace(turn, tools=[]))


@pytest.mark.parametrize("text", ["*" * 5000, "_`|<>[]()" * 900, "😀" * 3000, "\n# a\n- b\n1. c" * 500])
def test_a_lost_turns_card_fits_a_post_whatever_was_asked(text: str) -> None:
    thread = Thread()
    thread.happen(CREATED, accepted(5, text), e.TurnStarted((5,)), e.PromptTaken(5))
    thread.happen(*(e.ToolStarted(f"t{i}", text, text) for i in range(9)))
    thread.happen(*(e.ToolFinished(f"t{i}", True, "", unknown=True) for i in range(9)))
    thread.happen(e.TurnEnded("lost", (5,), text))
    thread.session.quick_deaths = 2
    thread.happen(e.ChildExited(1, wanted=False, reason=text))
    check("settled", *thread.view.settle_lost_turn(lost.continued_by(text[:90]), thread.session).values())


# --- edits and deletions -----------------------------------------------------------------------------


def marks_of(*events: e.AnyEvent) -> list[str]:
    thread = in_turn()
    return [post.content for event in events for key, post in thread.happen(event).items() if key == "mark:6"]


def test_the_mark_of_a_waiting_prompt_says_what_became_of_its_edit() -> None:
    edit = e.PromptAmended("c1", 6, deleted=False, done=True)
    waiting, edited, again = marks_of(accepted(6), e.PromptQueued(6), accepted(6, "new"), edit, e.PromptQueued(6))
    assert waiting.startswith("-# ◷ Sent") and edited.startswith("-# ✎ Edited") and "new text" in again
    assert marks_of(accepted(6), edit) == [], "who was shown nothing need not be told that it changed"


def test_the_mark_of_a_deleted_prompt_says_so() -> None:
    gone = e.PromptAmended("c1", 6, deleted=True, done=True)
    assert marks_of(accepted(6), e.PromptQueued(6), gone, e.PromptCancelled(6, "deleted"))[1:] == [
        "-# ✗ Deleted: not sent to Claude."
    ]


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (e.PromptAmended("c1", 6, deleted=False, done=False), "it was edited"),
        (e.PromptAmended("c1", 6, deleted=True, done=False), "it was deleted"),
        (e.PromptRequeued("c1", 6, "now", done=False), "the button was pressed"),
    ],
)
def test_what_came_too_late_is_said_in_a_post_of_its_own_for_the_mark_is_over(answer: e.AnyEvent, what: str) -> None:
    thread = in_turn()
    for event in (accepted(6), e.PromptQueued(6), e.PromptTaken(6)):
        thread.happen(event)
    assert thread.posts["mark:6"].is_over
    ((key, post),) = thread.happen(answer).items()
    assert post == marks.too_late(6, what) and key.startswith("late:6:")
    assert not post.is_over and "before" in post.content


def test_what_came_too_late_twice_is_said_twice() -> None:
    thread = in_turn()
    for event in (accepted(6), e.PromptQueued(6), e.PromptTaken(6)):
        thread.happen(event)
    for answer in (
        e.PromptAmended("c1", 6, deleted=False, done=False),
        e.PromptAmended("c2", 6, deleted=False, done=False),
        e.PromptRequeued("c3", 6, "now", done=False),
        e.PromptAmended("c4", 6, deleted=True, done=False),
    ):
        thread.happen(answer)
    said = [post.content for key, post in thread.posts.items() if key.startswith("late:")]
    wanted = ("it was edited", "the button was pressed", "it was deleted")
    assert said == [marks.too_late(6, what).content for what in wanted]


def test_that_an_edit_came_too_late_is_said_of_a_prompt_without_a_mark_too() -> None:
    thread = in_turn()
    thread.happen(accepted(6), e.PromptTaken(6))
    assert list(thread.happen(e.PromptAmended("c1", 6, deleted=False, done=False))) == ["late:6:edited"]


def test_a_file_of_claudes_stands_between_what_it_said_before_and_after_it() -> None:
    thread = Thread()
    thread.happen(e.TurnStarted((1,)), e.TextWritten("b1", "Here it comes:"))
    changed = thread.happen(e.FileSent("chart.png", "sent/1-chart.png", 2048, "As you *asked*"))
    ((key, post),) = changed.items()
    assert key.startswith("file:")
    assert post.files == (File("chart.png", path="sent/1-chart.png"),)
    assert post.content == "As you \\*asked\\*\n-# chart.png · 2 KiB"
    thread.happen(e.TextWritten("b2", "That was it."))
    assert [k.partition(":")[0] for k in thread.posts] == ["turn", "file", "turn"]
