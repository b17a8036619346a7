"""The gateway: sockets, and the sessions that outlive them.

Source: Discord documentation, "Gateway": connection lifecycle, resuming, rate limiting (120 frames in 60 s).
"""

import asyncio
import contextlib
import json
import secrets
from collections import deque
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from twins.discord.events import Dispatch
from twins.discord.faults import Faults
from twins.discord.model import Json
from twins.discord.session import PRIVILEGED, Close, Encoder, Intent, Op, Session
from twins.discord.wire import member_json, user_json
from twins.discord.world import World

SESSION_LIFE_S = 180.0
"""How long a session can be resumed after its socket was lost ("a few minutes", not published)."""
MOST_FRAME_BYTES = 4096
MOST_FRAMES, FRAMES_WINDOW_S = 120, 60.0
_ENDING_CODES = (1000, 1001)


@dataclass(slots=True, eq=False)
class Connection:
    """One open socket. Frames are queued, so that what is emitted first arrives first."""

    socket: web.WebSocketResponse
    transport: asyncio.Transport | None
    encoder: Encoder
    outgoing: asyncio.Queue[Json] = field(default_factory=asyncio.Queue)
    session: Session | None = None
    received_at: deque[float] = field(default_factory=deque)
    has_presence: bool = False

    def queue(self, op: Op, data: object) -> None:
        self.outgoing.put_nowait({"op": int(op), "d": data, "s": None, "t": None})


class GatewayCloseError(Exception):
    """The client did something for which the gateway closes its socket with `code`."""

    def __init__(self, code: Close) -> None:
        super().__init__(code.name)
        self.code = code


