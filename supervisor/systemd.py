"""Words to systemd: READY=1, RELOADING=1, STATUS=, WATCHDOG=1, STOPPING=1 (sd_notify(3)); none where none is."""

import asyncio
import os
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import suppress


class Notifier:
    """The notify socket of ``$NOTIFY_SOCKET``, if we were started with one."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._watchdog_s = int(environ.get("WATCHDOG_USEC", "0")) / 1_000_000

    def say(self, **words: str) -> None:
        """``say(READY="1", STATUS="…")``. A supervisor that cannot say it goes on."""
        if not self._address:
            return
        message = "\n".join(f"{key}={value}" for key, value in words.items())
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(message.encode(), address)

    def say_reloading(self) -> None:
        """To be followed by READY=1. MONOTONIC_USEC tells a reload from the one before (systemd 253)."""
        self.say(RELOADING="1", MONOTONIC_USEC=str(time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000))

    async def keep(self, status: Callable[[], str], interval_s: float = 5.0) -> None:
        """Until cancelled: the watchdog's sign of life, and the status when it changed."""
        last_status = ""
        while True:
            words = {"WATCHDOG": "1"} if self._watchdog_s else {}
            if (now := status()) != last_status:
                words["STATUS"] = last_status = now
            if words:
                self.say(**words)
            await asyncio.sleep(min(interval_s, self._watchdog_s / 2 or interval_s))
