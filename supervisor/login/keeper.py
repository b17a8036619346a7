"""Claude's login, for sessions that are shut in: one login, the terminal's, renewed in one place.

The user's ``.credentials.json`` is never shown to a child. What it sees (``CLAUDE_SECURESTORAGE_CONFIG_DIR``, known to
the CLI from 2.1.197 to 2.1.332) is a directory of ours with the access token alone, replaced by rename whenever the
user's file changes; a running CLI takes it up with its next request. When the token has expired,
``claude auth status`` renews it outside (``renewal``); the CLI renews what lasts less than 5 minutes
(docs/claude-protocol.md, "Login files"), and is never asked to before the expiry. Between that and the new token it
tries a refused request again for 1.8 s; a turn that ended in spite of that is gone on with by itself once the new token
is there (``login_told``).

An expiry is a time of the wall clock, the CLI's and ours; pauses are counted on the monotonic one, so that a clock that
is set back keeps nobody waiting. A file that is gone is a logout. One that cannot be read leaves the copy as it is.
"""

import asyncio
import contextlib
import logging
import os
import stat
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import msgspec

from bridge.protocol import login
from bridge.protocol.layout import Layout
from supervisor.private_files import write_private

LOOK_INTERVAL_S = 1.0
PAUSES_S = (2.0, 10.0, 60.0, 600.0)
"""Between the tries to renew, while they bring nothing."""
TRIES_BEFORE_SAYING_SO = 3
"""Earlier ones may have met a network that comes back at once, or another's lock."""
HALVES_BEFORE_SAYING_SO = 10
TELL_FOR_S = 120.0
"""A turn may end a moment after the renewal, and a store that is sick may be well again."""
MOST_BYTES = 1 << 20
NAME = ".credentials.json"

_NO_LOGIN = (
    "Claude's login: none is kept for sessions that are shut in. They have what [claude] environment or the service's"
    " names (a key, a token, another provider), or none: then run claude on this machine and log in"
)

log = logging.getLogger(__name__)


class Source(msgspec.Struct, frozen=True):
    """Where the login is. Without a ``file`` Claude logs in otherwise, and there is nothing to keep."""

    file: Path | None
    mcp_logins: bool = False


class Listeners(msgspec.Struct, frozen=True):
    """Who is told of an expiry (Unix seconds): that there is a new token, more than once; that there is none, once."""

    renewed: Callable[[float], None] = lambda expired_at: None
    not_renewed: Callable[[float], None] = lambda expired_at: None


def source_of(environment: Mapping[str, str], *, mcp_logins: bool = False) -> Source:
    """``environment``: the one that Claude would have without walls."""
    if login.needs_no_file(environment):
        return Source(None)
    home = environment.get("HOME") or Path.home()
    named = environment.get("CLAUDE_SECURESTORAGE_CONFIG_DIR") or environment.get("CLAUDE_CONFIG_DIR")
    return Source(Path(named or Path(home, ".claude"), NAME), mcp_logins)


def directory_of(layout: Layout, environment: Mapping[str, str]) -> str:
    """The one that a child is given; empty when Claude logs in otherwise."""
    return str(layout.login.resolve()) if source_of(environment).file else ""


