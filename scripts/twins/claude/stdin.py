"""What comes in: lines, and SIGINT; and which of a line are words."""

import json
import os
import re
import select
import signal


class BadLine(Exception):  # noqa: N818
    """A line on stdin that ends the process."""


class Lines:
    """Stdin, line by line (lines may be many megabytes long), and SIGINT, heard in the same place."""

    def __init__(self) -> None:
        self.ended = False
        self.interrupted = False
        self._rest = bytearray()
        self._signals, told = os.pipe()
        os.set_blocking(told, False)
        signal.set_wakeup_fd(told)

    def read(self, seconds: float) -> list[str]:
        """The lines that are there, waiting at most so long for something to come."""
        sources = [self._signals] if self.ended else [self._signals, 0]
        ready = select.select(sources, [], [], seconds)[0]
        self.interrupted = self._signals in ready
        return self._more_lines() if 0 in ready else []

    def _more_lines(self) -> list[str]:
        piece = os.read(0, 1 << 20)
        self.ended = not piece
        self._rest += piece
        if b"\n" not in piece:
            return []
        *lines, self._rest = self._rest.split(b"\n")
        return [line.decode(errors="replace") for line in lines]


def decoded(text: str) -> object:
    try:
        line = json.loads(text)
    except ValueError:
        known = next((kind for kind in ("user", "control_request") if f'"type":"{kind}"' in text), "unknown")
        raise BadLine(f"Error parsing streaming input line (type={known}, {len(text)} chars): SyntaxError") from None
    if line is None:
        raise BadLine("Error parsing streaming input line (type=unknown, 4 chars): TypeError")
    return line


_SPOKEN = re.compile(r"<(message-[0-9a-f]{12}) [^\n]*>\n(.*)\n</\1>", re.DOTALL)
"""A person's words, between the lines that say whose they are."""


def text_of(content: object) -> str:
    if isinstance(content, str):
        return _SPOKEN.sub(lambda found: found[2], content)
    blocks = content if isinstance(content, list) else []
    return "\n".join(text_of(block.get("text", f"[{block.get('type')}]")) for block in blocks)
