"""The sockets to workers, as far as libzmq goes: what is asked of them (``Sockets``), and ZeroMQ's (``ZmqSockets``).

Each start of a worker has its own DEALER on its own ipc path, with the session's own ZAP domain: ZAP (RFC 27) runs at
the handshake only, so a connection outlives the revocation of its key, and a path that is closed admits nobody.
"""

from pathlib import Path
from typing import Protocol

import msgspec
import zmq
import zmq.asyncio
import zmq.utils.z85

from bridge.protocol.errors import LocalError
from supervisor.workers.curve import CurveKeys

MAX_SOCKETS = 8192
HEARTBEAT_INTERVAL_S, HEARTBEAT_DEADLINE_S = 10, 60
"""A connection that is dead and does not say so is given up, and the worker makes another."""
MOST_WAITING_MESSAGES = 16
"""Of one worker, in the socket. What is more waits in the worker: it sends again when we have got so far."""
MOST_MESSAGE_BYTES = 64 * 1024 * 1024
"""Far above what a worker of this version sends (``bridge.protocol.wire``); old logs hold records of 21 MB."""
ZAP_ENDPOINT = "inproc://zeromq.zap.01"
ZAP_ENFORCE_DOMAIN = 93
"""libzmq's option number; without it any key is accepted on a socket whose domain is empty."""


class EndpointError(LocalError):
    """An endpoint cannot be bound now; in words."""


class Heard(msgspec.Struct, frozen=True):
    """One message. ``user_id`` is the session that the handshake admitted, empty for none; ``parts``: its frames."""

    user_id: str
    data: bytes | memoryview
    parts: int = 1


class Knock(msgspec.Struct, frozen=True):
    """Somebody wants to connect. ``key`` is Z85 text, ``address`` as libzmq tells an ipc peer's."""

    session_id: str
    address: str
    mechanism: str
    key: str
    envelope: tuple[bytes, ...] = ()
    """By which the answer finds its way."""


class WorkerSocket(Protocol):
    """Of one start of one worker."""

    @property
    def closed(self) -> bool: ...

    async def receive(self) -> Heard: ...

    async def send(self, data: bytes) -> bool:
        """Whether it was taken: not when the worker is away, too slow, or the socket closed."""

    def close(self) -> None:
        """Its path goes with it."""


class Sockets(Protocol):
    """All of this supervisor's. ``open`` comes first, ``close`` when each socket is closed."""

    @property
    def public_key(self) -> str: ...

    def open(self) -> None: ...

    def close(self) -> None: ...

    def bind(self, session_id: str, path: Path) -> WorkerSocket:
        """Raises EndpointError."""

    async def knock(self) -> Knock:
        """The next one."""

    async def answer(self, knock: Knock, objection: str) -> None:
        """Let it in when there is no objection."""


class ZmqSockets:
    """``keys`` are the supervisor's own."""

    def __init__(self, keys: CurveKeys) -> None:
        self._keys = keys
        self._context = zmq.asyncio.Context()
        self._context.set(zmq.MAX_SOCKETS, MAX_SOCKETS)
        self._zap: zmq.asyncio.Socket | None = None

    @property
    def public_key(self) -> str:
        return self._keys.public

    def open(self) -> None:
        self._zap = self._context.socket(zmq.ROUTER)
        self._zap.bind(ZAP_ENDPOINT)

    def close(self) -> None:
        if self._zap:
            self._zap.close(linger=0)
        self._context.term()

    def bind(self, session_id: str, path: Path) -> WorkerSocket:
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.unlink(missing_ok=True)
            return ZmqWorkerSocket(self._bound(session_id, path), path)
        except (zmq.ZMQError, OSError) as error:
            raise EndpointError(f"{path} cannot be bound: {error}") from error

    def _bound(self, session_id: str, path: Path) -> zmq.asyncio.Socket:
        socket = self._context.socket(zmq.DEALER)
        socket.curve_server = True
        socket.curve_secretkey = self._keys.secret.encode()
        socket.zap_domain = session_id.encode()
        socket.setsockopt(ZAP_ENFORCE_DOMAIN, 1)
        socket.set(zmq.IMMEDIATE, 1)
        socket.set(zmq.RCVHWM, MOST_WAITING_MESSAGES)
        socket.set(zmq.MAXMSGSIZE, MOST_MESSAGE_BYTES)
        socket.set(zmq.HEARTBEAT_IVL, HEARTBEAT_INTERVAL_S * 1000)
        socket.set(zmq.HEARTBEAT_TIMEOUT, HEARTBEAT_DEADLINE_S * 1000)
        try:
            socket.bind(f"ipc://{path}")
        except BaseException:
            socket.close(linger=0)
            raise
        return socket

    async def knock(self) -> Knock:
        """Frames: version, request id, domain, address, identity, mechanism, credentials."""
        assert self._zap
        frames = await self._zap.recv_multipart()
        route = frames.index(b"") + 1
        version, request_id, domain, address, _identity, mechanism, *credentials = frames[route:]
        key = zmq.utils.z85.encode(credentials[0]).decode() if credentials and len(credentials[0]) == 32 else ""
        envelope = (*frames[:route], version, request_id)
        return Knock(domain.decode(), address.decode(), mechanism.decode(), key, envelope)

    async def answer(self, knock: Knock, objection: str) -> None:
        assert self._zap
        status, text = (b"400", objection.encode()) if objection else (b"200", b"OK")
        user_id = b"" if objection else knock.session_id.encode()
        await self._zap.send_multipart([*knock.envelope, status, text, user_id, b""])


class ZmqWorkerSocket:
    def __init__(self, socket: zmq.asyncio.Socket, path: Path) -> None:
        self._socket = socket
        self._path = path

    @property
    def closed(self) -> bool:
        return bool(self._socket.closed)

    async def receive(self) -> Heard:
        frames = await self._socket.recv_multipart(copy=False)
        try:
            user_id = str(frames[0].get("User-Id"))
        except zmq.ZMQError:  # it has none
            user_id = ""
        return Heard(user_id, frames[0].buffer, len(frames))

    async def send(self, data: bytes) -> bool:
        if self.closed:
            return False
        try:
            await self._socket.send(data, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def close(self) -> None:
        self._socket.close(linger=0)
        self._path.unlink(missing_ok=True)
