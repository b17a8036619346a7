"""The commands on a state whose disk takes no writes any more: that is when somebody looks, and ends what runs."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.protocol.errors import LocalError, NotNowError
from bridge.protocol.layout import Layout
from supervisor import config as configuration
from supervisor import locks, main, state_directory
from supervisor.letters import Letter
from supervisor.operator import cli, ran_before
from supervisor.operator.health_file import Health, HealthFile
from supervisor.operator.letter_commands import answered
from supervisor.sessions.store import Store

HOLDS = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
SESSION = "aaaaaaaa-0000-4000-8000-000000000001"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """With one session that nothing runs of."""
    made = Layout(tmp_path / "state")
    os.close(state_directory.prepare(made))
    made.session(SESSION).folder.mkdir()
    Store(made.database).close()
    return made


@pytest.fixture
def supervisor(layout: Layout) -> Iterator[int]:
    """The pid of somebody who holds the supervisor's lock."""
    argv = [sys.executable, "-S", "-c", HOLDS, str(layout.supervisor_lock)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        try:
            process.stdout.readline()
            yield process.pid
        finally:
            process.kill()


@pytest.fixture(params=[errno.EROFS, errno.EIO])
def sick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, supervisor: int) -> None:
    """Nothing of the state can be opened for writing, removed or made."""
    opens = os.open

    def fails(path: object, *_: object, **__: object) -> None:
        raise OSError(request.param, os.strerror(request.param), str(path))

    def only_reads(path: str, flags: int, *args: int, **more: int) -> int:
        if flags & WRITES and "state" in str(path):
            fails(path)
        return opens(path, flags, *args, **more)

    monkeypatch.setattr(os, "open", only_reads)
    for name in ("unlink", "mkdir", "rename", "replace"):
        monkeypatch.setattr(os, name, fails)


@pytest.mark.usefixtures("sick")
def test_who_holds_a_lock_is_known_all_the_same(layout: Layout, supervisor: int) -> None:
    assert locks.holder(layout.supervisor_lock) == supervisor


@pytest.mark.usefixtures("sick")
@pytest.mark.parametrize("command", ["status", "list", "kill --all"])
def test_a_command_that_only_looks_or_ends_does_its_work(layout: Layout, command: str) -> None:
    done = CliRunner().invoke(cli.cli, ["--state", str(layout.state), *command.split()])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert "state directory" in done.output


@pytest.mark.usefixtures("sick")
def test_a_start_is_put_off_and_not_given_up(layout: Layout) -> None:
    with pytest.raises(NotNowError, match=r"state\.directory: .* cannot be used: "):
        state_directory.prepare(layout)


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.EROFS, 75), (errno.EIO, 75), (errno.ENOSPC, 75), (errno.EACCES, 78), (errno.ENOTDIR, 78)],
)
@pytest.mark.parametrize("where", ["config.toml", "token", "state"])
def test_run_ends_so_that_systemd_tries_what_may_pass_again(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, number: int, code: int
) -> None:
    config = short_path / "config.toml"
    config.write_text(
        f'[discord]\ntoken_file = "{short_path}/token"\n[access]\nusers = [1]\n'
        f'[state]\ndirectory = "{short_path}/state"\n'
        f'[claude]\ncommand = ["{sys.executable}"]\n[[channels]]\nid = 1\ndirectory = "{short_path}"\n'
    )
    (short_path / "token").write_text("a token")
    monkeypatch.setattr(main, "run", lambda loaded, *_: state_directory.prepare(loaded.layout))
    for method in ("read_text", "mkdir"):
        monkeypatch.setattr(Path, method, _failing(getattr(Path, method), where, number))
    done = CliRunner().invoke(cli.cli, ["--config", str(config), "run"])
    assert (done.exit_code, os.strerror(number) in done.output) == (code, True), done.output


@pytest.mark.parametrize("away", ["claude", "project", "token"])
@pytest.mark.parametrize("before", ["the same", "other text", "another version", "nothing"])
def test_what_was_there_when_the_same_configuration_ran_may_come_back(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, away: str, before: str
) -> None:
    text = (
        f'[discord]\ntoken_file = "{short_path}/token"\n[access]\nusers = [1]\n[state]\ndirectory = "{short_path}/s"\n'
        f'[claude]\ncommand = ["{short_path}/claude"]\n[[channels]]\nid = 1\ndirectory = "{short_path}/project"\n'
    )
    config, layout = short_path / "config.toml", Layout(short_path / "s")
    config.write_text(text)
    (short_path / "token").write_text("a token")
    (short_path / "project").mkdir()
    (short_path / "claude").symlink_to(sys.executable)
    if before != "nothing":
        lock = state_directory.prepare(layout)
        HealthFile(layout, lock).say(Health(config_digest=configuration.load(config).digest))
        os.close(lock)
    if before == "another version":
        monkeypatch.setattr(ran_before, "version", lambda _: "9.9")
    if before == "other text":
        config.write_text(f"# changed\n{text}")
    (short_path / away).rename(short_path / "elsewhere")
    done = CliRunner().invoke(cli.cli, ["--config", str(config), "run"])
    is_said = "ran here before, so it may be back soon" in done.output
    assert (done.exit_code, is_said) == ((75, True) if before == "the same" else (78, False)), done.output
    assert str(short_path / away) in done.output


def _failing[**P, T](method: Callable[P, T], name: str, number: int) -> Callable[P, T]:
    """It fails for a path of that name."""

    def fails(*args: P.args, **more: P.kwargs) -> T:
        if isinstance(path := args[0], Path) and path.name == name:
            raise OSError(number, os.strerror(number), str(path))
        return method(*args, **more)

    return fails


@pytest.mark.usefixtures("sick")
def test_what_is_asked_of_the_supervisor_is_refused_in_words(layout: Layout, supervisor: int) -> None:
    letter = Letter(number=1, until=2.0, who="ada", what="send", target="1")
    with pytest.raises(LocalError, match=r"takes nothing .*, so nothing was done"):
        answered(layout, letter)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO, errno.ENOSPC])
def test_an_error_of_the_disk_that_nobody_thought_of_is_said_in_a_line(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(**_: object) -> None:
        raise OSError(number, os.strerror(number), "/a/file")

    monkeypatch.setattr(cli, "cli", breaks)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert (ended.value.code, capsys.readouterr().err) == (1, f"threadbridge: /a/file: {os.strerror(number)}\n")
