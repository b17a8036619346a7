import random

from bridge.protocol.edits import Edit
from bridge.protocol.events import Place
from bridge.render.diff import SHORT_LINES, diff_for, line_counts, short_diff
from bridge.text import utf16_len


def edited(old: str, new: str, path: str = "x") -> str:
    given = {"file_path": path, "old_string": old, "new_string": new}
    return diff_for("Edit", given, places=[Place(1)]) or ""


def test_an_edit_shows_its_changed_lines_with_context() -> None:
    old = "".join(f"line {n}\n" for n in range(20))
    shown = edited(old, old.replace("line 10\n", "line ten\n"), "src/app.py")
    assert shown.startswith("--- src/app.py\n+++ src/app.py\n@@ -8,7 +8,7 @@\n line 7\n")
    assert "-line 10\n+line ten\n" in shown
    assert "line 6" not in shown


def test_equal_texts_are_said_to_change_nothing() -> None:
    assert edited("a\n", "a\n").endswith("# nothing changes")


def test_a_missing_last_newline_is_part_of_the_diff() -> None:
    assert edited("a\n", "a", "x").endswith("-a\n+a\n\\ No newline at end of file")


def test_a_written_file_is_all_new() -> None:
    shown = diff_for("Write", {"file_path": "/w/hello.txt", "content": "hi\nyou\n"})
    assert shown == "--- /w/hello.txt\n+++ /w/hello.txt\n@@ -0,0 +1,2 @@\n+hi\n+you"


def test_emptying_a_file_is_not_called_no_change() -> None:
    assert (diff_for("Write", {"file_path": "x", "content": ""}) or "").endswith("# an empty text")
    assert diff_for("NotebookEdit", {"notebook_path": "x", "new_source": "", "edit_mode": "delete"}) is None


def test_replacing_everywhere_is_said() -> None:
    given = {"file_path": "x", "old_string": "a", "new_string": "b", "replace_all": True}
    assert "every place" in (diff_for("Edit", given) or "")
    assert "every place" not in (diff_for("Edit", {**given, "replace_all": False}) or "")


def test_several_edits_are_numbered() -> None:
    edits = [{"old_string": "a\n", "new_string": "b\n"}, {"old_string": "c\n", "new_string": "c\n"}]
    shown = diff_for("MultiEdit", {"file_path": "x", "edits": edits}) or ""
    assert "# edit 1 of 2\n@@ … @@\n-a\n+b" in shown
    assert shown.endswith("# edit 2 of 2\n# nothing changes")


def test_a_line_of_the_content_cannot_look_like_a_header() -> None:
    shown = diff_for("Write", {"file_path": "x", "content": "--- /etc/passwd\n@@ -1 +1 @@\n# edit\n"}) or ""
    assert [line[0] for line in shown.split("\n")[3:]] == ["+", "+", "+"]


def test_only_newlines_end_a_line() -> None:
    shown = diff_for("Write", {"file_path": "x", "content": "a\rb\x0bc\u2028d\n"}) or ""
    assert shown.split("\n")[3:] == ["+a\rb\x0bc\u2028d"]


def test_other_tools_and_odd_inputs_have_no_diff() -> None:
    assert diff_for("Bash", {"command": "ls"}) is None
    assert diff_for("Edit", {"file_path": "x", "old_string": 1, "new_string": "b"}) is None
    assert diff_for("MultiEdit", {"file_path": "x", "edits": [{"old_string": "a"}]}) is None
    assert diff_for("Write", {"content": "x"}) is None


def test_a_large_change_is_shown_without_comparing() -> None:
    old, new = "".join(f"{n}\n" for n in range(3000)), "".join(f"{n}x\n" for n in range(3000))
    shown = edited(old, new, "x").split("\n")
    assert len(shown) == 2 + 1 + 6000


def test_changed_lines_are_counted() -> None:
    assert line_counts([Edit("a\nb\n", "a\nc\nd\n"), Edit("", "x")]) == (3, 1)


