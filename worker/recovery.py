"""What a new worker must add to the log of one that died, so that nothing is left open.

A turn is never replayed: it is closed as *lost*, the tool call that ran has an unknown outcome, and requests
that nobody can answer any more are withdrawn. A prompt is sent again only when Claude never took it up. That it
did is told by our own log (PromptTaken), or by Claude's transcript: a prompt whose uuid stands in a line that is
not a queue operation was taken (docs/claude-protocol.md, "Conversations"). Merged prompts stand there under the uuid of
the last one only; Claude takes prompts in their order, so with one all before it were taken.
"""

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import msgspec

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.start import is_claude_id
from bridge.session.managed import ManagedSession, PromptState, session_from

LOST = "the worker died while this ran"
NEVER_ALLOWED = "it was waiting for permission, so it did not run"
DELETED = "deleted"
MOST_TRANSCRIPT_BYTES = 256 * 1024 * 1024
MOST_LINE_BYTES = 32 * 1024 * 1024
type Changing = c.Amend | c.Requeue


class Past(msgspec.Struct):
    """What the log tells of the session's earlier workers."""

    session: ManagedSession | None = None
    prompts: dict[int, e.PromptAccepted] = msgspec.field(default_factory=dict)
    tools: dict[str, str] = msgspec.field(default_factory=dict)
    """The tool calls that have no result yet, and whose they are: a subagent's id, or nothing."""
    commands: set[str] = msgspec.field(default_factory=set)
    completed_turns: int = 0
    exited: e.ChildExited | None = None
    """How the child before ended, when nothing was started since."""
    offered: e.ChildOffered | None = None


def read_past(records: Iterable[e.Record]) -> Past:
    past = Past()
    for record in records:
        match record.event:
            case e.SessionCreated() as created:
                past.session = session_from(created, record.at)
            case e.PromptAccepted() as accepted:
                past.prompts[accepted.prompt_id] = accepted
            case e.ToolStarted() as tool:
                past.tools[tool.tool_use_id] = tool.agent_id
            case e.ToolFinished() as tool:
                past.tools.pop(tool.tool_use_id, None)
            case e.TurnEnded() as turn:
                past.completed_turns += turn.outcome == "completed"
                past.tools = {tool: agent for tool, agent in past.tools.items() if agent}
            case e.LogGap():
                past.tools.clear()
            case (
                e.InterruptAccepted()
                | e.ConfigureAccepted()
                | e.WorkerStopping()
                | e.StopDeclined()
                | e.PromptAmended()
                | e.PromptRequeued()
            ):
                past.commands.add(record.event.command_id)
            case e.ChildOffered():
                past.offered = record.event
            case _:
                pass
        past.exited = _exited_after(record.event, past.exited)
        if past.session:
            past.session.apply(record)
    return past


def _exited_after(event: e.AnyEvent, before: e.ChildExited | None) -> e.ChildExited | None:
    match event:
        case e.ChildExited():
            return event
        case e.WorkerStarted():
            return None
        case _:
            return before


def closing_events(
    past: Past, taken: frozenset[str], outcome: e.Outcome = "lost", why: str = LOST
) -> tuple[list[e.AnyEvent], list[e.PromptAccepted]]:
    """(the events that close what is open, the prompts to send again). ``taken`` holds uuids."""
    if not (session := past.session):
        return [], []
    events: list[e.AnyEvent] = []
    waiting = {request.event.tool_use_id for request in session.requests.values()}
    events += [
        e.ToolFinished(tool, True, NEVER_ALLOWED if tool in waiting else "", unknown=tool not in waiting)
        for tool in past.tools
    ]
    events += [e.PermissionWithdrawn(seq, why) for seq in session.requests]
    events += [e.TaskEnded(task, "lost", why) for task in session.tasks]
    if session.turn:
        events.append(e.TurnEnded(outcome, session.turn.prompt_ids, why))
    was_taken = {i for i, p in session.prompts.items() if p.uuid in taken or p.state is PromptState.TAKEN}
    again = [past.prompts[i] for i in session.prompts if i not in was_taken]
    events += [e.PromptCancelled(i, why) for i in session.prompts if i in was_taken]
    return events, again


def amended(command: c.Amend, waiting: dict[int, e.PromptAccepted]) -> list[e.AnyEvent]:
    """What an edit or a deletion makes of the prompts that no child has; ``waiting`` is changed by it.

    The new text is in the log before anything says that the old one is void.
    """
    old = waiting.get(command.prompt_id)
    answer = told(command, done=old is not None)
    if old is None:
        return [answer]
    if command.text is None:
        del waiting[command.prompt_id]
        return [answer, e.PromptCancelled(command.prompt_id, DELETED)]
    new = waiting[command.prompt_id] = renewed(old, text=command.text)
    return [new, answer]


def told(command: Changing, *, done: bool) -> e.AnyEvent:
    """The event that answers a command about a prompt that Claude may not have taken up."""
    match command:
        case c.Amend():
            return e.PromptAmended(command.command_id, command.prompt_id, command.text is None, done)
        case c.Requeue():
            return e.PromptRequeued(command.command_id, command.prompt_id, command.when, done)


def renewed(prompt: e.PromptAccepted, **changes: object) -> e.PromptAccepted:
    """The prompt as it is sent again, and so under another uuid."""
    return msgspec.structs.replace(prompt, uuid=str(uuid4()), **changes)


def claude_id_of(past: Past, unknown: str) -> str:
    """Claude's id of the conversation; ``unknown`` when none is known. Of an older log only a UUID counts."""
    told = past.session.claude_id if past.session else ""
    return told if is_claude_id(told) else unknown


def transcript_of(claude_id: str, claude_home: Path) -> Path | None:
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
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
