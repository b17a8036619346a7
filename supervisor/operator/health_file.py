"""What a running supervisor says of itself, for the commands: what only it knows, in a small file beside the store.

It is written when it changed, and every ``EVERY_S`` anyway, so that its age tells whether the supervisor still gets to
anything. Whether it runs at all, its lock tells; what of a supervisor that died is left here is never believed. That
the file cannot be written is told by the lock too (``supervisor.locks.tell``), which needs no disk.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version

import msgspec

from bridge.protocol.errors import UNREADABLE
from bridge.protocol.layout import Layout
from supervisor import locks, log_place
from supervisor.private_files import write_private

EVERY_S = 5.0
OLD_S = 30.0
"""A supervisor whose last word is older hangs."""
CLOCK_STEP_S = 30.0


class Health(msgspec.Struct, frozen=True):
    """Times in Unix seconds, as the clock stood when it was written; it is read by other versions too: fields are only
    added, with defaults.
    """

    pid: int = 0
    version: str = ""
    started_at: float = 0.0
    at: float = 0.0
    passed_at: float | None = None
    """The same in seconds of the machine's monotonic clock, which nobody sets; None: not told."""
    config: str = ""
    config_digest: str = ""
    """Of the text that is in force."""
    log: str = ""
    """Where its log goes (``supervisor.log_place``)."""
    discord: str = ""
    """How it stands, in words."""
    discord_back_at: float | None = None
    """Since when it is connected and read back; None while it is not."""
    behind: int = 0
    """Channels and threads that are still to be read back."""
    gaps: int = 0
    """Those that cannot be read back."""
    reads: int = 0
    """How often the configuration was read again."""
    trouble: str = ""
    """Why the configuration as it stands is not in force."""
    later: tuple[str, ...] = ()
    """Its keys that take effect at the next start."""
    answered_at: float | None = None
    """When Discord answered the last heartbeat, to the second; None while it is away."""
    behind_since: float | None = None
    """Since when something is to be read back; None while nothing is."""
    apart_s: float = 0.0
    """By how much the clock is ahead of Discord's, to ``CLOCK_STEP_S``."""
    most_sessions: int = 0
    """How many can run at once; 0: not told."""
    reads_letters: bool = False
    """Whether it does what commands ask of it (``supervisor.letters``)."""
    store: str = ""
    """Why the store takes no writes; empty while it does."""
    away_since: float | None = None
    """Since when Discord is away, or not read back; None while it is neither."""
    unusable: int = 0
    """How many of the configured channels Discord does not show to the bot, or are none to work in."""


class HealthFile:
    """The writing side. ``lock``: the descriptor of the supervisor's; ``monotonic`` gives seconds."""

    def __init__(
        self,
        layout: Layout,
        lock: int,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = layout.health
        self._clock = clock
        self._monotonic = monotonic
        self._started, self._log = monotonic(), log_place.of_this_process()
        self._lock = lock
        self._said = Health()
        self._due = monotonic()
        self._away: float | None = None
        """Since when, on the monotonic clock."""

    def say(self, health: Health) -> None:
        """Cheap when there is nothing new."""
        passed = self._monotonic()
        self._away = (passed if self._away is None else self._away) if health.discord_back_at is None else None
        if health == self._said and passed < self._due:
            return
        now = self._clock()
        whole = msgspec.structs.replace(
            health,
            pid=os.getpid(),
            version=version("threadbridge"),
            started_at=now - (passed - self._started),
            at=now,
            passed_at=passed,
            log=self._log,
            away_since=None if self._away is None else now - (passed - self._away),
        )
        try:
            write_private(self._path, msgspec.json.encode(whole))
        except OSError:
            self._tell(is_unwritten=True)
        else:
            self._said, self._due = health, self._monotonic() + EVERY_S
            self._tell(is_unwritten=False)

    def _tell(self, *, is_unwritten: bool) -> None:
        with suppress(OSError):  # then the file's age tells
            locks.tell(self._lock, is_so=is_unwritten)


def age_s(told: Health, now: float, passed: float) -> float:
    """Of what a supervisor that runs on this machine says. ``now`` in Unix seconds, ``passed`` monotonic.

    A clock that was set makes it no younger and no older. Of another start of the machine, or another time namespace,
    only the clock tells.
    """
    if told.passed_at is None or passed < told.passed_at:
        return max(0.0, now - told.at)
    return passed - told.passed_at


def read(layout: Layout) -> Health | None:
    """The running supervisor's; None when none runs, or it is one of an earlier version. Raises OSError."""
    pid, found = locks.holder(layout.supervisor_lock), last(layout)
    return found if found and pid and found.pid == pid else None


def is_unwritten(layout: Layout) -> bool:
    """Whether the running supervisor cannot write what it would say of itself now."""
    with suppress(OSError):
        return locks.is_told(layout.supervisor_lock)
    return False


def last(layout: Layout) -> Health | None:
    """What the last supervisor left, also of one that is gone. Raises OSError."""
    try:
        return msgspec.json.decode(layout.health.read_bytes(), type=Health)
    except (FileNotFoundError, *UNREADABLE):
        return None
