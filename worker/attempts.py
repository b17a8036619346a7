"""Every attack that we know of, tried in Claude's place behind the walls that a session of the channel would have.

An attempt that succeeds counts only when what it came to is the host's own: a private file of the same name has another
inode. What the configuration opens is said with its key; whatever else is reached is a fault of the walls.
"""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import msgspec

from bridge.protocol.attempts import Outcome, Verdict, Wanted
from bridge.protocol.layout import Layout
from worker import bubblewrap, landlock
from worker.walls import attacker, claude_home, covers, looks, own_places
from worker.walls.environment import child_environment
from worker.walls.from_start import wish_of
from worker.walls.held import held
from worker.walls.probe import shut_in
from worker.walls.wish import Containment, within

DEADLINE_S = 60.0
MOST_OF_EACH = 4
SURVIVAL_S = 3.0

_READ_IN_HOME = (
    *(
        ".ssh",
        ".aws",
        ".gnupg",
        ".netrc",
        ".npmrc",
        ".pypirc",
        ".config/pip",
        ".config/gh",
        ".config/gcloud",
        ".docker",
    ),
    *(
        ".kube",
        ".azure",
        ".password-store",
        ".local/share/keyrings",
        ".mozilla",
        ".config/google-chrome",
        ".bash_history",
    ),
    *(".zsh_history", ".git-credentials", ".claude/.credentials.json", ".claude/history.jsonl", ".claude.json"),
)
_WRITTEN_IN_HOME = (
    *(".bashrc", ".bash_profile", ".bash_login", ".profile", ".zshrc", ".zshenv", ".zprofile", ".inputrc", ".vimrc"),
    *(
        ".config/fish",
        ".config/systemd/user",
        ".config/autostart",
        ".config/environment.d",
        ".ssh",
        ".local/bin",
        "bin",
    ),
    *(".gitconfig", ".config/git", ".claude.json", ".claude", ".claude/settings.json", ".claude/settings.local.json"),
    *(".claude/CLAUDE.md", ".claude/agents", ".claude/skills", ".claude/commands", ".claude/hooks", ".claude/plugins"),
    *(".claude/projects", ".cache", ".npm", ".cargo", ".config/pip", ".local/share/claude", "."),
)
_WRITTEN = (
    *(
        "/etc",
        "/etc/passwd",
        "/etc/crontab",
        "/etc/cron.d",
        "/etc/profile.d",
        "/etc/systemd/system",
        "/etc/ld.so.preload",
    ),
    *("/var/spool/cron", "/usr/bin", "/usr/local/bin", "/opt", "/", "/boot", "/var/lib", "/root"),
)
_READ = ("/etc/shadow", "/etc/sudoers", "/etc/ssh", "/etc/ssl/private", "/var/lib/docker", "/var/log", "/root", "/boot")
_SOCKETS = (
    *("/run/docker.sock", "/var/run/docker.sock", "/run/podman/podman.sock", "/run/dbus/system_bus_socket"),
    *("/run/systemd/private", "/run/containerd/containerd.sock", "/run/snapd.socket", "/tmp/.X11-unix/X0"),  # noqa: S108
)
_KERNEL = ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper", "/proc/irq")
_SECRET_VARIABLES = (
    "DISCORD_",
    "CREDENTIALS_DIRECTORY=",
    "NOTIFY_SOCKET=",
    "SSH_AUTH_SOCK=",
    "DBUS_SESSION_BUS_ADDRESS=",
)


_ON_PATHS = frozenset({"read", "link", "hard_link", "by_root_of", "write", "plant", "connect"})


class Attempt(msgspec.Struct, frozen=True):
    """``own``: what the host calls it (device and inode, a process's command line); "" when any success counts."""

    what: str
    act: str
    on: str
    own: str = ""
    by_design: str = ""
    """Why this may succeed."""


def tried(wanted: Wanted) -> list[Outcome]:
    """Raises UserError when a session of this channel could not be shut in at all."""
    layout = Layout(Path(wanted.start.state_directory))
    folder = layout.session(wanted.start.created.session_id).folder
    try:
        with tempfile.TemporaryDirectory(prefix="threadbridge-check-") as bait, _listening(Path(bait)) as sockets:
            return _tried(wanted, sockets)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _tried(wanted: Wanted, sockets: "_Sockets") -> list[Outcome]:
    environment = child_environment(os.environ, wanted.start.environment, wanted.start.created.session_id, "project")
    wish = _with_python(wish_of(wanted.start, environment, ""))
    shell = shut_in(wish)
    attempts = list(dict.fromkeys(_attempts(wanted, wish, sockets)))
    questions = json.dumps([[attempt.act, attempt.on] for attempt in attempts])
    with held(shell.prefix) as (prefix, fds), landlock.scopes(shell.scoped) as scopes:
        done = subprocess.run(
            [*prefix, _python(), "-I", "-S", "-c", source()],
            input=questions,
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            cwd=wanted.start.created.directory,
            env=environment,
            pass_fds=fds,
            preexec_fn=lambda: landlock.enter(scopes),
            check=False,
        )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    if len(answers) != len(attempts):
        return [Outcome("the trial", "did not come to its end", "REACHED", done.stderr.strip()[-500:])]
    found = [_judged(attempt, answer, wish) for attempt, answer in zip(attempts, answers, strict=True)]
    return [*found, _survivors(wanted.start.created.session_id)]


