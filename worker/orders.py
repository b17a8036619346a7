"""What a command makes a worker do: a command and a history in, moves out. No I/O, and nothing is kept.

A command is a wish that is repeated until an event answers it (``bridge.protocol.commands``), so each is told apart
from its repetition by the log; and one that waits for Claude's answer, by what its protocol is asked
(``under_way``). A move is an event to be logged, or something for the child's protocol or for its end; they are made in
their order, so that what is accepted is in the log before the child hears of it.
"""

from collections.abc import Container
from uuid import uuid4

import msgspec

from bridge.protocol import commands as c
from bridge.protocol import events as e
from worker.history import History
from worker.recovery import amended, answer_to, edited

OF_A_LOST_LOG = "the request is of a log that is gone"


class Send(msgspec.Struct, frozen=True):
    """Claude gets this prompt, which is in the log."""

    prompt: e.PromptAccepted


class Amend(msgspec.Struct, frozen=True):
    """Claude has the prompt under this uuid and is asked to give it back for the ``new`` one; None: for good."""

    command: c.Amend
    uuid: str
    new: e.PromptAccepted | None


class Requeue(msgspec.Struct, frozen=True):
    """Claude has the prompt under this uuid and is asked to give it back for another time."""

    command: c.Requeue
    uuid: str


class Decide(msgspec.Struct, frozen=True):
    command: c.Decide


class Configure(msgspec.Struct, frozen=True):
    command: c.Configure


class EndTurn(msgspec.Struct, frozen=True):
    keep_queued: bool


class Stop(msgspec.Struct, frozen=True):
    """The child is ended by the ladder, and the worker with it."""

    reason: str
    command_id: str


type Move = e.AnyEvent | Send | Amend | Requeue | Decide | Configure | EndTurn | Stop


class Child(msgspec.Struct, frozen=True):
    """What the child's protocol knows and no record tells."""

    under_way: Container[str] = ()
    """Commands that wait for Claude's answer, by their ids."""
    given: Container[str] = ()
    """Prompts that this child got, by their uuids."""


def moves_of(command: c.AnyCommand, history: History, child: Child) -> list[Move]:
    """Nothing for the repetition of a command that was taken."""
    if _was_taken(command, history, child):
        return []
    match command:
        case c.Prompt():
            accepted = _accepted(command)
            return [accepted, Send(accepted)]
        case c.Amend():
            return _of_amend(command, history, child)
        case c.Requeue():
            return _of_requeue(command, history)
        case c.Decide() if command.generation != history.generation:
            return [e.DecisionRefused(command.seq, OF_A_LOST_LOG, command.decided_by, command.generation)]
        case c.Decide():
            return [Decide(command)]
        case c.Configure():
            return [Configure(command)]
        case c.Interrupt():
            accepted_interrupt = e.InterruptAccepted(command.command_id, command.by, command.keep_queued)
            return [accepted_interrupt, EndTurn(command.keep_queued)]
        case c.Stop(if_idle=True) if not history.may_hibernate():
            return [e.StopDeclined(command.command_id)]
        case c.Stop():
            return [Stop(command.reason, command.command_id)]


def _was_taken(command: c.AnyCommand, history: History, child: Child) -> bool:
    """A decision has no id of its own: of an open request the child's protocol knows, of a lost one the log."""
    match command:
        case c.Prompt():
            return command.prompt_id in history.prompts or command.prompt_id in history.deleted
        case c.Decide():
            return (command.generation, command.seq) in history.refused
        case _:
            return command.command_id in history.answered or command.command_id in child.under_way


def _of_amend(command: c.Amend, history: History, child: Child) -> list[Move]:
    """An edit or a deletion: of a prompt that Claude has, that it will get, or that never came to us."""
    known = history.prompts.get(command.prompt_id)
    if known is None:  # an edit's own Prompt comes with the new text, a deletion's comes to nothing
        return [answer_to(command, done=True)]
    if history.open_prompt(known.prompt_id) and known.uuid not in child.given:
        return [*amended(command, known)]
    if known.text == command.text and known.parts == (command.parts or known.parts):
        return [answer_to(command, done=True)]
    return [Amend(command, known.uuid, None if command.text is None else edited(known, command))]


def _of_requeue(command: c.Requeue, history: History) -> list[Move]:
    known = history.prompts.get(command.prompt_id)
    if known is None or (known.when == command.when and command.when != "now"):
        return [answer_to(command, done=True)]  # what never came to us comes as it is wanted now
    return [Requeue(command, known.uuid)]


def _accepted(command: c.Prompt) -> e.PromptAccepted:
    return e.PromptAccepted(
        prompt_id=command.prompt_id,
        uuid=str(uuid4()),
        text=command.text,
        author_id=command.author_id,
        author=command.author,
        is_message=command.is_message,
        when=command.when,
        is_command=command.is_command,
        attachments=command.attachments,
        is_ours=command.is_ours,
        parts=command.parts,
    )
