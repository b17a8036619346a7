"""One answer of the model while it streams: message_start, blocks, deltas, message_stop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from twins.claude import frames
from twins.claude.tasks import Wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from twins.claude.frames import Json
    from twins.claude.script import Text
    from twins.claude.tasks import Steps


class Message:
    """Writes its lines through `emit`. `marks` name the prompts, on the first assistant line of a turn."""

    def __init__(self, emit: Callable[[Json], None], model: str, marks: Json) -> None:
        self.message_id = frames.new_id("msg_")
        self.output_tokens = 0
        self._emit = emit
        self._model = model
        self._marks = marks
        self._index = -1
        self._partial: str | None = None

    def start(self, marks: Json) -> None:
        self._emit(frames.message_start(self.message_id, self._model, marks))

    def text(self, block: Text) -> Steps:
        kind = "thinking" if block.thinking else "text"
        self._open({"type": kind, kind: "", **({"signature": ""} if block.thinking else {})})
        self._partial = ""
        for piece in _pieces(block.text, block.deltas):
            if block.gap_s:
                yield Wait(block.gap_s)
            self._partial += piece
            self._delta({"type": f"{kind}_delta", kind: piece})
        self._partial = None
        self._close({"type": kind, kind: block.text, **({"signature": "c2NyaXB0ZWQ="} if block.thinking else {})})
        self.output_tokens += frames.tokens_of(block.text)

    def tool_use(self, tool_id: str, name: str, tool_input: Json, before_stop: Callable[[], None]) -> None:
        block = {"type": "tool_use", "id": tool_id, "name": name}
        written = json.dumps(tool_input)
        self._open({**block, "input": {}})
        self._delta({"type": "input_json_delta", "partial_json": written})
        self._assistant({**block, "input": tool_input})
        before_stop()
        self._event({"type": "content_block_stop", "index": self._index})
        self.output_tokens += frames.tokens_of(written)

    def delta(self, stop_reason: str) -> None:
        self._emit(frames.message_delta(self.message_id, stop_reason, self.output_tokens))

    def stop(self) -> None:
        self._event({"type": "message_stop"})

    def keep_partial(self) -> None:
        """What an interrupt leaves of the open block becomes an assistant line."""
        if self._partial:
            self._assistant({"type": "text", "text": self._partial}, aborted=True)
            self.output_tokens += frames.tokens_of(self._partial)

    def break_off(self) -> None:
        """Closes an interrupted message."""
        if self._partial is not None:
            self._event({"type": "content_block_stop", "index": self._index})
        self._emit(frames.broken_message_delta(self.message_id))
        self._emit(frames.abandoned(self.message_id, self._index + 1))

    def withdraw(self) -> None:
        """Closes a message whose stream broke: nothing of it counts."""
        self._emit(frames.abandoned(self.message_id, 0))

    def _open(self, block: Json) -> None:
        self._index += 1
        self._event({"type": "content_block_start", "index": self._index, "content_block": block})

    def _delta(self, delta: Json) -> None:
        self._event({"type": "content_block_delta", "index": self._index, "delta": delta})

    def _close(self, block: Json) -> None:
        self._assistant(block)
        self._event({"type": "content_block_stop", "index": self._index})

    def _assistant(self, block: Json, **fields: object) -> None:
        self._emit(frames.assistant(self.message_id, self._model, block, **fields, **self._marks))
        self._marks.clear()

    def _event(self, event: Json) -> None:
        self._emit(frames.stream_event(self.message_id, event))


def _pieces(text: str, count: int) -> list[str]:
    size = max(1, -(-len(text) // max(1, count)))
    return [text[start : start + size] for start in range(0, len(text), size)]
