"""The sockets to the workers, and who may speak on them.

Each start of a worker has its own DEALER on its own ipc path, closed before the next key is admitted: ZAP runs
at the handshake only, so a connection outlives the revocation of its key. The handshake needs three things:
the start's public key (CURVE), the session's own ZAP domain, and a peer pid, attested by the kernel, that holds
the session's lock. Every frame then carries the session's id as its authenticated User-Id, and a message that
names another session is refused, counted, and ends the connection.

A worker whose versions of the protocol we do not speak is refused too, in words: an older one can only be replaced, a
newer one works on and is heard by the supervisor that is as new as it is (``stranger``).

What could not be committed is not acknowledged: the welcome ends, and the worker's next hello is heard after a
moment. So a full disk costs time and nothing else, and what is wrong with one session stays with it.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

import zmq
import zmq.asyncio
import zmq.utils.z85

from bridge.protocol import wire
from bridge.protocol.commands import Prompt
from bridge.protocol.errors import LocalError, RemoteError
from bridge.protocol.layout import Layout
from bridge.render.posts import Post
from supervisor import descriptors, locks
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.store import InboxRow, StartRow
from supervisor.sessions.store_health import StoreError
from supervisor.sessions.waiting import is_settled
from supervisor.workers.curve import CurveKeys

MAX_SOCKETS = 8192
RESEND_INTERVAL_S = 5.0
DEAF_S = 1.0
"""How long a worker is not listened to when what it said could not be worked on; it repeats itself."""
HEARTBEAT_INTERVAL_S, HEARTBEAT_DEADLINE_S = 10, 60
"""A connection that is dead and does not say so is given up, and the worker makes another."""
MOST_WAITING_MESSAGES = 16
"""Of one worker, in the socket. What is more waits in the worker: it sends again when we have got so far."""
MOST_MESSAGE_BYTES = 64 * 1024 * 1024
"""Far above what a worker of this version sends (``bridge.protocol.wire``); old logs hold records of 21 MB."""
HELLOS_WITHOUT_PROGRESS = 12
"""So many hellos in a row (5 s apart, when nothing is acknowledged) that a worker's records do not get through."""
ZAP_ENDPOINT = "inproc://zeromq.zap.01"
ZAP_ENFORCE_DOMAIN = 93
"""libzmq's option number; without it any key is accepted on a socket whose domain is empty."""

log = logging.getLogger(__name__)


_STRANGERS = {
    "newer": Post(
        "⚠ This session's worker comes from a newer version of Threadbridge than the bridge that runs, and the two do"
        " not understand each other. Claude works on, and nothing is lost; once the bridge is restarted, this thread"
        " goes on."
    ),
    "older": Post(
        "⚠ This session's worker comes from a version of Threadbridge that is too old for this one, so it is ended; a"
        " turn that ran is interrupted. Write here to go on where the conversation stands."
    ),
}


class EndpointError(LocalError):
    """An endpoint cannot be bound now; in words."""


class NoRoomError(EndpointError):
    """One session more would take the last descriptors."""


Stranger = Literal["", "older", "newer"]
"""Whether a worker speaks only protocols that are older, or newer, than ours."""


class Endpoint:
    """One start of one worker: its socket, and what was sent to it in this connection."""

    def __init__(self, start: StartRow, socket: zmq.asyncio.Socket, path: Path) -> None:
        self.start = start
        self.socket = socket
        self.path = path
        self.sent: dict[int, float] = {}
        self.refused = 0
        self.welcomed = False
        self.heard = False
        """Whether its worker ever said hello to us: the keys fit."""
        self.stranger: Stranger = ""
        self.hellos = 0
        self.applied = -1
        self.deaf_until = 0.0
        self.complaint = ""
        self.receiving: asyncio.Task[None] | None = None


