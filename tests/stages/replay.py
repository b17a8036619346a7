"""The recorded transcripts of the real CLI, played through a ``Stream`` as a worker would.

A transcript (``tests/data/transcripts``) holds what went *in* to a claude 2.1.330 and what came *out* of it. What
came out is fed to the stream; what went in becomes the worker's own command (prompt, decide, interrupt, …), and the
answers of the CLI are given the request ids that the stream chose. Events get their records as in a log.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from bridge.protocol import commands as c
from bridge.protocol import events as e
from worker.asks import OpenRequest
from worker.steps import DeltaRead, EndChild, FileOffered, ImagesReturned, Line, PushAsked, PushDecided, Step
from worker.stream import Stream

FOLDER = Path(__file__).resolve().parents[1] / "data" / "transcripts"
NAMES = sorted(path.stem for path in FOLDER.glob("*.jsonl"))
GENERATION = "0123456789abcdef"
SESSION_ID = "5c0ffee5-0000-4000-8000-000000000001"
CLAUDE_ID = "11111111-0000-4000-8000-000000000000"
DIRECTORY = "/srv/app"
PLAN_ON_DISK = "# Plan\n\nAs it stands in Claude's file."
PERSON_ID = 42
STARTED_IN = {"e": "plan", "b5": "acceptEdits"}
"""In b5 the host let Claude choose that mode, with all of its suggestions; ours gives back the rules only."""

Entry = tuple[str, Any]
Happened = e.Record | DeltaRead | Line
Noise = Callable[[], list[bytes]]


@cache
def transcript(name: str) -> tuple[Entry, ...]:
    """(in | out | err | note, the line) in the order in which they were seen."""
    lines = (FOLDER / f"{name}.jsonl").read_text().splitlines()
    return tuple((entry["dir"], entry["line"]) for entry in map(json.loads, lines))


def was_killed(name: str) -> bool:
    """Whether the CLI was ended in mid-turn, so that its last turn has no result."""
    return any(kind == "note" and line in ("SIGKILL", "now: SIGTERM") for kind, line in transcript(name))


class Replay:
    """``noise`` gives the lines that are slipped in before every line of the CLI's; ``entries`` stand in for the
    transcript's own.
    """

    def __init__(self, name: str, noise: Noise = list, entries: Iterable[Entry] = ()) -> None:
        self.happened: list[Happened] = []
        self.records: list[e.Record] = []
        self.condemned = ""
        """Why the child would be ended in the middle."""
        mode = next((mode for begin, mode in STARTED_IN.items() if name.startswith(begin)), "default")
        self.stream = Stream(4321, claude_id=CLAUDE_ID, resuming="resume" in name, permission_mode=mode)
        self._noise = noise
        self._ours: dict[str, str] = {}
        self._prompts = 0
        self._numbers: dict[str, int] = {}
        self._record(e.SessionCreated(SESSION_ID, 700, 500, 600, DIRECTORY, PERSON_ID))
        self._record(e.WorkerStarted(1234, contained=True, containment="bubblewrap"))
        for entry in entries or transcript(name):
            self.play(entry)

    def play(self, entry: Entry) -> None:
        kind, line = entry
        if kind == "in" and isinstance(line, dict):
            self._put(line)
        elif kind == "out":
            self._out(line)

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What was written to the CLI."""
        return [json.loads(item.data) for item in self.happened if isinstance(item, Line)]

    def events[T](self, kind: type[T]) -> list[T]:
        return [record.event for record in self.records if isinstance(record.event, kind)]

    def _record(self, event: e.AnyEvent) -> e.Record:
        seq = len(self.records) + 1
        record = e.Record(GENERATION, seq, 1000.0 + seq, event)
        self.happened.append(record)
        self.records.append(record)
        if isinstance(event, e.PermissionRequested):
            self.stream.named(event.request_id, seq)
        return record

    def _take(self, steps: list[Step]) -> None:
        for step in steps:
            assert not isinstance(step, FileOffered | ImagesReturned | PushAsked | PushDecided), "no transcript has one"
            if isinstance(step, EndChild):
                self.condemned = step.why
                continue
            if isinstance(step, DeltaRead | Line):
                self.happened.append(step)
            else:
                self._record(step)
        for line in [step for step in steps if isinstance(step, Line)]:
            self._answer_get_plan(json.loads(line.data))

    def _answer_get_plan(self, line: dict[str, Any]) -> None:
        """The transcripts' host did not ask for the plan; ours does, before it shows the request."""
        if line["type"] == "control_request" and line["request"]["subtype"] == "get_plan":
            answer = {"exists": True, "content": PLAN_ON_DISK}
            inner = {"subtype": "success", "request_id": line["request_id"], "response": answer}
            self._receive({"type": "control_response", "response": inner})

    def _out(self, line: Any) -> None:
        for noise in self._noise():
            self._take(self.stream.receive(noise))
        if isinstance(line, dict) and line.get("type") == "control_response":
            asked = line["response"].get("request_id", "")
            ours = self._ours.get(asked, f"not-ours-{asked}")
            line = {**line, "response": {**line["response"], "request_id": ours}}
        self._receive(line)

    def _receive(self, line: Any) -> None:
        self._take(self.stream.receive(msgspec.json.encode(line)))

    def _put(self, line: Any) -> None:
        match line:
            case {"type": "user", "uuid": uuid, "message": {"content": content}}:
                self._prompt(uuid, content if isinstance(content, str) else "(a picture)")
            case {"type": "control_request", "request_id": theirs, "request": {"subtype": subtype}}:
                self._control(theirs, subtype, line["request"])
            case {"type": "control_response", "response": {"request_id": request_id, "response": answer}}:
                self._decide(request_id, answer)

    def _prompt(self, uuid: str, text: str) -> None:
        self._prompts += 1
        self._numbers[uuid] = self._prompts
        self._record(e.PromptAccepted(self._prompts, uuid, text, PERSON_ID, "ada"))
        self._take(self.stream.prompt(e.PromptAccepted(self._prompts, uuid, text, 42, "ada")))

    def _control(self, theirs: str, subtype: str, fields: dict[str, Any]) -> None:
        before = len(self.happened)
        match subtype:
            case "initialize" if not self.stream.is_ready:
                self._take(self.stream.initialize())
            case "interrupt":
                self._take(self.stream.interrupt(keep_queued=not fields.get("cancel_queued", False)))
            case "cancel_async_message" if (uuid := str(fields["message_uuid"])) in self._numbers:
                self._take(self.stream.amend(c.Amend(theirs, self._numbers[uuid], None), uuid, None))
            case "end_session":
                self._take(self.stream.end_session())
            case "set_permission_mode":
                self._take(self.stream.configure(c.Configure(theirs, "permission_mode", str(fields["mode"]))))
            case "set_model":
                self._take(self.stream.configure(c.Configure(theirs, "model", fields.get("model") or "")))
        for item in self.happened[before:]:
            if isinstance(item, Line):
                self._ours[theirs] = json.loads(item.data)["request_id"]

    def _decide(self, request_id: str, answer: dict[str, Any] | None) -> None:
        for asked in self.stream.open_requests():
            if asked.request.request_id == request_id:
                self._take(self.stream.decide(_decision(asked, answer or {})))


def _decision(asked: OpenRequest, answer: dict[str, Any]) -> c.Decide:
    """What a person must have decided for the CLI to be given this answer."""
    updates = answer.get("updatedPermissions") or []
    modes = [update["mode"] for update in updates if update["type"] == "setMode"]
    return c.Decide(
        GENERATION,
        asked.seq,
        asked.request.digest,
        "allowed" if answer.get("behavior") == "allow" else "denied",
        always=bool(updates),
        decided_by=42,
        decider="ada",
        reason=answer.get("message", ""),
        answers=(answer.get("updatedInput") or {}).get("answers", {}),
        mode=modes[0] if modes else "",
    )


def blocks_of(name: str, line_type: str) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """(the line, the block) of all blocks in ``assistant`` or ``user`` lines that came out."""
    for kind, line in transcript(name):
        if kind == "out" and isinstance(line, dict) and line.get("type") == line_type:
            content = line["message"]["content"]
            blocks = content if isinstance(content, list) else [{"type": "text", "text": content}]
            yield from ((line, block) for block in blocks)
