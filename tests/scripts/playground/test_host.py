"""The host: what it makes, which Claude it takes, and that it leaves nothing behind. The supervisor is a fake."""

import asyncio
import sys
import time
from collections.abc import Coroutine
from pathlib import Path

import psutil
import pytest

from bridge.protocol.errors import UserError
from bridge.protocol.layout import Layout
from playground import once
from playground.host import claude as host_claude
from playground.host import place as host_place
from playground.host.bridge_host import hosted
from playground.host.place import Facts, Place
from supervisor import config
from supervisor.operator import ending

DEADLINE_S = 20

# Says what it was asked to do in a file, is ready at once, and ends on SIGTERM.
FAKE = """
import os, signal, socket, sys
with open(__file__ + ".asked", "a") as asked:
    asked.write(" ".join(sys.argv[3:]) + chr(10))
if sys.argv[3] == "run":
    print("the fake supervisor says hello", flush=True)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    {ready}
    signal.sigwait([signal.SIGTERM])
"""
READY = """socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])"""


def fake_threadbridge(folder: Path, ready: str = READY) -> list[str]:
    program = folder / "threadbridge.py"
    program.write_text(FAKE.format(ready=ready))
    return [sys.executable, "-I", "-S", str(program)]


def asked(folder: Path) -> list[str]:
    return (folder / "threadbridge.py.asked").read_text().splitlines()


@pytest.fixture
def ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When a playground's sessions are ended stands among what its threadbridge was asked for."""

    def end_all(_: Layout) -> dict[str, ending.Ended]:
        with (tmp_path / "threadbridge.py.asked").open("a") as journal:
            journal.write("sessions ended\n")
        return {}

    monkeypatch.setattr(ending, "end_all", end_all)


def finish[T](main: Coroutine[object, object, T]) -> T:
    return asyncio.run(asyncio.wait_for(main, DEADLINE_S))


@pytest.fixture
def tmp_path(short_path: Path) -> Path:
    return short_path


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "p")


def facts(place: Place) -> Facts:
    return Facts("http://127.0.0.1:1/api/v10", "secret", 111, [222, 333], host_claude.scripted(place.home))


# --- the place


def test_the_configuration_is_one_that_the_supervisor_takes(place: Place) -> None:
    with host_place.held(place.root):
        host_place.renew(place)
        host_place.write_configuration(place, facts(place))
        loaded = config.load(place.config)
        assert loaded.command[0] == sys.executable
        assert loaded.environment == {"HOME": str(place.home)}
        assert loaded.layout.state == place.state
        assert loaded.policy.users == {111}
        assert {channel_id: channel.directory for channel_id, channel in loaded.channels.items()} == {
            222: str(place.project),
            333: str(place.project),
        }
        assert config.read_token(loaded) == "secret"


def test_odd_characters_in_paths_survive_the_configuration(tmp_path: Path) -> None:
    place = Place(tmp_path / 'a "b" \\ é 😀')
    with host_place.held(place.root):
        host_place.renew(place)
        host_place.write_configuration(place, facts(place))
        assert config.load(place.config).layout.state == place.state


def test_the_configuration_and_the_token_are_for_their_owner_only(place: Place) -> None:
    with host_place.held(place.root):
        host_place.renew(place)
        host_place.write_configuration(place, facts(place))
    assert [oct(path.stat().st_mode & 0o777) for path in (place.config, place.token_file)] == ["0o600", "0o600"]
    assert place.root.stat().st_mode & 0o077 == 0


def test_a_new_run_empties_the_state_and_keeps_the_project(place: Place) -> None:
    with host_place.held(place.root):
        host_place.renew(place)
        (place.state / "old").touch()
        (place.project / "made.txt").touch()
        host_place.renew(place)
    assert not (place.state / "old").exists()
    assert (place.project / "made.txt").exists()


def test_two_playgrounds_do_not_share_a_folder(place: Place) -> None:
    second = host_place.held(place.root)
    with host_place.held(place.root), pytest.raises(UserError, match="another playground"), second:
        pass


def test_a_folder_inside_threadbridge_is_refused() -> None:
    with pytest.raises(UserError, match="lies inside Threadbridge"), host_place.held(host_place.INSTALLATION / "p"):
        pass


def test_a_path_that_is_too_long_for_sockets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="too long"), host_place.held(tmp_path / ("x" * 80)):
        pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be used"), host_place.held(tmp_path / "file/p"):
        pass


def test_a_temporary_place_stays_only_when_something_went_wrong() -> None:
    with host_place.temporary() as place:
        root = place.root
    assert not root.exists()
    with pytest.raises(once.Missed), host_place.temporary() as place:
        raise once.Missed
    assert place.root.exists()
    (place.root / "lock").unlink()
    place.root.rmdir()


def test_the_usual_folder_follows_xdg_and_else_the_home() -> None:
    assert host_place.default_root({"XDG_STATE_HOME": "/x"}) == Path("/x/threadbridge-playground")
    assert host_place.default_root({"HOME": "/h"}) == Path("/h/.local/state/threadbridge-playground")


# --- which Claude


def machine_with_claude(tmp_path: Path, program: str | None) -> dict[str, str]:
    """An environment in which `claude` is this shell program."""
    folder = tmp_path / "bin"
    folder.mkdir()
    if program is not None:
        (folder / "claude").write_text(f"#!/bin/sh\n{program}\n")
        (folder / "claude").chmod(0o755)
    return {"PATH": str(folder), "HOME": str(tmp_path)}


