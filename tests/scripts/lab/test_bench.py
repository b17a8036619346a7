"""The bench: what it measures of made-up takes, how it judges them, and one short turn of the real thing."""

import asyncio
import itertools
import json
import os

import pytest

from lab.bench import run as bench
from lab.bench import score as bench_score
from lab.bench import table as bench_table
from lab.bench import thread as bench_thread
from lab.bench.measure import (
    BESIDE,
    Call,
    State,
    Take,
    Written,
    is_balanced,
    kind_of,
    longest_still,
    measured,
    shown_of,
    taken_back,
)
from lab.bench.thread import Borne
from lab.bench.turn import SCENARIOS, Scenario, play
from lab.pictures.browser import found_chromium
from twins.claude.message import _pieces

ANSWER = "One two three.\n\n- four\n- five six\n"
WRITTEN = Written([10.0, 11.0, 12.0, 13.0], [9, 9, 9, 8], 13.1)
GOOD = Take(
    {"thread": 1, "create": 3, "edit": 5, "typing": 1}, 0, 8.0, 0.3, 0.1, 3000, 3000, 0, 8, 0, 1.7, {1800: 1, 2000: 1}
)


def takes(**changes: object) -> dict[str, list[Take]]:
    """A good take of each scenario; of one turn one that is otherwise."""
    odd = Take(**{**{name: getattr(GOOD, name) for name in GOOD.__struct_fields__}, **changes})
    return {scenario.name: [GOOD, odd] if number == 0 else [GOOD] for number, scenario in enumerate(SCENARIOS)}


# --- the scores ----------------------------------------------------------------------------------------------


def test_the_mixed_answer_is_3000_characters_in_200_deltas_with_3_tools_in_8_seconds() -> None:
    score = bench_score.mixed()
    assert (score.characters, score.deltas, len(score.uses)) == (3000, 200, 3)
    assert [score.passages[0].due(0), score.passages[-1].due(49)] == pytest.approx([0.0, 8.0])


def test_the_fence_is_5000_characters_in_one_block() -> None:
    score = bench_score.fence()
    assert score.characters == 5000
    assert score.answer.startswith("```python\n") and score.answer.endswith("\n```") and score.answer.count("```") == 2


@pytest.mark.parametrize("count", [2, 4, 7, 20])
def test_paragraphs_have_as_many_sentences_as_their_score_says_and_no_two_are_alike(count: int) -> None:
    paragraphs = bench_score.SCORES[f"sentences{count}"](8.0).answer.split("\n\n")
    sentences = [sentence for paragraph in paragraphs for sentence in paragraph.split(". ")]
    assert {len(paragraph.split(". ")) for paragraph in paragraphs} == {count}
    assert len(set(sentences)) == len(sentences) and 5000 <= len("\n\n".join(paragraphs)) < 6100


@pytest.mark.parametrize("score", [bench_score.mixed(), bench_score.fence(), bench_score.paragraphs(7)])
def test_each_passage_is_cut_into_as_many_deltas_as_the_score_says(score: bench_score.Score) -> None:
    assert all(len(_pieces(passage.text, passage.deltas)) == passage.deltas for passage in score.passages)


def test_deltas_come_one_after_the_other_with_a_pause_for_each_tool() -> None:
    passages = bench_score.mixed().passages
    due = [passage.due(number) for passage in passages for number in range(passage.deltas)]
    assert due == sorted(due)
    assert [b.begins_s - a.ends_s for a, b in itertools.pairwise(passages)] == pytest.approx([0.4] * 3)


def test_a_prompt_asks_for_a_score_and_other_text_asks_for_none() -> None:
    found = bench_score.asked(bench_score.prompt("mixed", 4.0, "take-1"))
    assert found is not None and found[1] == "take-1" and found[0].passages[-1].ends_s == pytest.approx(4.0)
    assert bench_score.asked("play it again") is None
    assert bench_score.asked("play tango over 3 s as one") is None


# --- what is measured ----------------------------------------------------------------------------------------


def test_an_answer_that_is_all_there_counts_in_full_however_it_is_drawn() -> None:
    assert shown_of(ANSWER, "One two three.\n\n• four\n• five six\n-# ✓ done") == len(ANSWER)


def test_what_the_thread_lacks_is_not_counted() -> None:
    assert shown_of(ANSWER, "One two three.") == len("One two three.\n\n- ")
    assert shown_of(ANSWER, "") == 0


def test_text_in_another_order_does_not_count_twice() -> None:
    assert shown_of(ANSWER, "five six One two three") < len(ANSWER)


