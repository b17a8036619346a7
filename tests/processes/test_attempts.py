"""``threadbridge check --containment``: each attack on the walls, in the docs' own layout, as root and as another user.

The control run has no walls at all: what is refused behind them is reached there.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import traceback
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from bridge.protocol.attempts import Tried, Wanted, in_words
from bridge.protocol.events import SessionCreated
from bridge.protocol.start import WorkerStart
from processes.test_containment_attacks import UNPRIVILEGED, USERS
from stages.support import ROOT
from worker import attempts, landlock
from worker.walls.probe import probe

DEADLINE_S = 60


class House:
    """A user's home as docs/ describe it, with two sessions' state, another project, and keys to elsewhere."""

    def __init__(self, base: Path, user: str) -> None:
        self.base, self.uid = base, UNPRIVILEGED if user == "unprivileged" else os.getuid()
        self.home = base / "home"
        for name, text in FILES.items():
            (self.home / name).parent.mkdir(parents=True, exist_ok=True)
            (self.home / name).write_text(text)
        (self.home / ".config/threadbridge/token").chmod(0o600)
        self.agent = socket.socket(socket.AF_UNIX)
        self.agent.bind(str(self.home / ".gnupg/S.gpg-agent"))
        self.agent.listen()
        base.chmod(0o755)
        for path in (base, *base.rglob("*")):
            os.chown(path, self.uid, self.uid if self.uid == UNPRIVILEGED else -1, follow_symlinks=False)

    def wanted(self, containment: str = "project", **changes: object) -> Wanted:
        state, config = self.home / ".local/state/threadbridge", self.home / ".config/threadbridge/config.toml"
        created = SessionCreated(str(uuid.uuid4()), 1, 2, 222, str(self.home / "project"), 3)
        start = WorkerStart(
            created=created,
            start="trial",
            state_directory=str(state),
            endpoint="",
            server_key="",
            public_key="",
            secret_key="",
            command=("/bin/true",),
            environment={"HOME": str(self.home)},
            permission_mode="default",
            model="",
            bypass_permissions=False,
            containment=containment,
            protected_paths=(str(config),),
            generation="",
            applied=0,
            wake=False,
            hidden_paths=(str(config.parent),),
        )
        others = (str(state / "sessions/other/log.jsonl"), str(self.home / "elsewhere/.git/hooks"))
        token = (str(config.parent / "token"),)
        return Wanted(msgspec.structs.replace(start, **changes), token, others, (os.getppid(),))

    def tried(self, wanted: Wanted) -> list[Tried]:
        """As this user, in a process of its own."""
        attempts.source()
        reading, writing = os.pipe()
        if not (pid := os.fork()):
            os._exit(_answer(self.uid, wanted, writing))
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            told = pipe.read()
        assert os.waitpid(pid, 0)[1] == 0, told.decode()
        return msgspec.json.decode(told, type=list[Tried])


def _answer(uid: int, wanted: Wanted, writing: int) -> int:
    try:
        if uid != os.getuid():
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
        os.write(writing, msgspec.json.encode(attempts.tried(wanted)))
    except BaseException:
        os.write(writing, traceback.format_exc().encode())
        return 1
    return 0


FILES = {
    ".config/threadbridge/config.toml": "",
    ".config/threadbridge/token": "the token",
    ".local/state/threadbridge/threadbridge.db": "",
    ".local/state/threadbridge/sessions/other/log.jsonl": "{}",
    ".local/state/threadbridge/sockets/x": "",
    ".claude/.credentials.json": "{}",
    ".claude/settings.json": "{}",
    ".claude/projects/-another/one.jsonl": "{}",
    ".claude.json": "{}",
    ".ssh/id_ed25519": "key",
    ".ssh/authorized_keys": "",
    ".aws/credentials": "key",
    ".npmrc": "key",
    ".netrc": "key",
    ".gnupg/private": "key",
    ".bashrc": "",
    ".config/systemd/user/one.service": "",
    "elsewhere/.git/hooks/pre-commit": "",
    "project/app.py": "",
}


@pytest.fixture(params=USERS)
def house(request: pytest.FixtureRequest) -> Iterator[House]:
    base = Path(tempfile.mkdtemp(prefix="tb-", dir="/tmp"))
    found = House(base, request.param)
    try:
        yield found
    finally:
        found.agent.close()
        shutil.rmtree(base)


def of(outcomes: list[Tried], verdict: str) -> list[str]:
    return [in_words(outcome) for outcome in outcomes if outcome.verdict == verdict]


def test_behind_the_walls_every_attack_is_refused(house: House) -> None:
    outcomes = house.tried(house.wanted())
    assert of(outcomes, "REACHED") == []
    assert len(outcomes) > 80
    expected = [] if landlock.has_scopes() else ["connect to an abstract socket"]
    assert [outcome.what for outcome in outcomes if outcome.verdict == "open"] == expected


def test_without_walls_the_same_attacks_succeed(house: House) -> None:
    """What is refused above is refused by the walls. Another's memory is the kernel's own business."""
    reached = of(house.tried(house.wanted("none")), "REACHED")
    told = "\n".join(reached)
    names = (
        "token",
        "log.jsonl",
        "id_ed25519",
        ".credentials.json",
        "S.gpg-agent",
        ".bashrc",
        "agent.sock",
        "one.jsonl",
    )
    for name in (*names, "elsewhere/.git/hooks", ".claude/settings.json"):
        assert name in told, name
    assert "see the process" in told and "signal" in told


def test_what_the_configuration_opens_is_said_with_its_key(house: House) -> None:
    wanted = house.wanted(readable=("~/.npmrc",), writable=(str(house.home / "elsewhere"),))
    outcomes = house.tried(wanted)
    assert of(outcomes, "REACHED") == []
    opened = [line for line in of(outcomes, "open") if "abstract" not in line]
    assert [line for line in opened if ".npmrc ([containment] readable)" in line]
    assert [line for line in opened if "elsewhere/.git/hooks ([containment] writable)" in line]
    assert all("[containment]" in line for line in opened), opened


def test_the_level_home_opens_what_the_user_can_reach_but_nothing_of_ours(house: House) -> None:
    outcomes = house.tried(house.wanted("home"))
    assert of(outcomes, "REACHED") == []
    opened = "\n".join(of(outcomes, "open"))
    assert "id_ed25519" in opened and ".bashrc" in opened
    assert "threadbridge/token" not in opened and "threadbridge.db" not in opened


@pytest.mark.parametrize(
    "open_a_door",
    [
        lambda house: ("readable", (str(house.home / ".local"),)),
        lambda house: ("readable", (str(house.home / ".config"),)),
        lambda house: ("writable", (str(house.home / ".claude"),)),
    ],
)
def test_what_holds_a_secret_may_be_named_and_the_secret_stays_hidden(
    house: House, open_a_door: Callable[[House], tuple[str, tuple[str, ...]]]
) -> None:
    key, names = open_a_door(house)
    outcomes = house.tried(house.wanted(**{key: names}))  # type: ignore[arg-type]
    assert of(outcomes, "REACHED") == []
    opened = "\n".join(of(outcomes, "open"))
    assert "threadbridge/token" not in opened and "threadbridge.db" not in opened and "log.jsonl" not in opened


@pytest.mark.parametrize("house", USERS[:1], indirect=True)
def test_the_command_prints_each_attempt_and_ends_well(house: House) -> None:
    config = house.home / ".config/threadbridge/config.toml"
    config.write_text(
        f'[discord]\ntoken_file = "{house.home}/.config/threadbridge/token"\n[access]\nusers = [1]\n'
        f'[[channels]]\nid = 2\ndirectory = "{house.home}/project"\n[claude]\ncommand = ["sh"]\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "supervisor.operator.cli", "--config", str(config), "check", "--containment"],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        cwd=ROOT,
        env={"HOME": str(house.home), "PATH": os.environ["PATH"]},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "refused  read through a link: " in done.stdout and "0 REACHED" in done.stdout
    assert not list((house.home / ".local/state/threadbridge/sessions").glob("*/inside")), "it leaves nothing"


def test_the_walls_can_be_had_here(house: House) -> None:
    """Where not, the tests above would say so less plainly."""
    from worker.walls.from_start import wish_of  # noqa: PLC0415

    if house.uid == os.getuid():
        assert probe(wish_of(house.wanted().start, {"PATH": os.environ["PATH"]}, "")) is None
