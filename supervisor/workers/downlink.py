"""The connections to the workers: who may speak on them, what becomes of what they say, and what they get.

Each start of a worker has a connection of its own, closed before the next key is admitted (``sockets``). Who may open
it is ``admission``'s, what a message means and what goes out now is ``endpoint``'s; here it is done. A message that
names another session is refused, counted, and ends the connection. A worker whose versions of the protocol we do not
speak is refused too, in words: an older one can only be replaced, a newer one works on and is heard by the supervisor
that is as new as it is (``stranger``).

A wish wakes us as it wakes the processes: what is for a worker that runs waits for nobody's start. A full disk costs
time and nothing else, and what is wrong with one session stays with it.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from contextlib import suppress

import msgspec

from bridge.protocol import wire
from bridge.protocol.layout import Layout
from bridge.render.posts import Post
from supervisor import descriptors
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.starts_table import StartRow
from supervisor.sessions.store_health import StoreError
from supervisor.workers import endpoint as meanings
from supervisor.workers.admission import objection
from supervisor.workers.endpoint import RESEND_INTERVAL_S, Endpoint, Stranger, due, meaning
from supervisor.workers.sockets import EndpointError, Heard, Sockets, WorkerSocket

RETRY_S = 0.5
"""After the store could not tell what is to be delivered."""

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


class NoRoomError(EndpointError):
    """One session more would take the last descriptors."""


class Connection(msgspec.Struct):
    """An endpoint that is open (one of a stranger is closed, and keeps its place)."""

    endpoint: Endpoint
    socket: WorkerSocket
    receiving: asyncio.Task[None] | None = None


class Downlink:
    """All connections. ``run`` must be running for anything to be received.

    ``holder`` tells the pid that has a session's lock, 0 for nobody.
    """

    def __init__(self, manager: SessionManager, layout: Layout, sockets: Sockets, holder: Callable[[str], int]) -> None:
        self._manager = manager
        self._layout = layout
        self._sockets = sockets
        self._holder = holder
        self._connections: dict[str, Connection] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._wished: set[str] = set()
        self._wake = asyncio.Event()
        self.refused = 0
        """Messages and handshakes that were refused since the start."""
        manager.changes.hear_wishes(self.wake)

    @property
    def public_key(self) -> str:
        return self._sockets.public_key

    def wake(self, session_id: str) -> None:
        """Something was wished for; what of it is for a worker that runs goes soon."""
        self._wished.add(session_id)
        self._wake.set()

    async def run(self, serve: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run ``serve`` while the endpoints live."""
        self._sockets.open()
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                loops = (self._authenticate, self._resend, self._deliver_wished)
                background = [tasks.create_task(run()) for run in loops]
                await serve()
                for task in [*background, *(c.receiving for c in self._connections.values() if c.receiving)]:
                    task.cancel()
        finally:
            self._tasks = None
            for session_id in list(self._connections):
                self._connections[session_id].socket.close()
            self._sockets.close()

    # --- endpoints -----------------------------------------------------------------------------------

    def open(self, start: StartRow) -> str:
        """The endpoint of a start, bound before the worker is spawned (or while it waits for us).

        Raises EndpointError when it cannot be bound.
        """
        self.close(start.session_id)
        assert self._tasks, "the downlink is not running"
        if not descriptors.has_room(len(self._connections)):
            raise NoRoomError(
                f"{len(self._connections)} sessions run, and this process may not open more files for another one;"
                " it starts when one of them ends or sleeps (more at once: raise the service's LimitNOFILE)"
            )
        path = self._layout.socket(start.session_id, start.start)
        connection = Connection(Endpoint(start), self._sockets.bind(start.session_id, path))
        self._connections[start.session_id] = connection
        connection.receiving = self._tasks.create_task(self._receive(connection))
        return f"ipc://{path}"

    def close(self, session_id: str) -> None:
        connection = self._connections.pop(session_id, None)
        if connection is None:
            return
        if connection.receiving:
            connection.receiving.cancel()
        connection.socket.close()

    def _endpoint(self, session_id: str) -> Endpoint | None:
        connection = self._connections.get(session_id)
        return connection.endpoint if connection else None

    def is_open(self, session_id: str, start: str) -> bool:
        endpoint = self._endpoint(session_id)
        return endpoint is not None and endpoint.start.start == start

    def has_heard(self, session_id: str) -> bool:
        """Whether the session's worker has spoken on its endpoint since that was opened."""
        endpoint = self._endpoint(session_id)
        return endpoint is not None and endpoint.heard

    def stranger(self, session_id: str) -> Stranger:
        """Whether the session's worker was refused because of its version, and which of us is the older."""
        endpoint = self._endpoint(session_id)
        return endpoint.stranger if endpoint else ""

    def is_stuck(self, session_id: str) -> bool:
        """Whether the session's worker says hello again and again, and what it has to tell never arrives."""
        endpoint = self._endpoint(session_id)
        return endpoint is not None and endpoint.is_stuck

    # --- who may speak -------------------------------------------------------------------------------

    async def _authenticate(self) -> None:
        while True:
            knock = await self._sockets.knock()
            endpoint = self._endpoint(knock.session_id)
            try:
                key, holder = (endpoint.start.public_key, self._holder(knock.session_id)) if endpoint else ("", 0)
                why = objection(knock, key, holder, os.getuid())
            except OSError as error:
                why = f"it could not be checked ({error.strerror})"
            if why:
                self.refused += 1
                log.warning("refused a connection for session %s: %s", knock.session_id, why)
            await self._sockets.answer(knock, why)

    # --- in ------------------------------------------------------------------------------------------

    async def _receive(self, connection: Connection) -> None:
        """Until the endpoint is closed: by us, or because of what was said on it."""
        while not connection.socket.closed:
            await self._take(connection, await connection.socket.receive())

    async def _take(self, connection: Connection, heard: Heard) -> None:
        """What goes wrong with one session, or with the store, ends neither us nor the others."""
        endpoint, now = connection.endpoint, asyncio.get_running_loop().time()
        said = meaning(endpoint, heard, now)
        if isinstance(said, meanings.Forged):
            self._refuse(connection, said.why)
            return
        endpoint.heard = True
        if isinstance(said, meanings.Nothing):
            return
        try:
            await self._act_on(connection, said)
        except StoreError as error:
            endpoint.turn_deaf(str(error), now)
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            if what != endpoint.complaint:
                log.exception("session %s: a %s could not be worked on", endpoint.start.session_id, type(said).__name__)
            endpoint.turn_deaf(what, now)
        else:
            endpoint.complaint = ""

    async def _act_on(self, connection: Connection, said: meanings.Meaning) -> None:
        endpoint, session_id = connection.endpoint, connection.endpoint.start.session_id
        match said:
            case meanings.Foreign():
                self._refuse_stranger(connection, said)
            case meanings.Greeting(hello, protocol):
                welcome = self._manager.reports.hello(session_id, hello, protocol)
                endpoint.welcome(welcome.applied, hello.last)
                await connection.socket.send(wire.encode(welcome))
                await self.deliver(session_id)
            case meanings.Report(records):
                applied = self._manager.reports.record(session_id, records)
                if applied is None:
                    endpoint.welcomed = False  # a hole: the next hello tells the worker where to go on
                else:
                    await connection.socket.send(wire.encode(wire.Ack(session_id, applied)))
            case meanings.Live(delta):
                self._manager.reports.live.hear(session_id, delta)
            case _:
                pass

    def _refuse(self, connection: Connection, why: str) -> None:
        session_id = connection.endpoint.start.session_id
        self.refused += 1
        log.error("session %s: closed its connection: %s", session_id, why)
        self._connections.pop(session_id, None)
        connection.socket.close()

    def _refuse_stranger(self, connection: Connection, said: meanings.Foreign) -> None:
        """Its socket is closed, its place stays taken: nobody opens it again for the same worker."""
        self.refused += 1
        endpoint = connection.endpoint
        endpoint.stranger = said.stranger
        log.error(
            "session %s: its worker is of %s version (it speaks the protocols %d to %d, we speak %d to %d)",
            endpoint.start.session_id,
            {"newer": "a newer", "older": "an older"}[said.stranger],
            said.oldest,
            said.newest,
            wire.OLDEST_PROTOCOL,
            wire.PROTOCOL,
        )
        self._manager.show(endpoint.start.session_id, f"stranger:{endpoint.start.start}", _STRANGERS[said.stranger])
        connection.socket.close()

    # --- out -----------------------------------------------------------------------------------------

    async def deliver(self, session_id: str) -> None:
        """Send what waits in the session's inbox and was not sent a moment ago, in order. Raises StoreError."""
        connection = self._connections.get(session_id)
        if connection is None or not connection.endpoint.welcomed:
            return
        sent, now = connection.endpoint.sent, asyncio.get_running_loop().time()
        for item in due(connection.endpoint, self._manager.inbox(session_id), now):
            if not await connection.socket.send(wire.encode(wire.Order(session_id, item.command))):
                return  # it is sent again after the next hello
            sent[item.id] = now

    async def _deliver_wished(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            wished, self._wished = self._wished, set()
            for session_id in wished:
                try:
                    await self.deliver(session_id)
                except StoreError:
                    self._wished.add(session_id)
            if self._wished:
                await asyncio.sleep(RETRY_S)
                self._wake.set()

    async def _resend(self) -> None:
        while True:
            await asyncio.sleep(RESEND_INTERVAL_S)
            with suppress(StoreError):
                for session_id in list(self._connections):
                    await self.deliver(session_id)
