"""What a hostile child tries, each with a control run that shows that without walls it works.

As root every test runs twice: as root, and as a user without privileges (a bare uid; no account is made).
The attacks are one small program that runs on any Python that user can reach. Where a machine refuses
bubblewrap, the fallback is shown first and the skip names the reason.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.protocol.errors import UserError
from worker import bubblewrap
from worker.walls.covers import survey
from worker.walls.held import held
from worker.walls.probe import decide, probe
from worker.walls.wish import HIDDEN, Containment, RefusedError

DEADLINE_S = 10.0
UNPRIVILEGED = 60321
USERS = ["root", "unprivileged"] if os.geteuid() == 0 else ["ourselves"]
REPOSITORY = Path(__file__).resolve().parents[2]

HOSTILE = r"""
import ctypes, errno, os, signal, socket, stat, sys
libc = ctypes.CDLL(None, use_errno=True)

def checked(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), "")

def read(path):
    return open(path).read()

def write(path, text="hostile\n"):
    os.write(os.open(path, os.O_WRONLY | os.O_CREAT), text.encode())
    return "written"

def open_to_write(path):
    os.close(os.open(path, os.O_WRONLY))
    return "opened"

def link(path, target):
    if os.path.islink(path) or os.path.isfile(path):
        os.unlink(path)
    elif os.path.isdir(path):
        os.rename(path, path + ".away")
    os.symlink(target, path)
    return "planted"

def rename(path):
    os.rename(path, path + ".away")
    os.mkdir(path)
    return "planted"

def environment(pid):
    return read("/proc/%s/environ" % pid).replace("\0", " ")

def memory(pid):
    stack = next(line for line in open("/proc/%s/maps" % pid) if "[stack]" in line)
    start, end = (int(word, 16) for word in stack.split()[0].split("-"))
    fd = os.open("/proc/%s/mem" % pid, os.O_RDONLY)
    return "found" if b"SECRET=" in os.pread(fd, end - start, start) else "not found"

def forge_own_input():
    write("/proc/self/fd/0", "forged\n")
    return sys.stdin.readline()

def connect(path):
    socket.socket(socket.AF_UNIX).connect(path)
    return "connected"

def listen(path):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    return connect(path)

def kill(pid):
    os.kill(int(pid), signal.SIGKILL)
    return "killed"

def uncover(path):
    checked(libc.umount2(path.encode(), 2))
    return "uncovered"

def uncover_from_a_nested_namespace(path):
    checked(libc.unshare(0x10000000 | 0x00020000))  # user, mounts
    return uncover(path)

def look_below_from_a_nested_namespace(path, at):
    checked(libc.unshare(0x10000000 | 0x00020000))
    checked(libc.mount(os.path.dirname(path).encode(), at.encode(), None, 4096, None))  # bind, not recursive
    return str(os.listdir(os.path.join(at, os.path.basename(path))))

def disks():
    found = (os.path.join(folder, name) for folder, _, names in os.walk("/dev") for name in names)
    return str([path for path in found if os.path.exists(path) and stat.S_ISBLK(os.stat(path).st_mode)])

def processes():
    return str(sorted(int(name) for name in os.listdir("/proc") if name.isdecimal()))

