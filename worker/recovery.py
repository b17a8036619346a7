"""What must be added to the log of a child that is gone, so that nothing is left open. Values in, values out.

A turn is never replayed: it is closed as *lost*, the tool call that ran has an unknown outcome, and requests
that nobody can answer any more are withdrawn. A prompt is sent again only when Claude never took it up. That it
did is told by our own log (PromptTaken), or by Claude's transcript (``worker.transcript``).
"""

from collections.abc import Iterable
from uuid import uuid4

import msgspec

from bridge.protocol import commands as c
from bridge.protocol import events as e
from bridge.protocol.start import is_claude_id
from worker.history import History

LOST = "the worker died while this ran"
NEVER_ALLOWED = "it was waiting for permission, so it did not run"
DELETED = "deleted"
FROM_A_BACKUP = "the bridge's state came from a backup, so it may have been answered since"
type Changing = c.Amend | c.Requeue


def closing_events(
    history: History, taken: frozenset[str], outcome: e.Outcome = "lost", why: str = LOST
) -> tuple[list[e.AnyEvent], list[e.PromptAccepted]]:
    """(the events that close what is open, the prompts to send again). ``taken`` holds uuids."""
    if not (session := history.session):
        return [], []
    events: list[e.AnyEvent] = []
    waiting = {request.event.tool_use_id for request in session.requests.values()}
    events += [
        e.ToolFinished(tool, True, NEVER_ALLOWED if tool in waiting else "", unknown=tool not in waiting)
        for tool in history.tools
    ]
    events += [e.PermissionWithdrawn(seq, why) for seq in session.requests]
    events += [e.TaskEnded(task, "lost", why) for task in session.tasks]
    if session.turn:
        events.append(e.TurnEnded(outcome, session.turn.prompt_ids, why))
    was_taken = {p.prompt_id for p in history.open_prompts() if p.uuid in taken} | history.taken()
    events += [e.PromptCancelled(i, why) for i in session.prompts if i in was_taken]
    return events, [prompt for prompt in history.open_prompts() if prompt.prompt_id not in was_taken]


def amended(command: c.Amend, waiting: e.PromptAccepted | None) -> list[e.AnyEvent]:
    """What an edit or a deletion makes of a prompt that no child has; None: it does not wait (any more).

    The new text is in the log before anything says that the old one is void.
    """
    answer = answer_to(command, done=waiting is not None)
    if waiting is None:
        return [answer]
    if command.text is None:
        return [answer, e.PromptCancelled(command.prompt_id, DELETED)]
    return [edited(waiting, command), answer]


def all_amended(
    commands: Iterable[c.Amend], prompts: Iterable[e.PromptAccepted]
) -> tuple[list[e.AnyEvent], list[e.PromptAccepted]]:
    """(the events of these amendments, one after the other, the prompts that wait then, in the same order)."""
    events: list[e.AnyEvent] = []
    waiting = {prompt.prompt_id: prompt for prompt in prompts}
    for command in commands:
        made = amended(command, waiting.get(command.prompt_id))
        for event in made:
            match event:
                case e.PromptAccepted():
                    waiting[event.prompt_id] = event
                case e.PromptCancelled():
                    del waiting[event.prompt_id]
                case _:
                    pass
        events += made
    return events, list(waiting.values())


def answer_to(command: Changing, *, done: bool) -> e.AnyEvent:
    """The event that answers a command about a prompt that Claude may not have taken up."""
    match command:
        case c.Amend():
            return e.PromptAmended(command.command_id, command.prompt_id, command.text is None, done)
        case c.Requeue():
            return e.PromptRequeued(command.command_id, command.prompt_id, command.when, done)


def renewed(prompt: e.PromptAccepted, **changes: object) -> e.PromptAccepted:
    """The prompt as it is sent again, and so under another uuid."""
    return msgspec.structs.replace(prompt, uuid=str(uuid4()), **changes)


def edited(prompt: e.PromptAccepted, command: c.Amend) -> e.PromptAccepted:
    """The prompt with the edit's text, and without the files of messages that are gone."""
    if not command.parts:
        return renewed(prompt, text=command.text)
    left = {part.message_id for part in command.parts}
    files = tuple(a for a in prompt.attachments if (a.message_id or prompt.prompt_id) in left)
    return renewed(prompt, text=command.text, parts=command.parts, attachments=files)


def claude_id_of(history: History, unknown: str) -> str:
    """Claude's id of the conversation; ``unknown`` when none is known. Of an older log only a UUID counts."""
    told = history.session.claude_id if history.session else ""
    return told if is_claude_id(told) else unknown
