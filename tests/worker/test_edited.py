"""Where an edit's text stands in its file."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.protocol.edits import Edit
from worker.child_view import NO_WALLS
from worker.edited import BESIDE_CHARS, MOST_BYTES, places_in, with_places

FILE = "one\ntwo = 2\nthree\ntwo = 2\n"


def request(tool: str, tool_input: object) -> e.PermissionRequested:
    return e.PermissionRequested("r1", tool, json.dumps(tool_input), "d")


def looked(tool: str, tool_input: object, directory: Path) -> tuple[e.Place, ...]:
    return asyncio.run(with_places(request(tool, tool_input), NO_WALLS, str(directory))).places


def test_a_text_is_found_with_its_line_what_is_beside_it_and_how_often_it_occurs() -> None:
    assert places_in(FILE, [Edit("= ", ":= ")]) == (e.Place(2, "two ", "2\n", 2),)
    assert places_in(FILE, [Edit("two = 2\nthree", "x")]) == (e.Place(2, "", "\n", 1),)
    assert places_in("a\nb", [Edit("b", "c")]) == (e.Place(2),)


def test_each_of_several_edits_is_looked_for_in_what_those_before_it_leave() -> None:
    edits = [Edit("one\n", "0\n1\n"), Edit("three", "3"), Edit("one", "x"), Edit("", "new")]
    assert [place.line for place in places_in(FILE, edits)] == [1, 4, 0, 0]


def test_carriage_returns_at_the_ends_of_lines_are_left_out_as_claude_does() -> None:
    assert places_in("a\r\nb\r\n", [Edit("a\nb", "c")]) == (e.Place(1, "", "\n"),)


def test_of_a_very_long_line_a_bounded_part_is_kept() -> None:
    (place,) = places_in("x" * 9000 + "MARK" + "y" * 9000, [Edit("MARK", "")])
    assert place == e.Place(1, "…" + "x" * BESIDE_CHARS, "y" * BESIDE_CHARS + "…\n")


def test_the_file_is_read_where_the_child_sees_it(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(FILE)
    given = {"old_string": "three", "new_string": "3"}
    assert looked("Edit", {**given, "file_path": str(tmp_path / "a.txt")}, tmp_path) == (e.Place(3, "", "\n"),)
    assert looked("Edit", {**given, "file_path": "a.txt"}, tmp_path)[0].line == 3
    assert looked("MultiEdit", {"file_path": "a.txt", "edits": [given, given]}, tmp_path)[1].line == 0


@pytest.mark.parametrize("name", ["gone", "folder", "pipe", "large", "binary"])
def test_a_file_that_cannot_be_looked_into_leaves_the_place_unknown(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "large").open("wb") as file:
        file.truncate(MOST_BYTES + 1)
    (tmp_path / "binary").write_bytes(b"\xff\xfea\x00")
    assert looked("Edit", {"file_path": name, "old_string": "a", "new_string": "b"}, tmp_path) == ()


def test_other_tools_and_odd_inputs_have_no_places(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(FILE)
    assert looked("Write", {"file_path": "a.txt", "content": "one"}, tmp_path) == ()
    assert looked("Edit", {"file_path": 1, "old_string": "one", "new_string": "b"}, tmp_path) == ()
    assert looked("Edit", {"file_path": "a\0b", "old_string": "one", "new_string": "b"}, tmp_path) == ()
    assert looked("Edit", [1], tmp_path) == ()
