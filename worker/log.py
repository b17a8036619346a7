"""The event log: one JSON record a line, append-only, the truth of the session.

Record 1 is SessionCreated and carries the log's generation. ``append`` returns only when the record is in the
file; the kinds in ``_SYNCED`` also wait for the disk, because an effect outside follows them at once or a
person was told of them. A line that is half written at the end (the power went, the disk was full) was never
acknowledged by anybody and is cut off; damage further up cuts there, keeps what followed beside the log, and
the hole is told by a LogGap (``skip_to``).

What a supervisor acknowledged is kept in a small file beside it (``Acked``), also over the worker's death: of a
truncated log it tells how far it once reached, and to a supervisor with an older database how far its threads were
written.
"""

import errno
import os
import secrets
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from bridge.protocol import events as e
from bridge.protocol.errors import LocalError, RemoteError
from bridge.protocol.records import MOST_RECORD_BYTES, decode_record, encode_record

_SYNCED = (
    e.SessionCreated,
    e.PromptAccepted,
    e.PermissionRequested,
    e.PermissionResolved,
    e.TurnEnded,
    e.LogGap,
)
MOST_SEQ = 1 << 61
"""A log with a higher one is damaged there: it could not be gone on with (``bridge.protocol.events.Number``)."""
CHUNK_BYTES = 256 * 1024
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class LogWriteError(OSError):
    """The log took no record: nothing may act any more, for nobody would know of it."""

    @property
    def is_full(self) -> bool:
        """There is no room: on the disk, in the user's quota, or below the limit on a file's size."""
        return self.errno in _FULL

    def in_words(self) -> str:
        what = "the disk is full" if self.is_full else "the log cannot be written"
        return f"{what}: {self.filename}: {self.strerror}"


class EventLog:
    """One session's log. Exactly one process may have it open: the holder of the session's lock."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        """Opens and recovers. Raises LogWriteError when the file cannot be opened or repaired."""
        self._path = path
        self._clock = clock
        self._seqs: list[int] = []
        self._offsets: list[int] = []
        """Where the record with the seq at the same place begins. Seqs may jump, however far."""
        self.generation = ""
        self.first = 1
        self.last = 0
        self.damage = ""
        """What recovery had to cut off, in words; empty when the log was whole."""
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._recover()
        except OSError as error:
            raise _told(error, path) from error

    def append(self, event: e.AnyEvent) -> e.Record:
        """The event as a numbered record, in the file, cut where it would be too long (``bridge.protocol.records``).

        Raises LogWriteError when it could not be written whole.
        """
        if not self.generation:
            self.generation = secrets.token_hex(8)
        record, line = encode_record(e.Record(self.generation, self.last + 1, self._clock(), event))
        self._write(line, record.seq, sync=isinstance(event, _SYNCED))
        self.last = record.seq
        return record

    def skip_to(self, applied: int) -> e.Record:
        """Go on above ``applied``: records up to it are known to the supervisor and lost to us."""
        if applied <= self.last:
            raise LocalError(f"the log reaches {self.last}; there is no gap up to {applied}")
        if not self._offsets:
            self.first = applied + 1
        self.last = applied
        return self.append(e.LogGap(applied))

    def read(self, after: int = 0, limit: int | None = None, most_bytes: int | None = None) -> Iterator[e.Record]:
        """Records with a seq above ``after``, ascending; at most ``limit``, and none after ``most_bytes`` of them."""
        index = bisect_right(self._seqs, after)
        if index < len(self._offsets):
            yield from self._lines_from(self._offsets[index], after, limit, most_bytes)

    def close(self) -> None:
        os.close(self._fd)

    def _lines_from(self, offset: int, after: int, limit: int | None, most_bytes: int | None) -> Iterator[e.Record]:
        given = size = 0
        for line in _lines_of(self._fd, offset):
            record = decode_record(line)
            if len(line) > MOST_RECORD_BYTES:  # of a version that had no limit
                record, _ = encode_record(record)
            if record.seq > after:
                yield record
                given, size = given + 1, size + len(line)
            if given == limit or (most_bytes is not None and size >= most_bytes):
                return

    def _write(self, line: bytes, seq: int, *, sync: bool) -> None:
        """All of it or nothing: what a full disk took half of is cut off again."""
        offset = self._size()
        try:
            written = os.write(self._fd, line)
            if written != len(line):
                raise OSError(errno.ENOSPC, f"only {written} of {len(line)} bytes were written")
            if sync:
                os.fdatasync(self._fd)
        except OSError as error:
            with suppress(OSError):  # then the next opening cuts it off
                os.ftruncate(self._fd, offset)
            raise _told(error, self._path) from error
        self._seqs.append(seq)
        self._offsets.append(offset)

    def _size(self) -> int:
        return os.fstat(self._fd).st_size

    def _recover(self) -> None:
        whole = 0
        for offset, line in _lines(self._path):
            if (record := _read_line(line, self.generation, self.last)) is None:
                break
            self._admit(record, offset)
            whole = offset + len(line)
        if whole < self._size():
            self._cut(whole)

    def _admit(self, record: e.Record, offset: int) -> None:
        if not self._offsets:
            self.generation, self.first = record.generation, record.seq
        self._seqs.append(record.seq)
        self._offsets.append(offset)
        self.last = record.seq

    def _cut(self, whole: int) -> None:
        with self._path.open("rb") as file:
            file.seek(whole)
            rest = file.read()
        if b"\n" in rest[:-1]:
            with self._path.with_suffix(f".damaged-{int(self._clock())}").open("ab") as beside:
                beside.write(rest)
        self.damage = f"{len(rest)} unreadable bytes at the end of the log were cut off"
        os.ftruncate(self._fd, whole)


class Acked:
    """How far the log of a generation was ever acknowledged; one fixed-length line, written in one call.

    It is never waited for: a lower figure than the true one only means that a supervisor is told less.
    """

    def __init__(self, path: Path, generation: str) -> None:
        self._path = path
        self._generation = generation
        self.seq = self._read()
        """0 when the file is of another log, unreadable, or not there."""

    def raise_to(self, seq: int) -> None:
        """A full disk is no reason to stop here: the log will say so."""
        if seq <= self.seq:
            return
        self.seq = seq
        with suppress(OSError):
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.pwrite(fd, f"{self._generation} {seq:020d}\n".encode(), 0)
            finally:
                os.close(fd)

    def begin(self) -> None:
        """Of a new log nothing was acknowledged yet; also that is worth a note."""
        self.seq = -1
        self.raise_to(0)

    def _read(self) -> int:
        with suppress(OSError, ValueError):
            generation, seq = self._path.read_text().split()
            return int(seq) if generation == self._generation else 0
        return 0


def _told(error: OSError, path: Path) -> LogWriteError:
    return LogWriteError(error.errno, error.strerror or str(error), str(path))


def _lines_of(fd: int, offset: int) -> Iterator[bytes]:
    """By the descriptor: the path may be another's by now, when somebody moved the state directory."""
    rest = b""
    while chunk := os.pread(fd, CHUNK_BYTES, offset):
        offset += len(chunk)
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line + b"\n"


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    offset = 0
    with path.open("rb") as file:
        for line in file:
            yield offset, line
            offset += len(line)


def _read_line(line: bytes, generation: str, last: int) -> e.Record | None:
    """The record of a whole line that continues the log; None for anything else."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = decode_record(line)
    except RemoteError:
        return None
    is_named = bool(record.generation) and 1 <= record.seq <= MOST_SEQ
    continues = not generation or (record.generation == generation and record.seq > last)
    return record if is_named and continues else None
