"""The journal: what people did and what was done for them, appended before the store commits it (bridge.journal).

    transaction: change, change ──▶ append and fdatasync ──▶ COMMIT with the journal's head ──▶ act
                                          │                     │
                                          │ fails               │ fails: the lines are taken back
                                          ▼
                                    nothing was done

So the journal is never behind the store. A death between the two leaves lines behind the head that the store knows:
they are *unapplied*, and the next start applies them, as it does all of them when the store is gone. What a worker's
log would tell again after such a death is known by its name and is not told twice. What a tool did is not worth a
fdatasync of its own: it is in the head of the next line that is.

The file is found where the database is (``Store.folder``), also when the state directory is renamed meanwhile.

A file that is not what was written (its end is missing, a line was edited, another file stands there) is gone on with,
and says so in an entry for ever.
"""

import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bridge.journal import entries as j
from bridge.journal.chain import BadLineError, Head, Line, chained, decoded, digest_of, plain
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError

HEAD = "journal"
"""The fact that holds the head that the store knows."""
BLOCK_BYTES = 1 << 16
SAID_EVERY_S = 86_400.0
NO_SYNC = (j.ToolBegan, j.ToolEnded)

log = logging.getLogger(__name__)


class Mark(NamedTuple):
    """Where the journal ends. ``size`` in bytes."""

    size: int
    head: Head


