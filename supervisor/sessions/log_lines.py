"""What the operator's log says of sessions: one line an event, with session, thread and who did it; no words of theirs.

What a journal's entry says is fit for it, since no entry carries a prompt, an answer or what a tool got; but for those
in words of a person's (``FactRemembered``, ``AnswersDrafted``), and for what each tool call did, which is too much.
"""

import logging

from bridge.journal import entries as j
from bridge.journal.words import in_words
from bridge.protocol import events as e
from bridge.session.managed import ManagedSession

_NOT_HERE = (j.FactRemembered, j.AnswersDrafted, j.ToolBegan, j.ToolEnded, j.PromptGiven, j.PermissionAsked)
_WARNS = (j.ChildUncontained, j.JournalBroken, j.NotCarriedOut)

log = logging.getLogger("threadbridge.sessions")


def entry(done: j.AnyEntry, session: ManagedSession | None) -> None:
    """It is committed."""
    if isinstance(done, _NOT_HERE):
        return
    is_lost = isinstance(done, j.TurnOver) and done.outcome == "lost"
    level = logging.WARNING if is_lost or isinstance(done, _WARNS) else logging.INFO
    by = f" (by user {done.by})" if done.by else ""
    log.log(level, "%s%s%s", _whose(session, done), in_words(done), by)


def record(event: e.AnyEvent, session: ManagedSession) -> None:
    """A worker told it."""
    match event:
        case e.WorkerStarted(pid=pid, contained=False, containment=how):
            log.warning("%sworker started, pid %d; its Claude runs uncontained (%s)", _of(session), pid, how)
        case e.WorkerStarted(pid=pid):
            log.info("%sworker started, pid %d", _of(session), pid)
        case e.ChildStarted(pid=pid, version=version):
            log.info("%sClaude started, pid %d, version %s", _of(session), pid, version or "unknown")
        case e.ChildExited(may_pass=True, reason=reason):
            log.warning("%s%s", _of(session), reason)
        case e.ChildExited(wanted=wanted, code=code):
            how = "as it was asked to" if wanted else f"by itself (code {code})"
            log.log(logging.INFO if wanted else logging.WARNING, "%sClaude ended %s", _of(session), how)


def worker_ended(session: ManagedSession, died: str) -> None:
    """Its process is gone. ``died``: of what, in words; empty when it ended by itself and well."""
    log.log(logging.WARNING if died else logging.INFO, "%sworker ended%s", _of(session), f": {died}" if died else "")


def _of(session: ManagedSession) -> str:
    return f"session {session.session_id} thread {session.thread_id}: "


def _whose(session: ManagedSession | None, done: j.Entry) -> str:
    if session:
        return _of(session)
    if isinstance(done, j.SessionBegun):
        return f"session {done.session_id} thread {done.thread_id}: "
    if done.session_id:
        return f"session {done.session_id}: "
    return f"channel {done.channel_id}: " if done.channel_id else ""
