"""A directory outside the project that somebody allows: on the whole path, over a pause, and taken back."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

from bridge.protocol.modes import ACCEPT_EDITS
from bridge.session.managed import ManagedSession
from bridge.session.permission import PermissionRequest
from stages.backstage import ADA, CHANNEL_ID, Backstage, folder_of_a_stage
from stages.support import awaited, until


@contextlib.asynccontextmanager
async def beside_the_project(*, is_open: bool = True, name: str = "data") -> AsyncIterator[tuple[Backstage, Path]]:
    """A stage, and a directory that its walls show or do not."""
    async with folder_of_a_stage() as stage:
        outside = stage.folder / name
        outside.mkdir()
        writable = (str(outside),) if is_open else ()
        stage.config = msgspec.structs.replace(stage.config, writable=writable)
        async with stage.running():
            try:
                yield stage, outside
            finally:
                await stage.end_all()


async def allowed_in(stage: Backstage, session: ManagedSession, mode: str = "") -> PermissionRequest:
    request = await stage.asks(session)
    assert stage.manager.allow_in([(request, request.decide("allowed", ADA, mode=mode))], ADA, "always")
    return request


async def sleeps(stage: Backstage, session: ManagedSession) -> None:
    stage.manager.hibernate_idle(-1.0)
    await until(lambda: not stage.worker_pid(session), "it sleeps")


@awaited
async def test_it_is_worked_in_without_asking_also_after_a_pause_until_it_is_revoked() -> None:
    async with beside_the_project() as (stage, outside):
        session = stage.session(f"write {outside}/a.txt one\nwrite {outside}/b.txt two\nwrite {outside}/c.txt three")
        request = await allowed_in(stage, session, ACCEPT_EDITS)
        assert (request.event.directories, request.event.unseen) == ((str(outside),), ())
        await stage.settles(session)
        assert sorted(path.name for path in outside.iterdir()) == ["a.txt", "b.txt", "c.txt"]
        await sleeps(stage, session)
        stage.prompt(session, f"write {outside}/d.txt four")
        await stage.settles(session, 2)
        assert (outside / "d.txt").exists() and len(stage.live(session).settled) == 1, "one tap"
        (rule,) = stage.manager.rules.of(CHANNEL_ID, session.session_id)
        assert stage.manager.revoke_rule(rule.rule_id, CHANNEL_ID, session.session_id, ADA)
        await until(lambda: not stage.live(session).directories, "the child was told")
        stage.prompt(session, f"write {outside}/e.txt five")
        stage.manager.decide(await stage.asks(session), "denied", ADA)
        await stage.settles(session, 3)
        assert not (outside / "e.txt").exists()


@awaited
async def test_a_directory_that_the_walls_do_not_show_is_told_as_such_and_stays_closed() -> None:
    async with beside_the_project(is_open=False) as (stage, outside):
        session = stage.session(f"write {outside}/a.txt one")
        request = await allowed_in(stage, session, ACCEPT_EDITS)
        assert request.event.unseen == (str(outside),)
        await stage.settles(session)
        assert not list(outside.iterdir())


@awaited
async def test_a_link_in_the_place_of_an_allowed_directory_opens_nothing() -> None:
    async with beside_the_project() as (stage, outside):
        (was := outside / "was").mkdir()
        (other := outside / "other").mkdir()
        session = stage.session(f"write {was}/a.txt one")
        await allowed_in(stage, session, ACCEPT_EDITS)
        await stage.settles(session)
        await sleeps(stage, session)
        was.rename(outside / "moved")
        was.symlink_to(other)
        stage.prompt(session, f"write {was}/b.txt two")
        request = await stage.asks(session)
        assert str(was) not in request.event.directories
        stage.manager.decide(request, "denied", ADA)
        await stage.settles(session, 2)
        assert not list(other.iterdir())


@awaited
async def test_a_child_that_does_not_take_it_back_is_ended_and_the_next_one_asks() -> None:
    async with beside_the_project(name="stubborn") as (stage, outside):
        session = stage.session(f"write {outside}/a.txt one")
        await allowed_in(stage, session, ACCEPT_EDITS)
        await stage.settles(session)
        (rule,) = stage.manager.rules.of(CHANNEL_ID, session.session_id)
        assert stage.manager.revoke_rule(rule.rule_id, CHANNEL_ID, session.session_id, ADA)
        await until(lambda: bool(stage.live(session).directories_refused), "the child refused")
        stage.prompt(session, f"write {outside}/b.txt two")
        stage.manager.tell_directories()
        stage.manager.decide(await stage.asks(session), "denied", ADA)
        await stage.settles(session, 2)
        assert not (outside / "b.txt").exists() and stage.live(session).directories == ()