def capabilities():
    return next(line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff"))

def read_later(path):
    print("ready", flush=True)
    sys.stdin.readline()
    return read(path)

def leave_an_orphan():
    if os.fork():
        signal.pause()
    os.setsid()
    if os.fork():
        os._exit(0)
    os.setsid()
    while os.getppid() != 1 and "adopted" not in sys.argv:
        pass
    print("ready", flush=True)
    for line in sys.stdin:
        print("alive", flush=True)
    os._exit(0)

def keep_forking():
    print("ready", flush=True)
    while True:
        if os.fork():
            os._exit(0)

try:
    answer = globals()[sys.argv[1]](*[word for word in sys.argv[2:] if word != "adopted"])
except OSError as error:
    answer = "refused: " + errno.errorcode[error.errno]
print(answer, flush=True)
"""

VICTIM = """
import ctypes
ctypes.CDLL(None).prctl(0x59616d61, ctypes.c_ulong(-1), 0, 0, 0)  # where Yama asks: anybody may trace me
print("ready", flush=True)
print("got", input(), flush=True)
"""


class Child:
    """A process whose stdio is a socketpair, as a worker's child has it, or a pair of pipes."""

    def __init__(
        self,
        argv: list[str],
        switch: dict[str, Any],
        *,
        pipes: bool = False,
        env: dict[str, str] | None = None,
    ) -> None:
        ours, theirs = socket.socketpair()
        ours.settimeout(DEADLINE_S)
        read, self._write = os.pipe()
        os.fchown(read, switch.get("user", -1), -1)  # as if this user's worker had made it
        stdin = read if pipes else theirs.fileno()
        self.process = subprocess.Popen(argv, stdin=stdin, stdout=theirs.fileno(), cwd="/", env=env, **switch)
        theirs.close()
        os.close(read)
        self.socket = ours
        self._lines = ours.makefile("r")

    def say(self, line: str) -> None:
        self.socket.sendall(line.encode() + b"\n")

    def hear(self) -> str:
        """The next line without its end; "" when nobody holds the other end any more."""
        return self._lines.readline().rstrip("\n")

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE_S)
        self._lines.close()
        self.socket.close()
        os.close(self._write)


class Camp:
    """One user's home, state, secrets and project in a directory of its own."""

    def __init__(self, base: Path, user: str) -> None:
        self.base = base
        self.uid = UNPRIVILEGED if user == "unprivileged" else os.getuid()
        other = self.uid != os.getuid()
        self.switch: dict[str, Any] = {"user": self.uid, "group": self.uid, "extra_groups": []} if other else {}
        self.python = python_for(self.uid)
        self.children: list[Child] = []
        self.wish = self._wish()
        self._furnish()

    def _wish(self) -> Containment:
        return Containment(
            mode="home",
            state_directory=str(self / STATE),
            project_directory=str(self / "project"),
            home=str(self / "home"),
            uid=self.uid,
            protected_paths=(str(self / "home/.config/threadbridge/config.toml"),),
            secrets=(str(self / "home/.config/threadbridge"),),
            installation=(str(self / "code"),),
            temporary_directories=(str(self / "tmp"),),
            hidden=(*HIDDEN, str(self / "run/credentials")),
        )

    def _furnish(self) -> None:
        self.base.chmod(0o755)
        for name in (*SECRETS, *SEALED):
            (self / name).parent.mkdir(parents=True, exist_ok=True)
            (self / name).write_text("the secret")
        for name in ("project", "tmp"):
            (self / name).mkdir()
        survey(self.wish)
        for path in (self.base, *self.base.rglob("*")):
            os.chown(path, self.uid, self.uid if self.switch else -1)

    def __truediv__(self, name: str) -> Path:
        return self.base / name

    def run(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, check=False, capture_output=True, text=True, timeout=DEADLINE_S, cwd="/", **self.switch
        )

    def start(self, prefix: list[str], attack: str, *arguments: object) -> Child:
        argv = [*prefix, self.python, "-I", "-S", "-c", HOSTILE, attack, *map(str, arguments)]
        return self._keep(Child(argv, self.switch))

    def try_(self, prefix: list[str], attack: str, *arguments: object) -> str:
        """The attack's first line of answer."""
        return self.start(prefix, attack, *arguments).hear()

    def victim(self, *, pipes: bool = False) -> Child:
        argv = [self.python, "-I", "-S", "-c", VICTIM]
        child = self._keep(Child(argv, self.switch, pipes=pipes, env={**os.environ, "SECRET": "the secret"}))
        assert child.hear() == "ready"
        return child

    def _keep(self, child: Child) -> Child:
        self.children.append(child)
        return child


STATE = "home/.local/state/threadbridge"
SECRETS = [
    f"{STATE}/token",
    "home/.config/threadbridge/token",
    "run/credentials/unit/token",
    "home/.claude/sessions/1.key",
]
SEALED = [
    "home/.config/threadbridge/config.toml",
    "home/.config/systemd/user/hostile.service",
    "home/.claude/settings.json",
    "code/worker/main.py",
]
FREE: list[str] = []


