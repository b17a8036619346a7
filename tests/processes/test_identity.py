"""Who may speak for a session: each attack is tried on the real sockets, and refused.

Every attack has a control: the same peer with the one thing right that the attack has wrong is welcomed.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.start import EXIT_LOCKED, WorkerStart, encode_start
from bridge.session.managed import ManagedSession
from stages.backstage import ADA, Backstage, backstage, folder_of_a_stage
from stages.support import ROOT, awaited, scripted_claude, until
from supervisor.assembly import session_manager
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.starts_table import StartRow
from supervisor.sessions.store import Store
from supervisor.workers.curve import CurveKeys, new_keys, server_keys
from supervisor.workers.downlink import Downlink
from supervisor.workers.endpoint import HELLOS_WITHOUT_PROGRESS
from supervisor.workers.sockets import ZmqSockets

REFUSAL_WAIT_S = 1.0
"""How long a refused peer is given to be welcomed all the same; a welcome takes some 20 ms."""


class Stage:
    """A store, a manager and a downlink without any worker; the test's own peers take their place."""

    def __init__(self, back: Backstage, manager: SessionManager, downlink: Downlink) -> None:
        self.back = back
        self.manager = manager
        self.downlink = downlink
        self._peers: list[asyncio.subprocess.Process] = []

    def session(self) -> ManagedSession:
        session = self.back.session("")
        self.back.layout.session(session.session_id).folder.mkdir(parents=True)
        return session

    def start(self, session: ManagedSession, keys: CurveKeys, name: str = "0badcafe") -> str:
        row = StartRow(session.session_id, name, keys.public, 0.0)
        self.manager.starting(row)
        return self.downlink.open(row)

    async def peer(self, endpoint: str, keys: CurveKeys | None, lock: Path | None, *messages: wire.Up) -> "Peer":
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(ROOT / "tests/stages/peer.py")),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self._peers.append(process)
        peer = Peer(process)
        peer.write(
            json.dumps(
                {
                    "endpoint": endpoint,
                    "public": keys.public if keys else "",
                    "secret": keys.secret if keys else "",
                    "server": self.downlink.public_key,
                    "lock": str(lock or ""),
                    "messages": [wire.encode(message).decode() for message in messages],
                }
            )
        )
        if lock:
            assert await peer.hears() == "locked"
        return peer

    def lock(self, session: ManagedSession) -> Path:
        return self.back.layout.session(session.session_id).lock

    async def end(self) -> None:
        for process in self._peers:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


class Peer:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def write(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line.encode() + b"\n")

    def says(self, message: wire.Up) -> None:
        self.write(wire.encode(message).decode())

    async def hears(self, deadline_s: float = 10.0) -> str:
        """The next line; empty when there was none within the deadline."""
        assert self._process.stdout
        try:
            return (await asyncio.wait_for(self._process.stdout.readline(), deadline_s)).decode().strip()
        except TimeoutError:
            return ""

    async def is_welcomed(self, deadline_s: float = 10.0) -> bool:
        return '"Welcome"' in await self.hears(deadline_s)


@contextlib.asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    async with folder_of_a_stage() as back:
        back.store = Store(back.layout.database)
        back.manager = session_manager(back.store)
        downlink = Downlink(back.manager, back.layout, ZmqSockets(server_keys(back.store)), back.holder)
        done, ready = asyncio.Event(), asyncio.Event()

        async def serve() -> None:
            ready.set()
            await done.wait()

        running = asyncio.create_task(downlink.run(serve))
        await ready.wait()
        it = Stage(back, back.manager, downlink)
        try:
            yield it
        finally:
            await it.end()
            done.set()
            await running
            back.store.close()


def hello(session: ManagedSession) -> wire.Hello:
    return wire.Hello(session.session_id, wire.PROTOCOL, "0123456789abcdef", 1, 1, 1)


def records(session_id: str, session: ManagedSession, text: str = "forged") -> wire.Records:
    created = e.SessionCreated(session_id, session.thread_id, 1, 2, "/", 3)
    forged = e.TextWritten("block", text)
    generation = "0123456789abcdef"
    return wire.Records(session_id, (e.Record(generation, 1, 1.0, created), e.Record(generation, 2, 1.0, forged)))


@awaited
async def test_the_holder_of_the_lock_with_the_right_key_is_welcomed() -> None:
    async with stage() as it:
        session, keys = it.session(), new_keys()
        peer = await it.peer(it.start(session, keys), keys, it.lock(session), hello(session))
        assert await peer.is_welcomed()
        peer.says(records(session.session_id, session))
        assert '"Ack"' in await peer.hears()
        assert it.downlink.refused == 0


