"""The person at the terminal: what is said to them and asked of them. Nothing is decided here.

Where there is no terminal the answers are the lines of the input; its end ends the questions.
"""

import os
import select
import sys
import termios
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from bridge.protocol.errors import UserError
from bridge.text import duration

POLL_S = 2.0
FOLLOWS_S = 0.2
"""What was pasted with a line is there by then."""
MOST_LINE = 4096
"""Bytes of a line that a terminal takes (termios(3), canonical mode)."""
ENDED = "the input ended; nothing more was changed"
YES, NO = ("y", "yes"), ("n", "no")


class Terminal:
    """``is_quiet``: nothing is asked, and each question is answered as if Enter was pressed.

    ``poll_s``: seconds between two looks at what is waited for.
    """

    def __init__(self, *, is_quiet: bool = False, out: TextIO | None = None, poll_s: float = POLL_S) -> None:
        self._is_quiet = is_quiet
        self._poll_s = poll_s
        self._out = out or sys.stdout

    @property
    def is_quiet(self) -> bool:
        return self._is_quiet

    def say(self, words: str = "") -> None:
        print(words, file=self._out, flush=True)

    def ask(self, question: str, default: str = "") -> str:
        """A line, without spaces around it; ``default`` for an empty one."""
        shown = f"{question}{f' [{default}]' if default else ''}: "
        if self._is_quiet:
            self.say(f"{shown}{default}")
            return default
        return self._line(shown).strip() or default

    def agrees(self, question: str, *, default: bool = True) -> bool:
        while True:
            answer = self.ask(f"{question} ({'Y/n' if default else 'y/N'})").casefold()
            if answer in YES or not answer:
                return default if not answer else True
            if answer in NO:
                return False
            self.say("Please answer y or n.")

    def secret(self, question: str) -> str:
        """What is typed is not shown; a pasted token may begin with an empty line, and end with more."""
        if self._is_quiet:
            return ""
        if not sys.stdin.isatty():
            return self._line(f"{question}: ").strip()
        self._out.write(f"{question}: ")
        self._out.flush()
        with _hidden(sys.stdin.fileno()):
            line = self._read_line()
            while not line.strip() and self._follows():
                line = self._read_line()
        self.say()
        return line.strip()

    def _read_line(self) -> str:
        """One line, as the terminal hands it over: nothing behind it is taken."""
        if not (data := os.read(sys.stdin.fileno(), MOST_LINE)):
            raise UserError(ENDED)
        return data.decode(errors="replace")

    def path(self, question: str, default: str = "") -> str:
        """As ``ask``; Tab completes the names of directories."""
        try:
            import readline  # noqa: PLC0415 - not every Python has it
        except ImportError:
            return self.ask(question, default)
        before, delimiters = readline.get_completer(), readline.get_completer_delims()
        readline.set_completer(lambda text, n: [*folders(text), None][min(n, len(folders(text)))])
        readline.set_completer_delims("")
        readline.parse_and_bind("tab: complete")
        try:
            return self.ask(question, default)
        finally:
            readline.set_completer(before)
            readline.set_completer_delims(delimiters)

    def yes(self, words: str) -> None:
        """Something is as it should be."""
        self.say(f"  ✓ {words}")

    def no(self, words: str) -> None:
        """Something is not."""
        self.say(f"  ✗ {words}")

    def tell(self, trouble: str, well: str) -> None:
        if trouble:
            self.no(trouble)
        else:
            self.yes(well)

    def waits[T](self, what: str, look: Callable[[], T], most_s: float) -> T | None:
        """What ``look`` sees, once it is true; None when the person skips it or the time (seconds) is over."""
        self.say(f"  … {what}. Waiting, {duration(most_s)} at most; Enter skips.")
        end, said = time.monotonic() + most_s, ""
        while time.monotonic() < end:
            try:
                if found := look():
                    return found
            except UserError as error:  # it may be away for a moment
                if said != (said := str(error)):
                    self.no(said)
            if self.skips(self._poll_s):
                return None
        return None

    def skips(self, seconds: float) -> bool:
        """Wait so long; true when Enter was pressed before."""
        if self._is_quiet or not sys.stdin.isatty():
            time.sleep(seconds)
            return False
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return False
        sys.stdin.readline()
        return True

    def _line(self, shown: str) -> str:
        try:
            if sys.stdin.isatty():
                return input(shown)
            self._out.write(shown)
            self._out.flush()
            if not (line := sys.stdin.readline()):
                raise EOFError
        except EOFError:
            raise UserError(ENDED) from None
        self.say()
        return line

    def _follows(self) -> bool:
        return bool(select.select([sys.stdin], [], [], FOLLOWS_S)[0])


@contextmanager
def _hidden(terminal: int) -> Iterator[None]:
    """What is typed is not shown, and what was pasted behind it is dropped; getpass drops what follows a first line."""
    before = termios.tcgetattr(terminal)
    hidden = [*before]
    hidden[3] = before[3] & ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, hidden)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSAFLUSH, before)


def folders(text: str) -> Sequence[str]:
    """The directories whose path begins with what was typed, each with a slash; hidden ones when a dot was typed."""
    typed = os.path.expanduser(text)  # noqa: PTH111 - what is typed may end with a slash, which counts
    above, _, name = typed.rpartition("/")
    with suppress(OSError):
        found = [path for path in Path(f"{above}/" if above or typed[:1] == "/" else ".").iterdir() if path.is_dir()]
        fitting = [path for path in found if path.name.startswith(name) and (name or not path.name.startswith("."))]
        shown = text[: len(text) - len(name)] if name else text
        return sorted(f"{shown}{path.name}/" for path in fitting)
    return ()
