"""Claude's login, for sessions that are shut in: one login, the terminal's, renewed in one place.

The user's ``.credentials.json`` is never shown to a child. What it sees (``CLAUDE_SECURESTORAGE_CONFIG_DIR``, known to
the CLI from 2.1.197 to 2.1.332) is a directory of ours with the access token alone, replaced by rename whenever the
user's file changes; a running CLI takes it up with its next request. When the token has expired,
``claude auth status`` renews it outside, as the user, from ``/`` and under the CLI's own locks; it renews only what has
expired (all *observed* with 2.1.330). Between the expiry and the new token the CLI tries a refused request again for
1.8 s (*observed*); a turn that ended in spite of that is gone on with by itself once the new token is there.
"""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from bridge import login
from bridge.layout import Layout

LOOK_INTERVAL_S = 1.0
RENEW_DEADLINE_S = 30.0
PAUSES_S = (2.0, 10.0, 60.0, 600.0)
"""Between the tries to renew, while they bring nothing."""
TELL_FOR_S = 15.0
MOST_BYTES = 1 << 20
NAME = ".credentials.json"

log = logging.getLogger(__name__)


class Source(msgspec.Struct, frozen=True):
    """Where the login is, and how it is renewed. ``environment``: the user's, as the CLI is to see it outside."""

    file: Path
    command: tuple[str, ...]
    environment: dict[str, str]
    mcp_logins: bool = False


def source_of(command: tuple[str, ...], environment: Mapping[str, str], *, mcp_logins: bool = False) -> Source:
    folder = environment.get("CLAUDE_CONFIG_DIR") or Path(environment.get("HOME") or Path.home(), ".claude")
    return Source(Path(folder, NAME), command, dict(environment), mcp_logins)


class Keeper:
    """Keeps the copy as the user's file is.

    ``renewed(since)`` is told, more than once, that there is a new token, and when the one before expired.
    """

    def __init__(
        self,
        source: Source,
        layout: Layout,
        renewed: Callable[[float], None] = lambda since: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._folder = layout.login
        self._renewed = renewed
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None
        self._expires_at = 0.0
        self._tries = 0
        self._not_before = 0.0
        self._renewal = (0.0, 0.0)
        """When the token before expired, and when there was a new one."""

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
        if self._expires_at and self._clock() >= max(self._expires_at, self._not_before):
            await self._renew()
        since, at = self._renewal
        if at and self._clock() < at + TELL_FOR_S:  # a turn may end a moment after
            self._renewed(since)

    def copy(self) -> None:
        """Bring the copy up to date. What cannot be read now is looked at again."""
        try:
            state = self._source.file.stat()
        except OSError:
            self._drop()
            return
        seen = (state.st_ino, state.st_mtime_ns, state.st_size)
        if seen == self._seen:
            return
        try:
            with self._source.file.open("rb") as file:
                found = login.copy_of(file.read(MOST_BYTES), mcp_logins=self._source.mcp_logins)
            if found is None:
                self._drop()
            else:
                self._write(found)
        except ValueError:
            return  # half of it: it is written at this moment
        except OSError as error:
            log.warning("Claude's login %s cannot be copied: %s", self._source.file, error.strerror)
            return
        self._seen = seen

    def _write(self, found: login.Login) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._folder / f"{NAME}.new"
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(found.data)
        new.rename(self._folder / NAME)
        since, self._expires_at = self._expires_at, found.expires_at
        if self._expires_at > self._clock():
            self._tries, self._not_before = 0, 0.0
            if 0 < since <= self._clock():
                log.info("Claude's login was renewed")
                self._renewal = (since, self._clock())

    def _drop(self) -> None:
        """The user logged out."""
        self._seen, self._expires_at = None, 0.0
        with contextlib.suppress(OSError):
            (self._folder / NAME).unlink(missing_ok=True)

    async def _renew(self) -> None:
        why = await self._auth_status()
        self.copy()
        if self._expires_at > self._clock() or not self._expires_at:
            return
        self._tries += 1
        if self._tries == 2:  # one may have met an end of the network, or another's lock
            log.error("Claude's login has expired and is not renewed: on this machine, run claude and log in (%s)", why)
        self._not_before = self._clock() + PAUSES_S[min(self._tries, len(PAUSES_S)) - 1]

    async def _auth_status(self) -> str:
        """What it said, for the log."""
        try:
            process = await asyncio.create_subprocess_exec(
                *(*self._source.command, "auth", "status"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                cwd="/",
                env=self._source.environment,
            )
        except OSError as error:
            return f"it does not start: {error.strerror}"
        try:
            return f"claude auth status ended with {await asyncio.wait_for(process.wait(), RENEW_DEADLINE_S)}"
        except TimeoutError:
            return f"claude auth status took more than {RENEW_DEADLINE_S:g} s"
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def in_words(layout: Layout, clock: Callable[[], float] = time.time) -> str:
    """What sessions that are shut in have for a login; empty when there is none (an API key needs none)."""
    try:
        found = login.copy_of((layout.login / NAME).read_bytes())
    except (OSError, ValueError):
        return ""
    if found is None:
        return ""
    plan = f" ({found.subscription})" if found.subscription else ""
    if found.expires_at and found.expires_at <= clock():
        return f"Claude's login{plan}: expired, and not renewed: on this machine, run claude and log in"
    until = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.expires_at)) if found.expires_at else "no known end"
    return f"Claude's login{plan}: until {until}, then renewed by itself"
