"""Claude's own file of a conversation: where it is, and which prompts it proves to be taken up.

A prompt whose uuid stands in a line that is not a queue operation was taken (docs/claude-protocol.md, "Conversations").
Merged prompts stand there under the uuid of the last one only; Claude takes prompts in their order, so with one all
before it were taken.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from bridge.protocol.errors import UNREADABLE

MOST_TRANSCRIPT_BYTES = 256 * 1024 * 1024
MOST_LINE_BYTES = 32 * 1024 * 1024


def path_of(claude_id: str, claude_home: Path) -> Path | None:
    """Claude's own file of the conversation, in whichever project's folder it is (docs/claude-protocol.md,
    "Conversations").
    """
    return next(iter(claude_home.glob(f"projects/*/{claude_id}.jsonl")), None)


class _TranscriptLine(msgspec.Struct):
    type: str = ""


def uuids_taken(transcript: Path | None, uuids: Iterable[str]) -> frozenset[str]:
    """Those of ``uuids``, which come in the order of their prompts, that Claude took up, by its transcript."""
    wanted = {uuid: uuid.encode() for uuid in uuids}
    found_uuids: set[str] = set()
    if transcript is None or not wanted:
        return frozenset()
    for line in _lines(transcript):
        found = [uuid for uuid, needle in wanted.items() if needle in line]
        if found and not _is_queue_operation(line):
            found_uuids.update(found)
    order = list(wanted)
    last = max((order.index(uuid) for uuid in found_uuids), default=-1)
    return frozenset(order[: last + 1])


def _lines(transcript: Path) -> Iterator[bytes]:
    """Of a regular file only, and so much of its end: the child writes it, and may put anything in its place."""
    with suppress(OSError):
        fd = os.open(transcript, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return
            file.seek(max(0, os.fstat(fd).st_size - MOST_TRANSCRIPT_BYTES))
            while line := file.readline(MOST_LINE_BYTES):
                yield line


def _is_queue_operation(line: bytes) -> bool:
    try:
        return msgspec.json.decode(line, type=_TranscriptLine).type == "queue-operation"
    except UNREADABLE:
        return False
