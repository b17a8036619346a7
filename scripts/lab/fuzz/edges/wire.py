"""The socket between a worker and the supervisor: each line of an input comes at either end."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any, get_args

import msgspec

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.errors import RemoteError
from lab.fuzz.edge import Edge, hold, nothing_logged_with_a_traceback
from lab.fuzz.stage import GENERATION, Stage, stage
from lab.fuzz.values import one_of
from supervisor.sessions.starts_table import StartRow
from supervisor.workers import endpoint as meanings
from supervisor.workers.sockets import Heard
from worker.history import History
from worker.log import Acked, EventLog
from worker.orders import Child, moves_of
from worker.uplink import Uplink

SESSION = "5c0ffee5-0000-4000-8000-000000000001"
EVENTS, COMMANDS = get_args(e.AnyEvent), get_args(c.AnyCommand)


class Wire(Edge):
    name = "wire"
    clean = "RemoteError of decode_up and decode_down (the connection ends, or the message is passed over)"

    def made(self, random: Random) -> bytes:
        lines, seq = [wire.encode(wire.Hello(SESSION, 1, GENERATION, 1, 9, 5, newest=1))], 0
        for _ in range(random.randint(1, 5)):
            kind = random.choice(
                (wire.Records, wire.Records, wire.Delta, wire.Hello, wire.Welcome, wire.Ack, wire.Order)
            )
            given: dict[str, Any] = {"session_id": SESSION, "generation": GENERATION}
            if kind is wire.Records:
                events = [one_of(random, EVENTS) for _ in range(random.randint(0, 4))]
                given["records"] = tuple(
                    e.Record(GENERATION, seq + n, 1.0, event)
                    for n, event in enumerate(events, random.choice((1, 1, 1, 0, 3)))
                )
                seq += len(events)
            if kind is wire.Order:
                given["command"] = one_of(random, COMMANDS)
            names = {field.name for field in msgspec.structs.fields(kind)}
            lines.append(wire.encode(one_of(random, (kind,), **{k: v for k, v in given.items() if k in names})))
        return b"\n".join(lines)

    def feed(self, data: bytes, folder: Path) -> None:
        messages = data.split(b"\n")
        with stage(folder) as on, nothing_logged_with_a_traceback():
            _up(on, messages)
        asyncio.run(_down(folder, messages))


def _up(on: Stage, messages: list[bytes]) -> None:
    """As the supervisor's downlink takes them; then all of them once more, as after a reconnection."""
    session_id = on.session.session_id
    told = [one.replace(SESSION.encode(), session_id.encode()) for one in messages]
    place = meanings.Endpoint(StartRow(session_id, "0" * 8, "k", 1.0))
    place.welcomed = True
    for data in told:
        match meanings.meaning(place, Heard(session_id, data), 0.0):
            case meanings.Greeting(hello, protocol):
                place.welcome(on.manager.reports.hello(session_id, hello, protocol).applied, hello.last)
            case meanings.Report(records):
                _reported(on, records)
            case meanings.Live(delta):
                on.manager.reports.live.hear(session_id, delta)
            case _:
                pass
        on.manager.reports.live.render(session_id)


def _reported(on: Stage, records: tuple[e.Record, ...]) -> None:
    session = on.session
    before = session.generation, session.applied
    applied = on.manager.reports.record(session.session_id, records)
    if session.generation == before[0]:
        hold(session.applied >= before[1], "what was folded is folded no more")
    if applied is not None and len({one.generation for one in records}) < 2:
        after = msgspec.json.encode(session)
        hold(
            on.manager.reports.record(session.session_id, records) == applied, "a repetition is answered in another way"
        )
        hold(msgspec.json.encode(session) == after, "a record was folded twice")


async def _down(folder: Path, messages: list[bytes]) -> None:
    """As a worker takes them."""
    log = EventLog(folder / "worker.jsonl", lambda: 1.0)
    history = History()
    try:
        history.apply(log.append(e.SessionCreated(SESSION, 1000, 7, 222, "/srv", 111)))

        def obey(command: c.AnyCommand) -> None:
            events = [move for move in moves_of(command, history, Child()) if isinstance(move, e.Event)]
            for event in events:
                history.apply(log.append(event))
            again = moves_of(command, history, Child())
            hold(not (events and any(isinstance(move, e.PromptAccepted) for move in again)), "a prompt is taken twice")

        acked = Acked(folder / "acked", log.generation)
        uplink = Uplink(SESSION, log, acked, 1, _Nowhere(), obey, log.skip_to)
        for data in messages:
            try:
                uplink._take(wire.decode_down(data.replace(GENERATION.encode(), log.generation.encode())))
            except RemoteError:
                continue
            hold(sum(1 for _ in log.read()) <= len(messages) * 9 + 1, "the log has more than it was given")
    finally:
        log.close()


class _Nowhere:
    """A socket that takes nothing."""

    def open(self) -> None: ...

    def close(self) -> None: ...

    async def receive(self) -> bytes:
        raise AssertionError("nobody asks")

    async def lost(self) -> None: ...

    async def offer(self, _data: bytes) -> bool:
        return False
