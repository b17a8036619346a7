"""Garbage at every edge: what was found once, and a little that is new; and that the fuzzer would find something."""

from pathlib import Path
from random import Random

import pytest

from lab.fuzz import run, trial
from lab.fuzz.edge import Edge, hold
from lab.fuzz.edges import EDGES
from lab.fuzz.run import KEPT, input_of, kept, search

pytestmark = pytest.mark.slow

FRESH_S, MOST_FRESH = 1.5, 100
SEEDS = sorted(path for path in KEPT.glob("*/*") if path.is_file())


def named(path: Path) -> str:
    return path.relative_to(KEPT).as_posix()


@pytest.mark.parametrize("path", SEEDS, ids=named)
def test_what_was_found_once_is_found_no_more(path: Path, tmp_path: Path) -> None:
    found = trial.tried(EDGES[path.parent.name], path.read_bytes(), tmp_path / "input")
    assert found is None, found.what


@pytest.mark.parametrize("name", EDGES)
def test_nothing_but_clean_errors_comes_of_new_garbage(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "kept", lambda _name: [])
    result = search(EDGES[name], 20261128, FRESH_S, MOST_FRESH)
    assert result.inputs and result.is_clean, result.in_words()


def test_each_kept_input_is_of_an_edge_that_there_is() -> None:
    assert {path.parent.name for path in SEEDS} <= EDGES.keys()


@pytest.mark.parametrize("name", EDGES)
def test_the_same_seed_makes_the_same_inputs_and_another_one_others(name: str) -> None:
    made = [[input_of(EDGES[name], seed, number, kept(name)) for number in range(8)] for seed in (1, 1, 2)]
    assert made[0] == made[1] != made[2]


class Fragile(Edge):
    """Breaks of one byte, and hangs of another."""

    name = "fragile"
    clean = "none"

    def made(self, random: Random) -> bytes:
        return bytes(random.choice(b"abcd") for _ in range(30))

    def feed(self, data: bytes, folder: Path) -> None:
        hold(b"d" not in data, "a d")
        while b"h" in data:
            pass


def test_a_broken_invariant_is_found_told_once_and_made_small() -> None:
    result = search(Fragile(), 1, 20.0, most_inputs=50)
    assert [finding.what for finding in result.findings if "Broken" in finding.where] == ["Broken: a d"]
    assert result.findings[0].data == b"d"
    assert not result.is_clean


def test_a_hang_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "CPU_S", 0.05)
    found = trial.tried(Fragile(), b"h", tmp_path / "input")
    assert found and found.where.startswith("HangError")


def test_a_finding_is_kept_where_the_tests_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "KEPT", tmp_path)
    found = trial.tried(Fragile(), b"d", tmp_path / "input")
    assert found
    assert run.keep("fragile", found).read_bytes() == b"d"
    assert kept("fragile") == [b"d"]
