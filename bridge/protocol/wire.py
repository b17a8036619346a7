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
      │              Order(command)    │   repeated until an event answers it (bridge.protocol.commands)
      │◀───────────────────────────────│

Workers outlive supervisors, and a supervisor may start workers from files that are newer than itself, so either side
may be the older one: a Hello names the oldest and the newest protocol that the worker speaks, and the Welcome the one
that both go on with. The rules, each with the tests that hold it, are in docs/wire.md.
"""

import msgspec

from bridge.protocol.commands import AnyCommand
from bridge.protocol.errors import UNREADABLE, RemoteError
from bridge.protocol.events import Number, Record
from bridge.protocol.records import decode_record, known

OLDEST_PROTOCOL, PROTOCOL = 1, 1
PROTOCOLS_SPOKEN = range(OLDEST_PROTOCOL, PROTOCOL + 1)


class Message(msgspec.Struct, frozen=True, tag=True, tag_field="type", omit_defaults=True):
    session_id: str


class Hello(Message, frozen=True):
    """``first``/``last`` are the seqs of the log's records.

    ``first`` is there because supervisors of version 0.1 read no hello without it, and ``pending`` because its workers
    say it; no version ever used either. Both go with protocol 1.
    """

    protocol: Number
    """The oldest protocol that the worker speaks (and, to a supervisor that knows no ``newest``, the one it does)."""
    generation: str
    first: Number
    last: Number
    pid: Number
    pending: tuple[int, ...] = ()
    acked: Number = 0
    """The highest seq of this log that a supervisor ever acknowledged, also to an earlier worker."""
    newest: Number = 0
    """The newest protocol that the worker speaks; 0: ``protocol`` is the only one."""


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
    applied: Number


class Ack(Message, frozen=True):
    applied: Number


class Order(Message, frozen=True):
    command: AnyCommand


def common_protocol(hello: Hello, oldest: int, newest: int) -> int | None:
    """The newest protocol that both sides speak; None when there is none."""
    best = min(newest, max(hello.protocol, hello.newest))
    return best if best >= max(oldest, hello.protocol) else None


Up = Hello | Records | Delta
Down = Welcome | Ack | Order

_encoder = msgspec.json.Encoder()
_up: msgspec.json.Decoder[Up] = msgspec.json.Decoder(Up)
_down: msgspec.json.Decoder[Down] = msgspec.json.Decoder(Down)


class _Untold(Message, frozen=True, tag="Records"):
    """Records that another version tells: each is read by itself."""

    records: tuple[msgspec.Raw, ...]


_untold: msgspec.json.Decoder[_Untold] = msgspec.json.Decoder(_Untold)


def encode(message: Up | Down) -> bytes:
    return _encoder.encode(message)


def decode_up(data: bytes | memoryview) -> Up:
    """Raises RemoteError for bytes that are no message of a worker. A record may be newer than we are."""
    try:
        message = _up.decode(data)
    except UNREADABLE as error:
        return _decode_newer(data, error)
    if isinstance(message, Records):
        return msgspec.structs.replace(message, records=tuple(known(record) for record in message.records))
    return message


def _decode_newer(data: bytes | memoryview, why: Exception) -> Records:
    try:
        untold = _untold.decode(data)
    except UNREADABLE:
        raise RemoteError(f"a worker sent something that is no message: {why}") from why
    return Records(untold.session_id, tuple(decode_record(raw) for raw in untold.records))


def decode_down(data: bytes | memoryview) -> Down:
    """Raises RemoteError for bytes that are no message of a supervisor."""
    try:
        return _down.decode(data)
    except UNREADABLE as error:
        raise RemoteError(f"the supervisor sent something that is no message: {error}") from error