@awaited
async def test_an_unknown_key_is_refused() -> None:
    async with stage() as it:
        session = it.session()
        peer = await it.peer(it.start(session, new_keys()), new_keys(), it.lock(session), hello(session))
        await until(lambda: it.downlink.refused, "the refusal")
        assert not await peer.is_welcomed(REFUSAL_WAIT_S)


@awaited
async def test_a_peer_without_any_key_is_not_heard() -> None:
    async with stage() as it:
        session = it.session()
        peer = await it.peer(it.start(session, new_keys()), None, it.lock(session), hello(session))
        assert not await peer.is_welcomed(REFUSAL_WAIT_S)
        assert it.manager.row(session.session_id).attached == 0


@awaited
async def test_a_stolen_key_is_refused_from_another_process() -> None:
    async with stage() as it:
        session, keys = it.session(), new_keys()
        endpoint = it.start(session, keys)
        owner = await it.peer(endpoint, keys, it.lock(session), hello(session))
        assert await owner.is_welcomed()
        thief = await it.peer(endpoint, keys, None, hello(session))
        await until(lambda: it.downlink.refused, "the refusal")
        assert not await thief.is_welcomed(REFUSAL_WAIT_S)


@awaited
async def test_the_key_of_one_session_opens_no_other() -> None:
    async with stage() as it:
        mine, other, keys = it.session(), it.session(), new_keys()
        it.start(mine, keys)
        endpoint = it.start(other, new_keys())
        peer = await it.peer(endpoint, keys, it.lock(mine), hello(other))
        await until(lambda: it.downlink.refused, "the refusal")
        assert not await peer.is_welcomed(REFUSAL_WAIT_S)


@awaited
async def test_a_worker_that_claims_another_session_is_refused_counted_and_cut_off() -> None:
    async with stage() as it:
        mine, other, keys = it.session(), it.session(), new_keys()
        peer = await it.peer(it.start(mine, keys), keys, it.lock(mine), hello(mine))
        assert await peer.is_welcomed()
        peer.says(records(other.session_id, other))
        await until(lambda: it.downlink.refused == 1, "the refusal")
        peer.says(records(mine.session_id, mine))
        assert await peer.hears(REFUSAL_WAIT_S) == "", "the connection must be closed"
        for session in (mine, other):
            assert it.back.live(session).applied == 0
            assert it.back.posts(session) == []


@awaited
async def test_the_old_connection_is_dead_once_the_next_start_is_admitted() -> None:
    async with stage() as it:
        session, old_keys, keys = it.session(), new_keys(), new_keys()
        old = await it.peer(it.start(session, old_keys), old_keys, it.lock(session), hello(session))
        assert await old.is_welcomed()
        it.start(session, keys, "0badbeef")
        old.says(records(session.session_id, session))
        assert await old.hears(REFUSAL_WAIT_S) == ""
        assert it.back.live(session).applied == 0


@awaited
async def test_bytes_that_are_no_message_end_the_connection_and_nothing_else() -> None:
    async with stage() as it:
        session, other, keys, other_keys = it.session(), it.session(), new_keys(), new_keys()
        peer = await it.peer(it.start(session, keys), keys, it.lock(session), hello(session))
        assert await peer.is_welcomed()
        peer.write('{"type":"Records","session_id":7}')
        await until(lambda: it.downlink.refused == 1, "the refusal")
        neighbour = await it.peer(it.start(other, other_keys), other_keys, it.lock(other), hello(other))
        assert await neighbour.is_welcomed()


@pytest.mark.parametrize(("protocol", "age"), [(99, "newer"), (0, "older"), (-1, "older")])
@awaited
async def test_a_hello_of_a_version_that_we_do_not_speak_is_refused_in_words_and_ends_nothing(
    protocol: int, age: str
) -> None:
    async with stage() as it:
        session, other, keys, other_keys = it.session(), it.session(), new_keys(), new_keys()
        foreign = msgspec.structs.replace(hello(session), protocol=protocol)
        peer = await it.peer(it.start(session, keys), keys, it.lock(session), foreign)
        await until(lambda: it.downlink.refused, "the refusal")
        assert not await peer.is_welcomed(REFUSAL_WAIT_S)
        assert it.downlink.stranger(session.session_id) == age
        assert len(it.back.posts(session)) == 1
        neighbour = await it.peer(it.start(other, other_keys), other_keys, it.lock(other), hello(other))
        assert await neighbour.is_welcomed()


