"""What is looked up in a session's log: not more of it is held, and by no more at a time, than is needed."""

import asyncio
import threading
import tracemalloc
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.protocol.layout import Layout
from bridge.session.changed_files import ChangedFiles
from bridge.session.permission import RequestName
from stages.support import awaited, until
from supervisor.sessions import in_log
from supervisor.sessions.in_log import AT_ONCE, InLog
from worker.log import EventLog

SESSION = "0a1b2c3d-0000-4000-8000-000000000000"
OUTPUT, CALLS = "x" * 16_000, 1_000


def logged(layout: Layout, *events: e.AnyEvent) -> list[RequestName]:
    """The names of the records."""
    path = layout.session(SESSION).log
    path.parent.mkdir(parents=True)
    log = EventLog(path, clock=lambda: 1.0)
    records = [log.append(event) for event in events]
    log.close()
    return [RequestName(SESSION, record.generation, record.seq) for record in records]


@awaited
async def test_a_long_log_is_never_held_as_a_whole(tmp_path: Path) -> None:
    call = e.ToolStarted("t", "Bash", "{}"), e.ToolFinished("t", is_error=False, output=OUTPUT)
    turn = logged(Layout(tmp_path), e.TurnStarted((1,)), *call * CALLS)[0]
    tracemalloc.start()
    try:
        found = await InLog(Layout(tmp_path)).changes(turn, whole_session=True)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found and found.commands == CALLS
    assert most < len(OUTPUT) * CALLS / 4


@awaited
async def test_a_turn_is_named_by_its_beginning_and_read_to_its_end(tmp_path: Path) -> None:
    one, _, two, _, three = logged(
        Layout(tmp_path),
        *(e.TurnStarted((1,)), e.ToolStarted("t", "Bash", "{}"), e.TurnStarted((2,)), e.ToolStarted("u", "Bash", "{}")),
        e.TurnEnded("completed"),
    )
    look = InLog(Layout(tmp_path))
    found = [await look.changes(name, whole_session=False) for name in (one, two, three)]
    assert [one.commands if one else None for one in found] == [1, 1, None]
    whole = await look.changes(two, whole_session=True)
    assert whole and whole.commands == 2
    assert await look.changes(RequestName(SESSION, "0" * 16, one.seq), whole_session=True) is None


@awaited
async def test_however_many_press_few_threads_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turn = logged(Layout(tmp_path), e.TurnStarted((1,)))[0]
    reading, most, may_end, lock = 0, 0, threading.Event(), threading.Lock()

    def slow(_: object) -> ChangedFiles:
        nonlocal reading, most
        with lock:
            reading += 1
            most = max(most, reading)
        may_end.wait(20)
        with lock:
            reading -= 1
        return ChangedFiles()

    monkeypatch.setattr(in_log, "of_session", slow)
    look = InLog(Layout(tmp_path))
    presses = [asyncio.ensure_future(look.changes(turn, whole_session=True)) for _ in range(3 * AT_ONCE)]
    try:
        await until(lambda: reading == AT_ONCE, "as many as may")
    finally:
        may_end.set()
    await asyncio.gather(*presses)
    assert most == AT_ONCE
