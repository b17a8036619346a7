"""The journal: what people did and what was done for them, appended before the store commits it (bridge.journal).

    transaction: change, change ──▶ append and fdatasync ──▶ COMMIT with the journal's head ──▶ act
                                          │                     │
                                          │ fails               │ fails: the lines are taken back
                                          ▼
                                    nothing was done

So the journal is never behind the store. A death between the two leaves lines behind the head that the store knows:
they are *unapplied*, and the next start applies them, as it does all of them when the store is gone. What a worker's
log would tell again after such a death is known by its name and is not told twice. What a tool did is not worth a
fdatasync of its own: it is in the head of the next line that is. Until then the store knows it by a head that holds as
long as the machine is not started anew, since only a power cut can take such lines away again.

The file is found where the database is (``Store.folder``), also when the state directory is renamed meanwhile.

A file that is not what was written (its end is missing, a line was edited, another file stands there) is gone on with,
and says so in an entry for ever.
"""

import errno
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from bridge.journal import entries as j
from bridge.journal.chain import BadLineError, Head, JournalLine, chained, decoded, digest_of, plain
from supervisor.sessions.facts_table import Fact
from supervisor.sessions.journal_file import lines_from, without_half_a_line
from supervisor.sessions.store import Store
from supervisor.sessions.store_health import StoreError

"""The facts that hold the head that the store knows, and one behind it, with the machine's start in which it holds."""
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SAID_EVERY_S = 86_400.0
NO_SYNC = (j.ToolBegan, j.ToolEnded)
TOLD_AGAIN = (j.OfRecord, j.AskedOnHost)
"""After a death between the two: by the worker's log, or by the letter that lies there still."""

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
        self._said_at: float | None = None
        self._fault = ""
        self.unapplied: list[JournalLine] = []
        """What the store does not know and no worker's log tells, in order."""
        self.is_ahead = False
        """Whether the store does not know all of it."""
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
            self._store.remember(Fact.JOURNAL, str(head))
        else:
            self._store.remember(Fact.JOURNAL_LATEST, f"{_this_start()}/{head}")

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

    def lines(self) -> list[JournalLine]:
        """All that can be read. Raises StoreError."""
        try:
            with os.fdopen(self._opened(os.O_RDONLY), "rb") as file:
                return [found for line in file if (found := decoded(line.removesuffix(b"\n")))]
        except OSError as error:
            raise self._cannot(error) from error

    def applied(self) -> None:
        """Within the store's transaction: all that was unapplied is in the store now."""
        self.unapplied, self.is_ahead = [], False
        self._store.remember(Fact.JOURNAL, str(self.head))

    def say_head(self) -> None:
        """Once a day, into the service's log: whoever ships that elsewhere can prove the journal against it."""
        now = self._clock()
        is_due = self._said_at is None or not 0 <= now - self._said_at < SAID_EVERY_S  # a clock may be set back
        if self.head.n and is_due:
            self._said_at = now
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
        """A descriptor. A pipe in the file's place is not waited for. Raises OSError."""
        how |= os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        return os.open(self._path.name, how, 0o600, dir_fd=self._store.folder)

    def _cannot(self, error: OSError) -> StoreError:
        is_link = error.errno == errno.ELOOP
        why = "it is a link, which may lead anywhere: put the file itself there" if is_link else error.strerror
        return StoreError(f"the journal {self._path} cannot be written: {why}")

    def _read(self) -> Mark:
        """Where the file ends; what stands behind the store's head is looked through. Raises StoreError."""
        known, latest = self._known_head(), latest_head(self._store)
        is_new = not self._path.exists()
        try:
            size = self._whole_lines()
            if is_new:
                os.fsync(self._store.folder)
            with os.fdopen(self._opened(os.O_RDONLY), "rb") as file:
                head = self._followed(known, latest, lines_from(file, lambda line: _number(line) < known.n))
        except OSError as error:
            raise self._cannot(error) from error
        self.mark = Mark(size, head)
        if self._fault:
            self._say_fault()
        return self.mark

    def _known_head(self) -> Head:
        """What the store knows. Where that is no head it knows nothing, and all is applied again."""
        try:
            return known_head(self._store)
        except BadLineError as error:
            self._note(f"the store's head is none: {error}")
            return Head()

    def _say_fault(self) -> None:
        """In an entry, once: the store knows it, unless it must still see what stands before."""
        log.error("the journal %s: %s", self._path, self._fault)
        self._write(*chained(self.head, self._clock(), [j.JournalBroken(what=self._fault)]), is_durable=True)
        self._store.remember(Fact.JOURNAL_LATEST, "")
        if not self.is_ahead:
            self._store.remember(Fact.JOURNAL, str(self.head))

    def _whole_lines(self) -> int:
        """The file's size. A last line without its end was never acted upon."""
        fd = self._opened(os.O_RDWR | os.O_CREAT)
        try:
            return without_half_a_line(fd)
        finally:
            os.close(fd)

    def _followed(self, known: Head, latest: Head, lines: Iterable[bytes]) -> Head:
        """The head that these lines lead to. What is wrong with them is noted."""
        head = Head()
        expected = {one.n: one for one in (latest, known) if one.n}
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
            if expected.pop(head.n, head) != head:
                self._note(f"entry {head.n} is another one than the one that was written")
            if head.n > known.n:
                self.is_ahead = True
                self._keep(decoded(line))
        for number in sorted(expected):
            self._note(f"entry {number} was written, and the journal ends with {head.n}: its end was cut off")
        return head

    def _keep(self, line: JournalLine | None) -> None:
        """One that the store does not know."""
        if line and isinstance(line.entry, TOLD_AGAIN):
            self._known.add(_name(line.entry))
        elif line:
            self.unapplied.append(line)

    def _note(self, fault: str) -> None:
        self._fault = self._fault or fault


def known_head(store: Store) -> Head:
    """The newest that the store knows. Raises BadLineError."""
    return Head.parse(store.fact(Fact.JOURNAL) or str(Head()))


def latest_head(store: Store) -> Head:
    """Behind ``known_head``, of lines that are not safe from a power cut; none when there was one since."""
    start, _, told = store.fact(Fact.JOURNAL_LATEST).partition("/")
    with suppress(BadLineError):
        head = Head.parse(told)
        if start and start == _this_start() and head.n > known_head(store).n:
            return head
    return Head()


def _this_start() -> str:
    """Of the machine; the service's own is none. Empty where it is not told, which is no start."""
    with suppress(OSError):
        return BOOT_ID.read_text().strip()
    return ""


def _number(line: bytes) -> int:
    with suppress(BadLineError):
        return plain(line).n
    return 1 << 62


def _name(entry: j.AnyEntry) -> tuple[str, str, int, type[j.AnyEntry]]:
    """What tells one fact of those that may be told again from each other; any other is told once by itself."""
    if isinstance(entry, j.OfRecord):
        return sys.intern(entry.session_id), sys.intern(entry.generation), entry.seq, type(entry)
    if isinstance(entry, j.AskedOnHost):
        return "", "", entry.number, type(entry)
    return "", "", 0, type(entry)


def _write_all(fd: int, text: bytes) -> None:
    rest = memoryview(text)
    while rest:
        rest = rest[os.write(fd, rest) :]