class Gateway:
    """Serves sockets and passes on events. All frames to the client go through `transmit`."""

    def __init__(
        self, world: World, token: str, heartbeat_interval_s: float = 41.25, faults: Faults | None = None
    ) -> None:
        self.url = ""
        self.faults = faults or Faults()
        self.allowed_intents = Intent((1 << 32) - 1)
        self.presences: list[Json] = []
        self.identified = 0
        self.resumed = 0
        self.connections: set[Connection] = set()
        self._world = world
        self._token = token
        self._heartbeat_ms = int(heartbeat_interval_s * 1000)
        self._sessions: dict[str, Session] = {}

    @property
    def live(self) -> list[Connection]:
        """Connections that have identified or resumed."""
        return [connection for connection in self.connections if connection.session]

    def dispatch(self, dispatch: Dispatch) -> None:
        """Number an event for every session and queue it on those that have a socket."""
        for session in self._sessions.values():
            frame = session.number(dispatch)
            for connection in self.connections if frame else ():
                if connection.session is session and frame:
                    connection.outgoing.put_nowait(frame)

    async def transmit(self, connection: Connection, frame: Json) -> None:
        """Every frame to a client passes here, in order."""
        await self.faults.passed(frame)
        encoded = connection.encoder.encode(frame)
        if isinstance(encoded, str):
            await connection.socket.send_str(encoded)
        else:
            await connection.socket.send_bytes(encoded)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """The aiohttp handler of one socket."""
        if self.faults.refuses_gateway:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=1.0, max_msg_size=1 << 20)
        await socket.prepare(request)
        encoder = Encoder(compress=request.query.get("compress") == "zlib-stream")
        transport = request.transport
        assert transport is None or isinstance(transport, asyncio.Transport)
        connection = Connection(socket, transport, encoder)
        self.connections.add(connection)
        connection.queue(Op.HELLO, {"heartbeat_interval": self._heartbeat_ms, "_trace": ["loopback"]})
        writer = asyncio.create_task(self._write(connection))
        try:
            await self._read(connection)
        finally:
            self._lose(connection)
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
        return socket

    def drop(self) -> None:
        """Break every socket without a closing frame, as a lost network does. Sessions stay resumable."""
        for connection in list(self.connections):
            if connection.transport is not None:
                connection.transport.abort()

    async def close(self, code: int = 1001) -> None:
        """Close every socket with `code`; 4009 and such leave sessions resumable."""
        for connection in list(self.connections):
            await connection.socket.close(code=code)

    def ask_to_reconnect(self) -> None:
        """Send op 7: the client should reconnect and resume."""
        for connection in self.live:
            connection.queue(Op.RECONNECT, None)

    def invalidate_sessions(self, *, resumable: bool = False) -> None:
        """Send op 9. Unless `resumable`, the sessions are forgotten and their gap is not replayed."""
        for connection in self.live:
            connection.queue(Op.INVALID_SESSION, resumable)
            if not resumable:
                connection.session = None
        if not resumable:
            self._sessions.clear()

    # --- one connection

    async def _write(self, connection: Connection) -> None:
        with contextlib.suppress(ConnectionError):
            while True:
                await self.transmit(connection, await connection.outgoing.get())

    async def _read(self, connection: Connection) -> None:
        try:
            async for message in connection.socket:
                if message.type is WSMsgType.TEXT:
                    self._receive(connection, str(message.data))
        except GatewayCloseError as refusal:
            await connection.socket.close(code=refusal.code)

    def _lose(self, connection: Connection) -> None:
        """A socket is gone. A client that closed it with 1000 or 1001 has ended its session."""
        self.connections.discard(connection)
        session = connection.session
        if session is None:
            return
        session.lost_at = self._world.clock.monotonic()
        if connection.socket.close_code in _ENDING_CODES:
            self._sessions.pop(session.id, None)
        self._world.changed()

    def _receive(self, connection: Connection, text: str) -> None:
        self._count(connection)
        if len(text.encode()) > MOST_FRAME_BYTES:
            raise GatewayCloseError(Close.DECODE_ERROR)
        try:
            frame = json.loads(text)
            op, data = Op(frame["op"]), frame.get("d")
        except (ValueError, KeyError, TypeError):
            raise GatewayCloseError(Close.DECODE_ERROR) from None
        self._obey(connection, op, data)
        self._world.changed()

    def _count(self, connection: Connection) -> None:
        now = self._world.clock.monotonic()
        received = connection.received_at
        received.append(now)
        while received[0] + FRAMES_WINDOW_S < now:
            received.popleft()
        if len(received) > MOST_FRAMES:
            raise GatewayCloseError(Close.RATE_LIMITED)

    def _obey(self, connection: Connection, op: Op, data: Json) -> None:
        match op:
            case Op.HEARTBEAT:
                connection.queue(Op.HEARTBEAT_ACK, None)
            case Op.IDENTIFY:
                self._identify(connection, data)
            case Op.RESUME:
                self._resume(connection, data)
            case Op.PRESENCE | Op.REQUEST_MEMBERS if connection.session is None:
                raise GatewayCloseError(Close.NOT_AUTHENTICATED)
            case Op.PRESENCE:
                self._note_presence(connection, data)
            case Op.REQUEST_MEMBERS:
                self._send_members(connection, data)
            case _:
                raise GatewayCloseError(Close.UNKNOWN_OP)

    # --- sessions

    def _identify(self, connection: Connection, data: Json) -> None:
        if connection.session is not None:
            raise GatewayCloseError(Close.ALREADY_AUTHENTICATED)
        self._authenticate(data)
        intents = Intent(int(data.get("intents", 0)))
        if intents & PRIVILEGED & ~self.allowed_intents:
            raise GatewayCloseError(Close.DISALLOWED_INTENTS)
        self.identified += 1
        if data.get("presence"):
            self._note_presence(connection, data["presence"])
        session = Session(secrets.token_hex(16), intents)
        self._sessions[session.id] = session
        connection.session = session
        self._greet(connection, session)

    def _note_presence(self, connection: Connection, presence: Json) -> None:
        self.presences.append(presence)
        connection.has_presence = True

    def _greet(self, connection: Connection, session: Session) -> None:
        self._send(connection, session, Dispatch("READY", self._ready_json(session)))
        guild = self._world.create_json()
        if not session.intents & Intent.GUILD_MEMBERS:
            guild["members"] = [member_json(self._world.bot)]
        self._send(connection, session, Dispatch("GUILD_CREATE", guild))

    def _ready_json(self, session: Session) -> Json:
        return {
            "v": 10,
            "user": user_json(self._world.bot),
            "guilds": [{"id": str(self._world.id), "unavailable": True}],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "shard": [0, 1],
            "application": {"id": str(self._world.application_id), "flags": 0},
            "_trace": ["loopback"],
        }

    def _resume(self, connection: Connection, data: Json) -> None:
        self._authenticate(data)
        session = self._sessions.get(str(data.get("session_id")))
        seq = data.get("seq")
        if session is None or self._expired(session) or not isinstance(seq, int):
            connection.queue(Op.INVALID_SESSION, False)
            return
        if seq > session.seq:
            raise GatewayCloseError(Close.INVALID_SEQ)
        self.resumed += 1
        session.lost_at = None
        connection.session = session
        for frame in session.after(seq):
            connection.outgoing.put_nowait(frame)
        self._send(connection, session, Dispatch("RESUMED", {"_trace": ["loopback"]}))

    def _expired(self, session: Session) -> bool:
        if session.lost_at is None:
            return False
        return self._world.clock.monotonic() - session.lost_at > SESSION_LIFE_S

    async def change_token(self, token: str) -> None:
        """The one of before is revoked, and who is here by it is shown out."""
        self._token = token
        await self.close(Close.AUTHENTICATION_FAILED)

    def _authenticate(self, data: Json) -> None:
        if data.get("token") != self._token:
            raise GatewayCloseError(Close.AUTHENTICATION_FAILED)

    def _send(self, connection: Connection, session: Session, dispatch: Dispatch) -> None:
        frame = session.number(dispatch)
        if frame is not None:
            connection.outgoing.put_nowait(frame)

    def _send_members(self, connection: Connection, data: Json) -> None:
        assert connection.session is not None
        wanted = data.get("user_ids")
        ids = {str(entry) for entry in (wanted if isinstance(wanted, list) else [wanted] if wanted else [])}
        query = str(data.get("query") or "").lower()
        found = [
            member_json(user)
            for user in self._world.members.values()
            if (str(user.id) in ids if ids else user.name.lower().startswith(query))
        ]
        chunk: Json = {
            "guild_id": str(self._world.id),
            "members": found[: int(data.get("limit") or 0) or None],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": sorted(ids - {member["user"]["id"] for member in found}),
            "presences": [],
            "nonce": data.get("nonce"),
        }
        self._send(connection, connection.session, Dispatch("GUILD_MEMBERS_CHUNK", chunk))
