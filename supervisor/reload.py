"""The configuration is read again: when the operator says so (SIGHUP), and by itself when the file changed.

    file as it was read ──stamp differs──▶ changed ──the same stamp again──▶ read ─┬─ good: in force
            ▲                                 │ differs again                      └─ bad: the old one stays in force
            └─────────────────────────────────┴──────────────────────────────── each is said once for one stamp

A stamp is what stat(2) tells of the file that the path leads to. A file that is being written is left alone until two
looks see the same. What is bad is whatever would have kept a supervisor from starting.
"""

import logging
import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from bridge.protocol.errors import UserError
from supervisor import config as configuration
from supervisor import token_file
from supervisor.config import Config
from supervisor.config_in_force import Settings, carried

type Stamp = tuple[int, int, int] | None
"""(when it was written in ns, inode, size); None where there is none, or we may not look."""

log = logging.getLogger(__name__)


class LastReading(msgspec.Struct, frozen=True):
    """What came of it. ``count``: the how manieth it is, so that whoever asked knows that it is a later one."""

    count: int = 0
    trouble: str = ""
    """Why the file is not in force; empty when it is."""
    later: tuple[str, ...] = ()
    """Keys of what takes effect at the next start."""

    def in_words(self) -> str:
        """For STATUS; empty when all of the file is in force."""
        if self.trouble:
            return f"the configuration was changed and is wrong, so the old one stays in force: {self.trouble}"
        return f"{at_the_next_start(self.later)}" if self.later else ""


def at_the_next_start(keys: tuple[str, ...]) -> str:
    return f"{', '.join(keys)}: takes effect at the next start" if keys else ""


class Reload:
    """``told(**words)`` says them to systemd; ``check`` raises UserError for what must not be in force."""

    def __init__(
        self,
        settings: Settings,
        read: Callable[[Path], Config] = configuration.load,
        check: Callable[[Config], object] = token_file.guard,
    ) -> None:
        self.last = LastReading()
        self.settings = settings
        self._read = read
        self._check = check
        self._path = settings.now.path
        self._known = self._seen = stamp_of(self._path)

    def look(self) -> bool:
        """Read it when it changed and stands still; whether it was read. To be called again and again."""
        seen, self._seen = self._seen, stamp_of(self._path)
        if self._seen == self._known or self._seen != seen:
            return False
        self.read()
        return True

    def read(self) -> LastReading:
        """Now. Nothing that is wrong with the file is raised."""
        self._known = self._seen = stamp_of(self._path)
        try:
            new = self._read(self._path)
            self._check(carried(self.settings.now, new))
        except (UserError, OSError) as error:
            self.last = LastReading(self.last.count + 1, str(error), self.last.later)
            log.error("the configuration is wrong, and the old one stays in force: %s", error)  # noqa: TRY400 - the words are enough
            return self.last
        before = self.settings.now
        later = self.settings.replace(new)
        self.last = LastReading(self.last.count + 1, "", later)
        self._say(before, later)
        return self.last

    def _say(self, before: Config, later: tuple[str, ...]) -> None:
        for warning in self.settings.now.warnings:
            if warning not in before.warnings:
                log.warning("%s", warning)
        log.info("the configuration is in force as it stands in %s", self._path)
        if later:
            log.warning("%s", at_the_next_start(later))


def stamp_of(path: Path) -> Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116 - as cheap as it can be: each second
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
