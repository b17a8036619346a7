"""The messages on the socket between a worker and the supervisor, and their bytes.

One message is one ZeroMQ frame of UTF-8 JSON. Every message names the session that it belongs to; the
supervisor compares that name with the identity that the socket authenticated and refuses any other.

    worker                          supervisor
      │  Hello(generation,first,last)  │   repeated while nothing comes back
      │───────────────────────────────▶│
      │                Welcome(applied)│   how far the supervisor has folded and committed
      │◀───────────────────────────────│
      │  Records(applied+1 …)          │   replay, then live: one stream, in order
      │───────────────────────────────▶│
      │                     Ack(seq)   │   cumulative: everything up to seq is committed
      │◀───────────────────────────────│
      │  Delta…                        │   live text; lossy, never acked, never replayed
      │───────────────────────────────▶│
      │              Order(command)    │   repeated until an event answers it (bridge.commands)
      │◀───────────────────────────────│

Order guarantees:
1. Records MUST be sent in ascending seq without holes, beginning after ``Welcome.applied``.
2. The supervisor MUST ignore a record that it has already applied, and MUST answer with a Welcome a record
   that leaves a hole; the worker then continues from there.
3. A worker MUST NOT send records before a Welcome of this connection.
4. Orders of one session MUST be delivered in the order in which they were wished for; but a prompt whose files are
   still being fetched holds back itself and the prompts behind it, and nothing else.
5. The ack MUST follow the commit. A worker MUST NOT take an unacknowledged record as known.

The protocol version is the first thing in a Hello. A supervisor speaks its own version and the one before,
because workers outlive it and are older after an upgrade.
"""

import msgspec

from bridge.commands import AnyCommand
from bridge.errors import RemoteError
from bridge.events import Record

PROTOCOL = 1
PROTOCOLS_SPOKEN = frozenset({1})


class Message(msgspec.Struct, frozen=True, tag=True, tag_field="type", omit_defaults=True):
    session_id: str


class Hello(Message, frozen=True):
    """``first``/``last`` are the seqs of the log's records; ``pending`` the open permission requests."""

    protocol: int
    generation: str
    first: int
    last: int
    pid: int
    pending: tuple[int, ...] = ()
    acked: int = 0
    """The highest seq of this log that a supervisor ever acknowledged, also to an earlier worker."""


class Records(Message, frozen=True):
    records: tuple[Record, ...]


class Delta(Message, frozen=True):
    """Text of an open block from ``offset`` (characters) on. Offset 0 replaces what was there."""

    block: str
    offset: int
    text: str


class Welcome(Message, frozen=True):
    """``generation`` is the log's that ``applied`` counts in; empty when the supervisor knows none yet."""

    protocol: int
    generation: str
    applied: int


class Ack(Message, frozen=True):
    applied: int


class Order(Message, frozen=True):
    command: AnyCommand


Up = Hello | Records | Delta
Down = Welcome | Ack | Order

_encoder = msgspec.json.Encoder()
_up: msgspec.json.Decoder[Up] = msgspec.json.Decoder(Up)
_down: msgspec.json.Decoder[Down] = msgspec.json.Decoder(Down)


def encode(message: Up | Down) -> bytes:
    return _encoder.encode(message)


def decode_up(data: bytes | memoryview) -> Up:
    """Raises RemoteError for bytes that are no message of a worker."""
    try:
        return _up.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteError(f"a worker sent something that is no message: {error}") from error


def decode_down(data: bytes | memoryview) -> Down:
    """Raises RemoteError for bytes that are no message of a supervisor."""
    try:
        return _down.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise RemoteError(f"the supervisor sent something that is no message: {error}") from error
