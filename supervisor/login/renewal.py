"""``claude auth status``, outside of all walls, as the user and from ``/``: it renews a login that has expired.

It does so under the CLI's own locks, which lie beside the login, so a terminal and we never spend one refresh token
twice. What renews is the CLI's start, and ``auth status`` may end before that began: in a home that is in use about
every second one renewed nothing (docs/claude-protocol.md, "Login files"; one that has begun is always waited for). With
an empty directory for all its other files each of 29 did. So it gets one, with the user's own directory as the place of
the login. But the user's settings are not read then, and may hold what leads to the network: every second try is
without that.

A renewal is not broken off when we stop: between the spending of the old refresh token and the writing of the new one,
that would end the user's login. So it is no child that asyncio minds, and only one that hangs is ended.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

DEADLINE_S = 90.0
"""The CLI gives its request 30 s, and may wait for another's lock before."""
POLL_INTERVAL_S = 0.05


class Renewal:
    """``environment``: the user's, as the CLI is to see it outside. ``empty``: a folder of ours for the CLI's files."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], empty: Path, deadline_s: float = DEADLINE_S
    ) -> None:
        self._argv = [*command, "auth", "status"]
        self._environment = {**environment, "DISABLE_AUTOUPDATER": "1"}
        self._empty = empty
        self._deadline_s = deadline_s
        self.process: subprocess.Popen[bytes] | None = None
        """The last one, which may run longer than we."""

    async def run(self, store: Path, tries: int) -> str:
        """How it ended, in words for the log. ``store``: the directory of the user's login; ``tries`` came before."""
        try:
            process = self.process = self._start(self._environment if tries % 2 else self._alone(store))
        except OSError as error:
            return f"claude auth status does not start: {error.strerror}"
        end = time.monotonic() + self._deadline_s
        while process.poll() is None:
            if time.monotonic() > end:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                return f"claude auth status took more than {self._deadline_s:g} s"
            await asyncio.sleep(POLL_INTERVAL_S)
        return f"claude auth status ended with {process.returncode}"

    def _alone(self, store: Path) -> dict[str, str]:
        """With an empty directory for all other files. Raises OSError."""
        if self._empty.exists():
            shutil.rmtree(self._empty)
        self._empty.mkdir(mode=0o700, parents=True)
        return {
            **self._environment,
            "CLAUDE_CONFIG_DIR": str(self._empty),
            "CLAUDE_SECURESTORAGE_CONFIG_DIR": str(store),
        }

    def _start(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=environment,
            start_new_session=True,
        )
