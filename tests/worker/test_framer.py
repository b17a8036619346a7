import random

from worker.claude import HEAD_BYTES, Dropped, LineFramer


def test_lines_come_out_whole_however_the_bytes_were_cut() -> None:
    data = b'{"a":1}\n\n{"b":"\xc3\xa9"}\r\nlast without an end'
    for seed in range(200):
        cuts = sorted(random.Random(seed).choices(range(len(data) + 1), k=5))
        framer = LineFramer()
        pieces = [data[i:j] for i, j in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        assert [line for piece in pieces for line in framer.feed(piece)] == [b'{"a":1}', b"", b'{"b":"\xc3\xa9"}\r']


def test_of_a_line_above_the_limit_only_its_head_and_size_are_known_and_the_next_one_is_whole() -> None:
    for size in (1, 3, 7, 100):
        framer = LineFramer(limit_bytes=10)
        data = b"x" * 11 + b"\n" + b"y" * 10 + b"\n" + b"z" * 500 + b"\nend\n"
        lines = [line for i in range(0, len(data), size) for line in framer.feed(data[i : i + size])]
        first, second, third, last = lines
        assert (second, last) == (b"y" * 10, b"end")
        assert isinstance(first, Dropped) and isinstance(third, Dropped)
        assert (first.size, third.size) == (11, 500)
        assert first.head == b"x" * 11 and third.head.startswith(b"z" * 11)


def test_a_line_of_twenty_megabytes_is_a_line() -> None:
    framer = LineFramer()
    piece = b"x" * 262_144
    for _ in range(80):
        assert framer.feed(piece) == []
    (line,) = framer.feed(b"\n")
    assert isinstance(line, bytes) and len(line) == 80 * 262_144


def test_nothing_but_its_head_is_held_of_a_dropped_line() -> None:
    framer = LineFramer(limit_bytes=10)
    for _ in range(1000):
        framer.feed(b"x" * 100_000)
    assert framer._held == 0 and not framer._parts
    (dropped,) = framer.feed(b"\n")
    assert isinstance(dropped, Dropped) and (len(dropped.head), dropped.size) == (HEAD_BYTES, 100_000_000)
