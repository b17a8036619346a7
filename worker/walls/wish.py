"""What is to be kept from a child (the wish), and what that is on this machine (the walls)."""

import sys
from pathlib import Path
from typing import Literal

import msgspec

from bridge.protocol.errors import UserError
from worker.walls import at_path

HIDDEN = ("/run/credentials", "/run/user", "/run/dbus", "/run/systemd")
SHOWN_AGAIN = ("/run/systemd/resolve",)  # /etc/resolv.conf is often a link to here

Kind = Literal["pinned", "hidden", "private", "read-only", "writable", "device", "link"]
Level = Literal["project", "home", "none"]
"""``project``: a list of what is open. ``home``: a list of what is hidden from who may reach what its user may."""


def level_of(containment: str) -> Level:
    """What the configuration's word means; any other word (required, auto) is the strictest one."""
    match containment:
        case "none" | "home":
            return containment
        case _:
            return "project"


def installation() -> tuple[str, ...]:
    """What runs outside when we start again: our packages, their environment, a Python of the user's."""
    ours = Path(__file__).resolve().parents[2]
    packages = [ours / name for name in ("bridge", "worker", "supervisor")]
    prefixes = {Path(sys.prefix), Path(sys.base_prefix)} - {Path("/usr"), Path("/usr/local")}
    return tuple(str(path) for path in (*packages, *sorted(prefixes)) if at_path.is_folder(path))


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """What is open at the level ``project``, besides the project. Paths; "" and () for none."""

    private: str = ""
    """Our folder of the session with what is /tmp, $HOME and so on inside."""
    caches: str = ""
    """Our folder of the channel with what pip, npm, cargo and others keep."""
    readable: tuple[str, ...] = ()
    writable: tuple[str, ...] = ()
    """By the configuration."""
    git_directory: str = ""
    """The repository's common git directory, where it lies outside of the project. Found at the session's creation."""
    work_tree: str = ""
    """The repository's top directory, where the project is a directory inside it."""
    projects: tuple[str, ...] = ()
    """The directories of all channels: what children may write, and so plant links in."""
    command: tuple[str, ...] = ()
    """The CLI's argv, as the configuration has it."""
    path: str = ""
    """The child's $PATH."""
    claude_id: str = ""
    """Claude's id of the conversation."""
    login: str = ""
    """Our directory with the access token."""
    trusted: dict[str, str] = {}
    """What a person trusted of the project: names below ~/.claude, and where our copy of each is."""


class Containment(msgspec.Struct, frozen=True, kw_only=True):
    """The wish: what is to be kept from a child, and whose child it is. Paths, "" for none."""

    mode: str
    """The configuration's word for the level (``level_of``)."""
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
    """Where the CLI makes its peer sockets: /tmp, or below TMPDIR and CLAUDE_CODE_TMPDIR
    (docs/claude-protocol.md, "Peer sockets").
    """
    secrets: tuple[str, ...] = ()
    """Hidden as the state directory is: where the token lies."""
    hidden: tuple[str, ...] = HIDDEN
    shown: tuple[str, ...] = ()
    """Folders in what is hidden that the child may read all the same: what people sent to this session."""
    writable: tuple[str, ...] = ()
    """And those that it may write. Like those, they must be there and stay."""
    reach: Reach = Reach()

    @property
    def level(self) -> Level:
        return level_of(self.mode)


class Mount(msgspec.Struct, frozen=True):
    """``source``: what is bound there, where that is another path; of a link, what it says."""

    path: Path
    kind: Kind
    source: str = ""

    @property
    def bound(self) -> str:
        return self.source or str(self.path)


class Walls(msgspec.Struct, frozen=True):
    """The wish on this machine: real paths that exist. ``program`` is bwrap, "" when there is none."""

    program: str
    root: bool
    mounts: tuple[Mount, ...]
    weaknesses: tuple[str, ...] = ()
    takes_size: bool = False
    """Whether this bubblewrap limits a tmpfs."""
    level: Level = "home"
    directory: str = ""
    """Where the child starts; "": where bubblewrap was started."""
    argv: tuple[str, ...] = ()
    """The CLI's argv inside; (): as outside."""
    opened: tuple[str, ...] = ()
    """The repository around the project, in words, as far as it is open."""


class RefusedError(UserError):
    """The child cannot be shut in now. It may be possible later, without anybody saying so here."""


class Shell(msgspec.Struct, frozen=True):
    """What to put in front of the child's argv, and what to tell people about it."""

    prefix: list[str]
    contained: bool
    how: str
    is_project: bool = False
    """The level ``project``."""
    argv: tuple[str, ...] = ()
    """The CLI's argv inside; (): as outside."""

    directory: str = ""
    """The project's real path inside, where it is a mount of its own."""
    opened: tuple[str, ...] = ()
    """The repository around the project, in words, as far as it is open."""

    @property
    def scoped(self) -> str:
        """The program that is to run in Landlock's scopes; "" for none."""
        return self.prefix[0] if self.prefix and self.is_project else ""


def within(path: Path, folder: Path) -> bool:
    return path.parts[: len(folder.parts)] == folder.parts  # is_relative_to took 10 ms in all