@pytest.mark.parametrize(
    ("content", "balanced"),
    [
        ("plain", True),
        ("```py\nx\n```", True),
        ("```py\nx", False),
        ("````\n```\n````", True),
        ("````\n```\n", False),
        ("> ```\n> x\n> ```", True),
        ("```\na\n```\n```\nb", False),
        ("say ``` in a line", True),
    ],
)
def test_a_code_block_that_is_not_closed_is_unbalanced(content: str, balanced: bool) -> None:
    assert is_balanced(content) is balanced


def test_a_standstill_lasts_from_the_first_unseen_delta_to_the_next_new_text() -> None:
    assert longest_still(WRITTEN, [(10.5, 9), (12.5, 27), (13.2, 35)]) == pytest.approx(1.5)


def test_a_view_that_freezes_stands_still_until_the_result() -> None:
    assert longest_still(WRITTEN, [(10.5, 9)]) == pytest.approx(13.1 - 11.0)
    assert longest_still(WRITTEN, [(10.5, 9)], after=18) == pytest.approx(13.1 - 12.0)


def test_a_view_that_shows_nothing_is_as_still_as_the_turn_is_long() -> None:
    assert longest_still(WRITTEN, []) == pytest.approx(3.1)


def test_a_take_is_measured_from_the_writing_to_the_last_state() -> None:
    states = [
        State(10.2, 1, "-# ⏳ Read"),
        State(10.5, 1, "One"),
        State(12.0, 1, "```\nOne two"),
        State(13.0, 1, "One two three."),
        State(13.2, 2, "- four\n- five six"),
        State(13.3, 3, "One two", in_thread=False),
    ]
    take = measured(ANSWER, 35, WRITTEN, states, [Call("create", 200), Call("create", 429), Call("edit", 200)])
    assert (take.calls, take.all_calls, take.refused) == ({"create": 2, "edit": 1}, 3, 1)
    assert (take.played_s, take.first_text_s, take.last_write_s) == pytest.approx((3.0, 0.5, 0.2))
    assert (take.shown, take.states, take.unbalanced, take.deleted) == (35, 6, 1, 0)
    assert take.bad_states == ["```\nOne two"]


def test_what_one_post_loses_before_another_shows_it_was_taken_back() -> None:
    moved = [(1.0, "One two three. Four"), (2.0, "One two three."), (3.0, "One two three.\nFour five")]
    assert taken_back(moved) == len("Four")
    assert taken_back([(1.0, "One **two"), (2.0, "One **two** three"), (3.0, "```\nOne two three\n```")]) == 0
    assert taken_back([(1.0, "One\n-# ⋯ Read `a.py` · running"), (2.0, "One\n-# ✓ Read `a.py`")]) == 0


def test_a_deleted_post_shows_nothing_any_more() -> None:
    states = [State(10.5, 1, ANSWER), State(13.2, 1, ANSWER, deleted=True)]
    take = measured(ANSWER, 35, WRITTEN, states, [])
    assert (take.shown, take.deleted) == (0, 1)


def test_every_kind_of_request_has_its_name_and_a_strange_one_is_seen() -> None:
    message = "/channels/{channel_id}/messages"
    assert kind_of("POST", message) == "create"
    assert kind_of("PATCH", f"{message}/{{message_id}}") == "edit"
    assert kind_of("POST", f"{message}/{{message_id}}/threads") == "thread"
    assert kind_of("PUT", "/channels/{channel_id}/thread-members/{user_id}") == "member"
    assert kind_of("PATCH", "/channels/{channel_id}") == "rename"
    assert kind_of("PUT", f"{message}/{{message_id}}/reactions/{{emoji}}/@me") == "reaction"
    assert kind_of("GET", message) == "GET messages"


def test_what_a_thread_needs_once_and_marks_are_no_calls_that_a_post_waits_for() -> None:
    take = Take(
        **{name: getattr(GOOD, name) for name in GOOD.__struct_fields__} | {"calls": {"create": 2, "member": 9}}
    )
    assert take.all_calls == 2


# --- how it is judged ----------------------------------------------------------------------------------------


def test_a_good_run_misses_nothing() -> None:
    assert bench_table.missed(takes()) == []