class Journal:
    """Of one state directory. ``clock`` gives Unix seconds. Raises StoreError when the file cannot be written."""

    def __init__(self, path: Path, store: Store, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._store = store
        self._clock = clock
        self._known: set[tuple[str, str, int, type[j.AnyEntry]]] = set()
        self._said_at = 0.0
        self.unapplied: list[Line] = []
        """What the store does not know, in order."""
        self.mark = self._read()

    @property
    def head(self) -> Head:
        return self.mark.head

    def append(self, entries: Sequence[j.AnyEntry]) -> None:
        """Within the store's transaction. What is known to stand there is left out."""
        if not (news := [entry for entry in entries if _name(entry) not in self._known]):
            return
        text, head = chained(self.head, self._clock(), news)
        is_durable = not all(isinstance(entry, NO_SYNC) for entry in news)
        self._write(text, head, is_durable=is_durable)
        if is_durable:
            self._store.remember(HEAD, str(head))

    def take_back(self, mark: Mark) -> None:
        """The store did not take what came after the mark."""
        if self.mark == mark:
            return
        with suppress(OSError):
            fd = self._opened(os.O_WRONLY)
            try:
                os.ftruncate(fd, mark.size)
            finally:
                os.close(fd)
        self.mark = mark

    def applied(self) -> None:
        """Within the store's transaction: all that was unapplied is in the store now."""
        self.unapplied = []
        self._store.remember(HEAD, str(self.head))

    def say_head(self) -> None:
        """Once a day, into the service's log: whoever ships that elsewhere can prove the journal against it."""
        if self.head.n and self._clock() - self._said_at >= SAID_EVERY_S:
            self._said_at = self._clock()
            log.info("journal: %d entries, head %s", self.head.n, self.head)

    # --- the file ------------------------------------------------------------------------------------

    def _write(self, text: bytes, head: Head, *, is_durable: bool) -> None:
        try:
            fd = self._opened(os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        except OSError as error:
            raise self._cannot(error) from error
        try:
            size = os.fstat(fd).st_size
            if size != self.mark.size:
                raise StoreError(f"the journal {self._path} was changed by somebody else; a restart looks at it again")
            _write_all(fd, text)
            if is_durable:
                os.fdatasync(fd)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(fd, self.mark.size)
            raise self._cannot(error) from error
        finally:
            os.close(fd)
        self.mark = Mark(size + len(text), head)

    def _opened(self, how: int) -> int:
        """A descriptor. Raises OSError."""
        return os.open(self._path.name, how | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self._store.folder)

    def _cannot(self, error: OSError) -> StoreError:
        return StoreError(f"the journal {self._path} cannot be written: {error.strerror}")

    def _read(self) -> Mark:
        """Where the file ends; what stands behind the store's head is looked through. Raises StoreError."""
        known = Head.parse(self._store.fact(HEAD) or str(Head()))
        is_new = not self._path.exists()
        try:
            size = self._without_half_a_line()
            if is_new:
                os.fsync(self._store.folder)
            lines = list(self._from(known.n, size))
        except OSError as error:
            raise self._cannot(error) from error
        mark = Mark(size, self._followed(known, lines))
        if not self._fault:
            return mark
        log.error("the journal %s: %s", self._path, self._fault)
        self.mark = mark
        self._write(*chained(mark.head, self._clock(), [j.JournalBroken(what=self._fault)]), is_durable=True)
        return self.mark

    def _without_half_a_line(self) -> int:
        """The file's size. A last line without its end was never acted upon."""
        fd = self._opened(os.O_RDWR | os.O_CREAT)
        try:
            size = os.fstat(fd).st_size
            block = os.pread(fd, BLOCK_BYTES, max(0, size - BLOCK_BYTES))
            whole = size - (len(block) - 1 - block.rfind(b"\n"))
            if whole != size and b"\n" in block:
                os.ftruncate(fd, whole)
                return whole
            if whole != size and size <= BLOCK_BYTES:
                os.ftruncate(fd, 0)
                return 0
            return size
        finally:
            os.close(fd)

    def _from(self, number: int, size: int) -> Iterator[bytes]:
        """The lines from that number on, and the one before the first of them."""
        start, text = size, b""
        with self._path.open("rb") as file:
            while start > 0:
                length = min(BLOCK_BYTES, start)
                start -= length
                file.seek(start)
                text = file.read(length) + text
                first = text if start == 0 else text.partition(b"\n")[2]
                if first and _number(first.partition(b"\n")[0]) < number:
                    text = first
                    break
        yield from (line for line in text.split(b"\n") if line)

    def _followed(self, known: Head, lines: Sequence[bytes]) -> Head:
        """The head that these lines lead to. What is wrong with them is noted."""
        self._fault = ""
        head, is_known_seen = Head(), known.n == 0
        for line in lines:
            try:
                found = plain(line)
            except BadLineError as error:
                self._note(f"a line is no entry ({error})")
                head = Head(head.n + 1, digest_of(line))
                continue
            if head.n and (found.n, found.before) != (head.n + 1, head.digest):
                self._note(f"entry {found.n} does not follow what stands before it")
            head = Head(found.n, digest_of(line))
            if self._fault and (said := decoded(line)) and said.entry == j.JournalBroken(what=self._fault):
                self._fault = ""  # an earlier start found it
            if head.n == known.n:
                is_known_seen = True
                if head != known:
                    self._note(f"entry {head.n} is another one than the one that was written")
            elif head.n > known.n and (one := decoded(line)):
                self.unapplied.append(one)
                if isinstance(one.entry, j.OfRecord):
                    self._known.add(_name(one.entry))
        if not is_known_seen:
            self._note(f"entry {known.n} was written, and the journal ends with {head.n}: its end was cut off")
        return head

    def _note(self, fault: str) -> None:
        self._fault = self._fault or fault


def _number(line: bytes) -> int:
    with suppress(BadLineError):
        return plain(line).n
    return 1 << 62


def _name(entry: j.AnyEntry) -> tuple[str, str, int, type[j.AnyEntry]]:
    """What tells one fact of a worker's record from each other; any other is told once by itself."""
    if isinstance(entry, j.OfRecord):
        return entry.session_id, entry.generation, entry.seq, type(entry)
    return "", "", 0, type(entry)


def _write_all(fd: int, text: bytes) -> None:
    rest = memoryview(text)
    while rest:
        rest = rest[os.write(fd, rest) :]