@cache
def python_for(uid: int) -> str:
    """A Python that this user can run: ours may lie in somebody's home."""
    switch: dict[str, Any] = {} if uid == os.getuid() else {"user": uid, "group": uid, "extra_groups": []}
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        try:
            subprocess.run([python, "-I", "-S", "-c", "import ctypes"], check=True, cwd="/", **switch)
        except (OSError, subprocess.CalledProcessError):
            continue
        return python
    pytest.fail(f"uid {uid} can run no Python: install one in /usr")


@pytest.fixture(params=USERS)
def camp(request: pytest.FixtureRequest) -> Iterator[Camp]:
    base = Path(tempfile.mkdtemp(prefix="tb-", dir="/tmp"))
    camp = None
    try:
        camp = Camp(base, request.param)
        yield camp
    finally:
        for child in camp.children if camp else ():
            child.close()
        shutil.rmtree(base)


@pytest.fixture
def walls(camp: Camp) -> list[str]:
    """The prefix. Where it cannot be had: the words for that are shown, then the skip."""
    refusal = probe(camp.wish, camp.run)
    if refusal is not None:
        assert_it_is_refused(camp, refusal)
        pytest.skip(f"this machine cannot contain uid {camp.uid}: {refusal}")
    return decide(camp.wish, None).prefix


def assert_it_is_refused(camp: Camp, refusal: str) -> None:
    with pytest.raises(RefusedError, match="containment is required"):
        decide(camp.wish, refusal)


# ---- files


@pytest.mark.parametrize("secret", SECRETS)
def test_secrets_cannot_be_read(camp: Camp, walls: list[str], secret: str) -> None:
    assert camp.try_(FREE, "read", camp / secret) == "the secret"
    assert camp.try_(walls, "read", camp / secret) == "refused: ENOENT"


@pytest.mark.parametrize("file", SEALED)
def test_code_and_configuration_cannot_be_written(camp: Camp, walls: list[str], file: str) -> None:
    assert camp.try_(walls, "write", camp / file) == "refused: EROFS"
    assert (camp / file).read_text() in {"the secret", "{}\n"}
    assert camp.try_(FREE, "write", camp / file) == "written"


def test_the_project_can_be_written(camp: Camp, walls: list[str]) -> None:
    assert camp.try_(walls, "write", camp / "project/made.txt") == "written"
    assert (camp / "project/made.txt").read_text() == "hostile\n"


@pytest.mark.parametrize(
    "directory",
    [
        *(STATE, "home/.local/state", "home/.local", "home", "run/credentials", "run", "tmp/cc-socks", "tmp"),
        *("home/.claude", "home/.config", "home/.config/systemd", "home/.config/threadbridge", "code"),
    ],
)
def test_no_directory_above_can_be_renamed_away(camp: Camp, walls: list[str], directory: str) -> None:
    assert camp.try_(walls, "rename", camp / directory) == "refused: EBUSY"
    assert camp.try_(FREE, "rename", camp / directory) == "planted"


def test_a_directory_that_the_host_makes_anew_stays_hidden(camp: Camp, walls: list[str]) -> None:
    """systemd does this to a unit's credentials at each start. Control: hide the unit's directory alone."""
    unit = camp / "run/credentials/unit"
    narrow = msgspec.structs.replace(camp.wish, hidden=(str(unit),))
    assert probe(narrow, camp.run) is None
    children = [camp.start(prefix, "read_later", unit / "token") for prefix in (decide(narrow, None).prefix, walls)]
    for child in children:
        assert child.hear() == "ready"
    shutil.rmtree(unit)
    unit.mkdir()
    (unit / "token").write_text("the secret")
    (unit / "token").chmod(0o644)
    for child in children:
        child.say("now")
    assert [child.hear() for child in children] == ["the secret", "refused: ENOENT"]


