"""The worker's socket: a DEALER on the path of this start, CURVE, one connection after another to whoever listens."""

import msgspec
import zmq
import zmq.asyncio
from zmq.utils.monitor import recv_monitor_message

RECONNECT_INTERVAL_MS = 100
RECONNECT_INTERVAL_MAX_MS = 1000
MOST_WAITING_MESSAGES = 16
"""In our socket; what the supervisor has not taken yet is read from the log again."""
HEARTBEAT_INTERVAL_S, HEARTBEAT_DEADLINE_S = 10, 60
LINGER_MS = 200


class Keys(msgspec.Struct, frozen=True):
    """CURVE keys as Z85 text: ours, and the supervisor's public one."""

    public: str
    secret: str
    server: str


class Dealer:
    """Between ``open`` and ``close``, within one event loop."""

    def __init__(self, endpoint: str, keys: Keys) -> None:
        self._endpoint = endpoint
        self._keys = keys

    def open(self) -> None:
        self._context = zmq.asyncio.Context()
        self._socket = _connected(self._context, self._endpoint, self._keys)
        self._monitor = self._socket.get_monitor_socket(zmq.EVENT_DISCONNECTED)

    def close(self) -> None:
        self._monitor.close(linger=0)
        self._socket.disable_monitor()
        self._socket.close(linger=LINGER_MS)
        self._context.term()

    async def receive(self) -> bytes:
        return await self._socket.recv()

    async def lost(self) -> None:
        """Until the connection is."""
        await recv_monitor_message(self._monitor)

    async def offer(self, data: bytes) -> bool:
        """Whether the socket took it. Never waits."""
        try:
            await self._socket.send(data, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True


def _connected(context: zmq.asyncio.Context, endpoint: str, keys: Keys) -> zmq.asyncio.Socket:
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
