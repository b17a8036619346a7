"""A gateway session without its socket: intents, numbered events, what a RESUME replays.

Source: Discord documentation, "Gateway" (intents, resuming) and "Gateway Events".
"""

import json
import zlib
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

from twins.discord.events import Dispatch
from twins.discord.model import Json


class Op(IntEnum):
    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Close(IntEnum):
    """Close codes that the gateway sends."""

    UNKNOWN_OP = 4001
    DECODE_ERROR = 4002
    NOT_AUTHENTICATED = 4003
    AUTHENTICATION_FAILED = 4004
    ALREADY_AUTHENTICATED = 4005
    INVALID_SEQ = 4007
    RATE_LIMITED = 4008
    DISALLOWED_INTENTS = 4014


class Intent(IntFlag):
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT
_HIDDEN: Json = {"content": "", "embeds": [], "attachments": [], "components": []}
_BY_PREFIX = (
    ("MESSAGE_REACTION_", Intent.GUILD_MESSAGE_REACTIONS),
    ("MESSAGE_", Intent.GUILD_MESSAGES),
    ("TYPING_", Intent.GUILD_MESSAGE_TYPING),
    ("GUILD_MEMBERS_CHUNK", Intent(0)),
    ("GUILD_MEMBER_", Intent.GUILD_MEMBERS),
    ("GUILD_", Intent.GUILDS),
    ("CHANNEL_", Intent.GUILDS),
    ("THREAD_", Intent.GUILDS),
)


def intent_for(event: str) -> Intent:
    """The intent that an event needs; 0 for those that always come (interactions, READY)."""
    return next((intent for prefix, intent in _BY_PREFIX if event.startswith(prefix)), Intent(0))


@dataclass(slots=True, eq=False)
class Session:
    """What outlives a socket: its numbered events. `lost_at`: when the socket went (seconds, monotonic)."""

    id: str
    intents: Intent
    frames: list[Json] = field(default_factory=list)
    lost_at: float | None = None

    @property
    def seq(self) -> int:
        return len(self.frames)

    def number(self, dispatch: Dispatch) -> Json | None:
        """The frame of an event for this session, numbered and kept; None if its intents exclude it."""
        is_direct = dispatch.event.startswith("MESSAGE_") and "guild_id" not in dispatch.data
        needed = Intent.DIRECT_MESSAGES if is_direct else intent_for(dispatch.event)
        if needed & ~self.intents:
            return None
        data = dispatch.data
        if dispatch.private_content and not self.intents & Intent.MESSAGE_CONTENT:
            data = {**data, **_HIDDEN}
        frame: Json = {"op": int(Op.DISPATCH), "t": dispatch.event, "s": self.seq + 1, "d": data}
        self.frames.append(frame)
        return frame

    def after(self, seq: int) -> list[Json]:
        """The frames that a client which saw `seq` has missed."""
        return self.frames[seq:]


class Encoder:
    """Frames to bytes: JSON text, or one zlib stream for the whole connection (`compress=zlib-stream`)."""

    def __init__(self, *, compress: bool) -> None:
        self._stream = zlib.compressobj() if compress else None

    def encode(self, frame: Json) -> bytes | str:
        text = json.dumps(frame, separators=(",", ":"))
        if self._stream is None:
            return text
        return self._stream.compress(text.encode()) + self._stream.flush(zlib.Z_SYNC_FLUSH)
