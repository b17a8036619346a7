"""The connections to workers: what becomes of what they say, and what they get; on sockets that a test plays."""

from pathlib import Path

import pytest

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol import wire
from stages.jumping_clock import jumping
from stages.scripted_workers import Supervised, hello, passes, supervised
from supervisor import descriptors
from supervisor.sessions.store_health import StoreError
from supervisor.workers.downlink import RETRY_S, NoRoomError
from supervisor.workers.endpoint import DEAF_S, HELLOS_WITHOUT_PROGRESS, RESEND_INTERVAL_S
from supervisor.workers.sockets import Knock


def record(seq: int, event: e.AnyEvent) -> e.Record:
    return e.Record("g", seq, 0.0, event)


NOTICE = record(1, e.Noticed("hello"))


@jumping
async def test_a_hello_is_answered_by_how_far_we_are_and_by_all_that_waits_in_order(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("one")
        it.prompt(session_id, "two")
        socket = await it.runs(session_id)
        assert socket.sent[0] == wire.Welcome(session_id, wire.PROTOCOL, "g", 0)
        assert [order.text for order in socket.orders if isinstance(order, c.Prompt)] == ["one", "two"]
        assert it.manager.row(session_id).attached == 1000
        assert it.downlink.has_heard(session_id)


@jumping
async def test_records_are_acknowledged_once_they_are_folded_and_answer_what_waited(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("one")
        socket = await it.runs(session_id)
        (order,) = socket.orders
        assert isinstance(order, c.Prompt)
        taken = e.PromptAccepted(order.prompt_id, "u", "one", 111, "Ada")
        socket.says(wire.Records(session_id, (NOTICE, record(2, taken))))
        await passes()
        assert socket.sent[-1] == wire.Ack(session_id, 2)
        assert it.manager.row(session_id).session.applied == 2
        assert it.manager.inbox(session_id) == []


@jumping
async def test_a_hole_is_not_acknowledged_and_the_next_hello_says_where_to_go_on(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("one")
        socket = await it.runs(session_id)
        before = list(socket.sent)
        socket.says(wire.Records(session_id, (record(5, e.Noticed("too early")),)))
        socket.says(wire.Records(session_id, (NOTICE,)))
        await passes()
        assert socket.sent == before, "what comes before a new hello does not count"
        socket.says(hello(session_id, last=5))
        await passes()
        assert socket.sent[len(before)] == wire.Welcome(session_id, wire.PROTOCOL, "g", 0)


@jumping
async def test_before_a_hello_records_are_not_taken(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("one")
        await passes()
        it.sockets.last[session_id].says(wire.Records(session_id, (NOTICE,)))
        await passes()
        assert it.sockets.last[session_id].sent == []
        assert it.manager.row(session_id).session.applied == 0


@jumping
@pytest.mark.parametrize("user_id", ["", "another"])
async def test_who_speaks_under_another_name_is_cut_off(tmp_path: Path, user_id: str) -> None:
    async with supervised(tmp_path) as it:
        session_id, other = it.session("one"), it.session("two")
        socket = await it.runs(session_id)
        socket.says(wire.Records(session_id, (NOTICE,)), user_id)
        await passes()
        assert socket.is_closed and it.downlink.refused == 1
        assert it.manager.row(session_id).session.applied == 0
        assert not it.sockets.last[other].is_closed


@jumping
async def test_who_names_another_session_inside_is_cut_off_and_does_nothing_to_it(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id, other = it.session("one"), it.session("two")
        socket, others = await it.runs(session_id), await it.runs(other)
        socket.says(wire.Records(other, (NOTICE,)))
        await passes()
        assert socket.is_closed and not others.is_closed
        assert it.manager.row(other).session.applied == 0


@jumping
@pytest.mark.parametrize(("protocol", "words"), [(0, "too old"), (wire.PROTOCOL + 1, "newer version")])
async def test_a_worker_of_another_protocol_is_refused_in_words_and_keeps_its_place(
    tmp_path: Path, protocol: int, words: str
) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("one")
        await passes()
        pid, socket = it.host.takes_lock(session_id), it.sockets.last[session_id]
        socket.says(hello(session_id, pid=pid, protocol=protocol))
        await passes(2.0)
        assert socket.is_closed and socket.sent == []
        assert it.downlink.stranger(session_id)
        assert it.downlink.is_open(session_id, it.host.spawned[0].start)
        assert [post for post in it.posts(session_id) if words in post]


@jumping
async def test_while_the_store_takes_nothing_a_worker_is_not_heard_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("one")
        socket = await it.runs(session_id)

        def full(*_: object) -> None:
            raise StoreError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(it.manager.reports, "record", full)
            socket.says(wire.Records(session_id, (NOTICE,)))
            await passes()
        before = list(socket.sent)
        socket.says(hello(session_id, last=1))
        await passes()
        assert socket.sent == before, "it is not listened to for a moment"
        await passes(DEAF_S)
        socket.says(hello(session_id, last=1))
        socket.says(wire.Records(session_id, (NOTICE,)))
        await passes()
        assert socket.sent[-1] == wire.Ack(session_id, 1)


@jumping
async def test_a_record_that_breaks_something_of_ours_ends_neither_us_nor_other_sessions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with supervised(tmp_path) as it:
        session_id, other = it.session("one"), it.session("two")
        socket, others = await it.runs(session_id), await it.runs(other)
        record_of = it.manager.reports.record

        def broken(of: str, records: list[e.Record]) -> int | None:
            if of == session_id:
                raise KeyError("a bug of ours")
            return record_of(of, records)

        monkeypatch.setattr(it.manager.reports, "record", broken)
        socket.says(wire.Records(session_id, (NOTICE,)))
        others.says(wire.Records(other, (NOTICE,)))
        await passes()
        assert others.sent[-1] == wire.Ack(other, 1)
        assert not socket.is_closed
        assert not any(isinstance(message, wire.Ack) for message in socket.sent)


@jumping
async def test_a_wish_goes_to_a_worker_that_runs_at_once_and_again_until_it_is_answered(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("")
        it.prompt(session_id, "one")
        socket = await it.runs(session_id)
        it.manager.interrupt(session_id, "stop it", 111)
        await passes()
        assert socket.orders[-1] == c.Interrupt("stop it", 111)
        so_far = len(socket.orders)
        await passes(RESEND_INTERVAL_S / 2)
        assert len(socket.orders) == so_far
        await passes(2 * RESEND_INTERVAL_S)
        assert socket.orders.count(c.Interrupt("stop it", 111)) >= 2
        socket.says(wire.Records(session_id, (record(1, e.InterruptAccepted("stop it", 111)),)))
        await passes()
        so_far = socket.orders.count(c.Interrupt("stop it", 111))
        await passes(3 * RESEND_INTERVAL_S)
        assert socket.orders.count(c.Interrupt("stop it", 111)) == so_far


@jumping
async def test_what_a_socket_does_not_take_goes_after_the_next_hello(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("")
        it.prompt(session_id, "one")
        socket = await it.runs(session_id)
        socket.takes = False
        it.prompt(session_id, "two")
        await passes()
        socket.takes = True
        socket.says(hello(session_id))
        await passes()
        texts = [order.text for order in socket.orders if isinstance(order, c.Prompt)]
        assert texts == ["one", "one", "two"]


@jumping
async def test_what_the_store_could_not_tell_is_delivered_a_moment_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("")
        it.prompt(session_id, "one")
        socket = await it.runs(session_id)

        def sick(_session_id: str) -> None:
            raise StoreError("another program has it locked")

        with monkeypatch.context() as patch:
            patch.setattr(it.manager, "inbox", sick)
            prompt_id = it.prompt(session_id, "two")
            await passes(3 * RETRY_S)
        await passes(RETRY_S)
        assert [o.prompt_id for o in socket.orders if isinstance(o, c.Prompt)][-1] == prompt_id


@jumping
async def test_a_worker_whose_records_never_arrive_is_stuck(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("one")
        socket = await it.runs(session_id)
        for _ in range(HELLOS_WITHOUT_PROGRESS):
            assert not it.downlink.is_stuck(session_id)
            socket.says(hello(session_id, last=5))
            await passes()
        assert it.downlink.is_stuck(session_id)


@jumping
async def test_live_text_is_told_to_who_shows_it_and_not_acknowledged(
    tmp_path: Path,
) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("one")
        socket = await it.runs(session_id)
        before, told, others = list(socket.sent), list[str](), list[str]()
        it.manager.changes.hear_text(told.append)
        it.manager.changes.hear_posts(others.append)
        socket.says(wire.Delta(session_id, "b", 0, "Hello from Claude"))
        await passes()
        assert (told, others) == ([session_id], [])
        assert socket.sent == before


@jumping
async def test_only_the_lock_holder_with_the_starts_key_is_let_in(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("one")
        await passes()
        (start,) = it.manager.starts()
        right = knock(it, session_id, start.public_key, it.host.takes_lock(session_id))
        for one in (right, knock(it, session_id, "x" * 40, 1000), knock(it, "nobody", start.public_key, 1000)):
            it.sockets.knocks.put_nowait(one)
        await passes()
        assert it.sockets.answers == ["", "the key is not this start's", "there is no worker of this session"]
        assert it.downlink.refused == 2


@jumping
async def test_a_lock_that_cannot_be_asked_lets_nobody_in_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("one")
        await passes()
        (start,) = it.manager.starts()

        def fails(_session_id: str) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(it.downlink, "_holder", fails)
        it.sockets.knocks.put_nowait(knock(it, session_id, start.public_key, 1000))
        await passes()
        assert it.sockets.answers == ["it could not be checked (Permission denied)"]


def knock(it: Supervised, session_id: str, key: str, pid: int) -> Knock:
    return Knock(session_id, f"localhost:{it.uid}:0:{pid}", "CURVE", key)


@jumping
async def test_a_start_more_than_there_are_descriptors_for_is_refused_before_anything_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with supervised(tmp_path) as it:
        first = it.session("one")
        await passes()
        monkeypatch.setattr(descriptors, "has_room", lambda running: False)
        (start,) = it.manager.starts()
        with pytest.raises(NoRoomError, match="LimitNOFILE"):
            it.downlink.open(start)
        second = it.session("two")
        await passes(10.0)
        assert second not in it.sockets.last and first in it.sockets.last
        assert any("may not open more files" in post for post in it.posts(second))


@jumping
async def test_the_next_start_closes_the_connection_before_and_all_close_with_us(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("one")
        first = await it.runs(session_id)
        it.host.dies(session_id, -9)
        await passes(1.0)
        second = it.sockets.last[session_id]
        assert first.is_closed and not second.is_closed
    assert second.is_closed and not it.sockets.is_open
