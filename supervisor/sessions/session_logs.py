"""The sessions' event logs as the supervisor may read them: beside the worker, which alone writes.

A last line without its end is being written, or was when the power went; it is no damage and is left out.
A record that is newer than we are is none either (``bridge.protocol.records``).
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from bridge.discord_numbers import MOST_ID
from bridge.protocol import events as e
from bridge.protocol.errors import UNREADABLE, RemoteError
from bridge.protocol.layout import Layout, SessionLayout
from bridge.protocol.records import decode_record


class _Name(msgspec.Struct, frozen=True):
    generation: str
    seq: e.Number


_name: msgspec.json.Decoder[_Name] = msgspec.json.Decoder(_Name)


class Beginning(msgspec.Struct, frozen=True):
    """A log's first record: whose it is. ``at`` in Unix seconds."""

    generation: str
    at: float
    created: e.SessionCreated


def folders(layout: Layout) -> list[SessionLayout]:
    """Of every session that ever had a worker here."""
    return [SessionLayout(path) for path in sorted(layout.sessions.glob("*")) if path.is_dir()]


def beginning(log: Path) -> Beginning | None:
    """None when there is no log, or its first line is not what a log begins with."""
    try:
        with log.open("rb") as file:
            record = decode_record(file.readline())
    except (OSError, RemoteError):
        return None
    match record.event:
        case e.SessionCreated() as created if _has_ids(created):
            return Beginning(record.generation, record.at, created)
        case _:
            return None


def _has_ids(created: e.SessionCreated) -> bool:
    """Ids as Discord gives them: no store holds others."""
    return all(
        0 <= one <= MOST_ID for one in (created.thread_id, created.guild_id, created.channel_id, created.owner_id)
    )


def read_log(log: Path, after: int = 0, generation: str = "") -> list[e.Record]:
    """The records above ``after`` of a log that belongs to ``generation`` (any, when empty)."""
    return list(records_of(log, after, generation))


def records_of(log: Path, after: int = 0, generation: str = "") -> Iterator[e.Record]:
    """As ``read_log``, one after the other: a whole log may be larger than what we should hold."""
    for line in _lines(log):
        try:
            name = _name.decode(line)
            if generation and name.generation != generation:
                return
            record = decode_record(line) if name.seq > after else None
        except (RemoteError, *UNREADABLE):
            return
        if record:
            yield record


def acked(paths: SessionLayout, generation: str) -> int | None:
    """How far a supervisor ever acknowledged this log, by the worker's own note; None when there is none."""
    try:
        noted, seq = paths.acked.read_text().split()
        return int(seq) if noted == generation else None
    except (OSError, ValueError):
        return None


def damage(log: Path) -> str:
    """What cannot be read of a log, in words; empty when all of it can."""
    try:
        for number, line in enumerate(_lines(log), 1):
            if problem := _problem(line):
                return f"its line {number} is unreadable ({problem})"
    except OSError as error:
        return f"it cannot be read ({error.strerror})"
    return ""


def _problem(line: bytes) -> str:
    try:
        decode_record(line)
    except RemoteError as error:
        return str(error)
    return ""


def _lines(log: Path) -> Iterator[bytes]:
    try:
        with log.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield line
    except FileNotFoundError:
        return
