"""What an operator's command asks of the running supervisor: a letter, a small file in the state directory.

    <number>.new      a command wrote it; it may take it back as long as nobody took it
        │ renamed by the supervisor
    <number>.taken    is carried out, once: also when the supervisor dies meanwhile
        │
    <number>.answer   what came of it; read and removed by the command, or swept after a day

A rename has one winner, so a letter is taken or taken back and never both. Who may leave one is who may write in the
state directory: its own user, and root. A child in its walls has no such directory.
"""

import errno
import os
import re
import stat
from collections.abc import Generator, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.protocol.layout import Layout
from supervisor.private_files import write_private

MOST_BYTES = 1 << 20
_NAME = re.compile("([1-9][0-9]{0,19})\\.(new|taken|answer)")
_NO_FILE = frozenset({errno.ELOOP, errno.ENXIO})
"""A link, a socket."""
KEPT_S = 86_400.0
"""An answer that nobody reads."""
MOST_LOOKED_AT = 1000
"""Files, in one part of a look: it takes some milliseconds, whatever lies in the folder."""


class Letter(msgspec.Struct, frozen=True):
    """Times in Unix seconds. It is read by other versions too: fields are only added, with defaults.

    ``number`` is like an id of Discord's, made by time and chance; it becomes a prompt's id, and a message's nonce.
    """

    number: int
    until: float
    """Whoever wrote it waits no longer: what nobody took by then is not carried out."""
    who: str
    """Their user's name on the host."""
    what: str
    """``send``, ``stop``, ``title`` or ``prune``."""
    target: str
    """A session's or a thread's id, the beginning of a session's, or a channel's id or name."""
    text: str = ""
    keeps_waiting: bool = False
    """To stop: what waits for Claude is taken up next."""


class LetterAnswer(msgspec.Struct, frozen=True):
    """``words`` for whoever asked; ``session`` and ``url`` of the session that it was about."""

    done: bool
    words: str
    session: str = ""
    url: str = ""


class Letters:
    """Of one state directory, for both ends. Methods may raise OSError."""

    def __init__(self, layout: Layout) -> None:
        self._folder = layout.letters

    # --- the command's end -----------------------------------------------------------------------------

    def post(self, letter: Letter) -> None:
        write_private(self._path(letter.number, "new"), msgspec.json.encode(letter), durable=True)

    def take_back(self, number: int) -> bool:
        """Whether nobody had taken it, so that nothing will come of it."""
        try:
            self._path(number, "new").unlink()
        except FileNotFoundError:
            return False
        return True

    def answer_to(self, number: int) -> LetterAnswer | None:
        """Read and removed; None as long as there is none."""
        path = self._path(number, "answer")
        try:
            answer = msgspec.json.decode(path.read_bytes(), type=LetterAnswer)
        except FileNotFoundError:
            return None
        path.unlink(missing_ok=True)
        return answer

    # --- the supervisor's end --------------------------------------------------------------------------

    def waiting(self) -> list[int]:
        """The numbers of those that are to be carried out, the oldest first."""
        return _numbers(self.opened())

    def take(self, number: int, now: float) -> Letter | None:
        """It is ours to carry out from now on. None for one that was taken back, is too old, or is none."""
        taken = self._path(number, "taken")
        is_new = not taken.exists()
        if is_new:
            try:
                self._path(number, "new").rename(taken)
            except FileNotFoundError:
                return None
        letter = _read(taken)
        if letter is None or letter.number != number or (is_new and letter.until < now):
            taken.unlink(missing_ok=True)
            return None
        return letter

    def answer(self, number: int, answer: LetterAnswer) -> None:
        """It is carried out, or never will be."""
        write_private(self._path(number, "answer"), msgspec.json.encode(answer), durable=True)
        self._path(number, "taken").unlink(missing_ok=True)

    def opened(self) -> Generator[os.DirEntry[str]]:
        """All that lies in the folder, read as it is asked for; to be read to its end, or closed."""
        try:
            with os.scandir(self._folder) as entries:
                yield from entries
        except FileNotFoundError:
            return

    def _path(self, number: int, kind: str) -> Path:
        return self._folder / f"{number}.{kind}"


class Look:
    """One look after the other at what lies in the folder, each in parts, so that none takes long: it finds what is to
    be carried out, and sweeps answers that nobody fetched. ``close`` it.
    """

    def __init__(self, letters: Letters) -> None:
        self._letters = letters
        self._rest = letters.opened()

    def go_on(self, now: float) -> list[int]:
        """What was found in the next part, the oldest first; behind the last one comes the first of the next look."""
        part = list(islice(self._rest, MOST_LOOKED_AT))
        if len(part) < MOST_LOOKED_AT:
            self._rest = self._letters.opened()
        for entry in part:
            _sweep(entry, now - KEPT_S)
        return _numbers(part)

    def close(self) -> None:
        self._rest.close()


def _numbers(entries: Iterable[os.DirEntry[str]]) -> list[int]:
    """Of those that are to be carried out, the oldest first; each once, whatever lies there of it."""
    return sorted({number for entry in entries if (number := _waiting(entry))})


def _waiting(entry: os.DirEntry[str]) -> int:
    """The number of a letter that is to be carried out; else 0."""
    name = _NAME.fullmatch(entry.name)
    return int(name[1]) if name and name[2] != "answer" and not entry.is_dir() else 0


def _sweep(entry: os.DirEntry[str], limit: float) -> None:
    """Remove an answer that is older."""
    name = _NAME.fullmatch(entry.name)
    with suppress(FileNotFoundError):
        if name and name[2] == "answer" and entry.is_file() and entry.stat().st_mtime < limit:
            Path(entry.path).unlink()


def _read(path: Path) -> Letter | None:
    """None for what is no letter: a link, a pipe (nobody waits for who writes into it), too long, or other bytes."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in _NO_FILE:
            return None
        raise
    try:
        found = os.fstat(fd)
        data = os.read(fd, MOST_BYTES) if stat.S_ISREG(found.st_mode) and found.st_size <= MOST_BYTES else b""
    finally:
        os.close(fd)
    try:
        return msgspec.json.decode(data, type=Letter)
    except UNREADABLE:
        return None
