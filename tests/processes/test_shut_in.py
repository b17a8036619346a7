"""A child that cannot be shut in is not started; it is said once, nothing is dropped, and it is tried again."""

import subprocess
import sys
from pathlib import Path

import pytest

from bridge.protocol.errors import UserError
from bridge.render import status
from bridge.render.replies import Listed
from bridge.session.custom_ids import StatusButton
from bridge.session.managed import ManagedSession
from playground.host import claude as host_claude
from stages.backstage import Backstage, backstage, folder_of_a_stage
from stages.playhouse import playhouse
from stages.support import ROOT, awaited, until
from supervisor.operator import checkup, session_list, table
from supervisor.workers import seats, this_machine, walls

REFUSED = "containment is required"


@pytest.fixture
def no_bubblewrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Workers run code that finds none, until the file is there."""
    allowed = tmp_path / "installed"
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\n[ -e '{allowed}' ] && exec '{sys.executable}' \"$@\"\n"
        f"exec '{sys.executable}' -I -c 'import runpy, sys\n"
        "from worker.walls import probe\n"
        'probe.trial = lambda walls, run=None: "bubblewrap (bwrap) is not installed"\n'
        'sys.argv = ["worker", *sys.argv[4:]]\n'
        'runpy.run_module("worker", run_name="__main__")\' "$@"\n'
    )
    python.chmod(0o755)
    monkeypatch.setattr(this_machine, "WORKER_PYTHON", str(python))
    monkeypatch.setattr(seats, "REFUSAL_PAUSES_S", (0.2,))
    return allowed


def told(stage: Backstage, session: ManagedSession) -> list[str]:
    return [post for post in stage.posts(session) if REFUSED in post]


@awaited
async def test_what_waits_is_told_once_and_runs_once_bubblewrap_is_there(no_bubblewrap: Path) -> None:
    async with backstage() as stage:
        session = stage.session("say hello")
        (post,) = await until(lambda: told(stage, session), "the refusal")
        assert "is not installed" in post and "containment = " in post
        assert "tried again by itself" in post
        starts = await until(lambda: stage.processes._seats[session.session_id].refusals >= 3, "three more tries")
        assert starts
        assert len(told(stage, session)) == 1
        assert not stage.live(session).is_broken
        assert len(stage.layout.session(session.session_id).log.read_bytes().splitlines()) <= 3
        no_bubblewrap.touch()
        await stage.settles(session)
        assert stage.live(session).contained


@awaited
async def test_it_still_waits_after_a_restart(no_bubblewrap: Path) -> None:
    async with folder_of_a_stage() as stage:
        async with stage.running():
            session = stage.session("say hello")
            await until(lambda: told(stage, session), "the refusal")
        no_bubblewrap.touch()
        async with stage.running():
            try:
                # A worker that was begun while the supervisor ended may be unheard, and is ended after half a minute.
                await until(lambda: stage.live(session).turn_count, "a turn", deadline_s=seats.UNHEARD_DEADLINE_S + 15)
                assert len(told(stage, session)) == 1
            finally:
                await stage.end_all()


@awaited
async def test_an_uncontained_session_says_so_first_in_the_list_and_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with backstage(containment="none") as stage:
        session = stage.session("say hello")
        await stage.settles(session)
        first, *_ = stage.posts(session)
        assert "not shut in" in first and "decide for other sessions" in first
        stage.prompt(session, "say again")
        await stage.settles(session, 2)
        assert sum("not shut in" in post for post in stage.posts(session)) == 1
        (line,) = session_list.listed(stage.layout)
        assert not line.contained
        assert "  NO  " in table.wide([line], 0.0)
        assert ", NOT CONTAINED" in table.fitting([line], 0.0, 80)
        (shown,) = [f for f in checkup.findings(stage.layout) if f.kind == "uncontained"]
        assert "decide for other sessions" in shown.todo
        page = status.page([Listed(stage.live(session), "t", "idle")], StatusButton(), 0, 0.0)
        assert page.embed and "**not contained**" in page.embed.description
        assert "its Claude runs uncontained" in caplog.text


@awaited
async def test_a_contained_session_says_nothing_of_it() -> None:
    async with backstage() as stage:
        session = stage.session("say hello")
        await stage.settles(session)
        assert not any("shut in" in post for post in stage.posts(session))


def test_the_trial_says_what_is_missing(tmp_path: Path) -> None:
    argv = [sys.executable, "-I", "-m", "worker", "--probe", str(tmp_path)]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "") or "Install the package bubblewrap" in done.stdout


@awaited
async def test_check_tells_of_a_machine_that_cannot_shut_in(monkeypatch: pytest.MonkeyPatch) -> None:
    async with folder_of_a_stage() as stage:
        assert not [f for f in checkup.findings(stage.layout) if f.kind == "no_containment"]
        monkeypatch.setattr(walls, "refusal", lambda layout: "bubblewrap is not installed. Install it")
        (found,) = [f for f in checkup.findings(stage.layout) if f.kind == "no_containment"]
        assert found.is_wrong
        assert found.todo == "Install it"


@awaited
async def test_the_playground_runs_its_scripted_claude_uncontained_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.shutting_in.refusal_in_words", lambda state: "bubblewrap is not installed. Install it")
    async with playhouse() as house:
        assert "uncontained (bubblewrap is not installed)" in house.host.where()
        assert "not shut in" in (house.host.channel.topic or "")
        thread = await house.starts("say hello")
        await house.done(thread)
        assert "not shut in" in house.posts(thread)[0].content


def test_a_real_claude_is_never_uncontained_but_by_a_persons_word(tmp_path: Path) -> None:
    real = host_claude.Chosen("the real one", ("claude",), uses_login=True)
    with pytest.raises(UserError, match="--uncontained"):
        host_claude.within(real, "it is broken. Mend it")
    assert host_claude.within(host_claude.uncontained(real), "it is broken").containment == "none"
    assert host_claude.within(real, "").containment == "project"
    assert host_claude.within(host_claude.scripted(tmp_path), "it is broken. Mend it").containment == "none"
