"""What an edit made of its file, as the CLI tells it (recorded of 2.1.330, shortened)."""

import msgspec
import pytest

from bridge.protocol.events import FileChange, Hunk
from worker.file_changes import KEPT_BYTES, MOST_TEXT_BYTES, change_of

EDIT = {
    "filePath": "/p/app.py",
    "oldString": "\treturn 1",
    "newString": "\treturn 2\n\tmore",
    "originalFile": "def f():\n\treturn 1 & 2 $x\n\tend\nl0",
    "structuredPatch": [
        {
            "oldStart": 1,
            "oldLines": 4,
            "newStart": 1,
            "newLines": 5,
            "lines": [
                " def f():",
                "-  return 1 & 2 $x",
                "+  return 2",
                "+  more & 2 $x",
                "   end",
                " l0",
                "\\ No newline at end of file",
            ],
        }
    ],
    "userModified": False,
    "replaceAll": False,
}
CREATE: dict[str, object] = {
    "type": "create",
    "filePath": "/p/new",
    "content": "x\ny",
    "structuredPatch": [],
    "originalFile": None,
}


def changed(told: object) -> FileChange | None:
    return change_of(msgspec.Raw(msgspec.json.encode(told)))


def test_an_edit_is_told_with_its_tabs_as_they_are() -> None:
    assert changed(EDIT) == FileChange(
        "/p/app.py",
        (
            Hunk(
                0,
                (
                    " def f():\n",
                    "-\treturn 1 & 2 $x\n",
                    "+\treturn 2\n",
                    "+\tmore & 2 $x\n",
                    " \tend\n",
                    " l0",
                ),
            ),
        ),
    )


def test_a_new_file_is_all_that_came() -> None:
    assert changed(CREATE) == FileChange("/p/new", (Hunk(0, ("+x\n", "+y")),), is_new=True)


def test_each_place_of_an_edit_everywhere_is_a_change() -> None:
    text = "".join(f"l{n % 20}\n" for n in range(40))
    change = changed(
        {"filePath": "/p/f", "oldString": "l5\n", "newString": "x\n", "originalFile": text, "replaceAll": True}
    )
    assert change and [hunk.at for hunk in change.hunks] == [2, 22]


@pytest.mark.parametrize("original", [None, "x" * (MOST_TEXT_BYTES + 1)])
def test_where_the_file_is_not_told_or_too_long_its_own_patch_is_taken(original: str | None) -> None:
    change = changed(EDIT | {"originalFile": original})
    assert change and not change.is_new
    assert change.hunks[0].lines[:2] == (" def f():\n", "-  return 1 & 2 $x\n")
    assert change.hunks[0].lines[-1] == " l0"


def test_of_more_than_a_record_keeps_only_the_path_is_told() -> None:
    assert changed(CREATE | {"content": "y" * (KEPT_BYTES + 1)}) == FileChange("/p/new", is_new=True, is_cut=True)


@pytest.mark.parametrize(
    "told",
    [
        {"type": "text", "file": {"filePath": "/p/app.py", "content": "x"}},
        {"stdout": "x", "stderr": ""},
        "Error: no such file",
        ["x"],
        {"filePath": "/p/f"},
        {"filePath": "/p/f", "newString": None},
        {"filePath": 3, "content": "x"},
    ],
)
def test_of_what_changed_no_file_nothing_is_told(told: object) -> None:
    assert changed(told) is None


def test_an_edit_of_which_nothing_is_told_is_known_by_its_path_alone() -> None:
    edit = {"filePath": "/p/f", "oldString": "a", "newString": "b", "structuredPatch": []}
    assert changed(edit) == FileChange("/p/f", is_cut=True)


def test_a_line_without_it_tells_nothing() -> None:
    assert change_of(msgspec.Raw(b"")) is None
