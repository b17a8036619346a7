"""How the `claude` child is shut in.

The child runs as the same user as we do and does what a model tells it. Between its session and the others
stand the mount and PID namespaces that bubblewrap makes: inside, nobody else's process exists, and what must
not be read or changed is covered. Whether this machine allows that is not guessed: `probe` runs the exact
arguments. What is covered, and why so (each is tried in tests/processes/test_containment_attacks.py):

* *Shown again* inside the hidden state directory: this session's files from people (read-only) and scratch folder.
* *Hidden* by an empty tmpfs: the state directory, the directory of the token's file, /run/credentials, /run/user,
  $XDG_RUNTIME_DIR. As wholes: when the host removes a directory that is a mount point here, our mount is gone, and
  what is made anew under that name is seen. So the mount must lie on a directory that stays: /run/user, not
  /run/user/1000. Also /run/dbus and /run/systemd, where root's child could ask the service manager to run
  something outside.
* *Private* tmpfs: the CLI's peer sockets and their keys.
* *Read-only*: our code, the configuration, ~/.config/systemd, the CLI's settings; /sys and /proc/sys, because
  a root child without any capability wrote kernel.core_pattern, which names a program that runs outside.
  These and the private ones are made when they are missing, and opened part by part: a link that the child of a
  session before planted in their place is not followed, but stops the start.
  What is bound is handed to bubblewrap as descriptors, so that nothing is swapped between the look and the mount; an
  older one takes none and binds by path, and then each is compared again from inside, before Claude runs.
* *Pinned*, bound onto itself: each ancestor of all these that the user could rename. A mount point cannot be
  renamed, but the directory above it can, and another be planted in its place.
* A root child gets a small /dev: on the host's, root owns the disks and needs no capability to read them.

What stays open, known and not solved here. The network namespace is shared: loopback services and abstract
unix sockets (an old D-Bus, X11) can be reached; so can docker.sock by who may use it. The child writes the
user's files: ~/.bashrc, ~/.ssh/authorized_keys, crontabs and, as root, the system itself; what these start
later runs outside. It reads and writes the transcripts and ~/.claude.json of the user's other sessions, and
/tmp/claude-<uid>. The child's own tools may trace it (its stdio is theirs): a session is kept apart from the
others, not from itself. A file (not a directory) that the host replaces by renaming loses its mount. A
directory to hide that did not exist at the start is not hidden. Containment keeps identities apart; for a
jail use a user of its own, or a machine.

Needs nothing more: TIOCSTI (--new-session leaves no terminal), ptrace and signals (no other process is
visible), nested user namespaces (mounts from outside are locked in them), sudo (no_new_privs).
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from bridge.errors import UserError
from bridge.start import is_forbidden_for_child
from worker import bubblewrap, opening

PROBE_DEADLINE_S = 5.0
HIDDEN = ("/run/credentials", "/run/user", "/run/dbus", "/run/systemd")
SHOWN_AGAIN = ("/run/systemd/resolve",)  # /etc/resolv.conf is often a link to here

Kind = Literal["pinned", "hidden", "private", "read-only", "writable"]
Run = Callable[[list[str]], subprocess.CompletedProcess[str]]


def installation() -> tuple[str, ...]:
    """What runs outside when we start again: our packages, their environment, a Python of the user's."""
    ours = Path(__file__).resolve().parent.parent
    packages = [ours / name for name in ("bridge", "worker", "supervisor")]
    prefixes = {Path(sys.prefix), Path(sys.base_prefix)} - {Path("/usr"), Path("/usr/local")}
    return tuple(str(path) for path in (*packages, *sorted(prefixes)) if path.is_dir())


class Containment(msgspec.Struct, frozen=True, kw_only=True):
    """The wish: what is to be kept from a child, and whose child it is. Paths, "" for none."""

    mode: str
    """none lets it run uncontained; anything else (required, and what an older supervisor calls auto) refuses that."""
    state_directory: str
    project_directory: str
    home: str
    uid: int
    protected_paths: tuple[str, ...] = ()
    """Read-only for the child: the configuration, and what else the supervisor names."""
    installation: tuple[str, ...] = msgspec.field(default_factory=installation)
    runtime_directory: str = ""
    """Our $XDG_RUNTIME_DIR."""
    claude_directory: str = ""
    """The child's $CLAUDE_CONFIG_DIR, if it is not ~/.claude."""
    temporary_directories: tuple[str, ...] = ("/tmp",)  # noqa: S108
    """Where the CLI makes its peer sockets: /tmp, or below TMPDIR and CLAUDE_CODE_TMPDIR (2.1.330, tried)."""
    secrets: tuple[str, ...] = ()
    """Hidden as the state directory is: where the token lies."""
    hidden: tuple[str, ...] = HIDDEN
    shown: tuple[str, ...] = ()
    """Folders in what is hidden that the child may read all the same: what people sent to this session."""
    writable: tuple[str, ...] = ()
    """And those that it may write. Like those, they must be there and stay."""


