import random

from worker.claude import LineFramer


def test_lines_come_out_whole_however_the_bytes_were_cut() -> None:
    data = b'{"a":1}\n\n{"b":"\xc3\xa9"}\r\nlast without an end'
    for seed in range(200):
        cuts = sorted(random.Random(seed).choices(range(len(data) + 1), k=5))
        framer = LineFramer()
        pieces = [data[i:j] for i, j in zip([0, *cuts], [*cuts, len(data)], strict=True)]
        assert [line for piece in pieces for line in framer.feed(piece)] == [b'{"a":1}', b"", b'{"b":"\xc3\xa9"}\r']


def test_a_line_above_the_limit_is_dropped_and_counted_and_the_next_one_is_whole() -> None:
    for size in (1, 3, 7, 100):
        framer = LineFramer(limit_bytes=10)
        data = b"x" * 11 + b"\n" + b"y" * 10 + b"\n" + b"z" * 500 + b"\nend\n"
        lines = [line for i in range(0, len(data), size) for line in framer.feed(data[i : i + size])]
        assert lines == [b"y" * 10, b"end"]
        assert framer.dropped == 2


def test_a_line_of_twenty_megabytes_is_a_line() -> None:
    framer = LineFramer()
    piece = b"x" * 262_144
    for _ in range(80):
        assert framer.feed(piece) == []
    (line,) = framer.feed(b"\n")
    assert len(line) == 80 * 262_144


def test_nothing_of_a_dropped_line_is_held() -> None:
    framer = LineFramer(limit_bytes=10)
    for _ in range(1000):
        framer.feed(b"x" * 1000)
    assert framer._held == 0 and not framer._parts
