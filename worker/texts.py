"""Claude's texts of a turn, as far as they are kept: those that stream and have not come whole, and those that have.

A text is what a person reads, so there is an end to it: a child that pours out more, by mistake or with intent, would
fill our memory, the log and the thread, and keep the supervisor from everybody else. What is not kept is counted and
said. Without I/O.
"""

from collections.abc import Collection

from bridge.newest import note_newest
from bridge.protocol import events as e

TEXT_KEPT_CHARS = 256 * 1024
"""Of one block of text: about 130 posts, and as much as a model writes at once (64,000 tokens)."""
TURN_KEPT_CHARS = 4 * TEXT_KEPT_CHARS
"""Of all texts of one turn, and as much of those that stream meanwhile."""
BLOCKS_KEPT = 256
"""That stream and did not come whole."""
NAME_CHARS = 200


class Texts:
    """``open_block``: the name of the block that streams; empty between two."""

    def __init__(self) -> None:
        self.open_block = ""
        self._open_chars = 0
        self._message = ""
        self._blocks: dict[str, list[str]] = {}
        self._partial: dict[str, list[str]] = {}
        self._partial_chars = 0
        self._stopped: set[str] = set()
        self._left = TURN_KEPT_CHARS
        self._is_said = False

    @property
    def is_streaming(self) -> bool:
        """Something streamed that has not come whole."""
        return bool(self._partial)

    # --- what streams --------------------------------------------------------------------------------

    def begin_message(self, message_id: str) -> None:
        self._message = message_id[:NAME_CHARS]
        note_newest(self._blocks, self._message, [], BLOCKS_KEPT)

    def begin_block(self, index: int) -> None:
        """One that is too many has no name, and nothing of it is kept before it comes whole."""
        blocks = self._blocks.setdefault(self._message, [])
        self.open_block, self._open_chars = f"{self._message}:{index}", 0
        if len(blocks) < BLOCKS_KEPT and len(self._partial) < BLOCKS_KEPT:
            blocks.append(self.open_block)
        else:
            self.open_block = ""

    def add(self, text: str) -> str:
        """What of it is kept, and shown."""
        room = min(TEXT_KEPT_CHARS - self._open_chars, TURN_KEPT_CHARS - self._partial_chars)
        kept = text[: max(0, room)] if self.open_block else ""
        self._open_chars += len(text)
        if kept:
            self._partial.setdefault(self.open_block, []).append(kept)
            self._partial_chars += len(kept)
        return kept

    def end_block(self) -> None:
        if self.open_block in self._partial:
            self._stopped.add(self.open_block)
        self.open_block = ""

    def end_message(self, abandoned_id: str, from_index: int) -> tuple[str, ...]:
        """The blocks that are void; ``abandoned_id``: of the message that Claude asks for again, empty for none."""
        self.open_block = ""
        blocks = self._blocks.pop(abandoned_id[:NAME_CHARS] or self._message, [])
        void = [block for block in blocks if int(block.rpartition(":")[2]) >= from_index]
        self._forget(void if abandoned_id else ())
        return tuple(void) if abandoned_id else ()

    def broken_off(self) -> list[e.TextWritten]:
        """The texts that streamed and never came whole: what there is of them, shown or not."""
        texts = {block: "".join(parts) for block, parts in self._partial.items()}
        broken = {block: block not in self._stopped for block in texts}
        self._forget(list(self._partial))
        return [e.TextWritten(block, text, broken_off=broken[block]) for block, text in texts.items() if text.strip()]

    # --- what came whole -----------------------------------------------------------------------------

    def written(self, block: str, text: str, agent: str = "") -> list[e.TextWritten]:
        """It replaces what streamed of it. Nothing, once it was said that nothing more of this turn is kept."""
        self._forget([b for b, parts in self._partial.items() if b == block or "".join(parts) == text])
        room = min(TEXT_KEPT_CHARS, self._left)
        self._left = max(0, self._left - len(text))
        if len(text) <= room:
            return [e.TextWritten(block, text, agent)]
        if self._is_said:
            return []
        self._is_said = not self._left
        return [e.TextWritten(block, f"{text[:room]}\n\n… ({self._what_is_missing(len(text) - room)})", agent)]

    def _what_is_missing(self, chars: int) -> str:
        here = f"Claude wrote {chars:,} more characters here"
        if not self._is_said:
            return here
        return f"{here}, and no more of its text is shown in this turn: {TURN_KEPT_CHARS:,} characters are the most"

    def begin_turn(self) -> None:
        self._left, self._is_said = TURN_KEPT_CHARS, False

    def end_turn(self) -> None:
        self._blocks.clear()

    def _forget(self, blocks: Collection[str]) -> None:
        for block in blocks:
            self._partial_chars -= sum(map(len, self._partial.pop(block, ())))
            self._stopped.discard(block)
