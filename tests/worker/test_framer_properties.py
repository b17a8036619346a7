"""What holds of the line framer whatever comes, and however it is cut."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from stages.searched import searched
from worker.claude import HEAD_BYTES, Dropped, LineFramer

BYTES = st.binary(max_size=60) | st.lists(st.sampled_from([b"\n", b"\r\n", b"x", b"{}", b"\xc3", b"y" * 30])).map(
    b"".join
)


@st.composite
def pieces(draw: st.DrawFn) -> list[bytes]:
    data = draw(BYTES)
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=8)))
    return [data[begin:end] for begin, end in pairwise([0, *cuts, len(data)])]


@searched(300)
@given(pieces(), st.integers(1, 40))
def test_each_line_comes_out_whole_or_as_its_head_and_its_size(pieces: list[bytes], limit: int) -> None:
    framer = LineFramer(limit)
    found = []
    for piece in pieces:
        found += framer.feed(piece)
        assert framer._held <= limit
    lines = b"".join(pieces).split(b"\n")[:-1]
    assert len(found) == len(lines)
    for one, line in zip(found, lines, strict=True):
        if len(line) <= limit:
            assert one == line
        else:
            assert isinstance(one, Dropped) and one.size == len(line)
            assert line.startswith(one.head) and limit < len(one.head) <= HEAD_BYTES