class Downlink:
    """All endpoints. ``run`` must be running for anything to be received."""

    def __init__(self, manager: SessionManager, layout: Layout, keys: CurveKeys) -> None:
        self._manager = manager
        self._layout = layout
        self._keys = keys
        self._context = zmq.asyncio.Context()
        self._context.set(zmq.MAX_SOCKETS, MAX_SOCKETS)
        self._endpoints: dict[str, Endpoint] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self.refused = 0
        """Messages and handshakes that were refused since the start."""

    @property
    def public_key(self) -> str:
        return self._keys.public

    async def run(self, serve: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run ``serve`` while the endpoints live."""
        zap = self._context.socket(zmq.ROUTER)
        zap.bind(ZAP_ENDPOINT)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                background = [tasks.create_task(self._authenticate(zap)), tasks.create_task(self._resend())]
                await serve()
                for task in [*background, *(e.receiving for e in self._endpoints.values() if e.receiving)]:
                    task.cancel()
        finally:
            self._tasks = None
            for endpoint in self._endpoints.values():
                endpoint.socket.close(linger=0)
            zap.close(linger=0)
            self._context.term()

    # --- endpoints -----------------------------------------------------------------------------------

    def open(self, start: StartRow) -> str:
        """The endpoint of a start, bound before the worker is spawned (or while it waits for us).

        Raises EndpointError when it cannot be bound.
        """
        self.close(start.session_id)
        assert self._tasks, "the downlink is not running"
        if not descriptors.has_room(len(self._endpoints)):
            raise NoRoomError(
                f"{len(self._endpoints)} sessions run, and this process may not open more files for another one;"
                " it starts when one of them ends or sleeps (more at once: raise the service's LimitNOFILE)"
            )
        path = self._layout.socket(start.session_id, start.start)
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.unlink(missing_ok=True)
            socket = self._bound(start, path)
        except (zmq.ZMQError, OSError) as error:
            raise EndpointError(f"{path} cannot be bound: {error}") from error
        endpoint = Endpoint(start, socket, path)
        self._endpoints[start.session_id] = endpoint
        endpoint.receiving = self._tasks.create_task(self._receive(endpoint))
        return f"ipc://{path}"

    def _bound(self, start: StartRow, path: Path) -> zmq.asyncio.Socket:
        socket = self._context.socket(zmq.DEALER)
        socket.curve_server = True
        socket.curve_secretkey = self._keys.secret.encode()
        socket.zap_domain = start.session_id.encode()
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

    def close(self, session_id: str) -> None:
        endpoint = self._endpoints.pop(session_id, None)
        if endpoint is None:
            return
        if endpoint.receiving:
            endpoint.receiving.cancel()
        endpoint.socket.close(linger=0)
        endpoint.path.unlink(missing_ok=True)

    def is_open(self, session_id: str, start: str) -> bool:
        endpoint = self._endpoints.get(session_id)
        return endpoint is not None and endpoint.start.start == start

    def has_heard(self, session_id: str) -> bool:
        """Whether the session's worker has spoken on its endpoint since that was opened."""
        endpoint = self._endpoints.get(session_id)
        return endpoint is not None and endpoint.heard

    def stranger(self, session_id: str) -> Stranger:
        """Whether the session's worker was refused because of its version, and which of us is the older."""
        endpoint = self._endpoints.get(session_id)
        return endpoint.stranger if endpoint else ""

    def is_stuck(self, session_id: str) -> bool:
        """Whether the session's worker says hello again and again, and what it has to tell never arrives."""
        endpoint = self._endpoints.get(session_id)
        return endpoint is not None and endpoint.hellos >= HELLOS_WITHOUT_PROGRESS

    # --- who may speak -------------------------------------------------------------------------------

    async def _authenticate(self, zap: zmq.asyncio.Socket) -> None:
        """ZAP (RFC 27): frames version, request id, domain, address, identity, mechanism, credentials."""
        while True:
            frames = await zap.recv_multipart()
            split = frames.index(b"")
            route, (version, request_id, domain, address, _identity, mechanism, *credentials) = (
                frames[: split + 1],
                frames[split + 1 :],
            )
            key = credentials[0] if credentials else b""
            try:
                why = self._objection(domain.decode(), address.decode(), mechanism, key)
            except OSError as error:
                why = f"it could not be checked ({error.strerror})"
            if why:
                self.refused += 1
                log.warning("refused a connection for session %s: %s", domain.decode(), why)
            status, text = (b"400", why.encode()) if why else (b"200", b"OK")
            await zap.send_multipart([*route, version, request_id, status, text, b"" if why else domain, b""])

    def _objection(self, session_id: str, address: str, mechanism: bytes, key: bytes) -> str:
        """Why this peer may not connect; empty when it may."""
        endpoint = self._endpoints.get(session_id)
        if endpoint is None:
            return "there is no worker of this session"
        if mechanism != b"CURVE" or zmq.utils.z85.encode(key).decode() != endpoint.start.public_key:
            return "the key is not this start's"
        pid, uid = _peer(address)
        if uid != os.getuid():
            return f"the peer's uid is {uid}"
        held_by = locks.holder(self._layout.session(session_id).lock)
        if not pid or pid != held_by:
            return f"the peer (pid {pid}) is not the holder of the session's lock (pid {held_by})"
        return ""

    # --- in ------------------------------------------------------------------------------------------

    async def _receive(self, endpoint: Endpoint) -> None:
        """Until the endpoint is closed: by us, or because of what was said on it."""
        session_id = endpoint.start.session_id
        while not endpoint.socket.closed:
            frames = await endpoint.socket.recv_multipart(copy=False)
            try:
                if len(frames) != 1 or frames[0].get("User-Id") != session_id:
                    raise RemoteError("a message without the session's identity")
                message = wire.decode_up(frames[0].buffer)
                if message.session_id != session_id:
                    raise RemoteError(f"a message that claims to be of session {message.session_id}")
            except RemoteError as error:
                self._refuse(endpoint, str(error))
                return
            endpoint.heard = True
            if asyncio.get_running_loop().time() >= endpoint.deaf_until:
                await self._take_safely(endpoint, message)

    async def _take_safely(self, endpoint: Endpoint, message: wire.Up) -> None:
        """What goes wrong with one session, or with the store, ends neither us nor the others."""
        try:
            await self._take(endpoint, message)
        except StoreError as error:
            self._turn_deaf(endpoint, str(error))
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            if what != endpoint.complaint:
                log.exception("session %s: a %s could not be worked on", endpoint.start.session_id, type(message))
            self._turn_deaf(endpoint, what)
        else:
            endpoint.complaint = ""

    @staticmethod
    def _turn_deaf(endpoint: Endpoint, why: str) -> None:
        """Nothing was acknowledged; the worker says hello again, and goes on where we are."""
        endpoint.complaint = why
        endpoint.welcomed = False
        endpoint.deaf_until = asyncio.get_running_loop().time() + DEAF_S

    def _refuse(self, endpoint: Endpoint, why: str) -> None:
        self.refused += 1
        log.error("session %s: closed its connection: %s", endpoint.start.session_id, why)
        self._endpoints.pop(endpoint.start.session_id, None)
        endpoint.socket.close(linger=0)
        endpoint.path.unlink(missing_ok=True)

    def _refuse_stranger(self, endpoint: Endpoint, hello: wire.Hello) -> None:
        """Its socket is closed, its place stays taken: nobody opens it again for the same worker."""
        self.refused += 1
        endpoint.stranger = "newer" if hello.protocol > wire.PROTOCOL else "older"
        spoken = f"{hello.protocol} to {max(hello.protocol, hello.newest)}"
        log.error(
            "session %s: its worker is of %s version (it speaks the protocols %s, we speak %d to %d)",
            endpoint.start.session_id,
            {"newer": "a newer", "older": "an older"}[endpoint.stranger],
            spoken,
            wire.OLDEST_PROTOCOL,
            wire.PROTOCOL,
        )
        self._manager.show(endpoint.start.session_id, f"stranger:{endpoint.start.start}", _STRANGERS[endpoint.stranger])
        endpoint.socket.close(linger=0)
        endpoint.path.unlink(missing_ok=True)

    async def _take(self, endpoint: Endpoint, message: wire.Up) -> None:
        session_id = endpoint.start.session_id
        match message:
            case wire.Hello():
                await self._on_hello(endpoint, message)
            case wire.Records() if endpoint.welcomed:
                applied = self._manager.reports.record(session_id, message.records)
                if applied is None:
                    endpoint.welcomed = False  # a hole: the next hello tells the worker where to go on
                else:
                    await self._send(endpoint, wire.Ack(session_id, applied))
            case wire.Delta() if endpoint.welcomed:
                self._manager.reports.delta(session_id, message)
            case _:
                pass  # before a hello of this connection nothing counts; it is repeated

    async def _on_hello(self, endpoint: Endpoint, hello: wire.Hello) -> None:
        protocol = wire.common_protocol(hello, wire.OLDEST_PROTOCOL, wire.PROTOCOL)
        if protocol is None:
            self._refuse_stranger(endpoint, hello)
            return
        welcome = self._manager.reports.hello(endpoint.start.session_id, hello, protocol)
        is_progress = welcome.applied > endpoint.applied or welcome.applied >= hello.last
        endpoint.hellos = 0 if is_progress else endpoint.hellos + 1
        endpoint.applied = welcome.applied
        endpoint.sent.clear()
        endpoint.welcomed = True
        await self._send(endpoint, welcome)
        await self.deliver(endpoint.start.session_id)

    # --- out -----------------------------------------------------------------------------------------

    async def deliver(self, session_id: str) -> None:
        """Send what waits in the session's inbox and was not sent a moment ago, in order."""
        endpoint = self._endpoints.get(session_id)
        if endpoint is None or not endpoint.welcomed:
            return
        now = asyncio.get_running_loop().time()
        for item in deliverable(self._manager.inbox(session_id)):
            if now - endpoint.sent.get(item.id, -RESEND_INTERVAL_S) >= RESEND_INTERVAL_S:
                if not await self._send(endpoint, wire.Order(session_id, item.command)):
                    return
                endpoint.sent[item.id] = now

    async def _resend(self) -> None:
        while True:
            await asyncio.sleep(RESEND_INTERVAL_S)
            with suppress(StoreError):
                for session_id in list(self._endpoints):
                    await self.deliver(session_id)

    async def _send(self, endpoint: Endpoint, message: wire.Down) -> bool:
        """Whether the socket took it. What it did not take is sent again after the next hello."""
        with suppress(zmq.Again):
            await endpoint.socket.send(wire.encode(message), zmq.NOBLOCK)
            return True
        return False


def deliverable(inbox: Sequence[InboxRow]) -> Iterator[InboxRow]:
    """In order; but a prompt whose files are still being fetched holds up itself and the prompts after it only.

    Decisions and the like do not wait for a download.
    """
    is_held = False
    for item in inbox:
        if isinstance(item.command, Prompt):
            is_held = is_held or not is_settled(item.command)
            if is_held:
                continue
        yield item


def _peer(address: str) -> tuple[int, int]:
    """(pid, uid) of ``localhost:uid:gid:pid``, as libzmq tells an ipc peer's; zeros for anything else."""
    parts = address.split(":")
    if len(parts) != 4 or not all(part.isdigit() for part in parts[1:]):
        return 0, -1
    return int(parts[3]), int(parts[1])
