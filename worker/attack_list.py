"""Every attack that we know of: which act, on which path, process or name of this host."""

import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec

from bridge.protocol.attempts import Wanted
from bridge.protocol.layout import Layout
from worker import bubblewrap, landlock
from worker.walls import at_path, claude_home
from worker.walls.wish import Containment

MOST_OF_EACH = 4
_READINGS = (
    ("read", "read"),
    ("read through a link", "link"),
    ("read through a hard link", "hard_link"),
    ("read through a process's root", "by_root_of"),
)
"""Of a secret: what it is called, and the act."""

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


class Attempt(msgspec.Struct, frozen=True):
    """``own``: what the host calls it (device and inode, a process's command line); "" when any success counts."""

    what: str
    act: str
    on: str
    own: str = ""
    by_design: str = ""
    """Why this may succeed."""


class Sockets(msgspec.Struct):
    """Listeners of ours, outside: whoever reaches them could reach an agent's."""

    path: str
    abstract: str
    open: list[socket.socket]

    def __enter__(self) -> "Sockets":
        return self

    def __exit__(self, *_: object) -> None:
        for one in self.open:
            one.close()


def listening(folder: Path) -> Sockets:
    found = Sockets(str(folder / "agent.sock"), f"threadbridge-check-{secrets.token_hex(8)}", [])
    for address in (found.path, "\0" + found.abstract):
        one = socket.socket(socket.AF_UNIX)
        one.bind(address)
        one.listen()
        found.open.append(one)
    return found


def attacks(wanted: Wanted, wish: Containment, sockets: Sockets) -> Iterator[Attempt]:
    yield from _on_files(wanted, wish)
    yield from _on_sockets(wish, sockets)
    yield from _on_processes(wanted)
    yield from _on_the_kernel(wish)
    yield Attempt("leave a process behind", "survive", "setsid, fork")


def _on_files(wanted: Wanted, wish: Containment) -> Iterator[Attempt]:
    home = Path(wish.home)
    for place in _secret_places(wanted, wish):
        for path in _some(place):
            for what, act in _READINGS:
                yield from _file(what, act, path)
    for place in (*(home / name for name in _READ_IN_HOME), *map(Path, _READ), *_transcripts(wish)):
        for path in _some(place):
            yield from _file("read", "read", path)
    ours = (*_ours(wish), *map(Path, wanted.others))
    for path in (*(home / name for name in _WRITTEN_IN_HOME), *map(Path, _WRITTEN), *ours):
        yield from _file("write", "write", path)


def _on_sockets(wish: Containment, sockets: Sockets) -> Iterator[Attempt]:
    yield from (Attempt("connect to", "connect", path) for path in (*_sockets(wish), sockets.path))
    is_cut_off = wish.level == "project" and landlock.has_scopes()
    why = "" if is_cut_off else "cut off at the level project, from Linux 6.12 on"
    yield Attempt("connect to an abstract socket", "connect_abstract", sockets.abstract, by_design=why)


def _on_processes(wanted: Wanted) -> Iterator[Attempt]:
    for pid in (os.getpid(), *wanted.pids):
        for what, act in (("see the process", "process"), ("read the memory of", "trace"), ("signal", "signal_to")):
            yield Attempt(what, act, str(pid), _command_line(pid))
    yield from (Attempt("find the variable", "environment", name) for name in _SECRET_VARIABLES)
    yield Attempt("use a descriptor that was left open", "descriptors", "/proc/self/fd")


def _on_the_kernel(wish: Containment) -> Iterator[Attempt]:
    yield Attempt("keep a capability, or a way to gain one", "capabilities", "/proc/self/status")
    yield Attempt("read a disk", "disk", "/dev")
    yield Attempt("use the kernel's keyrings", "keyring", "keyctl")
    yield from (Attempt("tell the kernel", "write", path) for path in _KERNEL if at_path.exists(Path(path)))
    yield from (Attempt("uncover", "uncover", path) for path in (wish.state_directory, wish.home, "/"))


def _secret_places(wanted: Wanted, wish: Containment) -> Iterator[Path]:
    layout = Layout(Path(wish.state_directory))
    yield from map(Path, (*wish.secrets, *wanted.token_files, *wish.protected_paths[-1:], "/run/credentials"))
    yield from map(Path, ("/etc/threadbridge/discord-token", "/etc/threadbridge"))
    yield from (layout.database, layout.supervisor_lock, layout.sockets, layout.keys, layout.journal)
    yield from map(Path, wanted.others)


def _some(path: Path) -> list[Path]:
    """The file, or the first few of a directory's."""
    if not at_path.is_folder(path):
        return [path] if os.path.lexists(path) else []
    try:
        return [path, *[entry for entry in sorted(path.iterdir()) if at_path.is_file(entry)][:MOST_OF_EACH]]
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
    return [path for path in (*_SOCKETS, *named, *agents, *own) if path and at_path.exists(Path(path))]


def _file(what: str, act: str, path: Path) -> Iterator[Attempt]:
    """Of something that is there; of something that is not, its place."""
    try:
        status = path.stat()
    except OSError:
        if act == "write" and at_path.is_folder(path.parent):
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