def test_a_claude_that_is_logged_in_is_taken(tmp_path: Path) -> None:
    environ = machine_with_claude(tmp_path, '[ "$*" = "auth status" ]')
    chosen = finish(host_claude.choose("auto", tmp_path, environ))
    assert chosen.command == (str(tmp_path / "bin/claude"),)
    assert chosen.uses_login


def test_where_it_cannot_be_shut_in_it_is_taken_only_by_a_persons_word(tmp_path: Path) -> None:
    environ, why = machine_with_claude(tmp_path, '[ "$*" = "auth status" ]'), "no bubblewrap. Install it"
    assert finish(host_claude.choose("auto", tmp_path, environ, refusal=why)).is_scripted
    chosen = finish(host_claude.choose("auto", tmp_path, environ, refusal=why, may_be_free=True))
    assert (chosen.uses_login, chosen.containment) == (True, "none")


@pytest.mark.parametrize("program", [None, "exit 1"])
def test_without_a_claude_that_is_logged_in_the_scripted_one_is_taken(tmp_path: Path, program: str | None) -> None:
    chosen = finish(host_claude.choose("auto", tmp_path, machine_with_claude(tmp_path, program)))
    assert chosen.is_scripted
    assert chosen.environment == {"HOME": str(tmp_path)}


OLD = 'test "$*" = "auth status" || echo "2.1.197 (Claude Code)"'
"""What npm on Node 20 installs."""


def test_instead_of_a_claude_that_is_too_old_the_scripted_one_is_taken_and_it_says_why(tmp_path: Path) -> None:
    chosen = finish(host_claude.choose("auto", tmp_path, machine_with_claude(tmp_path, OLD)))
    assert chosen.is_scripted
    assert "is Claude Code 2.1.197, and the oldest that works here is 2.1.248" in chosen.what


def test_a_real_one_that_is_wished_for_and_too_old_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is Claude Code 2\.1\.197"):
        finish(host_claude.choose("real", tmp_path, machine_with_claude(tmp_path, OLD)))


def test_a_claude_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_claude, "STATUS_DEADLINE_S", 0.2)
    monkeypatch.setattr(host_claude, "VERSION_DEADLINE_S", 0.2)
    environ = machine_with_claude(tmp_path, "exec /bin/sleep 60")
    began = time.monotonic()
    assert finish(host_claude.choose("auto", tmp_path, environ)).is_scripted
    assert time.monotonic() - began < DEADLINE_S / 2


def test_the_scripted_one_can_be_forced(tmp_path: Path) -> None:
    assert finish(host_claude.choose("scripted", tmp_path, machine_with_claude(tmp_path, "exit 0"))).is_scripted


def test_a_real_one_that_is_wished_for_and_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no claude on the path"):
        finish(host_claude.choose("real", tmp_path, machine_with_claude(tmp_path, None)))


def test_only_a_claude_with_the_persons_login_gets_the_persons_settings(tmp_path: Path) -> None:
    environ = {"PATH": "/bin", "ANTHROPIC_API_KEY": "mine", "PYTHONPATH": "x", "THREADBRIDGE_CONFIG": "y"}
    scripted = host_claude.scripted(tmp_path)
    login = host_claude.Chosen("real", ("claude",), uses_login=True)
    assert host_claude.supervisor_environment(scripted, environ) == {"PATH": "/bin"}
    assert host_claude.supervisor_environment(login, environ) == {"PATH": "/bin", "ANTHROPIC_API_KEY": "mine"}


# --- the supervisor


@pytest.mark.usefixtures("ends")
def test_the_supervisor_is_started_told_ready_and_stopped_and_its_workers_are_ended(tmp_path: Path) -> None:
    async def use() -> int:
        with host_place.held(tmp_path / "p") as place:
            claude = host_claude.scripted(place.home)
            async with hosted(place, claude, fake_threadbridge(tmp_path)) as host:
                await host.supervisor.until_ready(DEADLINE_S)
                assert str(place.config) in host.where()
                assert config.load(place.config).policy.users == {host.you.id}
                return host.supervisor.pid

    pid = finish(use())
    assert not psutil.pid_exists(pid)
    assert asked(tmp_path) == ["run", "sessions ended", "sessions ended"]


@pytest.mark.usefixtures("ends")
def test_workers_that_a_killed_playground_left_are_ended_first(tmp_path: Path) -> None:
    async def use() -> None:
        with host_place.held(tmp_path / "p") as place:
            place.state.mkdir(parents=True)
            async with hosted(place, host_claude.scripted(place.home), fake_threadbridge(tmp_path)) as host:
                await host.supervisor.until_ready(DEADLINE_S)

    finish(use())
    assert asked(tmp_path) == ["sessions ended", "run", "sessions ended", "sessions ended"]


def test_a_supervisor_that_ends_at_once_is_said_with_its_log(tmp_path: Path) -> None:
    async def use() -> str:
        with host_place.held(tmp_path / "p") as place:
            command = fake_threadbridge(tmp_path, "sys.exit(78)")
            async with hosted(place, host_claude.scripted(place.home), command) as host:
                with pytest.raises(UserError, match="exit code 78"):
                    await host.supervisor.until_ready(DEADLINE_S)
                return host.supervisor.log_tail()

    assert "the fake supervisor says hello" in finish(use())


def test_a_conversation_whose_supervisor_ends_fails_and_tells_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def use() -> bool:
        with host_place.held(tmp_path / "p") as place:
            command = fake_threadbridge(tmp_path, READY + "; sys.exit(3)")
            async with hosted(place, host_claude.scripted(place.home), command) as host:
                return await once.play(host)

    assert finish(use()) is False
    told = capsys.readouterr().out
    assert "✗ the supervisor is ready and connected" in told
    assert "ended with exit code 3" in told
    assert "the fake supervisor says hello" in told