def test_a_short_diff_has_the_changed_lines_and_no_headers() -> None:
    given = {"file_path": "x", "old_string": "a\nb\nc\nd", "new_string": "a\nB\nc\nd"}
    assert short_diff("Edit", given) == (" a\n-b\n+B\n c", True)
    assert short_diff("Write", {"file_path": "x", "content": "hi\n"}) == ("+hi", True)
    assert short_diff("Bash", {"command": "ls"}) == ("", True)


def test_a_short_diff_keeps_several_places_apart_and_says_how_much_is_missing() -> None:
    edits = [{"old_string": "a\n", "new_string": "b\n"}, {"old_string": "c", "new_string": ""}]
    assert short_diff("MultiEdit", {"file_path": "x", "edits": edits}) == ("-a\n+b\n⋮\n-c", True)
    shown, is_all = short_diff("Write", {"file_path": "x", "content": "x\n" * 20})
    assert shown.split("\n")[-2:] == ["+x", "… 12 more lines"] and not is_all


def test_a_short_diff_is_short_whatever_changes() -> None:
    dice = random.Random(3)
    texts = ["x" * 500, "```", "", " ", "\t\t", "😀" * 99, "@@ -1 +1 @@", "--- a", "\x1b[1m\u202e", "a"]
    for _ in range(500):
        old, new = ("\n".join(dice.choices(texts, k=dice.randrange(30))) for _ in range(2))
        shown, is_all = short_diff("Edit", {"file_path": "x", "old_string": old, "new_string": new})
        lines = shown.split("\n")
        assert len(lines) <= SHORT_LINES + 1 and all(utf16_len(line) <= 91 for line in lines)
        assert is_all or lines[-1].startswith("…") or any("…" in line or "⟨" in line for line in lines)
        assert all(line[:1] in ("+", "-", " ", "⋮", "…", "") for line in lines)


def edit(old: str, new: str, *places: Place, everywhere: bool = False) -> str:
    given = {"file_path": "/p/x", "old_string": old, "new_string": new, "replace_all": everywhere}
    return (diff_for("Edit", given, "x", places) or "").removeprefix("--- x\n+++ x\n")


def test_the_numbers_are_those_of_the_file_and_the_lines_are_whole() -> None:
    shown = edit("b", "B\nC", Place(41, "a = ", " + c\n"))
    assert shown == "@@ -41 +41,2 @@\n-a = b + c\n+a = B\n+C + c"
    assert edit("", "x\n") == "@@ -0,0 +1,1 @@\n+x"


def test_where_the_place_is_not_known_no_number_is_claimed_and_nothing_of_the_files_end() -> None:
    assert edit("a\nb", "a\nc") == "@@ … @@\n a\n-b\n+c"
    assert edit("a\n", "a") == "@@ … @@\n a\n-"
    assert edit("a\nb\n", "a\nc\n") == "@@ … @@\n a\n-b\n+c"
    assert edit("a\n", "") == "@@ … @@\n-a"


def test_that_the_file_ends_without_a_newline_is_said_only_where_it_does() -> None:
    assert "No newline" not in edit("a", "b", Place(3, "", "\n"))
    assert edit("a", "b", Place(3)).count("No newline") == 2, "of the old line and of the new one"
    assert edit("a", "a\n", Place(3)) == "@@ -3 +3 @@\n-a\n\\ No newline at end of file\n+a"


def test_replacing_everywhere_changes_every_place_of_the_first_line_and_says_how_many_there_are() -> None:
    shown = edit("a", "b", Place(2, "x ", " a\n", count=5), everywhere=True)
    assert shown == "# every place where this occurs (5); the first\n@@ -2 +2 @@\n-x a a\n+x b b"


def test_lines_are_counted_without_what_is_not_known_of_the_files_end() -> None:
    assert line_counts([Edit("a", "a\nb")]) == (1, 0)
