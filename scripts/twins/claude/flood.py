"""More output than anybody wants, as fast as it is taken: what a runaway or hostile child pours out."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from twins.claude import frames
from twins.claude.tasks import Wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twins.claude.tasks import Steps

PIECE = 200_000
"""Characters in one line."""
WORD = 20


def poured(kind: str, size_bytes: int) -> Steps:
    """Writes it; between two pieces stdin is heard."""
    stream = sys.stderr.buffer if kind == "stderr" else sys.stdout.buffer
    for piece in pieces(kind, size_bytes):
        stream.write(piece.encode() + (b"" if kind == "one line" else b"\n"))
        yield Wait(0)
    stream.write(b"\n")
    stream.flush()


def pieces(kind: str, size_bytes: int) -> Iterator[str]:
    """Together about so long; each without its newline but for those of `one line`, which are parts of one."""
    length = WORD if kind == "words" else PIECE
    for number in range(max(1, size_bytes // length)):
        filler = f"{number} ".ljust(length, "x")
        match kind:
            case "blocks":
                yield _event({"type": "message_start", "message": {"id": f"flood{number}"}})
                yield _event({"type": "content_block_start", "index": 0, "content_block": {"type": "text"}})
                delta = {"type": "text_delta", "text": filler}
                yield _event({"type": "content_block_delta", "index": 0, "delta": delta})
            case "texts" | "words":
                content = [{"type": "text", "text": filler}]
                message = {"id": f"flood{number}", "role": "assistant", "content": content}
                yield _line({"type": "assistant", "message": message})
            case "lines":
                yield _line({"type": "flood_from_the_future", "payload": filler})
            case _:
                yield filler


def _event(event: frames.Json) -> str:
    return _line({"type": "stream_event", "event": event, "parent_tool_use_id": None})


def _line(frame: frames.Json) -> str:
    return json.dumps(frame | {"uuid": frames.new_uuid()})
