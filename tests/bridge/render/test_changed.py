"""The answer to *Diff*: files with what came and went, the diff, and what the log cannot know."""

import msgspec
import pytest

from bridge.discord_numbers import CONTENT_CHARS, EMBED_DESCRIPTION_CHARS
from bridge.protocol import events as e
from bridge.protocol.line_diff import between, lines_of
from bridge.render.changed import answer
from bridge.render.excerpts import FILE_BYTES
from bridge.render.posts import Post
from bridge.session.changed_files import ChangedFile, ChangedFiles
from bridge.session.net_change import NetChange
from bridge.session.permission import RequestName
from bridge.text import utf16_len

TURN = RequestName("0a1b2c3d-0000-4000-8000-000000000000", "abcdef01", 7)


def file(path: str, before: str, after: str, *, is_cut: bool = False) -> ChangedFile:
    net = NetChange(is_new=not before)
    net.add(e.FileChange(path, tuple(between(lines_of(before), lines_of(after))), is_new=not before))
    return ChangedFile(path, (net.change(path),), is_cut)


def shown(*files: ChangedFile, commands: int = 0, untold: int = 0, whole_session: bool = False) -> Post:
    return answer(ChangedFiles(files, commands, untold), TURN, "/p", whole_session=whole_session)


def test_a_small_change_is_shown_whole_with_the_files_own_numbers() -> None:
    post = shown(file("/p/src/app.py", "a\nb\nc\n", "a\nx\nc\n"), file("/p/new", "", "n\n"))
    assert post.content == "In this turn +2 −1:\nsrc/app.py +1 −1\nnew +1 −0 (new)"
    assert post.embed and post.embed.description == (
        "```diff\n# src/app.py\n  1 a\n- 2 b\n+ 2 x\n  3 c\n# new\n+ 1 n\n```"
    )
    assert not post.files


def test_a_long_change_has_head_and_tail_and_all_of_it_as_a_patch() -> None:
    after = "".join(f"line {n}\n" for n in range(300))
    post = shown(file("/p/long", "", after))
    assert post.embed and "+   1 line 0" in post.embed.description and "+ 300 line 299" in post.embed.description
    (patch,) = post.files
    assert patch.name == "change.diff"
    assert patch.text == "--- /dev/null\n+++ b/long\n@@ -0,0 +1,300 @@\n" + "".join(f"+line {n}\n" for n in range(300))


@pytest.mark.parametrize("letter", ["x", "漢", "😀"])
def test_a_patch_is_no_longer_than_a_file_of_discords(letter: str) -> None:
    line = letter * 100_000 + "\n"
    (patch,) = shown(*(file(f"/p/{n}", "", line * 5) for n in range(30))).files
    assert FILE_BYTES - 100 < len(patch.text.encode()) < 10 * 2**20
    assert patch.text.endswith("the rest is left out; it is too long\n")


def test_the_other_view_is_one_press_away() -> None:
    (button,) = shown(file("/p/a", "1\n", "2\n")).buttons
    assert (button.label, button.custom_id) == ("Since the session's start", TURN.custom_id("sdiff"))
    post = shown(file("/p/a", "1\n", "2\n"), whole_session=True)
    assert post.content.startswith("Since the session's start +1 −1")
    assert post.buttons[0].custom_id == TURN.custom_id("diff")


def test_what_the_log_cannot_know_is_said() -> None:
    content = shown(file("/p/a", "1\n", "2\n"), commands=2, untold=1).content
    assert "2 commands ran; what they changed is not in this." in content
    assert "1 more edit is not in this: the log does not tell what came of it." in content
    nothing = shown(commands=1)
    assert (
        nothing.content.startswith("In this turn Claude's own tools changed no file")
        and "1 command ran" in nothing.content
    )
    cut = shown(ChangedFile("/p/big", (), is_cut=True))
    assert "big +0 −0 · more than the log keeps" in cut.content and cut.embed is None


@pytest.mark.parametrize("path", ["/p/" + "x" * 900, "/p/a`b*c", "/elsewhere/ü\u202e", "/p/a\nb"])
def test_whatever_files_are_called_the_answer_fits_and_hides_nothing(path: str) -> None:
    files = [file(f"{path}{n}", "`\u202e\n" * 30, "```x\n" * 40) for n in range(40)]
    files = [msgspec.structs.replace(one, parts=one.parts * 3, splits=1, is_cut=True) for one in files]
    post = answer(ChangedFiles(tuple(files), 9999, 9999, 999_999), TURN, "/p", whole_session=True)
    assert utf16_len(post.content) <= CONTENT_CHARS and "and 30 more files" in post.content
    assert post.embed and utf16_len(post.embed.description) <= EMBED_DESCRIPTION_CHARS
    assert "\u202e" not in post.embed.description + post.content


def test_a_path_with_line_breaks_is_no_line_of_the_diff() -> None:
    path = "/p/a\n@@ -1 +1 @@\n-not so\r+b"
    post = shown(file(path, "1\n", "2\n"))
    assert post.embed and post.embed.description.splitlines()[1:] == [
        *("# a⏎@@ -1 +1 @@⏎-not so⏎+b", "- 1 1", "+ 1 2", "```")
    ]
    (patch,) = shown(file(path, "", "n\n" * 300)).files
    assert patch.text.splitlines()[1:3] == ["+++ b/a⏎@@ -1 +1 @@⏎-not so⏎+b", "@@ -0,0 +1,300 @@"]
