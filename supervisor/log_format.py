"""How the log is written: for the journal of systemd, for a terminal, for a file; and never with a secret in it.

    where stderr goes            a line                                                       a traceback
    the journal (JOURNAL_STREAM) <4>supervisor.main: words    systemd has the time            one line, joined
    anything else                2026-11-28 15:04:05 WARNING supervisor.main: words           as it is

``<N>`` are syslog's priorities (sd-daemon(3)). JOURNAL_STREAM names the device and inode of the journal's stream
(systemd.exec(5)): a stderr that was redirected is none, whatever the environment says.
"""

import logging
import os
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TextIO

LEVELS = ("debug", "info", "warning", "error")
JOINT = " ⏎ "
REDACTED = "[secret]"
SHORTEST_SECRET = 12
"""What is shorter may be anything."""
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


class Lines(logging.Formatter):
    """``secrets`` never stand in what comes out."""

    def __init__(self, *, for_journal: bool, secrets: Iterable[str] = ()) -> None:
        form = "%(name)s: %(message)s" if for_journal else "%(asctime)s %(levelname)s %(name)s: %(message)s"
        super().__init__(form, "%Y-%m-%d %H:%M:%S")
        self._for_journal = for_journal
        self._secrets = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        if not self._for_journal:
            return text
        priority = next((number for level, number in _PRIORITIES if record.levelno >= level), 7)
        return f"<{priority}>{JOINT.join(text.splitlines())}"


def set_up(secrets: Iterable[str], level: str = "info", stream: TextIO = sys.stderr) -> None:
    """For this process. ``level`` is one of LEVELS."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Lines(for_journal=is_journal(stream), secrets=secrets))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("nextcord").setLevel(max(logging.INFO, logging.getLogger().level))  # below it shows every event


def is_journal(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    device, _, inode = environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return (str(found.st_dev), str(found.st_ino)) == (device, inode)


class Folded:
    """The same again and again, for hours: said at once, and then every ``period_s`` with how often it was since."""

    def __init__(self, period_s: float = 600.0) -> None:
        self._period_s = period_s
        self._said: tuple[str, float] = ("", 0.0)
        self._since = 0

    def words(self, words: str, now: float | None = None) -> str:
        """What is to be said; empty for nothing. ``now`` in seconds, monotonic."""
        now = time.monotonic() if now is None else now
        last, at = self._said
        if words != last:
            self._said, self._since = (words, now), 0
            return words
        self._since += 1
        if now - at < self._period_s:
            return ""
        count, self._since, self._said = self._since, 0, (words, now)
        return f"{words} ({count} times more since it was said last)"