@pytest.mark.parametrize(
    ("field", "value", "label"),
    [
        ("calls", {"create": 13}, "REST calls"),
        ("refused", 1, "refused"),
        ("first_text_s", 1.1, "first text"),
        ("last_write_s", 0.4, "last write"),
        ("shown", 2999, "characters lost"),
        ("deleted", 1, "deleted"),
        ("unbalanced", 1, "unbalanced"),
        ("taken_back", 1, "characters taken back"),
        ("longest_still_s", 2.1, "longest standstill"),
        ("still_after_s", {1800: 6.0, 2000: 0.0}, "after 1,800"),
    ],
)
def test_each_target_that_one_take_misses_is_told(field: str, value: object, label: str) -> None:
    missed = bench_table.missed(takes(**{field: value}))
    assert len(missed) == 1 and label in missed[0] and missed[0].startswith("one turn: ")


def test_four_at_once_may_be_a_little_slower_than_one_but_not_more() -> None:
    def four(first_text_s: float) -> list[str]:
        found = takes()
        found["four at once"] = takes(first_text_s=first_text_s)["one turn"]
        return bench_table.missed(found)

    assert four(0.55) == []
    assert len(four(0.65)) == 1 and "one alone 0.30 s" in four(0.65)[0]


def test_the_table_shows_median_and_worst_and_marks_what_is_missed() -> None:
    table = bench_table.table(takes(calls={"create": 14}))
    calls = next(line for line in table.splitlines() if "REST calls" in line)
    assert [cell.strip() for cell in calls.split("|")] == [
        *("", "REST calls", "≤ 12", "12 (14) ✗", "10", "10", *["10"] * 4, "14", "46", "")
    ]
    assert len({len(line) for line in table.splitlines()}) == 1


def test_a_scenario_that_was_not_played_has_empty_cells() -> None:
    calls = bench_table.table({"one turn": [GOOD]}).splitlines()[3]
    assert [cell.strip() for cell in calls.split("|")][3:6] == ["10", "", ""]


def test_the_json_holds_every_take() -> None:
    told = json.loads(bench.as_json({"leaking": takes(), "fixed": takes(refused=3)}, ["something"]))
    assert told["missed"] == ["something"]
    assert told["takes"]["leaking"]["one turn"][0]["still_after_s"] == {"1800": 1, "2000": 1}
    assert told["takes"]["fixed"]["one turn"][1]["refused"] == 3


def test_each_kind_of_limits_has_a_table_of_its_own() -> None:
    words = bench.in_words({"leaking": takes(), "fixed": takes()}, ["fixed limits: too slow"])
    assert words.count("| REST calls ") == 2
    assert words.index("leaking limits:") < words.index("fixed limits:") < words.index("✗ fixed limits: too slow")


def test_an_unknown_scenario_or_kind_of_limits_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["turn", "--only", "tango"]) == 1
    assert "no scenario 'tango'" in capsys.readouterr().err
    assert bench.main(["turn", "--limits", "soft"]) == 1
    assert "no 'soft' limits" in capsys.readouterr().err


# --- the real thing ------------------------------------------------------------------------------------------


def test_a_real_short_turn_shows_all_and_wastes_nothing() -> None:
    """Times are for idle machines: here they only have to be there."""
    [take] = asyncio.run(asyncio.wait_for(play(Scenario("short", "mixed"), length_s=2.5), 60))
    assert take.all_calls <= bench_table.MOST_CALLS and take.refused == 0
    assert set(take.calls) <= {"thread", "create", "edit", "typing", *BESIDE} and take.calls["thread"] == 1
    assert (take.shown, take.deleted, take.bad_states) == (take.characters, 0, [])
    assert take.states >= 3
    assert 0 < take.first_text_s < 10 and take.last_write_s < 10


# --- a day's work in a thread ----------------------------------------------------------------------------


def test_a_target_that_is_missed_is_named_with_what_was_borne() -> None:
    target = (bench_thread.EDITS, bench_thread.MANNERS[1])
    assert bench_thread.missed(*target, Borne(5, 1, 9, 2, 2, 1600)) == []
    assert bench_thread.missed(*target, Borne(6, 1, 9, 2, 3, 1700)) == [
        "ten edits, a test run, accept edits, once: 6 posts, at most 5",
        "ten edits, a test run, accept edits, once: 3 taps, at most 2",
        "ten edits, a test run, accept edits, once: 2.01422 screens, at most 2",
    ]
    assert bench_thread.missed(bench_thread.EDITS, bench_thread.MANNERS[0], Borne(99, 0, 9, 9, 9, 9)) == []


@pytest.mark.skipif(
    not (found_chromium() or os.environ.get("CI")),
    reason="there is no chromium (Debian: sudo apt-get install chromium)",
)
def test_edits_that_are_accepted_once_are_one_calm_thread() -> None:
    target = (bench_thread.EDITS, bench_thread.MANNERS[1])
    assert bench_thread.missed(*target, asyncio.run(bench_thread.play(*target))) == []