class Mount(msgspec.Struct, frozen=True):
    path: Path
    kind: Kind


class Walls(msgspec.Struct, frozen=True):
    """The wish on this machine: real paths that exist. ``program`` is bwrap, "" when there is none."""

    program: str
    root: bool
    mounts: tuple[Mount, ...]
    weaknesses: tuple[str, ...] = ()


TODO = (
    "Install the package bubblewrap, and let it make user namespaces (sysctl user.max_user_namespaces above 0,"
    " kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; in a systemd unit no"
    " RestrictSUIDSGID, PrivateTmp or ProcSubset);"
    ' or set containment = "none" for the channel, which lets Claude do whatever its user can'
)


class RefusedError(UserError):
    """The child cannot be shut in now. It may be possible later, without anybody saying so here."""


class Shell(msgspec.Struct, frozen=True):
    """What to put in front of the child's argv, and what to tell people about it."""

    prefix: list[str]
    contained: bool
    how: str


@contextmanager
def held(prefix: Sequence[str]) -> Iterator[tuple[list[str], tuple[int, ...]]]:
    """The prefix with what it binds opened now, and the descriptors to hand to bubblewrap.

    So what is bound is what was looked at, though somebody put another thing in its place meanwhile. Raises UserError.
    """
    if not prefix:
        yield [], ()
        return
    if not _takes_descriptors(prefix[0]):
        yield [*prefix, *_compared(prefix)], ()
        return
    fds: list[int] = []
    try:
        words, at = list(prefix), 0
        while at < len(words) and words[at] != "--":
            if _binds(words, at):
                fds.append(opening.place(Path(words[at + 1])))
                words[at : at + 2] = [_BY_DESCRIPTOR[words[at]], str(fds[-1])]
            at += 1
        yield words, tuple(fds)
    finally:
        for fd in fds:
            os.close(fd)


_COMPARE = r"""
while [ "$1" != -- ]; do
  [ "$(/usr/bin/stat -c %i "$1")" = "$2" ] || { echo "$1 was replaced while Claude was started" >&2; exit 1; }
  shift 2
done
shift
exec "$@"
"""
"""Inside, before anything of Claude's runs: each path and its inode, then ``--`` and what is to run."""


def _compared(prefix: Sequence[str]) -> list[str]:
    """What to put behind a prefix that binds by path: a look from inside whether it is still what was looked at."""
    places = [prefix[at + 1] for at in range(len(prefix) - 2) if _binds(prefix, at)]
    return ["/bin/sh", "-c", _COMPARE, "sh", *(word for path in places for word in (path, _inode(path))), "--"]


def _inode(path: str) -> str:
    fd = opening.place(Path(path))
    try:
        return str(os.fstat(fd).st_ino)
    finally:
        os.close(fd)


def _binds(prefix: Sequence[str], at: int) -> bool:
    """Whether a path that could be replaced is bound onto itself there."""
    is_bind = prefix[at] in _BY_DESCRIPTOR and prefix[at + 1] == prefix[at + 2] != "/"
    return is_bind and not _is_kernels(prefix[at + 1])


_BY_DESCRIPTOR = {"--bind": "--bind-fd", "--ro-bind": "--ro-bind-fd"}
"""Since bubblewrap 0.7.0."""


@cache
def _takes_descriptors(program: str) -> bool:
    """Whether this bubblewrap binds descriptors; an older one binds by path."""
    asked = subprocess.run([program, "--help"], capture_output=True, timeout=PROBE_DEADLINE_S, check=False)
    return b"--ro-bind-fd" in asked.stdout + asked.stderr


def _is_kernels(path: str) -> bool:
    return Path(path).parts[1] in {"proc", "sys", "dev"}


