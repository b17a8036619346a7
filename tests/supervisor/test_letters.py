"""A letter is carried out or taken back, never both; and nothing else in the folder is taken for one."""

import os
import stat
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.layout import Layout
from supervisor.letters import KEPT_S, MOST_BYTES, MOST_LOOKED_AT, Letter, LetterAnswer, Letters, Look

NOW = 1_000_000.0
LETTER = Letter(7, NOW + 30, "ada", "send", "#general", "fix it")


@pytest.fixture
def letters(tmp_path: Path) -> Letters:
    Layout(tmp_path).letters.mkdir(mode=0o700)
    return Letters(Layout(tmp_path))


def test_it_is_taken_once_and_answered_once(letters: Letters, tmp_path: Path) -> None:
    letters.post(LETTER)
    assert letters.waiting() == [7]
    assert letters.take(7, NOW) == LETTER
    assert not letters.take_back(7), "it is taken, so it cannot be taken back"
    assert letters.answer_to(7) is None
    letters.answer(7, LetterAnswer(done=True, words="sent"))
    assert letters.waiting() == []
    assert letters.answer_to(7) == LetterAnswer(done=True, words="sent")
    assert list(Layout(tmp_path).letters.iterdir()) == []


def test_what_was_taken_back_is_not_taken(letters: Letters) -> None:
    letters.post(LETTER)
    assert letters.take_back(7)
    assert (letters.take(7, NOW), letters.waiting()) == (None, [])


def test_one_that_was_taken_before_a_death_is_taken_again_however_late(letters: Letters) -> None:
    letters.post(LETTER)
    assert letters.take(7, NOW)
    assert letters.take(7, NOW + 10_000) == LETTER


def test_what_nobody_waits_for_any_more_is_not_done(letters: Letters) -> None:
    letters.post(LETTER)
    assert letters.take(7, NOW + 31) is None
    assert letters.waiting() == []


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{}", b'{"number": 8}', b"\xff", b"[" * 100, b" " * (MOST_BYTES + 1)),
        b'{"number":7,"until":2e9,"who":"a\xff","what":"send","target":"x"}',
        b'{"new":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=["nothing", "no fields", "one field", "no text", "half", "too long", "no utf-8 in it", "too deep"],
)
def test_what_is_no_letter_is_thrown_away(letters: Letters, tmp_path: Path, content: bytes) -> None:
    Layout(tmp_path).letters.joinpath("7.new").write_bytes(content)
    assert letters.take(7, NOW) is None
    assert letters.waiting() == []


def test_a_link_and_other_files_are_no_letters(letters: Letters, tmp_path: Path) -> None:
    folder = Layout(tmp_path).letters
    (tmp_path / "elsewhere").write_bytes(b"x")
    (folder / "7.new").symlink_to(tmp_path / "elsewhere")
    (folder / ".8.new.beef.new").write_bytes(b"half")
    (folder / "README").write_bytes(b"")
    assert letters.waiting() == [7]
    assert letters.take(7, NOW) is None
    assert (tmp_path / "elsewhere").read_bytes() == b"x"


def test_a_pipe_and_a_socket_hold_nobody_up(letters: Letters, tmp_path: Path) -> None:
    folder = Layout(tmp_path).letters
    os.mkfifo(folder / "7.new")
    os.mknod(folder / "8.new", stat.S_IFSOCK | 0o600)
    assert [letters.take(number, NOW) for number in letters.waiting()] == [None, None]
    assert letters.waiting() == []


@pytest.mark.parametrize("name", ["007.new", "0.new", "٧.new", "7.new.new", f"{'9' * 40}.new"])
def test_a_name_that_no_command_makes_is_not_looked_for_again_and_again(
    letters: Letters, tmp_path: Path, name: str
) -> None:
    (Layout(tmp_path).letters / name).write_bytes(msgspec.json.encode(LETTER))
    assert letters.waiting() == []


def test_a_folder_with_a_letters_name_is_left_alone(letters: Letters, tmp_path: Path) -> None:
    (Layout(tmp_path).letters / "7.taken").mkdir()
    assert letters.waiting() == []


def test_only_answers_that_nobody_fetched_are_swept(letters: Letters, tmp_path: Path) -> None:
    letters.post(LETTER)
    letters.answer(8, LetterAnswer(done=True, words="old"))
    letters.answer(9, LetterAnswer(done=True, words="new"))
    os.utime(Layout(tmp_path).letters / "8.answer", (NOW, NOW))
    os.utime(Layout(tmp_path).letters / "9.answer", (NOW + KEPT_S, NOW + KEPT_S))
    with closing(Look(letters)) as look:
        assert look.go_on(NOW + KEPT_S - 1) == [7]
        assert (Layout(tmp_path).letters / "8.answer").exists(), "it may still be fetched"
        assert look.go_on(NOW + KEPT_S + 1) == [7]
    assert sorted(path.name for path in Layout(tmp_path).letters.iterdir()) == ["7.new", "9.answer"]


def test_among_thousands_of_files_each_look_takes_a_part_and_all_is_found_and_swept(
    letters: Letters, tmp_path: Path
) -> None:
    folder, many = Layout(tmp_path).letters, 2 * MOST_LOOKED_AT + 100
    for number in range(10, 10 + many):
        (folder / f"{number}.answer").touch()
        os.utime(folder / f"{number}.answer", (NOW, NOW))
    letters.post(LETTER)
    found = list[int]()
    with closing(Look(letters)) as look:
        for _ in range(6):  # what is removed meanwhile may move the rest, so it is looked at twice
            before = len(list(folder.iterdir()))
            found += look.go_on(NOW + KEPT_S + 1)
            assert before - len(list(folder.iterdir())) <= MOST_LOOKED_AT
    assert 7 in found and [path.name for path in folder.iterdir()] == ["7.new"]


def test_it_is_for_its_user_alone(letters: Letters, tmp_path: Path) -> None:
    letters.post(LETTER)
    assert (Layout(tmp_path).letters / "7.new").stat().st_mode & 0o777 == 0o600
