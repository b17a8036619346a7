"""What a worker is told at its start, over an inherited pipe: it holds a secret, so no argument and no file."""

import re

import msgspec

from bridge.events import SessionCreated


class WorkerStart(msgspec.Struct, frozen=True):
    """One start of one session's worker. Keys are Z85 text as ZeroMQ's CURVE uses them."""

    created: SessionCreated
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
    fresh: bool = False
    """Begin a new conversation of Claude's instead of resuming the old one."""


_FORBIDDEN = re.compile(r"NOTIFY_SOCKET|CREDENTIALS_DIRECTORY|DISCORD_.*|PYTHON.*|THREADBRIDGE_.*")


def is_forbidden_for_child(variable: str) -> bool:
    """Whether an environment variable would give the child a secret, or lead it out of its containment."""
    return bool(_FORBIDDEN.fullmatch(variable))


def encode_start(start: WorkerStart) -> bytes:
    return msgspec.json.encode(start)


def decode_start(data: bytes) -> WorkerStart:
    return msgspec.json.decode(data, type=WorkerStart)