def decide(wish: Containment, refusal: str | None) -> Shell:
    """``refusal`` is the probe's answer. Raises RefusedError unless the child is shut in, or is not to be."""
    if wish.mode == "none":
        return Shell([], False, "not contained: containment is switched off")
    if refusal is not None:
        raise _refused(wish, f"{refusal}. {TODO}")
    walls = survey(wish)
    if walls.weaknesses:
        raise _refused(wish, f"{'; '.join(walls.weaknesses)}. Put a real directory in its place, or name the real path")
    return Shell(arguments(walls), True, "contained by bubblewrap")


def _refused(wish: Containment, why: str) -> RefusedError:
    return RefusedError(f"Claude is not started: containment is required for {wish.project_directory}, but {why}")


# ---- the arguments: pure


def arguments(walls: Walls) -> list[str]:
    """The argv prefix, up to and with ``--``. Later mounts win, so parents come first."""
    ordered = sorted(walls.mounts, key=lambda mount: len(mount.path.parts))
    flags = [flag for mount in ordered for flag in _flags(mount)]
    return [walls.program, *_NAMESPACES, *_base(walls.root), *flags, "--"]


_NAMESPACES = ["--die-with-parent", "--new-session", "--unshare-pid", "--unshare-ipc", "--cap-drop", "ALL"]


def _base(root: bool) -> list[str]:
    tree = "--bind / / --dev /dev" if root else "--dev-bind / /"
    kernel = "--ro-bind-try /sys /sys --proc /proc --ro-bind-try /proc/sys /proc/sys"
    trigger = "--ro-bind-try /proc/sysrq-trigger /proc/sysrq-trigger"
    return f"{tree} {kernel} {trigger}".split()


def _flags(mount: Mount) -> list[str]:
    path = str(mount.path)
    match mount.kind:
        case "hidden" | "private":
            return ["--tmpfs", path]
        case "read-only":
            return ["--ro-bind", path, path]
        case "pinned" | "writable":
            return ["--bind", path, path]


# ---- the survey: which paths there are


def survey(wish: Containment) -> Walls:
    """Make the missing mount points, resolve every path, leave out what is not there.

    Raises UserError when the project or home directory lies where the child could not use it.
    """
    _refuse_misplaced(wish)
    covers = _covers(wish)
    mounts = {mount.path: mount for mount in (*_pins(covers, wish.uid), *covers)}
    project = Path(wish.project_directory).resolve()
    if any(_within(project, cover.path) for cover in covers):
        opening.real(Path(wish.project_directory), wish.uid)  # no link may lead into what is covered
        mounts[project] = Mount(project, "writable")
    mounts |= {path: Mount(path, "writable") for path in (Path(given).resolve() for given in wish.writable)}
    program = bubblewrap.find(os.environ.get("PATH", ""))
    return Walls(program, wish.uid == 0, tuple(mounts.values()), tuple(_weaknesses(wish)))


def _claude(wish: Containment) -> Path:
    return Path(wish.claude_directory or Path(wish.home, ".claude"))


def _private(wish: Containment) -> list[Path]:
    names = ("cc-socks", f"cc-socks-{wish.uid}")
    sockets = [Path(folder, name) for folder in wish.temporary_directories for name in names]
    return [*sockets, _claude(wish) / "sessions"]


def _settings(wish: Containment) -> list[Path]:
    return [_claude(wish) / name for name in ("settings.json", "settings.local.json")]


def _units(wish: Containment) -> Path:
    return Path(wish.home, ".config/systemd")


def _read_only(wish: Containment) -> list[Path]:
    return list(map(Path, (*SHOWN_AGAIN, *wish.installation, *wish.protected_paths, *wish.shown)))


def _hidden(wish: Containment) -> list[Path]:
    return [Path(path) for path in (wish.state_directory, *wish.secrets, *wish.hidden, wish.runtime_directory) if path]


def _plantable(wish: Containment) -> Iterable[Mount]:
    """What a child could make itself, or replace by a link: each is made when it is missing, so that it is covered.

    Raises UserError for a link.
    """
    wanted: list[tuple[Kind, opening.Make, list[Path]]] = [
        ("private", "directory", _private(wish)),
        ("read-only", "directory", [_units(wish)]),
        ("read-only", "file", _settings(wish)),
    ]
    for kind, make, paths in wanted:
        for path in paths:
            if real := opening.real(path, wish.uid, make):
                yield Mount(real, kind)


