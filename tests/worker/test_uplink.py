"""The worker's end of the socket, with a scripted supervisor behind it; the clock jumps."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from stages.jumping_clock import jumping
from stages.scripted_worker import CREATED, GENERATION, SESSION, Acked, ScriptedLog, ScriptedSocket
from worker.uplink import (
    ACK_DEADLINE_S,
    HELLO_INTERVAL_S,
    RECORDS_A_MESSAGE,
    UNWELCOMED_DEADLINE_S,
    Uplink,
)


class Line:
    """An uplink over a log with ``count`` records."""

    def __init__(self, count: int = 3, *, is_there: bool = True) -> None:
        self.log = ScriptedLog(CREATED, *(e.Noticed(str(n)) for n in range(count - 1)))
        self.acked = Acked()
        self.socket = ScriptedSocket(is_there=is_there)
        self.heard: list[c.AnyCommand] = []
        self.uplink = Uplink(SESSION, self.log, self.acked, 10, self.socket, self.heard.append, self.log.skip_to)

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator["Line"]:
        running = asyncio.create_task(self.uplink.run())
        try:
            yield self
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            assert not self.socket.is_open

    async def until(self, holds: Callable[[], object]) -> float:
        """When it does, in seconds."""
        loop = asyncio.get_running_loop()
        while not holds():
            assert loop.time() < 100, self.socket.sent
            await asyncio.sleep(0.01)
        return loop.time()

    def note(self, text: str) -> None:
        self.log.append(e.Noticed(text))
        self.uplink.wake()

    def told(self) -> list[int]:
        return [record.seq for message in self.socket.of(wire.Records) for record in message.records]


@jumping
async def test_a_hello_is_said_again_until_somebody_answers_and_nothing_else_before() -> None:
    async with Line(is_there=False).up() as line:
        line.uplink.delta("b1", "text")
        at = await line.until(lambda: len(line.socket.sent) == 4)
        assert 2 * HELLO_INTERVAL_S <= at <= 4 * HELLO_INTERVAL_S
        assert {type(message) for message in line.socket.sent} == {wire.Hello}
        hello = line.socket.sent[0]
        assert hello == wire.Hello(SESSION, wire.OLDEST_PROTOCOL, GENERATION, 1, 3, 10, newest=wire.PROTOCOL)


@jumping
async def test_after_the_welcome_come_the_records_above_it_in_order_and_the_ack_is_kept() -> None:
    line = Line(5)
    line.socket.applied = 2
    async with line.up():
        await line.until(lambda: line.acked.seq == 5)
        line.note("live")
        await line.until(lambda: line.acked.seq == 6)
        assert line.told() == [3, 4, 5, 6]


@jumping
async def test_a_supervisor_of_another_log_gets_the_whole_of_this_one() -> None:
    line = Line(5)
    line.socket.generation, line.socket.applied = "b" * 16, 4
    async with line.up():
        await line.until(lambda: line.acked.seq == 5)
        assert line.told() == [1, 2, 3, 4, 5]


@jumping
async def test_many_records_come_in_several_messages() -> None:
    async with Line(2 * RECORDS_A_MESSAGE + 1).up() as line:
        await line.until(lambda: line.acked.seq == line.log.last)
        assert [len(message.records) for message in line.socket.of(wire.Records)] == [
            RECORDS_A_MESSAGE,
            RECORDS_A_MESSAGE,
            1,
        ]


@jumping
async def test_a_lost_connection_ends_the_welcome_and_the_next_one_goes_on_where_that_supervisor_is() -> None:
    async with Line(3).up() as line:
        await line.until(lambda: line.acked.seq == 3)
        line.socket.go()
        line.note("alone")
        await line.until(lambda: len(line.socket.of(wire.Hello)) > 1)
        assert line.told() == [1, 2, 3]
        line.socket.is_there, line.socket.applied = True, 1
        await line.until(lambda: line.socket.applied == 4)
        assert line.told() == [1, 2, 3, 2, 3, 4]
        assert line.socket.of(wire.Hello)[-1].acked == 3, "also of what an older database does not know"


@jumping
async def test_records_that_are_not_acknowledged_in_time_bring_another_hello() -> None:
    line = Line(3)
    async with line.up():
        await line.until(lambda: line.acked.seq == 3)
        line.socket.is_there = False
        began = asyncio.get_running_loop().time()
        hellos = len(line.socket.of(wire.Hello))
        line.note("into the void")
        at = await line.until(lambda: len(line.socket.of(wire.Hello)) > hellos)
        assert ACK_DEADLINE_S <= at - began <= 2 * ACK_DEADLINE_S + 1


@jumping
async def test_what_the_socket_does_not_take_is_sent_when_it_does() -> None:
    async with Line(2).up() as line:
        await line.until(lambda: line.acked.seq == 2)
        line.socket.takes = False
        line.note("later")
        await asyncio.sleep(1)
        assert line.told() == [1, 2]
        line.socket.takes = True
        await line.until(lambda: line.acked.seq == 3)
        assert line.told() == [1, 2, 3]


@jumping
async def test_a_supervisor_that_knows_more_than_the_log_makes_a_gap_in_it() -> None:
    line = Line(3)
    line.socket.applied = 50
    async with line.up():
        await line.until(lambda: line.acked.seq == 51)
        assert line.log.events(e.LogGap) == [e.LogGap(50)] and line.told() == [51]


@jumping
async def test_deltas_gather_follow_the_records_and_begin_anew_for_the_next_supervisor() -> None:
    async with Line(2).up() as line:
        await line.until(lambda: line.acked.seq == 2)
        for part in ("Hel", "lo"):
            line.uplink.delta("b1", part)
        await line.until(lambda: line.socket.of(wire.Delta))
        line.uplink.delta("b1", " there")
        await line.until(lambda: len(line.socket.of(wire.Delta)) == 2)
        assert [(delta.offset, delta.text) for delta in line.socket.of(wire.Delta)] == [(0, "Hello"), (5, " there")]
        line.socket.go()
        await line.until(lambda: len(line.socket.of(wire.Hello)) > 1)
        line.socket.is_there = True
        await line.until(lambda: len(line.socket.of(wire.Delta)) == 3)
        assert line.socket.of(wire.Delta)[-1] == wire.Delta(SESSION, "b1", 0, "Hello there")
        line.uplink.forget("b1")
        line.note("the block is closed")
        await line.until(lambda: line.acked.seq == 3)
        assert len(line.socket.of(wire.Delta)) == 3


@jumping
async def test_orders_are_handed_on_and_what_is_not_for_this_session_or_no_message_is_not() -> None:
    async with Line().up() as line:
        line.socket.say(b'{"type":"FromTheFuture"}')
        line.socket.say(b"\xff")
        line.socket.say(wire.Order("another session", c.Interrupt("c1")))
        line.socket.order(c.Interrupt("c2"))
        await line.until(lambda: line.heard)
        assert line.heard == [c.Interrupt("c2")]


@jumping
async def test_a_welcome_in_a_protocol_that_we_do_not_speak_is_none() -> None:
    async with Line(is_there=False).up() as line:
        line.socket.say(wire.Welcome(SESSION, wire.PROTOCOL + 1, GENERATION, 0))
        await line.until(lambda: len(line.socket.sent) == 4)
        assert line.told() == []


@pytest.mark.parametrize(("is_there", "deadline_s"), [(False, UNWELCOMED_DEADLINE_S), (True, 5.0)])
def test_a_farewell_waits_for_whoever_answers_and_not_long_for_nobody(is_there: bool, deadline_s: float) -> None:
    @jumping
    async def play() -> None:
        async with Line(3).up() as line:
            if is_there:
                await line.until(lambda: line.acked.seq == 3)
                assert await line.uplink.drained(5.0)
                assert await line.uplink.welcomed()
            line.socket.is_there = False
            line.socket.takes = is_there
            line.log.append(e.Noticed("the last word"))
            began = asyncio.get_running_loop().time()
            assert not await line.uplink.drained(5.0)
            assert asyncio.get_running_loop().time() - began == pytest.approx(deadline_s)

    play()


@jumping
async def test_nobody_who_answers_is_waited_for_a_moment_only() -> None:
    async with Line(is_there=False).up() as line:
        assert not await line.uplink.welcomed()
        assert asyncio.get_running_loop().time() == pytest.approx(UNWELCOMED_DEADLINE_S)
