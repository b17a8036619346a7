"""A worker whose log, socket and child are scripted, under a clock that jumps: no process, no file but the session's
folder. ``journal`` has what the outside saw, in its order: records and lines to the child.
"""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.errors import first_of
from bridge.protocol.layout import Layout
from bridge.protocol.start import WorkerStart
from worker.child import Record, Started
from worker.child_view import NO_WALLS
from worker.claude import Dropped
from worker.history import History
from worker.log import LogWriteError
from worker.main import Worker
from worker.stream import Stream
from worker.unasked import Unasked

SESSION = "5c0ffee5-0000-4000-8000-000000000001"
CLAUDE = "11111111-2222-4333-8444-555555555555"
CREATED = e.SessionCreated(SESSION, 1, 2, 3, "/srv/app", 4)
STARTED = e.WorkerStarted(10, contained=True, containment="scripted")
GENERATION = "a" * 16
LONGEST_WAIT_S = 300.0
READY: dict[str, object] = {"account": {"tokenSource": "login"}, "current_permission_mode": "default"}


class ScriptedLog:
    """In memory. ``is_full``: it takes no more."""

    def __init__(self, *events: e.AnyEvent) -> None:
        self.generation = GENERATION
        self.first, self.last = 1, 0
        self.records: list[e.Record] = []
        self.is_full = False
        for event in events:
            self.append(event)

    def append(self, event: e.AnyEvent) -> e.Record:
        if self.is_full:
            raise LogWriteError(errno.ENOSPC, "No space left on device", "log")
        record = e.Record(self.generation, self.last + 1, 1000.0 + self.last, event)
        self.records.append(record)
        self.last = record.seq
        return record

    def skip_to(self, applied: int) -> e.Record:
        self.last = applied
        return self.append(e.LogGap(applied))

    def read(self, after: int = 0, limit: int | None = None, most_bytes: int | None = None) -> Iterator[e.Record]:
        return iter([record for record in self.records if record.seq > after][:limit])

    def events(self, kind: type[e.Event] = e.Event) -> list[Any]:
        return [record.event for record in self.records if isinstance(record.event, kind)]


class Acked:
    seq = 0

    def raise_to(self, seq: int) -> None:
        self.seq = max(self.seq, seq)


class ScriptedSocket:
    """``sent``: what the worker sent. A supervisor that ``is_there`` welcomes each hello and acknowledges records."""

    def __init__(self, *, is_there: bool = True) -> None:
        self.is_there = self.is_connected = is_there
        self.takes = True
        self.applied = 0
        self.generation = GENERATION
        self.sent: list[wire.Up] = []
        self.is_open = False
        self._down: asyncio.Queue[bytes] = asyncio.Queue()
        self._losses: asyncio.Queue[None] = asyncio.Queue()

    def open(self) -> None:
        self.is_open = True

    def close(self) -> None:
        self.is_open = False

    async def receive(self) -> bytes:
        return await self._down.get()

    async def lost(self) -> None:
        await self._losses.get()

    async def offer(self, data: bytes) -> bool:
        if not self.takes:
            return False
        message = wire.decode_up(data)
        self.sent.append(message)
        if self.is_there:
            self._answer(message)
        return True

    def _answer(self, message: wire.Up) -> None:
        match message:
            case wire.Hello():
                self.say(wire.Welcome(SESSION, wire.PROTOCOL, self.generation, self.applied))
            case wire.Records():
                self.applied = message.records[-1].seq
                self.say(wire.Ack(SESSION, self.applied))
            case _:
                pass

    def say(self, message: wire.Down | bytes) -> None:
        self._down.put_nowait(message if isinstance(message, bytes) else wire.encode(message))

    def order(self, command: c.AnyCommand) -> None:
        self.say(wire.Order(SESSION, command))

    def go(self) -> None:
        """The supervisor ends: its connection with it."""
        self.is_there = False
        self._losses.put_nowait(None)

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self.sent if isinstance(message, kind)]


class ScriptedChild:
    """``answers``: what it answers to which of our requests, at once; others it leaves open. ``ends``: what was done to
    end it, and when.
    """

    pid = 11

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, object]] = {"initialize": READY}
        self.exits_on: dict[str, int] = {"end_session": 0, "SIGTERM": -15, "SIGKILL": -9}
        self.journal: list[object] = []
        self.written: list[dict[str, Any]] = []
        self.ends: list[tuple[str, float]] = []
        self.stderr_tail = ""
        self.is_deaf: Exception | None = None
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._code: int | None = None
        self._gone = asyncio.Event()

    # --- what the worker does ------------------------------------------------------------------------

    async def lines(self) -> AsyncIterator[list[bytes | Dropped]]:
        while (line := await self._lines.get()) is not None:
            yield [line]

    async def drain_stderr(self) -> None:
        return

    async def write(self, line: bytes) -> None:
        if self.is_deaf:
            raise self.is_deaf
        told = msgspec.json.decode(line)
        self.written.append(told)
        self.journal.append(told["type"])
        if told["type"] != "control_request":
            return
        subtype = told["request"]["subtype"]
        if subtype in ("interrupt", "end_session"):
            self._note(subtype)
        if subtype in self.answers:
            self.answer(told["request_id"], self.answers[subtype])

    async def exited(self, deadline_s: float | None = None) -> int | None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._gone.wait(), deadline_s)
        return self._code

    def kill_now(self) -> None:
        self._note("SIGKILL")

    async def kill(self) -> int:
        self._note("SIGTERM")
        return self._code if self._code is not None else -9

    async def end_rest(self) -> None:
        self._note("the rest")

    def close(self) -> None:
        self._note("closed")

    # --- what the test does --------------------------------------------------------------------------

    def says(self, **frame: object) -> None:
        self._lines.put_nowait(msgspec.json.encode(frame))

    def answer(self, request_id: str, response: dict[str, object]) -> None:
        inner = {"subtype": "success", "request_id": request_id, "response": response}
        self.says(type="control_response", response=inner)

    def takes_up(self, uuid: str) -> None:
        self.says(type="command_lifecycle", command_uuid=uuid, state="started")

    def finishes(self, uuid: str) -> None:
        self.says(type="result", subtype="success", result="done", num_turns=1, user_message_uuids=[uuid])
        self.says(type="command_lifecycle", command_uuid=uuid, state="completed")

    def exit(self, code: int) -> None:
        if self._code is None:
            self._code = code
            self._gone.set()
            self._lines.put_nowait(None)

    def prompts(self) -> list[str]:
        return [told["message"]["content"] for told in self.written if told["type"] == "user"]

    def uuids(self) -> list[str]:
        return [told["uuid"] for told in self.written if told["type"] == "user"]

    def _note(self, what: str) -> None:
        self.ends.append((what, round(asyncio.get_running_loop().time(), 1)))
        if what in self.exits_on:
            self.exit(self.exits_on[what])