def _refuse_misplaced(wish: Containment) -> None:
    paths = (*_private(wish), *_settings(wish), _units(wish))
    sealed = [real for path in paths if (real := opening.real(path, wish.uid))]
    sealed += [Path(path).resolve() for path in SHOWN_AGAIN]
    state, project = Path(wish.state_directory).resolve(), Path(wish.project_directory).resolve()
    for name, path in (("home", Path(wish.home)), ("claude", _claude(wish))):
        if _within(path.resolve(), state):
            raise UserError(
                f"the {name} directory {path} lies inside the state directory {state}, which is hidden from"
                " Claude; choose another state directory"
            )
    if _within(project, state):
        raise UserError(f"the project directory {project} lies inside the state directory {state}; move one")
    for secret in (Path(path).resolve() for path in wish.secrets):
        if _within(project, secret):
            raise UserError(f"the project directory {project} lies in {secret}, where the bot's token is; move one")
    for path in map(Path, (*wish.installation, *wish.protected_paths)):
        if _within(project, path.resolve()):
            raise UserError(
                f"the project directory {project} lies inside {path}, which belongs to Threadbridge"
                " itself and which Claude must not change; use another copy"
            )
    if project in {path.resolve() for path in _hidden(wish)}:
        raise UserError(f"the project directory {project} is one that is hidden from Claude; choose another")
    for path in sealed:
        if _within(project, path):
            raise UserError(
                f"the project directory {wish.project_directory} is or lies in {path}, which is kept from Claude"
            )


def _covers(wish: Containment) -> list[Mount]:
    kinds: list[tuple[Kind, list[Path]]] = [
        ("read-only", _read_only(wish)),
        ("hidden", _hidden(wish)),
    ]
    there = ((kind, path) for kind, paths in kinds for path in paths if os.access(path, os.F_OK))
    return [*_plantable(wish), *(Mount(path.resolve(), kind) for kind, path in there)]


def _within(path: Path, folder: Path) -> bool:
    return path.parts[: len(folder.parts)] == folder.parts  # is_relative_to took 10 ms in all


def _pins(covers: list[Mount], uid: int) -> list[Mount]:
    """Never an ancestor inside a cover: binding it would uncover it."""
    ancestors = {parent for cover in covers for parent in cover.path.parents if parent != Path("/")}
    loose = (path for path in sorted(ancestors) if _renamable(path, uid))
    return [Mount(path, "pinned") for path in loose if not any(_within(path, c.path) for c in covers)]


def _renamable(path: Path, uid: int) -> bool:
    """May the user rename it? As he may put something beside it."""
    return opening.could_plant(path.parent.stat(), uid)


def _weaknesses(wish: Containment) -> Iterable[str]:
    """A symbolic link cannot be pinned: the child replaces it, and the next start follows it elsewhere."""
    for path in map(Path, (wish.state_directory, *wish.protected_paths)):
        for part in (path.absolute(), *path.absolute().parents):
            if part.is_symlink() and _renamable(part, wish.uid):
                yield f"{path} is reached through the symbolic link {part}, which Claude could replace"


# ---- the probe

# Prints what is wrong and fails, or is silent. $1 is our PID namespace; then, after --, paths that must not
# be seen, and after another --, paths that must not be writable.
_CHECK = (
    f"PATH={bubblewrap.SYSTEM_PATH}"
    + r"""
fail() { echo "$1"; exit 1; }
[ "$(readlink /proc/self/ns/pid)" != "$1" ] || fail "the child would see the host's processes"
read -r pid rest < /proc/self/stat
[ "$pid" = "$$" ] || fail "the child's /proc would show the host's processes"
while read -r key value; do
  case $key$value in CapEff:*[!0]*) fail "the child would keep capabilities";; esac
done < /proc/self/status
shift 2
while [ "$1" != -- ]; do [ ! -e "$1" ] || fail "the child would see $1"; shift; done
shift
for path; do [ ! -w "$path" ] || fail "the child could write $path"; done
"""
)


