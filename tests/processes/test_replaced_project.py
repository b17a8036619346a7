"""A project directory in whose place another one stands: nothing starts there until a person says so."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.protocol import events as e
from bridge.render.posts import Post
from bridge.session.managed import ManagedSession
from stages.backstage import ADA, Backstage, backstage
from stages.support import awaited, until


async def slept(stage: Backstage) -> ManagedSession:
    """A session that has answered, and has no worker now."""
    session = stage.session("say one")
    await stage.settles(session)
    pid = stage.worker_pid(session)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: stage.worker_pid(session) != pid, "its end")
    await until(lambda: not stage.live(session).child_pid, "its log closed")
    return session


def cards(stage: Backstage, session: ManagedSession) -> list[Post]:
    rows = stage.store.posts_like(session.session_id, "moved:")
    return [row.desired for row in rows if row.desired.buttons]


def another(project: Path) -> None:
    project.rename(project.with_name("away"))
    project.mkdir()


def a_link_to_another(project: Path) -> None:
    project.rename(project.with_name("away"))
    project.with_name("other").mkdir()
    project.symlink_to(project.with_name("other"))


def a_link_to_our_units(project: Path) -> None:
    units = project.with_name("home") / ".config/systemd"
    units.mkdir(parents=True, exist_ok=True)
    project.rename(project.with_name("away"))
    project.symlink_to(units)


@pytest.mark.parametrize("containment", ["project", "none"])
@pytest.mark.parametrize("replace", [another, a_link_to_another])
@awaited
async def test_another_directory_in_its_place_is_told_and_gone_on_in_when_a_person_says_so(
    replace: Callable[[Path], None],
    containment: str,
) -> None:
    async with backstage(containment, permission_mode="bypassPermissions", bypass_permissions=True) as stage:
        session = await slept(stage)
        replace(stage.project)
        stage.prompt(session, "run touch made.txt\nsay two")
        (card,) = await until(lambda: cards(stage, session), "its card", lambda: str(stage.posts(session)))
        assert "is not the one that this session began in" in card.content
        assert [button.label for button in card.buttons] == ["Go on here"]
        await until(lambda: not stage.worker_pid(session), "the worker's end")
        assert not any("two" in post for post in stage.posts(session))
        assert not list(stage.project.iterdir())

        assert stage.manager.go_on_here(session.session_id, ADA)
        await until(lambda: any("two" in post for post in stage.posts(session)), "the answer there")
        assert (stage.project / "made.txt").exists() and not cards(stage, session)
        assert not stage.manager.go_on_here(session.session_id, ADA), "only once"
        assert stage.live(session).inode == stage.project.stat().st_ino


@awaited
async def test_once_the_own_directory_is_back_the_session_goes_on_by_itself() -> None:
    async with backstage() as stage:
        session = await slept(stage)
        another(stage.project)
        stage.prompt(session, "say two")
        await until(lambda: cards(stage, session), "its card")
        stage.project.rmdir()
        stage.project.with_name("away").rename(stage.project)
        stage.prompt(session, "say three")
        await until(lambda: any("three" in post for post in stage.posts(session)), "the answer")
        assert not cards(stage, session)


@awaited
async def test_a_link_to_what_is_sealed_is_refused_without_a_button() -> None:
    async with backstage("project") as stage:
        session = await slept(stage)
        a_link_to_our_units(stage.project)
        stage.prompt(session, "run touch hostile.service")
        await until(
            lambda: any("which is kept from Claude" in post for post in stage.posts(session)),
            "the refusal",
            lambda: str(stage.posts(session)),
        )
        assert not cards(stage, session)
        assert not list((stage.folder / "home/.config/systemd").iterdir())


@awaited
async def test_a_session_from_before_this_was_kept_takes_its_directory_as_it_finds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("supervisor.sessions.manager.inode_of", lambda directory: 0)
    async with backstage() as stage:
        session = stage.session("say one")
        assert not session.inode
        await stage.settles(session)
        assert stage.live(session).inode == stage.project.stat().st_ino


@awaited
async def test_the_directory_is_known_from_the_sessions_creation_and_in_the_log() -> None:
    async with backstage() as stage:
        session = stage.session("say one")
        assert session.inode == stage.project.stat().st_ino
        await stage.settles(session)
        log = stage.layout.session(session.session_id).log.read_text().splitlines()
        assert f'"inode":{session.inode}' in log[0].replace(" ", "")
        assert e.SessionCreated.__name__ in log[0]
