"""The program that renews a login: where it runs, with what, and that we never break it off in the middle."""

import asyncio
import sys
from pathlib import Path

import pytest

from stages.support import awaited, until
from supervisor.login.renewal import Renewal


def program(folder: Path, body: str) -> tuple[str, ...]:
    file = folder / "claude.py"
    file.write_text(f"import os, pathlib, sys, time\nfolder = pathlib.Path({str(folder)!r})\n{body}\n")
    return (sys.executable, "-I", str(file))


@awaited
async def test_it_runs_from_the_root_in_the_users_environment_and_never_updates_the_cli(tmp_path: Path) -> None:
    body = (
        '(folder / "seen").write_text(" ".join([os.getcwd(), *sys.argv[1:], os.environ["HOME"], *sorted(os.environ)]))'
    )
    how = await Renewal(program(tmp_path, body), {"HOME": "/h"}, tmp_path / "empty").run(tmp_path, 1)
    assert how == "claude auth status ended with 0"
    cwd, auth, status, home, *names = (tmp_path / "seen").read_text().split()
    assert (cwd, auth, status, home) == ("/", "auth", "status", "/h")
    assert {"DISABLE_AUTOUPDATER", "HOME"} <= set(names) <= {"DISABLE_AUTOUPDATER", "HOME", "LC_CTYPE"}


@pytest.mark.slow
@awaited
async def test_one_that_hangs_is_ended_and_said(tmp_path: Path) -> None:
    body = '(folder / "pid").write_text(str(os.getpid())); time.sleep(60)'
    how = await Renewal(program(tmp_path, body), {}, tmp_path / "empty", deadline_s=1.0).run(tmp_path, 0)
    assert how == "claude auth status took more than 1 s"
    assert not Path("/proc", (tmp_path / "pid").read_text()).exists()


@awaited
async def test_a_supervisor_that_stops_lets_it_end_by_itself(tmp_path: Path) -> None:
    body = """
(folder / "spent").touch()
while not (folder / "go").exists(): time.sleep(0.01)
(folder / "written").touch()
"""
    renewal = Renewal(program(tmp_path, body), {}, tmp_path / "empty")
    running = asyncio.create_task(renewal.run(tmp_path, 0))
    await until((tmp_path / "spent").exists, "the refresh token to be spent")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    (tmp_path / "go").touch()
    await until((tmp_path / "written").exists, "the new one to be written")
    assert renewal.process
    assert renewal.process.wait(5) == 0


@awaited
async def test_a_program_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert "No such file" in await Renewal((str(tmp_path / "none"),), {}, tmp_path / "empty").run(tmp_path, 0)


@pytest.mark.slow
@awaited
async def test_each_second_try_is_with_the_users_own_settings_and_the_others_with_nothing_but_the_login(
    tmp_path: Path,
) -> None:
    body = """
config = os.environ["CLAUDE_CONFIG_DIR"]
with (folder / "seen").open("a") as seen:
    print(config, os.environ.get("CLAUDE_SECURESTORAGE_CONFIG_DIR"), os.listdir(config), file=seen)
(pathlib.Path(config) / "left").touch()
"""
    own, empty, store = tmp_path / "own", tmp_path / "empty", tmp_path / "store"
    own.mkdir()
    renewal = Renewal(program(tmp_path, body), {"CLAUDE_CONFIG_DIR": str(own)}, empty)
    for tries in range(4):
        await renewal.run(store, tries)
    alone = f"{empty} {store} []"
    assert (tmp_path / "seen").read_text().splitlines() == [alone, f"{own} None []", alone, f"{own} None ['left']"]
