"""The worker's end of the socket: hello, replay, live records, deltas; orders come back.

The uplink only ever sends what stands in the log above what the supervisor has applied, so a new supervisor,
a lost connection and a slow start are one and the same case. Nothing here is needed for the session to go on:
without a supervisor the worker logs, and Claude works.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.commands import AnyCommand
from bridge.protocol.errors import RemoteError

HELLO_INTERVAL_S = 0.25
ACK_DEADLINE_S = 5.0
UNWELCOMED_DEADLINE_S = 1.5
FIRST_ORDERS_S = 0.05
DELTA_INTERVAL_S = 0.06
RECORDS_A_MESSAGE, BYTES_A_MESSAGE = 64, 1024 * 1024
"""A message holds at least one record, and no more once it has either."""


class Socket(Protocol):
    """Our end of one connection after another (``worker.dealer``)."""

    def open(self) -> None: ...

    def close(self) -> None: ...

    async def receive(self) -> bytes: ...

    async def lost(self) -> None:
        """Until the connection is."""

    async def offer(self, data: bytes) -> bool:
        """Whether it was taken. Never waits."""


class LogRead(Protocol):
    """The records of the session's log."""

    @property
    def generation(self) -> str: ...

    @property
    def first(self) -> int: ...

    @property
    def last(self) -> int: ...

    def read(self, after: int = 0, limit: int | None = None, most_bytes: int | None = None) -> Iterator[e.Record]: ...


class AckedNote(Protocol):
    """How far the log was ever acknowledged."""

    seq: int

    def raise_to(self, seq: int) -> None: ...


class Uplink:
    """``obey`` takes each order; ``skip_to`` goes on above records that only the supervisor has (any more)."""

    def __init__(
        self,
        session_id: str,
        log: LogRead,
        acked: AckedNote,
        pid: int,
        socket: Socket,
        obey: Callable[[AnyCommand], None],
        skip_to: Callable[[int], object],
    ) -> None:
        self._session_id = session_id
        self._log = log
        self._ever_acked = acked
        self._pid = pid
        self._socket = socket
        self._obey = obey
        self._skip_to = skip_to
        self._wake = asyncio.Event()
        self._acked_changed = asyncio.Event()
        self._welcomed = False
        self._sent = 0
        self._acked = 0
        self._progress_at = 0.0
        self._open: dict[str, str] = {}
        self._shown: dict[str, int] = {}

    async def run(self) -> None:
        """Until cancelled."""
        self._socket.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch())
                tasks.create_task(self._receive())
                tasks.create_task(self._send())
        finally:
            self._socket.close()

    def wake(self) -> None:
        """There are new records."""
        self._wake.set()

    def delta(self, block: str, text: str) -> None:
        self._open[block] = self._open.get(block, "") + text
        self._wake.set()

    def forget(self, block: str) -> None:
        """The block is closed or void; its record tells the rest."""
        self._open.pop(block, None)
        self._shown.pop(block, None)

    def forget_all(self) -> None:
        self._open.clear()
        self._shown.clear()

    async def drained(self, deadline_s: float) -> bool:
        """Whether everything in the log was acknowledged within the deadline, in seconds.

        Where no supervisor answers, the wait is short: whoever comes back reads the log through the next worker.
        """
        try:
            async with asyncio.timeout(deadline_s if self._welcomed else min(deadline_s, UNWELCOMED_DEADLINE_S)):
                while self._acked < self._log.last:
                    self._acked_changed.clear()
                    await self._acked_changed.wait()
        except TimeoutError:
            return False
        return True

    async def welcomed(self, deadline_s: float = UNWELCOMED_DEADLINE_S) -> bool:
        """Whether a supervisor answered within the deadline, in seconds; its first orders come with the answer."""
        try:
            async with asyncio.timeout(deadline_s):
                while not self._welcomed:
                    self._acked_changed.clear()
                    await self._acked_changed.wait()
        except TimeoutError:
            return False
        await asyncio.sleep(FIRST_ORDERS_S)
        return True

    # --- in ------------------------------------------------------------------------------------------

    async def _receive(self) -> None:
        while True:
            data = await self._socket.receive()
            try:
                self._take(wire.decode_down(data))
            except RemoteError:
                continue  # a newer supervisor's message; what matters is repeated

    def _take(self, message: wire.Down) -> None:
        if message.session_id != self._session_id:
            return
        match message:
            case wire.Welcome():
                self._on_welcome(message)
            case wire.Ack():
                self._acked = max(self._acked, message.applied)
                self._ever_acked.raise_to(min(message.applied, self._log.last))
                self._made_progress()
            case wire.Order():
                self._obey(message.command)

    def _on_welcome(self, message: wire.Welcome) -> None:
        if message.protocol not in wire.PROTOCOLS_SPOKEN:
            return  # not one of ours; the hello is repeated
        applied = message.applied if message.generation == self._log.generation else 0
        if applied > self._log.last:
            self._skip_to(applied)
        self._sent = self._acked = applied
        self._ever_acked.raise_to(applied)
        self._shown.clear()
        self._welcomed = True
        self._made_progress()

    def _made_progress(self) -> None:
        self._progress_at = asyncio.get_running_loop().time()
        self._acked_changed.set()
        self._wake.set()

    async def _watch(self) -> None:
        """A lost connection ends the welcome: whoever answers next may be another supervisor."""
        while True:
            await self._socket.lost()
            self._welcomed = False
            self._wake.set()

    # --- out -----------------------------------------------------------------------------------------

    async def _send(self) -> None:
        while True:
            self._wake.clear()
            if not self._welcomed or self._is_stalled():
                await self._offer(self._hello())
            elif await self._send_records():
                await self._send_deltas()
            await self._pause()

    async def _pause(self) -> None:
        """Until there is news, but deltas gather for a moment, and a hello is repeated."""
        if self._open and self._welcomed:
            await asyncio.sleep(DELTA_INTERVAL_S)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), HELLO_INTERVAL_S if not self._welcomed else ACK_DEADLINE_S)

    def _is_stalled(self) -> bool:
        waited = asyncio.get_running_loop().time() - self._progress_at
        return self._acked < self._sent and waited > ACK_DEADLINE_S

    def _hello(self) -> wire.Hello:
        self._welcomed = False
        log = self._log
        return wire.Hello(
            self._session_id,
            wire.OLDEST_PROTOCOL,
            log.generation,
            log.first,
            log.last,
            self._pid,
            acked=self._ever_acked.seq,
            newest=wire.PROTOCOL,
        )

    async def _send_records(self) -> bool:
        """Whether the supervisor has been sent all there is."""
        while self._welcomed and self._sent < self._log.last:
            records = tuple(self._log.read(self._sent, RECORDS_A_MESSAGE, BYTES_A_MESSAGE))
            if not await self._offer(wire.Records(self._session_id, records)):
                return False
            if self._acked == self._sent:
                self._progress_at = asyncio.get_running_loop().time()
            self._sent = records[-1].seq
        return self._welcomed

    async def _send_deltas(self) -> None:
        for block, text in list(self._open.items()):
            offset = self._shown.get(block, 0)
            delta = wire.Delta(self._session_id, block, offset, text[offset:])
            if len(text) > offset and await self._offer(delta):
                self._shown[block] = len(text)

    async def _offer(self, message: wire.Up) -> bool:
        """What is not taken now is built anew later."""
        return await self._socket.offer(wire.encode(message))
