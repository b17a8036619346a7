"""Several changes of one file, made one after the other, come to one."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.protocol import line_diff
from bridge.protocol.events import FileChange, Hunk
from bridge.protocol.line_diff import as_patch, between, counted, lines_of
from bridge.session.net_change import DoesNotFitError, NetChange

LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "\n"]), max_size=12)
LONG = st.lists(st.integers(0, 40).map(lambda n: f"{n}\n"), max_size=60)


def change(before: list[str], after: list[str], path: str = "f") -> FileChange:
    return FileChange(path, tuple(between(before, after)), is_new=not before)


def carried_out(before: list[str], hunks: list[Hunk]) -> list[str]:
    """As ``patch`` would, and only where every line that is named stands there."""
    after, at = list[str](), 0
    for hunk in hunks:
        after += before[at : hunk.at]
        at = hunk.at
        for line in hunk.lines:
            if line[0] == "+":
                after.append(line[1:])
                continue
            assert before[at] == line[1:]
            after += [line[1:]] if line[0] == " " else []
            at += 1
    return after + before[at:]


def net(*states: list[str]) -> NetChange:
    made = NetChange(is_new=not states[0])
    for before, after in itertools.pairwise(states):
        made.add(FileChange("f", tuple(between(before, after))))
    return made


@given(before=LONG, after=LONG)
def test_hunks_lead_from_one_text_to_the_other(before: list[str], after: list[str]) -> None:
    assert carried_out(before, between(before, after)) == after


@given(before=LONG, after=LONG)
def test_also_where_they_are_too_long_to_be_compared(before: list[str], after: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_diff, "MOST_COMPARED", 0)
        hunks = between(before, after)
    assert carried_out(before, hunks) == after
    assert hunks == between(before, after) or len(hunks) == 1


def test_two_long_files_that_have_nothing_in_common_are_compared_quickly() -> None:
    begun = time.perf_counter()
    between([f"{n % 7}\n" for n in range(40_000)], [f"{n % 5}\n" for n in range(1, 40_000)])
    assert time.perf_counter() - begun < 10


@given(states=st.lists(LINES, min_size=2, max_size=6))
def test_what_several_changes_come_to_leads_from_the_first_text_to_the_last(states: list[list[str]]) -> None:
    assert carried_out(states[0], net(*states).hunks()) == states[-1]


@given(states=st.lists(LONG, min_size=2, max_size=5))
def test_also_of_long_texts(states: list[list[str]]) -> None:
    assert carried_out(states[0], net(*states).hunks()) == states[-1]


@given(before=LONG, after=LONG)
def test_what_came_and_went_again_leaves_no_trace(before: list[str], after: list[str]) -> None:
    assert net(before, after, before).hunks() == []


def test_a_line_that_was_changed_twice_is_changed_once() -> None:
    a, b, c = (lines_of(f"one\n{word}\nthree\n") for word in ("two", "zwei", "deux"))
    assert net(a, b, c).hunks() == [Hunk(0, (" one\n", "-two\n", "+deux\n", " three\n"))]


def test_changes_that_stand_near_each_other_are_one_hunk_and_far_ones_are_two() -> None:
    text = [f"{n}\n" for n in range(30)]
    near, far = ([*text] for _ in range(2))
    near[5], far[25] = "x\n", "x\n"
    nearer = [*near]
    nearer[8] = "y\n"
    assert len(net(text, near, nearer).hunks()) == 1
    both = [*near]
    both[25] = "x\n"
    assert [hunk.at for hunk in net(text, near, both).hunks()] == [2, 22]


def test_a_change_that_does_not_fit_says_so_and_changes_nothing() -> None:
    made = net(lines_of("a\nb\nc\n"), lines_of("a\nx\nc\n"))
    before = made.hunks()
    with pytest.raises(DoesNotFitError):
        made.add(FileChange("f", (Hunk(0, (" a\n", "-b\n", "+y\n")),)))
    with pytest.raises(DoesNotFitError):
        made.add(FileChange("f", (Hunk(0, ("+new\n",)),), is_new=True))
    assert made.hunks() == before


def test_one_that_does_not_fit_leaves_nothing_of_what_it_told() -> None:
    net = NetChange(is_new=False)
    net.add(FileChange("a", (Hunk(0, ("-b", "+c")),)))
    before = dict(net.was)
    with pytest.raises(DoesNotFitError):
        net.add(FileChange("a", (Hunk(0, ("-no",)), Hunk(5, (" d", "-x")))))
    assert net.was == before
    net.add(FileChange("a", (Hunk(5, (" e", "-y")),)))
    assert net.hunks() == [Hunk(0, ("-b", "+c")), Hunk(5, (" e", "-y"))]


def test_a_new_files_change_is_all_of_it_and_nothing_stands_behind_it() -> None:
    made = net([], lines_of("a\nb"))
    assert made.hunks() == [Hunk(0, ("+a\n", "+b"))]
    with pytest.raises(DoesNotFitError):
        made.add(FileChange("f", (Hunk(5, (" q\n", "+r\n")),)))


def test_lines_are_counted_and_written_as_a_patch_is() -> None:
    hunks = between(lines_of("a\nb\nc"), lines_of("a\nx\nc\n"))
    assert counted(hunks) == (2, 2)
    assert as_patch("d/f", hunks) == (
        "--- a/d/f\n+++ b/d/f\n@@ -1,3 +1,3 @@\n a\n-b\n-c\n\\ No newline at end of file\n+x\n+c\n"
    )
    assert as_patch("f", between([], ["a\n"]), is_new=True) == "--- /dev/null\n+++ b/f\n@@ -0,0 +1,1 @@\n+a\n"
