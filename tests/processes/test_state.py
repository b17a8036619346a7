"""State that is full, lost, restored or shared, with real workers: nothing is lost, nothing comes twice."""

import asyncio
import contextlib
import functools
import json
import os
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.protocol.layout import SessionLayout
from bridge.session.managed import ManagedSession
from bridge.session.permission import PermissionRequest
from stages import backstage as stages
from stages.backstage import ADA, CHANNEL_ID, Backstage, folder_of_a_stage
from stages.support import awaited, until
from supervisor import locks
from supervisor.assembly import session_manager
from supervisor.sessions import session_logs
from supervisor.sessions.manager import SessionManager
from supervisor.sessions.recall import recall
from supervisor.sessions.remembered import remember
from supervisor.sessions.store import Store
from supervisor.workers import curve, seats, trees


class Recalling:
    """As ``supervisor.main`` begins: compared with the logs and the journal before anything else."""

    stage: Backstage

    @classmethod
    def session_manager(cls, store: Store) -> SessionManager:
        manager = session_manager(store)
        recall(cls.stage.layout, manager)
        remember(manager)
        return manager


@pytest.fixture
def recalling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stages.backstage.session_manager", Recalling.session_manager)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "UNHEARD_DEADLINE_S", 1.0)
    monkeypatch.setattr(trees, "LADDER_DEADLINE_S", 1.0)


@contextlib.asynccontextmanager
async def stage_that_recalls() -> AsyncIterator[Backstage]:
    """A stage that is left with nothing running, whatever happens."""
    async with folder_of_a_stage() as stage:
        Recalling.stage = stage
        try:
            yield stage
        finally:
            for folder in stage.layout.sessions.glob("*"):
                await asyncio.to_thread(trees.end, folder.name, locks.holder(SessionLayout(folder).lock))


def lose_database(stage: Backstage) -> None:
    for path in stage.layout.state.glob("threadbridge.db*"):
        path.unlink()


def back_up(stage: Backstage) -> None:
    for path in stage.layout.state.glob("threadbridge.db*"):
        shutil.copy(path, stage.folder / path.name)


def restore(stage: Backstage) -> None:
    lose_database(stage)
    for path in stage.folder.glob("threadbridge.db*"):
        shutil.copy(path, stage.layout.state / path.name)


def wanted(stage: Backstage, session_id: str) -> str:
    return "\n".join(row.desired.content for row in stage.store.unsettled_posts(session_id))


async def all_is_shown(stage: Backstage, session_id: str) -> None:
    """As the outbox would, at once; and its worker has heard that it was folded."""
    session = stage.manager.row(session_id).session
    paths = stage.layout.session(session_id)
    await until(lambda: session_logs.acked(paths, session.generation) == session.applied, "the worker's note")
    with stage.store.transaction():
        for row in stage.store.unsettled_posts(session_id):
            stage.store.note_shown(row.id, row.message_id or 10**18 + row.id, row.desired)


# --- a store that takes no writes --------------------------------------------------------------------


@awaited
async def test_while_the_disk_is_full_workers_go_on_and_everything_arrives_afterwards() -> None:
    async with stages.backstage() as stage:
        sessions = [stage.session(f"sleep 1\nsay answer {n}") for n in range(3)]
        await until(lambda: all(stage.live(each).is_processing for each in sessions), "running turns")
        stage.store._execute("PRAGMA query_only = ON")
        logs = [stage.layout.session(session.session_id).log for session in sessions]
        await until(lambda: all(b"TurnEnded" in log.read_bytes() for log in logs), "the turns' ends in the logs")
        await until(lambda: stage.store.health.problem, "the supervisor noticed")
        pids = [stage.worker_pid(session) for session in sessions]
        stage.store._execute("PRAGMA query_only = OFF")
        for n, session in enumerate(sessions):
            await stage.settles(session)
            texts = stage.posts(session)
            assert sum(f"answer {n}" in text for text in texts) == 1
        assert [stage.worker_pid(session) for session in sessions] == pids
        assert not stage.store.health.problem


# --- a database that is gone -------------------------------------------------------------------------


@awaited
async def test_without_its_database_a_running_session_goes_on_and_its_old_card_decides(recalling: None) -> None:
    async with stage_that_recalls() as stage:
        async with stage.running():
            session = stage.session("say before\nrun touch later.txt\nsay after")
            request = await stage.asks(session)
            await all_is_shown(stage, session.session_id)
            pid = stage.worker_pid(session)
        lose_database(stage)
        async with stage.running():
            assert stage.live(session).requests, "known at once, from the log"
            await until(lambda: stage.manager.row(session.session_id).attached == pid, "the same worker, attached")
            again = stage.manager.request_of(request.name)
            assert isinstance(again, PermissionRequest)
            assert stage.manager.decide(again, "allowed", ADA)
            await stage.settles(session)
            assert (stage.project / "later.txt").exists()
            shown = wanted(stage, session.session_id)
            assert "after" in shown
            assert "before" not in shown
            assert "it was read again from its log" not in shown, "nobody writes there"
            assert stage.live(session).message_count == 1
            stage.prompt(session, "say more")
            await stage.settles(session, 2)
            assert wanted(stage, session.session_id).count("it was read again from its log") == 1


