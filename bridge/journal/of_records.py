"""Which of a worker's records an audit reads, and how.

A record is told once: its generation and seq stand in the entry, so one that is folded again is known.
"""

import hashlib
from collections.abc import Iterator

from msgspec.structs import replace

from bridge.journal import entries as j
from bridge.protocol import events as e
from bridge.session.managed import ManagedSession


def digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def entries_of(record: e.Record, session: ManagedSession) -> Iterator[j.RecordEntry]:
    """``session`` as it was before this record."""
    for entry in _of(record.event, session):
        yield replace(
            entry,
            session_id=session.session_id,
            channel_id=session.channel_id,
            generation=record.generation,
            seq=record.seq,
        )


def _of(event: e.AnyEvent, session: ManagedSession) -> Iterator[j.RecordEntry]:
    match event:
        case e.PromptAccepted():
            yield j.PromptGiven(by=event.author_id, prompt_id=event.prompt_id, digest=digest(event.text))
        case e.PermissionRequested():
            yield j.PermissionAsked(by=session.serving(), tool=event.tool, digest=event.digest)
        case e.PermissionResolved():
            yield _decided(event, session)
        case e.ToolStarted():
            yield j.ToolBegan(tool=event.tool, tool_use_id=event.tool_use_id, digest=digest(event.tool_input))
        case e.ToolFinished():
            yield j.ToolEnded(tool_use_id=event.tool_use_id, outcome=_outcome(event), unasked=event.allowed_by)
        case e.TurnEnded(outcome=outcome):
            yield j.TurnOver(outcome=outcome)
        case e.ModeChanged(permission_mode=mode) if mode != session.permission_mode:
            yield j.ModeSet(mode=mode)
        case e.WorkerStarted(contained=False, containment=how):
            yield j.ChildUncontained(how=how)
        case _:
            pass


def _decided(event: e.PermissionResolved, session: ManagedSession) -> j.PermissionDecided:
    asked = session.requests.get(event.seq)
    return j.PermissionDecided(
        by=event.decided_by,
        request=event.seq,
        tool=asked.event.tool if asked else "",
        digest=asked.event.digest if asked else "",
        verdict=event.verdict,
        always=event.always,
        mode=event.mode,
    )


def _outcome(event: e.ToolFinished) -> str:
    if event.unknown:
        return "unknown"
    return "failed" if event.is_error else "completed"
