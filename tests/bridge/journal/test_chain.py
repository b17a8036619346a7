"""A journal that is not as it was written is found, whatever was done to it."""

import pytest

from bridge.journal import entries as j
from bridge.journal.chain import BadLineError, Head, chained, decoded, faults

SESSION = "0b0f9c1e-0000-4000-8000-000000000001"
ENTRIES: list[j.AnyEntry] = [
    j.SessionBegun(SESSION, 600, 42, thread_id=1, directory="/srv/app"),
    j.PromptGiven(SESSION, 600, 42, generation="aa", seq=3, prompt_id=7, digest="d1"),
    j.PermissionAsked(SESSION, 600, 42, generation="aa", seq=5, tool="Bash", digest="d2"),
    j.PermissionDecided(
        SESSION, 600, 43, generation="aa", seq=6, request=5, tool="Bash", digest="d2", verdict="allowed"
    ),
    j.SessionEnded(SESSION, 600, 42, reason="ended by Ada", at=5.0),
]


def written() -> tuple[list[bytes], Head]:
    text, head = chained(Head(), 1.5, ENTRIES)
    return text.splitlines(), head


def test_what_was_written_is_read_again_and_has_no_fault() -> None:
    lines, head = written()
    assert [line.entry for line in map(decoded, lines) if line] == ENTRIES
    assert list(faults(lines, [head])) == []
    assert list(faults([], [])) == []


def test_every_single_byte_that_is_changed_is_found() -> None:
    lines, head = written()
    for at, line in enumerate(lines):
        for place in range(len(line)):
            changed = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
            assert list(faults([*lines[:at], changed, *lines[at + 1 :]], [head])), (at, place)


@pytest.mark.parametrize("at", range(len(ENTRIES)))
def test_a_line_that_was_removed_or_doubled_is_found(at: int) -> None:
    lines, head = written()
    assert list(faults([*lines[:at], *lines[at + 1 :]], [head]))
    assert list(faults([*lines[: at + 1], *lines[at:]], [head]))


@pytest.mark.parametrize("at", range(len(ENTRIES) - 1))
def test_a_swapped_pair_is_found(at: int) -> None:
    lines, head = written()
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    assert list(faults(lines, [head]))


@pytest.mark.parametrize("left", range(len(ENTRIES)))
def test_a_tail_that_was_cut_off_is_found_by_the_head(left: int) -> None:
    lines, head = written()
    assert list(faults(lines[:left], [head])) == [
        f"entry 5 was written, and the journal ends with {left}: its end was cut off"
    ]


def test_another_file_in_its_place_is_found_though_its_own_chain_is_whole() -> None:
    _, head = written()
    other, _ = chained(Head(), 1.5, [*ENTRIES[:-1], j.SessionEnded(SESSION, 600, 99, reason="ended by Bob", at=5.0)])
    assert list(faults(other.splitlines(), [])) == []
    assert list(faults(other.splitlines(), [head])) == ["entry 5 is another one than the one that was written"]


def test_a_head_that_was_kept_earlier_still_proves_what_it_named() -> None:
    lines, head = written()
    text, newer = chained(head, 9.0, [j.SessionReopened(SESSION, 600, 42)])
    assert list(faults([*lines, *text.splitlines()], [head, newer])) == []


def test_an_entry_of_a_newer_version_is_part_of_the_chain() -> None:
    lines, head = written()
    text, newer = chained(head, 9.0, [j.SessionReopened(SESSION)])
    foreign = text.rstrip(b"\n").replace(b"SessionReopened", b"SomethingOfLater")
    assert decoded(foreign) is None
    assert list(faults([*lines, foreign], [head])) == []
    assert newer.n == 6


@pytest.mark.parametrize("right", [0, 1])
def test_of_two_heads_with_one_number_both_must_be_the_journals(right: int) -> None:
    lines, head = written()
    other = Head(head.n, "0" * 64)
    for anchors in ([head, other], [other, head]):
        assert list(faults(lines, anchors)) == ["entry 5 is another one than the one that was written"]
    assert list(faults(lines, [head] * (right + 1))) == []


def test_a_head_is_read_as_people_copy_it() -> None:
    _, head = written()
    assert Head.parse(f" {str(head).upper()}\n") == head


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "12",
        "12:abc",
        "-1:" + "0" * 64,
        "1:" + "0" * 65,
        "1:" + "g" * 64,
        "\u0661:" + "0" * 64,
        "0:" + "0" * 64,
    ],
)
def test_what_is_no_head_is_said(text: str) -> None:
    with pytest.raises(BadLineError, match="is no number and hash"):
        Head.parse(text)
