"""A record's bytes: a line of a log, and an item on the wire.

Workers and supervisors of different versions read each other's records, so what is newer than we are is no damage: a
record that has its name, but an event that we cannot read, is kept whole as an UnknownEvent. It counts in the sequence,
changes nothing that we know, and whoever knows it reads it again from what we kept. Unknown fields are skipped.

No record is longer than ``MOST_RECORD_BYTES``: what Claude wrote is cut until it fits. What a person decides on is
never cut; a request that is too long is refused before it becomes a record (``worker.asks``).
"""

from typing import Any

import msgspec

from bridge.protocol.errors import UNREADABLE, RemoteError
from bridge.protocol.events import AnyEvent, Event, Number, PermissionRequested, Record, UnknownEvent

MOST_RECORD_BYTES = 4 * 1024 * 1024
"""Of a record's JSON, its newline included."""
MOST_INPUT_BYTES = 1_000_000
"""Of the input of a permission request, as Claude sent it; quoted in a record it is at most twice as long."""
_ENVELOPE_BYTES = 1024
_SHORTER = (256 * 1024, 32 * 1024, 4 * 1024, 256, 16)

_encoder = msgspec.json.Encoder()
_record: msgspec.json.Decoder[Record] = msgspec.json.Decoder(Record)
_event: msgspec.json.Decoder[AnyEvent] = msgspec.json.Decoder(AnyEvent)


class _Named(msgspec.Struct, frozen=True):
    """A record whose event is left as it is."""

    generation: str
    seq: Number
    at: float
    event: msgspec.Raw


class _Kind(msgspec.Struct):
    kind: str


_named: msgspec.json.Decoder[_Named] = msgspec.json.Decoder(_Named)


def encode_record(record: Record) -> tuple[Record, bytes]:
    """(the record as far as it fits, its bytes and a newline)."""
    line = _encoder.encode(record) + b"\n"
    if len(line) <= MOST_RECORD_BYTES:
        return record, line
    shorter = msgspec.structs.replace(record, event=_cut(record.event))
    return shorter, _encoder.encode(shorter) + b"\n"


def decode_record(data: bytes | memoryview | msgspec.Raw) -> Record:
    """Raises RemoteError for what is no record at all."""
    try:
        return known(_record.decode(data))
    except UNREADABLE:
        return _decode_newer(data)


def known(record: Record) -> Record:
    """The record with the event that another version could not read, if we can."""
    if not isinstance(record.event, UnknownEvent):
        return record
    try:
        return msgspec.structs.replace(record, event=_event.decode(record.event.told))
    except UNREADABLE:
        return record


def _decode_newer(data: bytes | memoryview | msgspec.Raw) -> Record:
    try:
        named = _named.decode(data)
        told = bytes(named.event).decode()
        msgspec.json.decode(told, type=_Kind)
    except UNREADABLE as error:
        raise RemoteError(f"this is no record: {error}") from error
    return Record(named.generation, named.seq, named.at, UnknownEvent(told))


def _cut(event: AnyEvent) -> AnyEvent:
    """Its longest texts are cut, and its longest lists."""
    given = msgspec.to_builtins(event)
    for most in _SHORTER:
        shorter: AnyEvent = msgspec.convert(_shortened(given, most), AnyEvent)
        if _fits(shorter):
            return shorter
    raise ValueError(f"{type(event).__name__} cannot be cut to fit a record")


def _fits(event: Event) -> bool:
    return len(_encoder.encode(event)) <= MOST_RECORD_BYTES - _ENVELOPE_BYTES


def _shortened(value: Any, most: int) -> Any:
    match value:
        case str() if len(value) > most:
            return f"{value[:most]}… ({len(value) - most:,} more characters)"
        case list() | tuple():
            return [_shortened(item, most) for item in value[:most]]
        case dict():
            return {key: _shortened(one, most) for key, one in list(value.items())[:most]}
        case _:
            return value


def is_too_long_to_ask(request: PermissionRequested) -> bool:
    """Nobody could be shown the whole of it."""
    return len(request.tool_input.encode()) > MOST_INPUT_BYTES or not _fits(request)