def _with_python(wish: Containment) -> Containment:
    """What tries it is a Python program, so this one is readable as well."""
    prefixes = {Path(_python()).parent.parent, Path(sys.base_prefix).resolve()}
    needed = tuple(str(prefix) for prefix in prefixes if not within(prefix, Path("/usr")))
    reach = msgspec.structs.replace(wish.reach, readable=(*wish.reach.readable, *needed))
    return msgspec.structs.replace(wish, reach=reach)


def _python() -> str:
    """Ours may lie where only root comes to."""
    found = os.path.realpath(sys.executable)
    return found if os.access(found, os.X_OK) else "/usr/bin/python3"


@cache
def source() -> str:
    """The attacker's."""
    return Path(attacker.__file__).read_text()


# ---- what is tried


class _Sockets(msgspec.Struct):
    """Listeners of ours, outside: whoever reaches them could reach an agent's."""

    path: str
    abstract: str
    open: list[socket.socket]

    def __enter__(self) -> "_Sockets":
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.open:
            one.close()


def _listening(folder: Path) -> _Sockets:
    found = _Sockets(str(folder / "agent.sock"), f"threadbridge-check-{secrets.token_hex(8)}", [])
    for address in (found.path, "\0" + found.abstract):
        one = socket.socket(socket.AF_UNIX)
        one.bind(address)
        one.listen()
        found.open.append(one)
    return found


def _attempts(wanted: Wanted, wish: Containment, sockets: _Sockets) -> Iterator[Attempt]:
    home = Path(wish.home)
    secret = [path for place in _secret_places(wanted, wish) for path in _some(place)]
    for path in secret:
        for what, act in (
            ("read", "read"),
            ("read through a link", "link"),
            ("read through a hard link", "hard_link"),
            ("read through a process's root", "by_root_of"),
        ):
            yield from _file(what, act, path)
    for path in (*(home / name for name in _READ_IN_HOME), *map(Path, _READ), *_transcripts(wish)):
        for one in _some(path):
            yield from _file("read", "read", one)
    for path in (
        *(home / name for name in _WRITTEN_IN_HOME),
        *map(Path, _WRITTEN),
        *_ours(wish),
        *map(Path, wanted.others),
    ):
        yield from _file("write", "write", path)
    yield from (Attempt("connect to", "connect", path) for path in (*_sockets(wish), sockets.path))
    why = (
        "" if wish.level == "project" and landlock.has_scopes() else "cut off at the level project, from Linux 6.12 on"
    )
    yield Attempt("connect to an abstract socket", "connect_abstract", sockets.abstract, by_design=why)
    for pid in (os.getpid(), *wanted.pids):
        for what, act in (("see the process", "process"), ("read the memory of", "trace"), ("signal", "signal_to")):
            yield Attempt(what, act, str(pid), _command_line(pid))
    yield from (Attempt("find the variable", "environment", name) for name in _SECRET_VARIABLES)
    yield Attempt("use a descriptor that was left open", "descriptors", "/proc/self/fd")
    yield Attempt("keep a capability, or a way to gain one", "capabilities", "/proc/self/status")
    yield Attempt("read a disk", "disk", "/dev")
    yield Attempt("use the kernel's keyrings", "keyring", "keyctl")
    yield from (Attempt("tell the kernel", "write", path) for path in _KERNEL if looks.exists(Path(path)))
    yield from (Attempt("uncover", "uncover", path) for path in (wish.state_directory, wish.home, "/"))
    yield Attempt("leave a process behind", "survive", "setsid, fork")


def _secret_places(wanted: Wanted, wish: Containment) -> Iterator[Path]:
    layout = Layout(Path(wish.state_directory))
    yield from map(Path, (*wish.secrets, *wanted.token_files, *wish.protected_paths[-1:], "/run/credentials"))
    yield from map(Path, ("/etc/threadbridge/discord-token", "/etc/threadbridge"))
    yield from (layout.database, layout.supervisor_lock, layout.sockets, layout.state / "server.keys")
    yield from map(Path, wanted.others)