@pytest.mark.parametrize("attack", ["uncover", "uncover_from_a_nested_namespace"])
def test_what_is_hidden_cannot_be_uncovered(camp: Camp, walls: list[str], attack: str) -> None:
    """EPERM without the right, EINVAL because the mount is locked; ENOSPC where no namespace can be made."""
    answer = camp.try_(walls, attack, camp / STATE)
    assert answer in {"refused: EPERM", "refused: EINVAL", "refused: ENOSPC"}


def test_a_bind_mount_cannot_look_below_what_is_hidden(camp: Camp, walls: list[str]) -> None:
    answer = camp.try_(walls, "look_below_from_a_nested_namespace", camp / STATE, camp / "project")
    assert answer in {"refused: EPERM", "refused: EINVAL", "refused: ENOSPC"}


def plant(camp: Camp, path: str, target: str) -> None:
    """As a child of a session before could: one without walls, or before a wall stood there."""
    assert camp.try_(FREE, "link", camp / path, target) == "planted"


LINKS = ["/proc", "/proc/self/root", "/nowhere/at/all", "settings.local.json", "../project", "/etc/hostname"]


@pytest.mark.parametrize("target", LINKS)
@pytest.mark.parametrize("name", ["settings.local.json", "settings.json", "sessions"])
@pytest.mark.usefixtures("walls")
def test_a_planted_link_stops_the_start_and_never_switches_the_walls_off(camp: Camp, name: str, target: str) -> None:
    """Whatever the mode: there is no shell at all, not one without walls."""
    plant(camp, f"home/.claude/{name}", target)
    for mode in ("home",):
        wish = msgspec.structs.replace(camp.wish, mode=mode)
        with pytest.raises(UserError, match=rf"{name} is a symbolic link, which Claude could have made"):
            probe(wish, camp.run)
        with pytest.raises(UserError, match="symbolic link"):
            decide(wish, None)


@pytest.mark.parametrize("path", ["home/.claude", "home/.config", "home/.config/systemd", "tmp/cc-socks"])
@pytest.mark.parametrize("target", ["project", "nowhere", "/proc"])
@pytest.mark.usefixtures("walls")
def test_nor_does_one_on_the_way_to_what_is_covered(camp: Camp, path: str, target: str) -> None:
    wish = camp.wish
    plant(camp, path, str(camp / target))
    with pytest.raises(UserError, match="is a symbolic link, which Claude could have made"):
        probe(wish, camp.run)
    assert [entry.name for entry in (camp / "project").iterdir()] == [], "nothing was made where it leads"


def test_a_contained_child_cannot_plant_one(camp: Camp, walls: list[str]) -> None:
    for name in ("settings.json", "settings.local.json", "sessions"):
        assert camp.try_(walls, "link", camp / "home/.claude" / name, "/proc").startswith("refused: EBUSY")


@pytest.mark.parametrize("place", ["home/.config/systemd", "home/.config/systemd/user", "home/.config/threadbridge"])
def test_a_project_replaced_by_a_link_does_not_open_what_is_sealed(camp: Camp, place: str) -> None:
    plant(camp, "project", str(camp / place))
    with pytest.raises(UserError, match="project directory"):
        probe(camp.wish, camp.run)


@pytest.mark.usefixtures("walls")
def test_nor_what_is_hidden(camp: Camp) -> None:
    """A project may lie below a hidden directory, and is then shown; but no link may lead there."""
    inside = camp / "run/credentials/unit"
    assert probe(msgspec.structs.replace(camp.wish, project_directory=str(inside)), camp.run) is None
    plant(camp, "project", str(inside))
    with pytest.raises(UserError, match="is a symbolic link"):
        probe(camp.wish, camp.run)