class Keeper:
    """Keeps the copy as the user's file is. ``renew`` runs what renews, and says how that ended: it is told the
    directory of the file, and how many tries came before.

    ``clock`` gives Unix seconds, ``monotonic`` any.
    """

    def __init__(
        self,
        source: Source,
        layout: Layout,
        renew: Callable[[Path, int], Awaitable[str]],
        told: Listeners | None = None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._folder = layout.login
        self._renew_outside = renew
        self._told = told or Listeners()
        self._clock = clock
        self._monotonic = monotonic
        self._seen: tuple[int, int, int] | None = None
        self._expires_at = _expiry_of(layout)  # of the supervisor before us
        self._has_login = False
        self._halves = 0
        self._trouble = ""
        self._tries = 0
        self._not_before = 0.0
        self._renewal: tuple[float, float] | None = None
        """When the token before expired, and (monotonic) when there was a new one."""

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(self.pause_s())

    def pause_s(self) -> float:
        """Until the next look: at the very moment of the expiry, if that is sooner."""
        left = self._expires_at - self._clock()
        return min(LOOK_INTERVAL_S, max(left, 0.05)) if left > 0 else LOOK_INTERVAL_S

    async def look(self) -> None:
        self.copy()
        file = self._source.file
        if file and self._has_login and self._has_expired() and self._monotonic() >= self._not_before:
            await self._renew(file.parent)
        if self._renewal and self._monotonic() < self._renewal[1] + TELL_FOR_S:
            self._told.renewed(self._renewal[0])

    def _has_expired(self) -> bool:
        return 0 < self._expires_at <= self._clock()

    # --- the copy ------------------------------------------------------------------------------------

    def copy(self) -> None:
        """Bring the copy up to date. What cannot be read now is looked at again."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # also empty, a login may come later
            self._take_over()
        except OSError as error:
            self._say(f"{error.filename or self._folder}: {error.strerror}")
        except ValueError:  # half of it: it is written at this moment
            self._halves += 1
            if self._halves == HALVES_BEFORE_SAYING_SO:
                self._say(f"{self._source.file} is no file of Claude's logins")
        else:
            self._halves, self._trouble = 0, ""

    def _say(self, trouble: str) -> None:
        """Once, however often it is looked at; the copy stays as it is."""
        if trouble != self._trouble:
            self._trouble = trouble
            log.warning("Claude's login cannot be copied for its sessions: %s", trouble)

    def _take_over(self) -> None:
        file = self._source.file
        seen = _look_at(file) if file else None
        if file is None or seen is None:
            self._drop()
        elif seen != self._seen:
            seen, data = _read(file)
            if found := login.copy_of(data, mcp_logins=self._source.mcp_logins):
                self._write(found)
            else:
                self._drop()
            self._seen = seen

    def _write(self, found: login.Login) -> None:
        write_private(self._folder / NAME, found.data)
        self._has_login = not found.has_ended
        if found.has_ended:
            self._end()
            return
        before, self._expires_at = self._expires_at, found.expires_at
        if self._has_expired():
            return
        self._tries, self._not_before = 0, 0.0
        if 0 < before <= self._clock():
            log.info("Claude's login was renewed")
            self._renewal = (before, self._monotonic())

    def _end(self) -> None:
        """It was refused, to us or to a terminal. What is refused from now on goes on when somebody logs in again."""
        log.error("Claude's login has ended: on this machine, run claude and log in")
        if self._expires_at:
            self._expires_at = min(self._expires_at, self._clock())
            self._told.not_renewed(self._expires_at)

    def _drop(self) -> None:
        """The user logged out. What is refused from now on goes on when somebody logs in again."""
        if self._has_login:
            self._expires_at = min(self._expires_at, self._clock())
        self._seen, self._has_login = None, False
        with contextlib.suppress(FileNotFoundError):
            (self._folder / NAME).unlink()
            log.info("Claude has no login any more: its sessions that are shut in have none either")

    # --- renewal -------------------------------------------------------------------------------------

    async def _renew(self, store: Path) -> None:
        how = await self._renew_outside(store, self._tries)
        self.copy()
        if not (self._has_login and self._has_expired()):
            return
        self._tries += 1
        self._not_before = self._monotonic() + PAUSES_S[min(self._tries, len(PAUSES_S)) - 1]
        if self._tries == TRIES_BEFORE_SAYING_SO:
            log.error("Claude's login has expired and is not renewed: on this machine, run claude and log in (%s)", how)
            self._told.not_renewed(self._expires_at)


def _look_at(file: Path) -> tuple[int, int, int] | None:
    """What changes when the file does; None when there is none. Raises OSError when that cannot be known."""
    try:
        return _mark(file.stat())
    except (FileNotFoundError, NotADirectoryError):
        return None


def _mark(state: os.stat_result) -> tuple[int, int, int]:
    return state.st_ino, state.st_mtime_ns, state.st_size


def _read(file: Path) -> tuple[tuple[int, int, int], bytes]:
    """(the mark of what was read, its bytes). A child without walls may have put anything there: nothing blocks.

    Raises OSError, and ValueError for what can be no such file.
    """
    fd = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        state = os.fstat(fd)
        if not stat.S_ISREG(state.st_mode) or state.st_size > MOST_BYTES:
            raise ValueError(file)
        return _mark(state), os.read(fd, MOST_BYTES)
    finally:
        os.close(fd)


def _kept(layout: Layout) -> login.Login | None:
    """The copy as it is. A program may ask that only looks."""
    with contextlib.suppress(OSError, ValueError):
        return login.copy_of((layout.login / NAME).read_bytes())
    return None


def _expiry_of(layout: Layout) -> float:
    kept = _kept(layout)
    return kept.expires_at if kept else 0.0


def in_words(layout: Layout, clock: Callable[[], float] = time.time) -> str:
    """What sessions that are shut in have for a login; empty where no supervisor looked yet."""
    if (found := _kept(layout)) is None:
        return _NO_LOGIN if layout.login.is_dir() else ""
    plan = f" ({found.subscription})" if found.subscription else ""
    if found.has_ended:
        return f"Claude's login{plan}: ended, because it was refused: on this machine, run claude and log in"
    if found.expires_at and found.expires_at <= clock():
        return f"Claude's login{plan}: expired, and not renewed: on this machine, run claude and log in"
    until = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.expires_at)) if found.expires_at else "no known end"
    return f"Claude's login{plan}: until {until}, then renewed by itself"
