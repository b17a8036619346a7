"""``claude auth status``, outside of all walls, as the user and from ``/``: it renews a login that has expired.

It does so under the CLI's own locks, so that a terminal and we never spend one refresh token twice. A renewal is not
broken off when we stop: between the spending of the old refresh token and the writing of the new one, that would end
the user's login. So it is no child that asyncio minds, and only one that hangs is ended.
"""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence

DEADLINE_S = 90.0
"""The CLI gives its request 30 s (2.1.330), and may wait for another's lock before."""
POLL_INTERVAL_S = 0.05


class Renewal:
    """``environment``: the user's, as the CLI is to see it outside."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], deadline_s: float = DEADLINE_S) -> None:
        self._argv = [*command, "auth", "status"]
        self._environment = {**environment, "DISABLE_AUTOUPDATER": "1"}
        self._deadline_s = deadline_s
        self.process: subprocess.Popen[bytes] | None = None
        """The last one, which may run longer than we."""

    async def run(self) -> str:
        """How it ended, in words for the log."""
        try:
            process = self.process = self._start()
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

    def _start(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self._argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=self._environment,
            start_new_session=True,
        )
