"""The loop over the sessions' workers, on a machine that a test plays."""

import asyncio
import errno
import logging
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.protocol import wire
from bridge.protocol.claude_version import ClaudeVersion
from bridge.protocol.start import EXIT_DISK_FULL
from stages.jumping_clock import jumping
from stages.scripted_workers import LAST_WORDS, Supervised, away, hello, passes, supervised
from supervisor.sessions.starts_table import StartRow
from supervisor.sessions.store_health import StoreError
from supervisor.workers import seats
from supervisor.workers.claude_cli import VersionCheck
from supervisor.workers.processes import HINDRANCES_BEFORE_SAYING_SO, LOOK_AT_ALL_INTERVAL_S, LOOK_INTERVAL_S


def records(it: Supervised, session_id: str, *happened: e.AnyEvent) -> wire.Records:
    applied = it.manager.row(session_id).session.applied
    told = [e.Record("g", seq, 0.0, event) for seq, event in enumerate(happened, applied + 1)]
    return wire.Records(session_id, tuple(told))


@jumping
async def test_a_wish_starts_one_worker_whose_key_is_noted_before_it_runs(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("go")
        await passes(2.0)
        (start,) = it.host.spawned
        assert it.host.calls == ["make folder", "note", "spawn"]
        assert start.created.session_id == session_id
        assert start.wake
        assert start.server_key == it.sockets.public_key
        assert start.endpoint.startswith("ipc://") and start.start in start.endpoint
        (noted,) = it.manager.starts()
        assert (noted.start, noted.public_key) == (start.start, start.public_key)
        assert it.host.starts_in_locks[session_id] == noted


@jumping
async def test_nobody_starts_for_a_session_that_nobody_waits_for(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        it.session("")
        await passes(2 * LOOK_AT_ALL_INTERVAL_S)
        assert it.host.spawned == []


@jumping
async def test_a_worker_that_dies_is_followed_by_one_that_is_told_how(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("go")
        await it.runs(session_id)
        it.host.dies(session_id, -9)
        await passes(1.0)
        first, second = it.host.spawned
        assert (first.died, second.died) == ("", "the worker was ended by SIGKILL")
        assert first.start != second.start and first.public_key != second.public_key
        assert [start.start for start in it.manager.starts()] == [second.start]
        assert all(watch.closed for watch in it.host.watches.values())


@jumping
async def test_a_worker_that_ended_well_is_followed_by_none_until_somebody_writes(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("")
        it.prompt(session_id, "go")
        socket = await it.runs(session_id)
        (order,) = socket.orders
        taken = e.PromptAccepted(order.prompt_id, "u", "go", 111, "Ada")  # type: ignore[union-attr]
        ended = (e.PromptDone(taken.prompt_id), e.ChildExited(0, wanted=True))
        socket.says(records(it, session_id, taken, *ended))
        await passes()
        it.host.dies(session_id, 0)
        await passes(2 * LOOK_AT_ALL_INTERVAL_S)
        assert len(it.host.spawned) == 1 and it.manager.starts() == []
        it.prompt(session_id, "again")
        await passes()
        assert len(it.host.spawned) == 2


@jumping
@pytest.mark.parametrize("known_by", ["the lock", "the store"])
async def test_an_earlier_supervisors_worker_is_listened_to_by_its_own_start(tmp_path: Path, known_by: str) -> None:
    it = Supervised(tmp_path)
    session_id = it.session("go")
    start = StartRow(session_id, "0000000a", "its key", 0.0)
    it.host.holders[session_id] = 77
    if known_by == "the lock":
        it.host.starts_in_locks[session_id] = start
    else:
        it.manager.starting(start)
    async with it.running():
        await passes()
        assert it.host.spawned == [] and list(it.host.watches) == [77]
        assert it.downlink.is_open(session_id, "0000000a")
    it.store.close()


@jumping
async def test_a_worker_that_nobody_knows_and_that_says_nothing_is_ended_and_that_is_said(tmp_path: Path) -> None:
    it = Supervised(tmp_path)
    session_id = it.session("go")
    it.host.holders[session_id] = 77
    async with it.running():
        await passes(seats.UNHEARD_DEADLINE_S - 1)
        assert it.host.laddered == []
        await passes(2.0)
        assert it.host.laddered == [77]
        assert any("could not be reached" in post for post in it.posts(session_id))
        await passes(3 * LOOK_AT_ALL_INTERVAL_S)
        assert it.host.laddered == [77], "it is told once"
        it.host.dies(session_id, 0)
        await passes(1.0)
        assert len(it.host.spawned) == 1
    it.store.close()


@jumping
@pytest.mark.parametrize("named_at_first", ["an earlier start", "none"])
async def test_a_worker_whose_lock_named_it_a_moment_later_is_heard_within_seconds(
    tmp_path: Path, named_at_first: str
) -> None:
    it = Supervised(tmp_path)
    session_id = it.session("go")
    start = StartRow(session_id, "0000000b", "its key", 0.0)
    it.host.holders[session_id] = 77
    if named_at_first == "an earlier start":
        it.host.starts_in_locks[session_id] = StartRow(session_id, "0000000a", "another key", 0.0)
    async with it.running():
        await passes()
        it.host.starts_in_locks[session_id] = start
        await passes(seats.LISTEN_AGAIN_S + 1)
        assert it.downlink.is_open(session_id, "0000000b")
        it.sockets.last[session_id].says(hello(session_id, pid=77))
        await passes(seats.UNHEARD_DEADLINE_S)
        assert it.host.laddered == [] and it.host.spawned == []
    it.store.close()


@jumping
async def test_the_door_of_a_worker_that_takes_long_stays_open(tmp_path: Path) -> None:
    """It is in the middle of its hello, or of reading a long log."""
    it = Supervised(tmp_path)
    session_id = it.session("go")
    it.host.holders[session_id] = 77
    it.host.starts_in_locks[session_id] = StartRow(session_id, "0000000b", "its key", 0.0)
    async with it.running():
        await passes()
        door = it.sockets.last[session_id]
        await passes(3 * seats.LISTEN_AGAIN_S)
        assert it.sockets.last[session_id] is door
    it.store.close()


@jumping
async def test_a_worker_of_an_older_protocol_is_ended_at_once(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("go")
        await passes()
        pid = it.host.takes_lock(session_id)
        it.sockets.last[session_id].says(wire.Hello(session_id, 0, "g", 1, 0, pid))
        await passes(1.0)
        assert it.host.laddered == [pid]
        assert [post for post in it.posts(session_id) if "too old" in post]
        assert not [post for post in it.posts(session_id) if "could not be reached" in post]


@jumping
async def test_one_that_takes_no_lock_is_killed_and_after_three_the_session_says_so_and_stops(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("go")
        await passes(seats.LOCK_DEADLINE_S + 2)
        assert it.host.killed == [1000]
        await passes(4 * seats.LOCK_DEADLINE_S)
        assert it.host.killed == [1000, 1001, 1002]
        assert it.manager.row(session_id).ended_at is not None
        assert any("SIGKILL" in post for post in it.posts(session_id))
        await passes(2 * LOOK_AT_ALL_INTERVAL_S)
        assert len(it.host.spawned) == 3
        it.prompt(session_id, "again")
        await passes(6.0)
        assert len(it.host.spawned) == 4, "somebody wrote again"


@jumping
async def test_a_full_disk_drops_nothing_and_is_tried_until_there_is_room(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("go")
        for _ in range(6):
            await passes(5.0)
            it.host.dies(session_id, EXIT_DISK_FULL)
        await passes(5.0)
        assert len(it.host.spawned) == 7
        assert it.manager.row(session_id).ended_at is None
        assert len(it.manager.inbox(session_id)) == 1
        assert [post for post in it.posts(session_id) if "The disk is full" in post and "tried again" in post]


@jumping
async def test_an_operators_mark_is_obeyed_before_any_start(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("")
        await passes()
        it.host.marked.add(session_id)
        it.prompt(session_id, "go")
        await passes(1.0)
        assert it.host.spawned == [] and it.host.marked == set()
        assert it.manager.row(session_id).end_reason.startswith("ended by the operator")


@jumping
async def test_the_operators_bell_makes_us_look_at_all(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("")
        await passes(1.0)
        it.host.marked.add(session_id)
        await passes(5.0)
        assert it.host.marked == {session_id}, "a session that sleeps is not looked at"
        it.host.rung = 1
        await passes(2 * LOOK_INTERVAL_S)
        assert it.host.marked == set()


@jumping
async def test_sessions_that_sleep_cost_nothing(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        asleep = [it.session("") for _ in range(50)]
        await passes(1.0)
        it.host.looked_at.clear()
        it.processes.wish(asleep[7])
        await passes(LOOK_AT_ALL_INTERVAL_S / 2)
        assert it.host.looked_at == [asleep[7]]


@jumping
async def test_a_worker_that_is_well_is_heard_by_its_end_alone(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("go")
        await it.runs(session_id)
        it.host.looked_at.clear()
        await passes(3 * LOOK_AT_ALL_INTERVAL_S)
        assert it.host.looked_at == [], "its lock's path may be gone"
        it.host.trouble[""] = away()
        await passes(3 * LOOK_AT_ALL_INTERVAL_S)
        assert it.host.laddered == [] and len(it.host.spawned) == 1


@jumping
async def test_what_hinders_one_session_is_said_and_tried_again_and_hinders_no_other(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        sick = it.session("go")
        it.host.trouble[sick] = OSError(errno.ENOMEM, "no memory for a process", "/srv/state/sessions/1")
        await passes()
        well = it.session("go")
        await passes(0.2)
        assert [start.created.session_id for start in it.host.spawned] == [well]
        assert not [post for post in it.posts(sick) if "no memory" in post], "it may be over in a moment"
        await passes(60.0)
        assert it.host.calls.count("spawn") > HINDRANCES_BEFORE_SAYING_SO
        (said,) = [post for post in it.posts(sick) if "no memory for a process" in post]
        assert "/srv" not in said
        it.host.trouble.clear()
        await passes(seats.LONGEST_HINDRANCE_S + 1)
        assert it.host.starts_of(sick)


@jumping
@pytest.mark.parametrize("fault", [KeyError("/srv/state/sessions"), OSError("cannot /srv"), ValueError("field 'x_y'")])
async def test_a_fault_of_our_own_is_described_in_the_log_and_not_in_the_thread(
    tmp_path: Path, fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("go")
        it.host.trouble[session_id] = fault
        await passes(60.0)
        (said,) = [post for post in it.posts(session_id) if "cannot be started" in post]
        assert "the bridge met a fault of its own, which its log describes" in said
        assert not any(words in said for words in ("/srv", "x_y", type(fault).__name__))
        assert repr(fault) in caplog.text
        assert caplog.text.count("cannot be seen to") == 1


@jumping
async def test_the_last_words_of_a_worker_that_cannot_begin_are_in_the_log_and_not_in_the_thread(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("go")
        for _ in range(3):
            await passes(6.0)
            it.host.dies(session_id, 1)
        await passes(1.0)
        (said,) = [post for post in it.posts(session_id) if "worker cannot run" in post]
        assert "exit code 1" in said and "log says more" in said and LAST_WORDS not in said
        assert f"last words: {LAST_WORDS}" in caplog.text


@jumping
async def test_a_state_directory_that_is_not_there_starts_nothing_and_says_why(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("go")
        it.host.trouble[""] = away()
        await passes(10.0)
        assert it.host.spawned == []
        assert any("was moved" in post for post in it.posts(session_id))


@jumping
async def test_a_death_that_the_store_could_not_note_is_seen_to_once_it_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("go")
        await it.runs(session_id)
        gone, failures = it.manager.worker_gone, [3]

        def sick(session_id: str, start: str) -> None:
            if failures[0]:
                failures[0] -= 1
                raise StoreError("the disk is full")
            gone(session_id, start)

        monkeypatch.setattr(it.manager, "worker_gone", sick)
        it.host.dies(session_id, -15)
        await passes(0.1)
        assert len(it.host.spawned) == 1
        await passes(5.0)
        assert [start.died for start in it.host.spawned] == ["", "the worker was ended by SIGTERM"]


@jumping
async def test_a_claude_code_that_is_too_old_is_not_started_and_that_is_said_once(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        it.cli.answer = None
        session_id = it.session("go")
        await passes(2.0)
        assert it.host.spawned == [] and not [post for post in it.posts(session_id) if "Claude" in post]
        it.cli.answer = VersionCheck("claude", ClaudeVersion(2, 1, 1))
        await passes(20.0)
        assert it.host.spawned == []
        assert len([post for post in it.posts(session_id) if "cannot be started now" in post]) == 1
        it.cli.answer = VersionCheck("claude")
        await passes(2.0)
        assert len(it.host.spawned) == 1


@jumping
async def test_after_children_that_die_at_once_the_next_start_waits_longer(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        session_id = it.session("go")
        for least_s in (*seats.BACKOFF_S[1:3], 0.0):
            socket = await it.runs(session_id)
            started = e.WorkerStarted(1, contained=False, containment="none")
            socket.says(records(it, session_id, started, e.ChildExited(1, wanted=False, reason="it died")))
            await passes()
            before = len(it.host.spawned)
            it.host.dies(session_id, 0)
            await passes(max(least_s - 0.1, 0.0))
            assert len(it.host.spawned) == before
            await passes(0.1 + 2 * LOOK_INTERVAL_S)
        await passes(2 * LOOK_AT_ALL_INTERVAL_S)
        assert len(it.host.spawned) == 3, "it is broken, and waits for somebody"


@jumping
async def test_a_slow_start_does_not_delay_what_is_for_a_worker_that_runs(tmp_path: Path) -> None:
    async with supervised(tmp_path) as it:
        running = it.session("")
        it.prompt(running, "one")
        socket = await it.runs(running)
        slow = it.session("")
        it.host.gates[slow] = asyncio.Event()
        it.prompt(slow, "go")
        await passes(1.0)
        prompt_id = it.prompt(running, "two")
        await passes()
        assert [order.prompt_id for order in socket.orders][-1] == prompt_id  # type: ignore[union-attr]
        assert it.host.starts_of(slow) == []
        it.host.gates[slow].set()
        await passes()
        assert len(it.host.starts_of(slow)) == 1


@jumping
async def test_a_seat_that_comes_to_no_rest_is_left_for_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(seats, "next_step", lambda seat, facts: seats.Hold(""))
    with caplog.at_level(logging.ERROR):
        async with supervised(tmp_path) as it:
            it.session("")
            await passes()
    assert "comes to no rest" in caplog.text
