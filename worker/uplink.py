"""The worker's end of the socket: hello, replay, live records, deltas; orders come back.

The uplink only ever sends what stands in the log above what the supervisor has applied, so a new supervisor,
a lost connection and a slow start are one and the same case. Nothing here is needed for the session to go on:
without a supervisor the worker logs, and Claude works.
"""

import asyncio
import contextlib
from collections.abc import Callable

import msgspec
import zmq
import zmq.asyncio
from zmq.utils.monitor import recv_monitor_message

from bridge.protocol import wire
from bridge.protocol.commands import AnyCommand
from bridge.protocol.errors import RemoteError
from worker.log import Acked, EventLog

HELLO_INTERVAL_S = 0.25
ACK_DEADLINE_S = 5.0
UNWELCOMED_DEADLINE_S = 1.5
FIRST_ORDERS_S = 0.05
DELTA_INTERVAL_S = 0.06
RECONNECT_INTERVAL_MS = 100
RECONNECT_INTERVAL_MAX_MS = 1000
RECORDS_A_MESSAGE, BYTES_A_MESSAGE = 64, 1024 * 1024
"""A message holds at least one record, and no more once it has either."""
MOST_WAITING_MESSAGES = 16
"""In our socket; what the supervisor has not taken yet is read from the log again."""
HEARTBEAT_INTERVAL_S, HEARTBEAT_DEADLINE_S = 10, 60


class Keys(msgspec.Struct, frozen=True):
    """CURVE keys as Z85 text: ours, and the supervisor's public one."""

    public: str
    secret: str
    server: str


class Uplink:
    """``obey`` takes each order; ``pending`` names the open permission requests for a hello."""

    def __init__(
        self,
        session_id: str,
        log: EventLog,
        acked: Acked,
        pid: int,
        obey: Callable[[AnyCommand], None],
        pending: Callable[[], tuple[int, ...]],
    ) -> None:
        self._session_id = session_id
        self._log = log
        self._ever_acked = acked
        self._pid = pid
        self._obey = obey
        self._pending = pending
        self._wake = asyncio.Event()
        self._acked_changed = asyncio.Event()
        self._welcomed = False
        self._sent = 0
        self._acked = 0
        self._progress_at = 0.0
        self._open: dict[str, str] = {}
        self._shown: dict[str, int] = {}

    async def run(self, endpoint: str, keys: Keys) -> None:
        """Until cancelled."""
        context = zmq.asyncio.Context()
        socket = _connect(context, endpoint, keys)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch(socket))
                tasks.create_task(self._receive(socket))
                tasks.create_task(self._send(socket))
        finally:
            socket.disable_monitor()
            socket.close(linger=200)
            context.term()

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

    async def _receive(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            data = await socket.recv()
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
            self._log.skip_to(applied)
        self._sent = self._acked = applied
        self._ever_acked.raise_to(applied)
        self._shown.clear()
        self._welcomed = True
        self._made_progress()

    def _made_progress(self) -> None:
        self._progress_at = asyncio.get_running_loop().time()
        self._acked_changed.set()
        self._wake.set()

    async def _watch(self, socket: zmq.asyncio.Socket) -> None:
        """A lost connection ends the welcome: whoever answers next may be another supervisor."""
        monitor = socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            while True:
                await recv_monitor_message(monitor)
                self._welcomed = False
                self._wake.set()
        finally:
            monitor.close(linger=0)

    # --- out -----------------------------------------------------------------------------------------

    async def _send(self, socket: zmq.asyncio.Socket) -> None:
        while True:
            self._wake.clear()
            if not self._welcomed or self._is_stalled():
                await self._offer(socket, self._hello())
            elif await self._send_records(socket):
                await self._send_deltas(socket)
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
            self._pending(),
            self._ever_acked.seq,
            wire.PROTOCOL,
        )

    async def _send_records(self, socket: zmq.asyncio.Socket) -> bool:
        """Whether the supervisor has been sent all there is."""
        while self._welcomed and self._sent < self._log.last:
            records = tuple(self._log.read(self._sent, RECORDS_A_MESSAGE, BYTES_A_MESSAGE))
            if not await self._offer(socket, wire.Records(self._session_id, records)):
                return False
            if self._acked == self._sent:
                self._progress_at = asyncio.get_running_loop().time()
            self._sent = records[-1].seq
        return self._welcomed

    async def _send_deltas(self, socket: zmq.asyncio.Socket) -> None:
        for block, text in list(self._open.items()):
            offset = self._shown.get(block, 0)
            delta = wire.Delta(self._session_id, block, offset, text[offset:])
            if len(text) > offset and await self._offer(socket, delta):
                self._shown[block] = len(text)

    async def _offer(self, socket: zmq.asyncio.Socket, message: wire.Up) -> bool:
        """Whether the socket took it. Never waits: what is not taken now is built anew later."""
        try:
            await socket.send(wire.encode(message), zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True


def _connect(context: zmq.asyncio.Context, endpoint: str, keys: Keys) -> zmq.asyncio.Socket:
    socket = context.socket(zmq.DEALER)
    socket.curve_publickey = keys.public.encode()
    socket.curve_secretkey = keys.secret.encode()
    socket.curve_serverkey = keys.server.encode()
    socket.set(zmq.IMMEDIATE, 1)
    socket.set(zmq.SNDHWM, MOST_WAITING_MESSAGES)
    socket.set(zmq.HEARTBEAT_IVL, HEARTBEAT_INTERVAL_S * 1000)
    socket.set(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_DEADLINE_S * 1000)
    socket.set(zmq.RECONNECT_IVL, RECONNECT_INTERVAL_MS)
    socket.set(zmq.RECONNECT_IVL_MAX, RECONNECT_INTERVAL_MAX_MS)
    socket.connect(endpoint)
    return socket
