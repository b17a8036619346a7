"""Which Claude Code the configured command is: asked at the start, and again when its file changed.

``claude --version`` runs outside of all walls, as ``claude auth status`` does (``supervisor.login.renewal``): it reads
nothing of a project. One that does not answer, or answers without a version, is told and not refused: it may be a
script of the operator's.
"""

import asyncio
import logging
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

import msgspec

from bridge.protocol.claude_version import ClaudeVersion, refusal_of, version_in
from bridge.render.terminal import shown_text
from bridge.text import one_line

DEADLINE_S = 10.0
"""0.04 s were measured with claude 2.1.330; a script that starts it may take longer."""
MOST_BYTES = 4096
LOOK_INTERVAL_S = 2.0
LOOK_AGAIN_S = 60.0
"""While it is refused or unknown, though its file did not change: it may be a script that starts the real one."""
SAID_CHARS = 80

log = logging.getLogger(__name__)

type Mark = tuple[int, int, int] | None


class VersionCheck(msgspec.Struct, frozen=True):
    """What came of asking. ``trouble`` says in words why there is no version."""

    program: str
    version: ClaudeVersion | None = None
    trouble: str = ""

    @property
    def refusal(self) -> str:
        """Why it is not started, and what to do; empty when it may be."""
        return refusal_of(self.version, self.program) if self.version else ""

    def in_words(self) -> str:
        if self.refusal or self.version is None:
            return self.refusal or f"the version of {self.program} is not known: {self.trouble}"
        return f"Claude Code {self.version} ({self.program})"


def ask(command: Sequence[str], environment: Mapping[str, str], deadline_s: float = DEADLINE_S) -> VersionCheck:
    """What ``--version`` says; blocks until it did, or did not in time. ``environment``: all of the program's."""
    program = command[0]
    try:
        process = subprocess.Popen(
            [*command, "--version"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={**environment, "DISABLE_AUTOUPDATER": "1"},
            start_new_session=True,
        )
    except OSError as error:
        return VersionCheck(program, trouble=f"it does not start ({error.strerror})")
    with process:
        try:
            said = _beginning(process, deadline_s)
        except TimeoutError:
            return VersionCheck(program, trouble=f"--version took more than {deadline_s:g} s")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # with what it started, which may hold our pipe open
    if version := version_in(said):
        return VersionCheck(program, version)
    words = one_line(shown_text(said), SAID_CHARS)
    return VersionCheck(program, trouble=f"--version says {words!r}" if words else "--version says nothing")


def _beginning(process: subprocess.Popen[bytes], deadline_s: float) -> str:
    """Of what it prints: the version stands on the first line, or behind a warning or two. Raises TimeoutError."""
    assert process.stdout
    end, said = time.monotonic() + deadline_s, b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while len(said) < MOST_BYTES:
            if not selector.select(max(0.0, end - time.monotonic())):
                raise TimeoutError
            if not (more := os.read(process.stdout.fileno(), MOST_BYTES - len(said))):
                break
            said += more
    return said.decode(errors="replace")


class ClaudeCli:
    """``answer`` is None until it was asked for the first time. ``on_answer`` hears each that is a new one."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        on_answer: Callable[[VersionCheck], None] = lambda answer: None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self.answer: VersionCheck | None = None
        self._command = command
        self._environment = environment
        self._on_answer = on_answer
        self._deadline_s = deadline_s
        self._mark: Mark = None
        self._asked_at = 0.0

    async def run(self) -> None:
        """Keep the answer true, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def look(self) -> None:
        """Ask, if it may be another one than before."""
        mark = _mark(self._command[0])
        if self.answer and mark == self._mark and not self._is_due():
            return
        before, self._mark = self.answer, mark
        self.answer = await asyncio.to_thread(ask, self._command, self._environment, self._deadline_s)
        self._asked_at = time.monotonic()
        if self.answer != before:
            say = log.info if self.answer.version and not self.answer.refusal else log.error
            say("%s", self.answer.in_words())
            self._on_answer(self.answer)

    def _is_due(self) -> bool:
        is_well = self.answer and self.answer.version and not self.answer.refusal
        return not is_well and time.monotonic() - self._asked_at > LOOK_AGAIN_S


def _mark(program: str) -> Mark:
    """What changes when another file stands there, or at the end of its links."""
    try:
        found = os.stat(program)  # noqa: PTH116 - follows links, as a start does
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