def test_what_is_bound_is_what_was_looked_at_though_it_is_replaced_meanwhile(camp: Camp, walls: list[str]) -> None:
    """A project below a hidden directory is shown again. Control: bound by its path, the token's directory is."""
    project, token = camp / "run/credentials/unit", camp / "home/.config/threadbridge"
    (project / "token").write_text("only the project's")
    wish = msgspec.structs.replace(camp.wish, project_directory=str(project))
    assert probe(wish, camp.run) is None
    by_path = decide(wish, None).prefix
    with held(by_path) as (prefix, fds):
        project.rename(camp / "run/credentials/away")
        project.symlink_to(token)
        assert camp.try_(by_path, "read", project / "token") == "the secret"
        camp.switch["pass_fds"] = fds
        assert camp.try_(prefix, "read", project / "token") == "only the project's"
        os.lseek(fds[0], 0, os.SEEK_SET)  # the filter was read from it
        assert camp.try_(prefix, "read", f"/proc/1/fd/{fds[-1]}/token") == "refused: ENOENT"
        os.lseek(fds[0], 0, os.SEEK_SET)
        assert camp.try_(prefix, "read", f"/proc/self/fd/{fds[-1]}/token") == "refused: ENOENT"


def test_a_bubblewrap_that_takes_no_descriptors_compares_from_inside(
    camp: Camp, walls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bubblewrap, "takes", lambda program, option: False)
    project = camp / "run/credentials/unit"
    (project / "token").write_text("only the project's")
    wish = msgspec.structs.replace(camp.wish, project_directory=str(project))
    with held(decide(wish, probe(wish, camp.run)).prefix) as (prefix, fds):
        assert len(fds) == 1, "the filter of system calls"
        camp.switch["pass_fds"] = fds
        assert camp.try_(prefix, "read", project / "token") == "only the project's"
        project.rename(camp / "run/credentials/away")
        project.symlink_to(camp / "home/.config/threadbridge")
        os.lseek(fds[0], 0, os.SEEK_SET)
        done = camp.run([*prefix, "/bin/cat", str(project / "token")])
    assert (done.returncode, done.stdout) == (1, "")
    assert "was replaced while Claude was started" in done.stderr


def test_something_that_became_a_link_after_it_was_looked_at_stops_the_start(camp: Camp, walls: list[str]) -> None:
    plant(camp, "home/.config/systemd", "/proc")
    with pytest.raises(UserError, match="replaced by a symbolic link"), held(walls):
        pytest.fail("it was bound")


PLANTED = """#!/bin/sh
echo ran > {mark}
exit 0
"""


