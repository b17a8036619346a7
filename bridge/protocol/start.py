"""What a worker is told at its start, over an inherited pipe: it holds a secret, so no argument and no file.

And what its exit code tells, also where stderr could not be written: it lies on the disk that is full.
"""

import re

import msgspec

from bridge.protocol.events import SessionCreated
from bridge.protocol.limits import Limits

EXIT_DISK_FULL, EXIT_LOG, EXIT_LOCKED = 73, 74, 75
_EXITS = {
    EXIT_DISK_FULL: "the disk is full: the session's log could not be written, so Claude was ended",
    EXIT_LOG: "the session's log could not be written, so Claude was ended",
    EXIT_LOCKED: "another worker has this session",
}


def worker_exit_in_words(code: int) -> str:
    """What a worker's exit code means; empty for one that only says that something went wrong."""
    return _EXITS.get(code, "")


class WorkerStart(msgspec.Struct, frozen=True):
    """One start of one session's worker. Keys are Z85 text as ZeroMQ's CURVE uses them."""

    created: SessionCreated
    start: str
    """Tells this start of the session's worker from every other: 8 hex digits."""
    state_directory: str
    endpoint: str
    server_key: str
    public_key: str
    secret_key: str
    command: tuple[str, ...]
    environment: dict[str, str]
    permission_mode: str
    model: str
    bypass_permissions: bool
    containment: str
    protected_paths: tuple[str, ...]
    """Read-only for the child: our installation and configuration."""
    generation: str
    applied: int
    """What the supervisor has folded of which log; more than the log holds means that the log lost records."""
    wake: bool
    """There is something to do. Without it the worker closes the log after a death, and ends."""
    effort: str = ""
    died: str = ""
    """How the worker before this one ended, in words, when it died and that is known."""
    fresh: bool = False
    """Begin a new conversation of Claude's instead of resuming the old one."""
    open_files: int = 0
    """The soft limit of open files that the worker and its child live under; 0: as inherited."""
    umask: int = -1
    """The child's: the one that the supervisor was started with; -1: the worker's own."""
    hidden_paths: tuple[str, ...] = ()
    """Directories that are hidden from the child, as the state directory is: the token's. Real paths."""
    readable: tuple[str, ...] = ()
    """What the configuration opens besides the project, read-only. Paths; ``~`` is the child's home."""
    writable: tuple[str, ...] = ()
    login_directory: str = ""
    """Ours, with Claude's access token: what a child that is shut in has for a login."""
    projects: tuple[str, ...] = ()
    """The directories of all channels."""
    accepted_inode: int = 0
    """A person said that the session goes on in the directory with this inode, which stands where its own was."""
    limits: Limits = Limits()
    cgroup: str = ""
    """The directory below which the worker makes a cgroup for its session; empty: none can be had."""
    trusted_copy: str = ""
    """The folder with the copy of the project's files that somebody trusts; it acts. Empty: nothing of it does."""
    void_prompts: tuple[int, ...] = ()
    """The log has them as not taken up, and they are not to be sent: the state comes from a backup."""
    titles: bool = False
    """Claude is asked for a title of a new conversation."""
    git_push: str = "off"
    """``ask``: Claude may ask that we push for it."""
    directories: tuple[str, ...] = ()
    """Outside the project, in which Claude works without asking (``bridge.protocol.directories``)."""


_ARGUMENT = re.compile(r"[A-Za-z0-9][\w.:@/\[\] -]{0,149}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def may_be_argument(value: str) -> bool:
    """Whether a model's, an effort's or a mode's name may stand in the CLI's argv: what a child offered or reported
    must never be read as an option.
    """
    return bool(_ARGUMENT.fullmatch(value))


def is_claude_id(told: str) -> bool:
    """Whether it can be Claude's id of a conversation. It becomes an argument and a part of a path; only a UUID may."""
    return bool(_UUID.fullmatch(told))


_FORBIDDEN = re.compile(r"NOTIFY_SOCKET|CREDENTIALS_DIRECTORY|DISCORD_.*|PYTHON.*|THREADBRIDGE_.*")


def is_forbidden_for_child(variable: str) -> bool:
    """Whether an environment variable would give the child a secret, or lead it out of its containment."""
    return bool(_FORBIDDEN.fullmatch(variable))


def encode_start(start: WorkerStart) -> bytes:
    return msgspec.json.encode(start)


_EARLIER_WORDS = ("required", "auto")
"""What a supervisor of before the levels says. It knows nothing of the login that a child of ``project`` needs."""


def decode_start(data: bytes) -> WorkerStart:
    """A supervisor that was not restarted since an update starts workers of the new code, with the reach of before."""
    start = msgspec.json.decode(data, type=WorkerStart)
    return msgspec.structs.replace(start, containment="home") if start.containment in _EARLIER_WORDS else start