@awaited
async def test_a_worker_that_says_hello_for_ever_and_tells_nothing_counts_as_stuck() -> None:
    async with stage() as it:
        session, keys = it.session(), new_keys()
        again = msgspec.structs.replace(hello(session), last=5)
        peer = await it.peer(it.start(session, keys), keys, it.lock(session), *[again] * HELLOS_WITHOUT_PROGRESS)
        assert await peer.is_welcomed()
        assert not it.downlink.is_stuck(session.session_id)
        peer.says(again)
        await until(lambda: it.downlink.is_stuck(session.session_id), "a worker that is stuck")


@awaited
async def test_a_second_worker_of_a_session_ends_at_once() -> None:
    async with backstage() as it:
        session = it.session("run touch x")
        await it.asks(session)
        start = WorkerStart(
            created=e.SessionCreated(session.session_id, session.thread_id, 1, 2, str(it.project), 3),
            start="0badcafe",
            state_directory=str(it.layout.state),
            endpoint="ipc:///nonexistent",
            server_key="",
            public_key="",
            secret_key="",
            command=scripted_claude(),
            environment={},
            permission_mode="",
            model="",
            bypass_permissions=False,
            containment="none",
            protected_paths=(),
            generation="",
            applied=0,
            wake=True,
        )
        reading, writing = os.pipe()
        second = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "worker", "--session", session.session_id, "--start-fd", str(reading)),
            pass_fds=(reading,),
            stderr=asyncio.subprocess.DEVNULL,
        )
        os.write(writing, encode_start(start))
        os.close(writing)
        os.close(reading)
        assert await asyncio.wait_for(second.wait(), 10) == EXIT_LOCKED
        assert it.live(session).requests


@awaited
async def test_a_decision_on_another_input_than_the_shown_one_is_refused_and_the_request_stays() -> None:
    async with backstage() as it:
        session = it.session("run touch x.txt")
        request = await it.asks(session)
        forged = msgspec.structs.replace(request.decide("allowed", ADA), digest="0" * 64)
        with it.store.transaction():
            it.store.wish(session.session_id, forged, 0.0)
        it.manager.changes.wished(session.session_id)
        log = it.layout.session(session.session_id).log
        await until(lambda: b"DecisionRefused" in log.read_bytes(), "the refusal in the log")
        await until(lambda: not it.manager.inbox(session.session_id), "the refusal heard by the supervisor")
        assert it.live(session).requests
        assert not (it.project / "x.txt").exists()
        assert it.manager.decide(request, "allowed", ADA)
        await it.settles(session)
        assert (it.project / "x.txt").exists()


@awaited
async def test_a_decision_of_another_generation_decides_nothing() -> None:
    async with backstage() as it:
        session = it.session("run touch x.txt")
        request = await it.asks(session)
        decision = request.decide("allowed", ADA)
        with it.store.transaction():
            it.store.wish(session.session_id, msgspec.structs.replace(decision, generation="00000000"), 0.0)
        it.manager.changes.wished(session.session_id)
        log = it.layout.session(session.session_id).log
        await until(lambda: b"DecisionRefused" in log.read_bytes(), "the refusal in the log")
        assert it.live(session).requests


@awaited
async def test_a_module_in_the_project_is_never_imported_by_the_worker() -> None:
    async with backstage() as it:
        for name in ("msgspec.py", "zmq.py", "bridge.py", "sitecustomize.py"):
            (it.project / name).write_text(f"open({str(it.folder / 'caught')!r}, 'w')\n")
        await it.settles(it.session("say hello"))
        assert not (it.folder / "caught").exists()


@pytest.mark.parametrize("verdict", ["allowed", "denied"])
def test_the_first_decision_wins(verdict: e.Verdict) -> None:
    @awaited
    async def play() -> None:
        async with backstage() as it:
            session = it.session("run touch x.txt")
            request = await it.asks(session)
            assert it.manager.decide(request, verdict, ADA)
            assert not it.manager.decide(request, "denied" if verdict == "allowed" else "allowed", ADA)
            await it.settles(session)
            assert (it.project / "x.txt").exists() == (verdict == "allowed")

    play()


def test_a_decide_command_cannot_be_expressed_without_naming_its_request() -> None:
    required = {field.name for field in msgspec.structs.fields(c.Decide) if field.required}
    assert {"generation", "seq", "digest"} <= required
