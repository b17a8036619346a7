"""The CLI's stdout: bytes in pieces of any size, through the framer and the protocol of one child."""

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from bridge.protocol import events as e
from bridge.protocol.records import decode_record, encode_record
from lab.fuzz.edge import Edge, hold
from worker.claude import Dropped, LineFramer
from worker.steps import Line, Step
from worker.stream import Stream

TRANSCRIPTS = Path(__file__).resolve().parents[4] / "tests/data/transcripts"
CLAUDE_ID = "11111111-0000-4000-8000-000000000000"
LINE_LIMIT = 20_000
INITIALIZED = b'{"type":"control_response","response":{"subtype":"success","request_id":"tb1","response":{}}}\n'


@cache
def _transcript(path: Path) -> list[bytes]:
    entries = (json.loads(line) for line in path.read_text().splitlines())
    return [json.dumps(entry["line"]).encode() for entry in entries if entry["dir"] == "out"] or [b"{}"]


class Frames(Edge):
    name = "frames"
    clean = "none: a line that nobody knows means nothing"

    def made(self, random: Random) -> bytes:
        lines = _transcript(random.choice(sorted(TRANSCRIPTS.glob("*.jsonl"))))
        begin = random.randrange(len(lines))
        some = [line for line in lines[begin : begin + random.randint(1, 25)] if len(line) < 2 * LINE_LIMIT]
        if random.random() < 0.3:
            random.shuffle(some)
        return INITIALIZED + b"\n".join(some) + b"\n"

    def feed(self, data: bytes, folder: Path) -> None:
        child = _Child()
        framer, place, size = LineFramer(LINE_LIMIT), 0, 1 + sum(data[:64]) % 5000
        while place < len(data):
            for line in framer.feed(data[place : place + size]):
                child.hears(line)
            place += size
        child.take(list(child.stream.broken_off()))


class _Child:
    """What a worker would do with the steps, and what must hold of them."""

    def __init__(self) -> None:
        self.stream = Stream(4321, claude_id=CLAUDE_ID, resuming=False)
        self._seq = 0
        self._in_turn = False
        self.take(self.stream.initialize())
        self.take(self.stream.prompt(e.PromptAccepted(1, "11111111-0000-4000-8000-000000000001", "hi", 42, "ada")))

    def hears(self, line: bytes | Dropped) -> None:
        if isinstance(line, Dropped):
            self.take(self.stream.dropped(line.head, line.size))
        else:
            self.take(self.stream.receive(line))

    def take(self, steps: list[Step]) -> None:
        for step in steps:
            if isinstance(step, Line):
                hold(step.data.count(b"\n") <= 1 and isinstance(_object(step.data), dict), "a line out is no frame")
            elif isinstance(step, e.Event):
                self._log(step)

    def _log(self, event: Any) -> None:
        self._seq += 1
        record, line = encode_record(e.Record("g", self._seq, 1.0, event))
        hold(decode_record(line) == record, "a record is read back as another")
        match event:
            case e.PermissionRequested():
                self.stream.named(event.request_id, self._seq)
            case e.PermissionResolved(verdict=verdict):
                hold(verdict != "allowed", "nobody decided, and it is allowed")
            case e.TurnStarted():
                hold(not self._in_turn, "a turn began in a turn")
                self._in_turn = True
            case e.TurnEnded():
                hold(self._in_turn, "a turn ended twice")
                self._in_turn = False


def _object(line: bytes) -> object:
    return msgspec.json.decode(line)