def probe(wish: Containment, run: Run | None = None) -> str | None:
    """Run the exact arguments with a small check inside. None when all holds, else the reason in words.

    At most PROBE_DEADLINE_S seconds, usually 20 ms. Raises UserError as `survey`. ``run`` runs an argv.
    """
    walls = survey(wish)
    if not walls.program:
        return "bubblewrap (bwrap) is not installed where only root can put it"
    try:
        done = (run or _run)([*arguments(walls), *_check(walls)])
    except subprocess.TimeoutExpired:
        return f"bubblewrap did not finish within {PROBE_DEADLINE_S:g} s"
    except OSError as error:
        return f"bubblewrap does not start: {error.strerror}"
    if done.returncode == 0:
        return None
    words = (done.stdout + done.stderr).strip().splitlines() or [f"exit status {done.returncode}"]
    return f"bubblewrap does not work here: {words[0]}"


def _run(argv: list[str]) -> subprocess.CompletedProcess[str]:
    with held(argv) as (prefix, fds):
        return subprocess.run(  # noqa: PLW1510 - the status is looked at
            prefix,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PROBE_DEADLINE_S,
            cwd="/",
            env={"PATH": bubblewrap.SYSTEM_PATH},
            pass_fds=fds,
        )


def _check(walls: Walls) -> list[str]:
    namespace = str(Path("/proc/self/ns/pid").readlink())
    writable = [mount.path for mount in walls.mounts if mount.kind == "writable"]
    sealed = [mount.path for mount in walls.mounts if mount.kind == "read-only" and mount.path not in writable]
    return ["/bin/sh", "-c", _CHECK, "sh", namespace, "--", *_witnesses(walls), "--", *map(str, sealed)]


def _witnesses(walls: Walls) -> list[str]:
    """Some of what is now in the hidden directories, so that its absence proves something."""
    shown = [mount.path for mount in walls.mounts if mount.kind not in {"hidden", "private"}]
    hidden = [mount.path for mount in walls.mounts if mount.kind in {"hidden", "private"}]
    entries = [entry for folder in hidden for entry in _some_entries(folder)]
    return [str(entry) for entry in entries if not any(_within(path, entry) for path in (*shown, *hidden))]


def _some_entries(folder: Path, most: int = 8) -> list[Path]:
    try:
        return sorted(folder.iterdir())[:most]
    except OSError:
        return []


# ---- the environment

_ALLOWED = re.compile(
    r"PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_.*|TERM|COLORTERM|TZ|XDG_.*"
    r"|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS|(?i:https?_proxy|all_proxy|no_proxy)"
    r"|ANTHROPIC_.*|CLAUDE_CODE_.*|CLAUDE_CONFIG_DIR|DISABLE_TELEMETRY|DISABLE_ERROR_REPORTING|DO_NOT_TRACK"
    # Logins for Claude on Bedrock and Vertex.
    r"|AWS_.*|GOOGLE_.*|CLOUD_ML_REGION|VERTEX_.*"
)
# Not SSH_AUTH_SOCK: with the agent's keys `ssh localhost` may lead out. The configuration may name it.

# If we were started from inside a Claude session: who that was, its sockets and tokens (names in the binary).
_ANOTHER_SESSIONS = re.compile(
    r"CLAUDE_CODE_.*(SESSION|SOCKET|MESSAGING|BRIDGE|ENTRYPOINT|SSE_PORT|DESCRIPTOR|RESUME|CHILD|REMOTE).*"
)
# The CLI makes its peer sockets below these (2.1.330, tried). The configuration may move them, and then the
# worker covers the new places; ours are none of the child's business.
_NOT_INHERITED = re.compile(r"TMPDIR|CLAUDE_CODE_TMPDIR|XDG_RUNTIME_DIR")


def child_environment(own: Mapping[str, str], added: Mapping[str, str], session_id: str) -> dict[str, str]:
    """The child's whole environment, from ours (``own``) and the configuration's (``added``).

    THREADBRIDGE_SESSION is the mark by which strays are found. Raises UserError when ``added`` names a
    variable that would give the child a secret, or lead it out of its containment.
    """
    for key in added:
        if is_forbidden_for_child(key):
            raise UserError(f"[claude] environment: {key} cannot be given to Claude; remove it")
    return {
        **{key: value for key, value in own.items() if _inherited(key)},
        **added,
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_EMIT_SESSION_STATE_EVENTS": "1",
        "THREADBRIDGE_SESSION": session_id,
    }


def _inherited(key: str) -> bool:
    refused = is_forbidden_for_child(key) or _NOT_INHERITED.fullmatch(key) or _ANOTHER_SESSIONS.fullmatch(key)
    return bool(_ALLOWED.fullmatch(key)) and not refused