@awaited
async def test_without_its_database_what_ended_stays_ended_and_what_was_chosen_holds_for_the_next_child(
    recalling: None,
) -> None:
    async with stage_that_recalls() as stage:
        async with stage.running():
            ended, anew = stage.session("say one"), stage.session("say two")
            gone = (await stage.settles(anew)).claude_id
            await stage.settles(ended)
            stage.manager.destroy_session(ended.session_id, "ended by Ada", ADA.user_id)
            await until(lambda: stage.worker_pid(ended) == 0, "no worker for what ended")
            stage.manager.set_default(CHANNEL_ID, "effort", "high", ADA.user_id)
            os.kill(stage.worker_pid(anew), signal.SIGKILL)
            stage.manager.start_fresh(anew.session_id, ADA.user_id)
            await all_is_shown(stage, anew.session_id)
        lose_database(stage)
        async with stage.running():
            assert stage.manager.row(ended.session_id).end_reason == "ended by Ada"
            assert stage.manager.row(anew.session_id).fresh
            stage.prompt(anew, "say more")
            child = (await stage.settles(anew, 2)).child_pid
            assert stage.live(anew).claude_id != gone
            assert "--effort\0high" in Path(f"/proc/{child}/cmdline").read_text()
            assert stage.worker_pid(ended) == 0
            stage.prompt(ended, "say again")
            await stage.settles(ended, 2)
        lose_database(stage)
        async with stage.running():
            assert stage.manager.row(ended.session_id).ended_at is None, "somebody went on with it"
            assert not stage.manager.row(anew.session_id).fresh, "it did begin anew"


@awaited
async def test_a_worker_that_cannot_come_back_without_the_keys_is_replaced(recalling: None, impatient: None) -> None:
    async with stage_that_recalls() as stage:
        async with stage.running():
            session = stage.session("say first")
            await stage.settles(session)
            old = stage.worker_pid(session)
        lose_database(stage)
        (stage.layout.state / "supervisor.keys").unlink()
        async with stage.running():
            await until(lambda: stage.worker_pid(session) != old, "the old worker's end")
            stage.prompt(session, "say second")
            await stage.settles(session, 2)
            assert stage.worker_pid(session) not in (0, old)
            shown = wanted(stage, session.session_id)
            assert "could not be reached any more" in shown
            assert "second" in shown


# --- a database from a backup ------------------------------------------------------------------------


def is_noted(stage: stages.Backstage, session: ManagedSession) -> bool:
    """Whether the worker has noted that all that is applied was acknowledged."""
    noted = stage.layout.session(session.session_id).acked.read_text().split()
    return int(noted[1]) >= stage.live(session).applied


@awaited
async def test_an_older_database_catches_up_without_posting_history_again(recalling: None) -> None:
    async with stage_that_recalls() as stage:
        async with stage.running():
            session = stage.session("say first")
            await stage.settles(session)
            await all_is_shown(stage, session.session_id)
        back_up(stage)
        async with stage.running():
            await until(lambda: stage.manager.row(session.session_id).attached, "attached")
            stage.prompt(session, "say second")
            await stage.settles(session, 2)
            other = stage.session("say other")
            await stage.settles(other)
            await until(lambda: not stage.live(session).prompts and not stage.live(other).prompts, "the last records")
            for each in (session, other):
                await until(functools.partial(is_noted, stage, each), "the worker's note of the ack")
        restore(stage)
        async with stage.running():
            assert {s.session_id for s in stage.known()} == {session.session_id, other.session_id}
            assert stage.live(session).turn_count == 2
            await until(lambda: stage.manager.row(other.session_id).attached, "the unknown one, attached")
            stage.prompt(session, "say third")
            await stage.settles(session, 3)
            shown = wanted(stage, session.session_id)
            assert "third" in shown
            assert "second" not in shown
            assert "other" not in wanted(stage, other.session_id)


# --- what hinders one session ------------------------------------------------------------------------


@awaited
async def test_a_session_whose_worker_cannot_be_started_hinders_no_other_and_starts_when_it_can() -> None:
    async with stages.backstage() as stage:
        folder = stage.layout.sessions
        blocked = stage.session("say at last")
        path = stage.layout.session(blocked.session_id).folder
        path.write_text("a file where a folder belongs")  # before the loop looks: nothing was awaited yet
        other = stage.session("say at once")
        await stage.settles(other)
        assert not stage.live(blocked).turn_count
        path.unlink()
        await stage.settles(blocked)
        assert folder.is_dir()


@awaited
async def test_a_record_that_cannot_be_folded_stays_with_its_session() -> None:
    async with stages.backstage() as stage:
        sick, well = stage.session("say one"), stage.session("say two")
        fold = stage.manager.reports._fold

        def fails(row: object, record: object) -> None:
            if getattr(row, "session").session_id == sick.session_id:  # noqa: B009 - any row
                raise KeyError("a mistake of ours")
            fold(row, record)  # type: ignore[arg-type]

        stage.manager.reports._fold = fails  # type: ignore[method-assign]
        await stage.settles(well)
        assert stage.live(sick).applied == 0
        stage.manager.reports._fold = fold  # type: ignore[method-assign]
        await stage.settles(sick)


@awaited
async def test_a_worker_that_hangs_from_its_start_is_ended_and_replaced(recalling: None, impatient: None) -> None:
    async with stage_that_recalls() as stage:
        async with stage.running():
            session = stage.session("say first")
            await stage.settles(session)
            old = stage.worker_pid(session)
        os.kill(old, signal.SIGSTOP)
        async with stage.running():
            await until(lambda: stage.worker_pid(session) != old, "the end of the worker that hangs")
            stage.prompt(session, "say second")
            await stage.settles(session, 2)


def test_the_start_of_a_worker_is_noted_beside_its_log() -> None:
    @awaited
    async def play() -> None:
        async with stages.backstage() as stage:
            session = stage.session("say hello")
            await stage.settles(session)
            paths = stage.layout.session(session.session_id)
            path = paths.start(paths.lock.read_text())
            assert path.stat().st_mode & 0o777 == 0o600
            noted = json.loads(path.read_text())
            (known,) = stage.manager.starts()
            assert (noted["start"], noted["public_key"]) == (known.start, known.public_key)
            assert curve.server_keys(stage.store).secret not in path.read_text()

    play()
