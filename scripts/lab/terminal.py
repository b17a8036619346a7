"""A program at a terminal of its own, and the person before it: what is shown, what is typed."""

import asyncio
import os
import signal
import subprocess
import termios
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

STEP_DEADLINE_S = 30.0
LOOK_INTERVAL_S = 0.02
COLUMNS, LINES = 200, 50


class TerminalSession:
    """``shown``: all that the terminal was told since the last ``expects``."""

    def __init__(self, process: subprocess.Popen[bytes], end: int) -> None:
        self.everything = ""
        self.deadline_s = STEP_DEADLINE_S
        self._process = process
        self._end = end
        self._seen = 0

    @property
    def shown(self) -> str:
        return self.everything[self._seen :]

    async def expects(self, words: str) -> str:
        """Wait until they are shown, behind what was expected before. What stood before them."""
        await self._until(lambda: words in self.shown, repr(words))
        before, _, _ = self.shown.partition(words)
        self._seen += len(before) + len(words)
        return before

    def types(self, text: str) -> None:
        os.write(self._end, text.encode())

    def enters(self, text: str = "") -> None:
        self.types(f"{text}\n")

    def interrupts(self) -> None:
        """Ctrl-C, as the terminal's driver makes a signal of it."""
        self.types("\x03")

    async def ends(self) -> int:
        """Its exit code."""
        await self._until(lambda: self._process.poll() is not None, "the end")
        self.read()
        return self._process.returncode

    async def _until(self, look: Callable[[], bool], what: str) -> None:
        give_up_at = asyncio.get_running_loop().time() + self.deadline_s
        while not look():
            if asyncio.get_running_loop().time() > give_up_at:
                raise AssertionError(f"not within {self.deadline_s} s: {what}; {self.everything[-3000:]}")
            await asyncio.sleep(LOOK_INTERVAL_S)

    def read(self) -> None:
        with suppress(OSError, BlockingIOError):  # EIO: the other end is closed
            while data := os.read(self._end, 65536):
                self.everything += data.decode(errors="replace").replace("\r\n", "\n")


@asynccontextmanager
async def at_terminal(argv: Sequence[str], environment: Mapping[str, str], cwd: Path) -> AsyncIterator[TerminalSession]:
    """What is left of it in the end is killed."""
    end, theirs = os.openpty()
    try:
        termios.tcsetwinsize(theirs, (LINES, COLUMNS))
        process = _start(argv, environment, cwd, theirs)
    finally:
        os.close(theirs)
    os.set_blocking(end, False)
    session = TerminalSession(process, end)
    loop = asyncio.get_running_loop()

    def heard() -> None:
        before = len(session.everything)
        session.read()
        if len(session.everything) == before:
            loop.remove_reader(end)

    loop.add_reader(end, heard)
    try:
        yield session
    finally:
        loop.remove_reader(end)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        os.close(end)


def _at(end: int) -> None:
    """In the child. What was begun in the background of a shell ignores Ctrl-C, and hands that on."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.login_tty(end)


def _start(argv: Sequence[str], environment: Mapping[str, str], cwd: Path, end: int) -> subprocess.Popen[bytes]:
    """With that end as its controlling terminal, so that its questions and Ctrl-C reach it."""
    return subprocess.Popen(
        argv,
        cwd=cwd,
        env={"TERM": "dumb", **environment},
        preexec_fn=lambda: _at(end),  # noqa: PLW1509 - no thread of a test runs meanwhile
        pass_fds=[end],
    )
