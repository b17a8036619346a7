"""One supervisor for one bot: two with the same token would both answer, and run everything twice.

    on one machine      an abstract socket named after the bot: the kernel gives the name to one process, and frees it
                        with that process; users and state directories do not matter
    across machines     a post of our own bot that this process did not make (its nonce is none of ours) is another
                        supervisor's. Both then say in the channel since when they run; whichever was started later
                        stops answering

A name in the abstract namespace may be taken by anybody. What runs in another PID namespace than ours (a contained
child of a session) is no supervisor of this machine, and keeps nobody from working.
"""

import hashlib
import re
import secrets
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import msgspec

from bridge.newest import note_newest
from bridge.protocol.errors import RemoteError
from supervisor.discord.identify_budget import Identifies

NONCES_KEPT = 8192
GRACE_S = 20.0
"""After our first READY: what the process before us had sent may still arrive."""
CLAIM_AGAIN_S = 600.0
_CLAIM = re.compile(r"tb!([0-9a-f]{11})\.([0-9a-f]{8})")


class NotAloneError(RemoteError):
    """Another supervisor answers for this bot; in words."""


class Name:
    """The bot's name on this machine."""

    def __init__(self) -> None:
        self._held: socket.socket | None = None

    def claim(self, bot_id: int, api_base: str) -> None:
        """Raises NotAloneError while another process has it. Harmless when it is ours already."""
        if self._held is not None:
            return
        where = hashlib.blake2b(api_base.encode(), digest_size=6).hexdigest()
        address = f"\0threadbridge.{bot_id}.{where}"
        end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            end.bind(address)
            end.listen()
        except OSError:
            end.close()
            pid = _holder(address)
            if pid is None or _is_elsewhere(pid):
                return
            raise NotAloneError(
                f"another supervisor on this machine (pid {pid}) answers with this bot's token; this one was started"
                " later, and waits"
            ) from None
        self._held = end

    def release(self) -> None:
        if self._held:
            self._held.close()
        self._held = None


class Entry:
    """What we come in with, and whether we may: one supervisor of this machine answers for a bot, and not too often.

    ``hold(words)`` keeps all else from asking Discord anything with the token; empty words let it.
    """

    def __init__(self, api_base: str, token: str, hold: Callable[[str], None], identifies: Identifies) -> None:
        self.api_base = api_base
        self.token = token
        self.hold = hold
        self.identifies = identifies
        self.trouble = ""
        """That another supervisor of this machine answers, in words; empty while none does."""
        self._name = Name()

    def claim(self, bot_id: int) -> None:
        """Raises NotAloneError while another supervisor of this machine answers with this token."""
        try:
            if bot_id:
                self._name.claim(bot_id, self.api_base)
        except NotAloneError as error:
            self.trouble = str(error)
            self.hold(self.trouble)
            raise
        self.trouble = ""
        self.hold("")

    def release(self) -> None:
        self._name.release()


def _holder(address: str) -> int | None:
    """The pid of whoever listens there; None when that cannot be seen (any more)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.settimeout(0.5)
        try:
            end.connect(address)
            pid, _uid, _gid = struct.unpack("3i", end.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        except OSError:
            return None
    return int(pid)


def _is_elsewhere(pid: int) -> bool:
    """In another PID namespace; of another user's process that cannot be seen, and it counts as one of this machine."""
    try:
        return pid <= 0 or _namespace(str(pid)) != _namespace("self")
    except OSError:
        return False


def _namespace(process: str) -> str:
    return str(Path(f"/proc/{process}/ns/pid").readlink())


class Nonces:
    """Of all messages that this process has asked Discord to make."""

    def __init__(self) -> None:
        self._known: dict[str, None] = {}

    def add(self, nonce: str) -> None:
        note_newest(self._known, nonce, None, NONCES_KEPT)

    def __contains__(self, nonce: str) -> bool:
        return nonce in self._known


class Claim(msgspec.Struct, frozen=True, order=True):
    """Since when a supervisor runs (Unix milliseconds); ``tie`` decides between two of the same."""

    started_ms: int
    tie: str

    @classmethod
    def at(cls, started: float) -> "Claim":
        return cls(int(started * 1000), secrets.token_hex(4))

    @property
    def nonce(self) -> str:
        """23 characters; Discord takes NONCE_CHARS."""
        return f"tb!{self.started_ms:011x}.{self.tie}"

    def in_words(self) -> str:
        return (
            f"⚠ Two bridges answer with this bot's token. This one runs since <t:{self.started_ms // 1000}:T>;"
            " the one that was started later stops answering. End one of them, or give it another bot."
        )


def claim_of(nonce: str) -> Claim | None:
    found = _CLAIM.fullmatch(nonce)
    return Claim(int(found[1], 16), found[2]) if found else None