@pytest.mark.parametrize("name", ["bwrap", "sh", "readlink"])
def test_a_program_that_a_child_planted_on_the_path_is_not_run(
    camp: Camp, walls: list[str], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Control: the shell takes it from there."""
    planted, mark = camp / "home/.local/bin" / name, camp / "tmp/mark"
    planted.parent.mkdir(parents=True)
    planted.write_text(PLANTED.format(mark=mark))
    planted.chmod(0o755)
    for path in (planted.parent, planted):
        os.chown(path, camp.uid, -1)
    monkeypatch.setenv("PATH", f"{planted.parent}:{os.environ['PATH']}")
    assert probe(camp.wish, camp.run) is None
    assert decide(camp.wish, None).prefix[0] == walls[0]
    assert not mark.exists()
    camp.run(["/bin/sh", "-c", name])
    assert mark.read_text() == "ran\n"


# ---- the kernel and its devices


def test_no_capability_is_left(camp: Camp, walls: list[str]) -> None:
    assert int(camp.try_(walls, "capabilities"), 16) == 0
    assert (int(camp.try_(FREE, "capabilities"), 16) != 0) == (camp.uid == 0)


@pytest.mark.parametrize("file", ["/proc/sys/kernel/core_pattern", "/sys/kernel/rcu_expedited"])
def test_the_kernel_cannot_be_told_what_to_do(camp: Camp, walls: list[str], file: str) -> None:
    """Root owns these files and needs no capability to write them. They are only opened here, never written."""
    answer = camp.try_(walls, "open_to_write", file)
    if camp.uid == 0 and camp.try_(FREE, "open_to_write", file) == "opened":
        assert answer == "refused: EROFS"
    assert answer.startswith("refused")


def test_root_sees_no_disk(camp: Camp, walls: list[str]) -> None:
    """Control: whoever is not root sees them, and may not read them."""
    without = camp.try_(FREE, "disks")
    assert camp.try_(walls, "disks") == ("[]" if camp.uid == 0 else without)


# ---- processes


def test_no_other_process_is_visible(camp: Camp, walls: list[str]) -> None:
    assert str(os.getpid()) in camp.try_(FREE, "processes")
    assert camp.try_(walls, "processes") == "[1, 2]"


@pytest.mark.parametrize(("attack", "loot"), [("environment", "SECRET=the secret"), ("memory", "found")])
def test_another_process_cannot_be_read(camp: Camp, walls: list[str], attack: str, loot: str) -> None:
    victim = camp.victim()
    assert loot in camp.try_(FREE, attack, victim.process.pid)
    assert camp.try_(walls, attack, victim.process.pid) == "refused: ENOENT"


def test_another_process_cannot_be_killed(camp: Camp, walls: list[str]) -> None:
    victim = camp.victim()
    assert camp.try_(walls, "kill", victim.process.pid) == "refused: ESRCH"
    victim.say("still there?")
    assert victim.hear() == "got still there?"
    other = camp.victim()
    assert camp.try_(FREE, "kill", other.process.pid) == "killed"
    assert other.process.wait(DEADLINE_S) == -9


def test_nobody_writes_into_anothers_input(camp: Camp, walls: list[str]) -> None:
    """Control: into a pipe one can."""
    piped, paired = camp.victim(pipes=True), camp.victim()
    forge = "write", f"/proc/{piped.process.pid}/fd/0"
    assert camp.try_(walls, *forge) == "refused: ENOENT"
    assert camp.try_(FREE, *forge) == "written"
    assert piped.hear() == "got hostile"
    assert camp.try_(FREE, "write", f"/proc/{paired.process.pid}/fd/0") == "refused: ENXIO"


def test_nobody_writes_into_its_own_input(camp: Camp, walls: list[str]) -> None:
    assert camp.try_(FREE, "forge_own_input") == "refused: ENXIO"
    assert camp.try_(walls, "forge_own_input") == "refused: ENXIO"
    argv = [camp.python, "-I", "-S", "-c", HOSTILE, "forge_own_input"]
    assert camp._keep(Child(argv, camp.switch, pipes=True)).hear() == "forged"


def test_the_peer_socket_of_another_session_cannot_be_reached(camp: Camp, walls: list[str]) -> None:
    path = camp / "tmp/cc-socks/2.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o777)
        assert camp.try_(FREE, "connect", path) == "connected"
        assert camp.try_(walls, "connect", path) == "refused: ENOENT"
        assert camp.try_(walls, "listen", path) == "connected", "its own socket of the same name works"


# ---- the end


def test_nothing_survives_the_end_of_the_child(camp: Camp, walls: list[str]) -> None:
    """The orphan holds the socketpair: as long as it lives, there is no end of file."""
    contained = camp.start(walls, "leave_an_orphan")
    assert contained.hear() == "ready"
    contained.process.kill()
    assert contained.hear() == ""

    free = camp.start(FREE, "leave_an_orphan", "adopted")
    assert free.hear() == "ready"
    free.process.kill()
    free.say("are you there?")
    assert free.hear() == "alive"
    free.socket.shutdown(socket.SHUT_WR)  # it ends by itself
    assert free.hear() == ""


STAND_IN = """
import os, signal, subprocess, sys
from worker import prctl, processes_below
program, attack, subreaper = sys.argv[1:]
if subreaper == "subreaper":
    prctl.become_subreaper()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
argv = [sys.executable, "-I", "-S", "-c", program, attack, "adopted"]
subprocess.Popen(argv, start_new_session=True, preexec_fn=prctl.die_with_parent)
signal.sigwait([signal.SIGUSR1])
print(processes_below.kill_descendants(10.0), flush=True)
signal.sigwait([signal.SIGUSR1])
"""


def python_of_ours(program: str, *arguments: str) -> Child:
    path = os.pathsep.join([str(REPOSITORY), *sys.path])
    return Child([sys.executable, "-c", program, *arguments], {}, env={**os.environ, "PYTHONPATH": path})


@contextmanager
def stand_in(attack: str, subreaper: str) -> Iterator[Child]:
    worker = python_of_ours(STAND_IN, HOSTILE, attack, subreaper)
    try:
        assert worker.hear() == "ready"
        yield worker
    finally:
        worker.close()


@pytest.mark.parametrize("attack", ["leave_an_orphan", "keep_forking"])
def test_without_walls_a_subreaper_finds_and_kills_everything_below(attack: str) -> None:
    with stand_in(attack, "subreaper") as worker:
        worker.process.send_signal(signal.SIGUSR1)
        assert worker.hear() == "[]"
        worker.process.kill()
        assert worker.hear() == "", "somebody still holds our socket"


def test_without_a_subreaper_an_orphan_is_not_found() -> None:
    with stand_in("leave_an_orphan", "") as worker:
        worker.process.send_signal(signal.SIGUSR1)
        assert worker.hear() == "[]"
        worker.process.kill()
        worker.process.wait(DEADLINE_S)
        worker.say("are you there?")
        assert worker.hear() == "alive"
        worker.socket.shutdown(socket.SHUT_WR)
        assert worker.hear() == ""


@pytest.mark.parametrize(("preexec", "rest"), [("prctl.die_with_parent", ""), ("None", "alive")])
def test_a_child_dies_with_its_parent_if_it_was_told_so(preexec: str, rest: str) -> None:
    echo = "print('ready', flush=True)\nfor line in __import__('sys').stdin: print('alive', flush=True)"
    parent = python_of_ours(
        "import subprocess, sys\nfrom worker import prctl\n"
        f"subprocess.run([sys.executable, '-I', '-S', '-c', {echo!r}], preexec_fn={preexec})"
    )
    try:
        assert parent.hear() == "ready"
        parent.say("are you there?")
        assert parent.hear() == "alive"
        parent.process.kill()
        if rest:
            parent.say("are you there?")
        assert parent.hear() == rest
        parent.socket.shutdown(socket.SHUT_WR)
        assert parent.hear() == ""
    finally:
        parent.close()


def test_an_undumpable_process_says_so_to_the_kernel() -> None:
    get = "__import__('ctypes').CDLL(None).prctl(3)"  # PR_GET_DUMPABLE
    child = python_of_ours(f"from worker import prctl\nprint({get})\nprctl.undumpable()\nprint({get})")
    assert [child.hear(), child.hear()] == ["1", "0"]
    child.close()


# ---- where the machine refuses


def test_where_user_namespaces_are_refused_the_child_is_not_started(camp: Camp) -> None:
    """The probe runs where the kernel refuses them: in a sandbox that forbids further ones."""

    def run(argv: list[str]) -> subprocess.CompletedProcess[str]:
        cage = ["bwrap", "--unshare-user", "--disable-userns", "--cap-drop", "ALL", "--dev-bind", "/", "/", "--"]
        return camp.run([*cage, *argv])

    refusal = probe(camp.wish, run)
    assert refusal is not None
    assert refusal.startswith("bubblewrap")
    assert_it_is_refused(camp, refusal)


def test_the_probe_notices_an_argument_that_is_missing(camp: Camp, walls: list[str]) -> None:
    """Take any one wall away and the probe refuses."""
    state = str(camp / STATE)
    for wall, words in (
        (["--unshare-pid"], "processes"),
        (["--proc", "/proc"], "/proc"),
        (["--tmpfs", state], "would see"),
        (["--ro-bind", str(camp / "code"), str(camp / "code")], "could write"),
    ):
        closing = ["--remount-ro", state] if state in wall else []
        trial = lambda argv, wall=wall, closing=closing: camp.run(without(without(argv, wall), closing))  # noqa: E731
        refusal = probe(camp.wish, trial)
        assert refusal is not None
        assert words in refusal


def without(argv: list[str], wall: list[str]) -> list[str]:
    at = next(i for i in range(len(argv)) if argv[i : i + len(wall)] == wall)
    return [*argv[:at], *argv[at + len(wall) :]]