def _some(path: Path) -> list[Path]:
    """The file, or the first few of a directory's."""
    if not looks.is_folder(path):
        return [path] if os.path.lexists(path) else []
    try:
        return [path, *[entry for entry in sorted(path.iterdir()) if looks.is_file(entry)][:MOST_OF_EACH]]
    except OSError:
        return [path]


def _transcripts(wish: Containment) -> list[Path]:
    """Of other directories' conversations."""
    folder = Path(wish.claude_directory or Path(wish.home, ".claude")) / "projects"
    own = claude_home.slug(str(Path(wish.project_directory).resolve()))
    return [path for path in sorted(folder.glob("*/*.jsonl")) if path.parent.name != own][:MOST_OF_EACH]


def _ours(wish: Containment) -> list[Path]:
    program = shutil.which(wish.reach.command[0], path=wish.reach.path) if wish.reach.command else None
    found = [Path(path) for path in (*wish.installation, *wish.protected_paths)]
    found += [Path(program), Path(program).resolve(), Path(program).resolve().parent] if program else []
    return [*found, Path(bubblewrap.find(os.environ.get("PATH", "")))]


def _sockets(wish: Containment) -> list[str]:
    runtime = os.environ.get("XDG_RUNTIME_DIR", "") or f"/run/user/{wish.uid}"
    named = [
        os.environ.get("SSH_AUTH_SOCK", ""),
        f"{runtime}/bus",
        f"{runtime}/gnupg/S.gpg-agent",
        f"{runtime}/wayland-0",
    ]
    agents = [str(Path(wish.home, ".gnupg/S.gpg-agent")), f"/tmp/tmux-{wish.uid}/default"]  # noqa: S108
    own = [str(path) for path in Layout(Path(wish.state_directory)).sockets.glob("*.sock")][:MOST_OF_EACH]
    return [path for path in (*_SOCKETS, *named, *agents, *own) if path and looks.exists(Path(path))]


def _file(what: str, act: str, path: Path) -> Iterator[Attempt]:
    """Of something that is there; of something that is not, its place."""
    try:
        status = path.stat()
    except OSError:
        if act == "write" and looks.is_folder(path.parent):
            yield Attempt("make", "plant", str(path.parent), _identity(path.parent))
        return
    yield Attempt(what, act, str(path), f"{status.st_dev}:{status.st_ino}")


def _identity(path: Path) -> str:
    status = path.stat()
    return f"{status.st_dev}:{status.st_ino}"


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().hex()
    except OSError:
        return ""


# ---- what came of it


def _judged(attempt: Attempt, answer: str, wish: Containment) -> Outcome:
    said: Verdict = "refused"
    why = answer.removeprefix("refused: ")
    if attempt.act == "survive":
        return Outcome(attempt.what, attempt.on, "refused", "looked at from outside")
    if not answer.startswith("refused: "):
        is_own = not attempt.own or answer == attempt.own
        said, why = ("REACHED", "" if attempt.own else answer) if is_own else ("refused", "it came to a private one")
        if is_own and (key := _opened_by(attempt, wish)):
            said, why = "open", key
    return Outcome(attempt.what, attempt.on, said, why)


def _opened_by(attempt: Attempt, wish: Containment) -> str:
    """The key of the configuration, or the reason, for which this is open; empty for none."""
    if attempt.by_design:
        return attempt.by_design
    if attempt.act not in _ON_PATHS or not (attempt.own or attempt.act == "connect"):
        return ""
    real, home = Path(attempt.on).resolve(), Path(wish.home).resolve()
    places: list[tuple[str, Iterable[str]]] = [
        ("the project", [wish.project_directory]),
        ("the project's repository", [path for path in (wish.reach.git_directory, wish.reach.work_tree) if path]),
        ("[containment] writable", wish.reach.writable),
    ]
    if attempt.act not in {"write", "plant"}:
        places += [("[containment] readable", wish.reach.readable)]
    for key, names in places:
        if any(within(real, own_places.expanded(name, home).resolve()) for name in names):
            return key
    is_shown = attempt.act not in {"write", "plant"} and str(real) in wish.protected_paths
    is_covered = not is_shown and any(within(real, place) for place in covers.hidden_places(wish))
    return 'containment = "home"' if wish.level == "home" and not is_covered else ""


def _survivors(session_id: str) -> Outcome:
    """The kernel takes a moment to end what is in a PID namespace."""
    end = time.monotonic() + SURVIVAL_S
    while (left := _marked(session_id)) and time.monotonic() < end:
        time.sleep(0.05)
    return Outcome("a process lives on", " ".join(left) or "none", "REACHED" if left else "refused")


def _marked(session_id: str) -> list[str]:
    mark = f"THREADBRIDGE_SESSION={session_id}".encode()
    pids = (entry.name for entry in Path("/proc").iterdir() if entry.name.isdecimal())
    return [pid for pid in pids if mark in _environment(pid)]


def _environment(pid: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
