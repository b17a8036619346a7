"""A supervisor and workers of different versions: after an upgrade, and before the restart that it wants."""

import contextlib
import shutil
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from bridge.protocol import wire
from stages.backstage import Backstage, folder_of_a_stage
from stages.support import ROOT, awaited, until
from supervisor.workers import this_machine

LATER_WORKER = """#!/bin/sh
exec '{python}' -I -c 'import runpy, sys
sys.path.insert(0, "{tree}")
sys.argv = ["worker", *sys.argv[4:]]
runpy.run_module("worker", run_name="__main__")' "$@"
"""


@contextlib.asynccontextmanager
async def a_stage() -> AsyncIterator[Backstage]:
    async with folder_of_a_stage() as stage:
        try:
            yield stage
        finally:
            await stage.end_all()


@contextlib.contextmanager
def files_of(stage: Backstage, oldest: int, newest: int) -> Iterator[None]:
    """Workers start from files that speak these protocols, as after a pull without a restart."""
    tree, program = stage.folder / "later", stage.folder / "python"
    for package in ("bridge", "worker"):
        shutil.copytree(ROOT / package, tree / package)
    path = tree / "bridge/protocol/wire.py"
    text = path.read_text()
    later = text.replace("OLDEST_PROTOCOL, PROTOCOL = 1, 1", f"OLDEST_PROTOCOL, PROTOCOL = {oldest}, {newest}")
    assert later != text
    path.write_text(later)
    program.write_text(LATER_WORKER.format(python=sys.executable, tree=tree))
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(this_machine, "WORKER_PYTHON", str(program))
        yield


def speaks(patch: pytest.MonkeyPatch, oldest: int, newest: int) -> None:
    """The supervisor, and nobody else."""
    patch.setattr(wire, "OLDEST_PROTOCOL", oldest)
    patch.setattr(wire, "PROTOCOL", newest)


@awaited
async def test_a_new_supervisor_takes_a_running_turn_over_from_an_old_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_stage() as stage:
        async with stage.running():
            session = stage.session("run touch made.txt")
            await stage.asks(session)
        speaks(monkeypatch, 1, 2)
        async with stage.running():
            worker = stage.worker_pid(session)
            request = await stage.asks(session)
            assert stage.manager.decide(request, "allowed")
            await stage.settles(session)
            assert stage.worker_pid(session) == worker
            assert (stage.project / "made.txt").exists()


@awaited
async def test_an_old_supervisor_talks_to_a_worker_from_newer_files_that_still_speaks_its_protocol() -> None:
    async with a_stage() as stage:
        with files_of(stage, 1, 2):
            async with stage.running():
                session = stage.session("run touch made.txt")
                assert stage.manager.decide(await stage.asks(session), "allowed")
                await stage.settles(session)
                assert (stage.project / "made.txt").exists()
                assert stage.downlink.refused == 0


@awaited
async def test_a_worker_that_is_too_new_is_told_of_and_works_on_until_the_supervisor_is_as_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with a_stage() as stage:
        with files_of(stage, 2, 2):
            async with stage.running():
                session = stage.session("say hello")
                await until(lambda: stage.posts(session), "the words about the version")
                assert "newer version" in stage.posts(session)[0]
                worker = stage.worker_pid(session)
        speaks(monkeypatch, 1, 2)
        async with stage.running():
            await stage.settles(session)
            assert stage.worker_pid(session) == worker


@awaited
async def test_a_worker_that_is_too_old_is_replaced_and_the_conversation_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with a_stage() as stage:
        async with stage.running():
            session = stage.session("say hello")
            await stage.settles(session)
            worker = stage.worker_pid(session)
        speaks(monkeypatch, 2, 2)
        with files_of(stage, 2, 2):
            async with stage.running():
                await until(lambda: stage.worker_pid(session) != worker, "the end of the old worker")
                assert any("too old" in post for post in stage.posts(session))
                stage.prompt(session, "say again")
                await stage.settles(session, 2)
