"""The matrix as values: what a cell says, and what the plan of a run holds."""

import re
from pathlib import Path

from lab.faults import run as faults
from lab.faults.gone import Seen
from lab.faults.table import ROWS, Column, Finding, Outcome, Row, table, totals


def outcome(column: Column, settled_s: float, *findings: Finding, struck: bool = True) -> Outcome:
    return Outcome(Row.REST, column, struck, "drop", settled_s, findings)


def test_a_cell_tells_runs_findings_and_the_recovery() -> None:
    seen = [outcome(Column.POSTED, 1.0), outcome(Column.POSTED, 3.0, Finding("lost", "x")), outcome(Column.POSTED, 2.0)]
    assert "| posted | 3 · 1/0/0/0/0 · 2.0 / 3.0 s |" in table(seen)
    assert totals(seen) == {"faults": 3, "lost": 1, "duplicated": 0, "misrouted": 0, "orphan": 0, "gone": 0}


def test_characters_that_are_gone_are_counted_each() -> None:
    seen = [outcome(Column.DELTA, 1.0, Finding("gone", "x", 400)), outcome(Column.DELTA, 1.0, Finding("gone", "y", 30))]
    assert totals(seen)["gone"] == 430


ONE, TWO = (f"This is sentence number {n} of a long answer." for n in (1, 2))


def test_what_was_shown_must_be_shown_in_the_end_wherever_it_stands_then() -> None:
    seen = Seen()
    for text in ("«s1p1a»", f"«s1p1a»\n{ONE}", f"«s1p1a»\n{ONE} {TWO}", "«s1p1a»"):
        seen.look(text)
    assert seen.gone(f"«s1p1a» {ONE}\n{TWO}") == 0
    assert seen.gone("«s1p1a»\n-# ? lost") == len("sentence number 1 of a long answer") * 2
    assert seen.gone("") > seen.gone("«s1p1a»")


def test_the_same_sentence_below_another_prompts_mark_is_no_comfort() -> None:
    seen = Seen()
    seen.look(f"«s1p1a» {ONE}")
    assert seen.gone(f"«s1p1a»\n-# ? lost\n«s1p2a» {ONE}") > 0


def test_of_a_sentence_that_had_begun_the_beginning_must_stay() -> None:
    seen = Seen()
    seen.look("This is sentence number 1 of a")
    assert seen.gone("This is sentence number 1 of a long answer.") == 0
    assert seen.gone("This is sentence number 1") == len(" of a")
    assert seen.gone("") == len("sentence number 1 of a")


def test_a_sentence_that_was_shown_twice_at_once_must_stand_there_twice() -> None:
    seen = Seen()
    seen.look(ONE)
    seen.look(f"{ONE} {ONE}")
    assert seen.gone(f"{ONE} {ONE}") == 0
    assert seen.gone(ONE) > 0


def test_a_run_that_was_not_struck_is_no_fault_but_its_findings_count() -> None:
    seen = [outcome(Column.POSTED, 0.0, Finding("orphan", "x"), struck=False)]
    assert totals(seen)["faults"] == 0
    assert totals(seen)["orphan"] == 1


def test_a_plan_holds_each_wanted_cell_so_many_times_and_the_same_seed_gives_the_same() -> None:
    options = faults.arguments(["--runs", "3", "--sessions", "4", "--cells", "REST,worker:spawn", "--seed", "5"])
    plan = faults.plan(options)
    cells = [(row, column) for row, columns in plan for column in columns]
    assert sorted(cells) == sorted([*[(Row.REST, column) for column in Column], (Row.WORKER, Column.SPAWN)] * 3)
    assert all(len(columns) <= 4 for _, columns in plan)
    assert plan == faults.plan(options)


def test_without_a_choice_the_plan_is_the_whole_matrix_of_more_than_a_thousand_faults() -> None:
    cells = [column for _, columns in faults.plan(faults.arguments([])) for column in columns]
    assert len(cells) == faults.RUNS * len(ROWS) * len(Column) >= 1000


def test_each_kind_of_run_has_its_part_of_the_page_and_leaves_the_others(tmp_path: Path) -> None:
    page = tmp_path / "faults.md"
    lost = outcome(Column.STORED, 1.0, Finding("lost", "a word of Ada's"))
    faults.write_beside(page, "The soak", "two kills")
    faults.write(page, faults.Result(), faults.arguments(["--bursts", "--seed", "7"]))
    faults.write(page, faults.Result([lost]), faults.arguments(["--seed", "8"]))
    faults.write_beside(page, "The soak", "three kills")
    told = page.read_text()
    assert re.findall("^## (.*)", told, re.MULTILINE) == ["Found", "In bursts", "The soak"]
    assert "--seed 8`; do not edit" in told.partition("## In bursts")[0]
    assert "faults --bursts --runs 14 --sessions 8 --seed 7`" in told.partition("## In bursts")[2]
    assert "a word of Ada's" in told
    assert "three kills" in told
    assert "two kills" not in told
