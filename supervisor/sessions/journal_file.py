"""The bytes of the journal's file: its whole lines, from any of them on, without reading what stands before it."""

import os
from collections.abc import Callable, Iterator
from typing import BinaryIO

BLOCK_BYTES = 1 << 16


def without_half_a_line(fd: int) -> int:
    """Take off a last line without its end, however long it is. The size that is left, in bytes. Raises OSError."""
    size = end = os.fstat(fd).st_size
    whole = 0
    while end > 0 and not whole:
        start = max(0, end - BLOCK_BYTES)
        if (found := os.pread(fd, end - start, start).rfind(b"\n")) >= 0:
            whole = start + found + 1
        end = start
    if whole != size:
        os.ftruncate(fd, whole)
    return whole


def lines_from(file: BinaryIO, is_before: Callable[[bytes], bool]) -> Iterator[bytes]:
    """The lines from a little before the first that ``is_before`` does not hold of, without their ends.

    Before them there is always one that it holds of, if there is one in the file. Each look goes back twice as far, so
    not much more than these lines is read. Raises OSError.
    """
    file.seek(_start(file, is_before))
    for line in file:
        yield line.removesuffix(b"\n")


def _start(file: BinaryIO, is_before: Callable[[bytes], bool]) -> int:
    back, size = BLOCK_BYTES, file.seek(0, os.SEEK_END)
    while back < size:
        file.seek(size - back)
        file.readline()
        start = file.tell()
        if is_before(file.readline().removesuffix(b"\n")):
            return start
        back *= 2
    return 0