class _Unlimited:
    """Holds the child to nothing."""

    async def run(self, tell: Callable[[str], object], end: Callable[[str], Awaitable[None]]) -> None:
        return

    def why_it_died(self) -> str:
        return ""


class WorkerStage:
    """One worker over ``log``, which may be that of an earlier one."""

    def __init__(self, folder: Path, log: ScriptedLog | None = None, *, wake: bool = True) -> None:
        self.log = log or ScriptedLog(CREATED)
        self.child = ScriptedChild()
        self.socket = ScriptedSocket()
        self.acked = Acked()
        self.refusal: Exception | None = None
        self.signal: Callable[[], object] = lambda: None
        self.cleared: list[bool] = []
        self.start = worker_start(folder, wake=wake)
        self.paths = Layout(folder).session(SESSION)

    @contextlib.asynccontextmanager
    async def playing(self) -> AsyncIterator["WorkerStage"]:
        """A worker that still runs at the end of the test is cancelled."""
        append = self.log.append

        def journaled(event: e.AnyEvent) -> e.Record:
            record = append(event)
            self.child.journal.append(type(event))
            return record

        self.log.append = journaled  # type: ignore[method-assign]
        worker = Worker(self.start, self.log, self.acked, self.socket, self._starting, self._on_signal)
        self.run = asyncio.create_task(worker.run())
        try:
            yield self
        finally:
            self.run.cancel()
            with contextlib.suppress(asyncio.CancelledError, BaseExceptionGroup):
                await self.run
            self.log.append = append  # type: ignore[method-assign]

    async def _starting(self, history: History, record: Record) -> Started:
        if self.refusal:
            raise self.refusal
        record(STARTED)

        async def clear(whole: bool) -> None:
            self.cleared.append(whole)

        stream = Stream(self.child.pid, claude_id=CLAUDE, resuming=False, permission_mode="default")
        return Started(self.child, stream, NO_WALLS, None, Unasked(""), _Unlimited(), None, clear)

    def _on_signal(self, obey: Callable[[], object]) -> None:
        self.signal = obey

    async def until(self, holds: Callable[[], object]) -> None:
        """The clock jumps on until it does."""
        end = asyncio.get_running_loop().time() + LONGEST_WAIT_S
        while not holds():
            if self.run.done() and self.run.exception():
                self.run.result()
            assert asyncio.get_running_loop().time() < end, f"in vain; the log has {self.log.events()}"
            await asyncio.sleep(0.01)

    async def ready(self) -> None:
        await self.until(lambda: self.log.events(e.ChildOffered))

    async def prompt(self, prompt_id: int, text: str = "hello") -> str:
        """Its uuid, once Claude has it."""
        self.socket.order(c.Prompt(prompt_id, text, 42, "ada", is_message=True))
        before = len(self.child.uuids())
        await self.until(lambda: len(self.child.uuids()) > before)
        return self.child.uuids()[-1]

    async def turn(self, prompt_id: int) -> str:
        """A turn that runs: the prompt's uuid."""
        uuid = await self.prompt(prompt_id)
        self.child.takes_up(uuid)
        await self.until(lambda: self.log.events(e.PromptTaken))
        return uuid

    async def failed(self) -> LogWriteError:
        """The worker's end, when its log took no more."""
        await asyncio.wait([self.run])
        failed = self.run.exception()
        failed = first_of(failed) if isinstance(failed, BaseExceptionGroup) else failed
        assert isinstance(failed, LogWriteError)
        return failed

    async def over(self) -> e.ChildExited:
        """The worker's end: how its child ended."""
        await self.until(self.run.done)
        exited = self.log.events()[-1]
        assert isinstance(exited, e.ChildExited)
        return exited


def worker_start(folder: Path, *, wake: bool) -> WorkerStart:
    return WorkerStart(
        created=CREATED,
        start="0" * 8,
        state_directory=str(folder),
        endpoint="",
        server_key="",
        public_key="",
        secret_key="",
        command=("claude",),
        environment={"CLAUDE_CONFIG_DIR": str(folder / "claude")},
        permission_mode="default",
        model="",
        bypass_permissions=False,
        containment="none",
        protected_paths=(),
        generation="",
        applied=0,
        wake=wake,
    )
